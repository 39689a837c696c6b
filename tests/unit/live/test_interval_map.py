"""The shapes of ranges, and that none of them makes a lookup scan."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest

from parabola.live import interval_map
from parabola.live.interval_map import PREFIX_LENGTHS_MAX, IntervalMap

COUNT = 10_000


def test_a_range_holds_its_lower_bound_and_not_its_upper() -> None:
    ranges = IntervalMap[str]()
    ranges.add(b"b", b"d", "x")
    assert [ranges.holding(key) for key in (b"a", b"b", b"c", b"d")] == [[], ["x"], ["x"], []]


def test_a_point_holds_exactly_its_key() -> None:
    ranges = IntervalMap[str]()
    ranges.add(b"k", b"k\x00", "x")
    assert ranges.holding(b"k") == ["x"]
    assert ranges.holding(b"k\x00") == []


def test_a_prefix_holds_every_key_that_begins_with_it() -> None:
    ranges = IntervalMap[str]()
    ranges.add(b"ab", b"ab\xff", "x")
    assert ranges.holding(b"ab") == ranges.holding(b"ab\x10zzz") == ["x"]
    assert ranges.holding(b"a") == ranges.holding(b"ac") == []


def test_a_whole_index_holds_everything() -> None:
    ranges = IntervalMap[str]()
    ranges.add(b"", None, "x")
    assert ranges.holding(b"") == ranges.holding(b"\x10zz") == ["x"]


def test_an_empty_range_holds_nothing() -> None:
    ranges = IntervalMap[str]()
    ranges.add(b"d", b"b", "x")
    assert ranges.holding(b"c") == []
    assert not ranges


def test_many_lengths_of_prefixes_are_still_found() -> None:
    ranges = IntervalMap[int]()
    for length in range(1, 3 * PREFIX_LENGTHS_MAX):
        ranges.add(b"a" * length, b"a" * length + b"\xff", length)
    key = b"a" * 20 + b"b"
    assert sorted(ranges.holding(key)) == list(range(1, 21))
    ranges.check_invariants()
    for length in range(1, 3 * PREFIX_LENGTHS_MAX):
        ranges.remove(b"a" * length, b"a" * length + b"\xff", length)
    assert not ranges


def points(number: int) -> tuple[bytes, bytes]:
    key = number.to_bytes(4, "big")
    return key, key + b"\x00"


def prefixes(number: int) -> tuple[bytes, bytes]:
    key = number.to_bytes(4, "big")
    return key, key + b"\xff"


def spans(number: int) -> tuple[bytes, bytes]:
    return (10 * number).to_bytes(4, "big"), (10 * number + 9).to_bytes(4, "big")


def lines_run(work: Callable[[], object]) -> int:
    """How many lines of the map's module `work` runs: what it costs, whatever the machine is busy with."""
    count = 0

    def trace(frame: FrameType, event: str, argument: object) -> Any:
        nonlocal count
        if frame.f_code.co_filename != interval_map.__file__:
            return None
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        work()
    finally:
        sys.settrace(before)
    return count


@pytest.mark.parametrize("shape", [points, prefixes, spans])
def test_a_lookup_among_ten_thousand_ranges_costs_little_more_than_among_ten(
    shape: Callable[[int], tuple[bytes, bytes]],
) -> None:
    def steps(count: int) -> int:
        ranges = IntervalMap[int]()
        for number in range(count):
            ranges.add(*shape(number), number)
        chance = random.Random(1)
        keys = [chance.randrange(10 * count).to_bytes(4, "big") for _ in range(200)]
        return lines_run(lambda: [ranges.holding(key) for key in keys])

    # A scan would run a thousand times as many lines; the few more are for finding the block.
    assert steps(COUNT) < 3 * steps(10)
