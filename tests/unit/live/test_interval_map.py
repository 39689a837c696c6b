"""The shapes of ranges, and that none of them makes a lookup scan."""

from __future__ import annotations

import random
import time
from collections.abc import Callable

import pytest

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


@pytest.mark.parametrize("shape", [points, prefixes, spans])
def test_a_lookup_among_ten_thousand_ranges_costs_little_more_than_among_ten(
    shape: Callable[[int], tuple[bytes, bytes]],
) -> None:
    def cost(count: int) -> float:
        ranges = IntervalMap[int]()
        for number in range(count):
            ranges.add(*shape(number), number)
        chance = random.Random(1)
        keys = [chance.randrange(10 * count).to_bytes(4, "big") for _ in range(2000)]
        best = float("inf")
        for _ in range(5):
            start = time.perf_counter()
            for key in keys:
                ranges.holding(key)
            best = min(best, time.perf_counter() - start)
        return best

    # A scan would cost a thousand times as much.
    assert cost(COUNT) < 40 * cost(10)
