"""The interval map answers exactly what a list of ranges would."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from parabola.live.interval_map import IntervalMap

# Few letters make collisions, prefixes and touching bounds likely; 0x00 and 0xff are the bytes with a meaning.
keys = st.lists(st.sampled_from([0, 1, 2, 3, 0xFF]), max_size=4).map(bytes)
ranges = st.one_of(
    st.tuples(keys, keys),
    st.tuples(keys, st.none()),
    keys.map(lambda key: (key, key + b"\x00")),
    keys.map(lambda key: (key, key + b"\xff")),
)
operations = st.lists(st.tuples(st.booleans(), ranges, st.integers(0, 5)), max_size=60)


def naive(live: set[tuple[bytes, bytes | None, int]], key: bytes) -> set[int]:
    return {item for lower, upper, item in live if lower <= key and (upper is None or key < upper)}


@settings(max_examples=300, deadline=None)
@given(operations=operations, probes=st.lists(keys, min_size=1, max_size=20))
def test_holding_equals_the_naive_scan_after_any_operations(
    operations: list[tuple[bool, tuple[bytes, bytes | None], int]], probes: list[bytes]
) -> None:
    ranges = IntervalMap[int]()
    model: set[tuple[bytes, bytes | None, int]] = set()
    for is_add, (lower, upper), item in operations:
        if is_add:
            ranges.add(lower, upper, item)
            model.add((lower, upper, item))
        else:
            ranges.remove(lower, upper, item)
            model.discard((lower, upper, item))
    ranges.check_invariants()
    for key in probes:
        assert set(ranges.holding(key)) == naive(model, key)


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    bounds=st.lists(st.tuples(st.integers(0, 400), st.integers(0, 400)), min_size=150, max_size=300),
)
def test_many_general_ranges_keep_their_measures_through_adds_and_removes(
    seed: int, bounds: list[tuple[int, int]]
) -> None:
    def key(number: int) -> bytes:
        return number.to_bytes(2, "big") + b"\x07"

    ranges = IntervalMap[int]()
    live = [(key(low), key(high), item) for item, (low, high) in enumerate(bounds)]
    for lower, upper, item in live:
        ranges.add(lower, upper, item)
    kept = set(live)
    for at, (lower, upper, item) in enumerate(live):
        if (seed >> (at % 32)) & 1:
            ranges.remove(lower, upper, item)
            kept.discard((lower, upper, item))
    ranges.check_invariants()
    for number in range(0, 401, 7):
        assert set(ranges.holding(key(number))) == naive(set(kept), key(number))


@given(taken=st.lists(st.tuples(ranges, st.integers(0, 3)), max_size=40))
def test_removing_everything_leaves_an_empty_map(taken: list[tuple[tuple[bytes, bytes | None], int]]) -> None:
    ranges = IntervalMap[int]()
    for (lower, upper), item in taken:
        ranges.add(lower, upper, item)
    for (lower, upper), item in taken:
        ranges.remove(lower, upper, item)
    assert not ranges
    assert list(ranges) == []
