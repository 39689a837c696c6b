from __future__ import annotations

import random

import pytest

from parabola.storage.sorted_keys import BLOCK_LENGTH_MAX, SortedKeys


@pytest.mark.parametrize("count", [0, 1, 3, 3 * BLOCK_LENGTH_MAX])
@pytest.mark.parametrize("seed", range(3))
def test_a_scan_gives_the_keys_of_the_range_in_order_whatever_came_and_went(count: int, seed: int) -> None:
    chance = random.Random(seed)
    keys: SortedKeys[bytes] = SortedKeys()
    expected: set[bytes] = set()
    for step in range(count):
        key = chance.randbytes(2)
        if key in expected:
            keys.remove(key)
            expected.remove(key)
        else:
            keys.add(key)
            expected.add(key)
        if step % 7 == 0:
            next(keys.ascending(b"", None), None)  # settles what was added
    for _ in range(20):
        lower, upper = chance.randbytes(2), chance.choice([None, chance.randbytes(2)])
        in_range = sorted(key for key in expected if key >= lower and (upper is None or key < upper))
        assert list(keys.ascending(lower, upper)) == in_range
        assert list(keys.descending(lower, upper)) == in_range[::-1]
    assert len(keys) == len(expected)


def test_many_keys_at_once_are_sorted_in_blocks_that_later_keys_find_their_place_in() -> None:
    keys: SortedKeys[str] = SortedKeys()
    for number in range(0, 5000, 2):
        keys.add(f"{number:04d}")
    assert len(list(keys.ascending("", None))) == 2500
    for number in range(1, 5000, 2):
        keys.add(f"{number:04d}")
        assert next(keys.ascending(f"{number:04d}", None)) == f"{number:04d}"
    assert list(keys.ascending("", None)) == [f"{number:04d}" for number in range(5000)]


def test_removing_every_key_leaves_nothing_to_walk() -> None:
    keys: SortedKeys[str] = SortedKeys()
    for key in ("a", "b"):
        keys.add(key)
    assert list(keys.descending("", None)) == ["b", "a"]
    keys.remove("a")
    keys.remove("b")
    assert list(keys.ascending("", None)) == list(keys.descending("", "z")) == []
