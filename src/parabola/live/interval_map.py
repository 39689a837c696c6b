"""Which of many key ranges hold this key?

Theory of operation. Live queries leave ranges behind (what they read) and each commit asks, for every key it touched,
whose range holds it. There may be ten thousand ranges and hardly any hits, so the question must not cost in
proportion to the ranges. What queries read is mostly of two simple shapes, and each shape has its own place:

* **points**, [key, key + 0x00), from `get` and unique lookups: one dictionary lookup;
* **prefixes**, [p, p + 0xff), from `eq` on the leading fields of an index: one dictionary lookup for each *length* of
  prefix that is registered. Lengths are few as a rule (ids have one length); past `PREFIX_LENGTHS_MAX` of them further
  lengths are treated as general ranges, so that odd data cannot turn lookups into a scan;
* **whole indexes**, ["", None): a plain set, since every key hits it;
* **general ranges**: kept in order of (lower, upper) in blocks. A search starts at the last range that begins at or
  before the key and walks towards smaller beginnings only as long as some range there still reaches past the key,
  which the largest upper bound so far ("reach", per block) tells without looking. Ranges long enough to spoil that
  for their neighbours (they span many blocks) live in a second list of the same kind, where being long is normal.

Invariant: an item is in exactly one of these places for each (lower, upper) it was added with, and `holding` returns it
if and only if lower <= key < upper; the same item may be returned once for each of its ranges that hold the key.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator
from typing import Final, Generic, TypeVar

Item = TypeVar("Item")

PREFIX_LENGTHS_MAX: Final = 16

_BLOCK_MAX: Final = 16
_LONG_BLOCKS: Final = 8

# One range of the general kind. The end of an index, None, is written as a bound above every key: keys are encoded
# values and begin with bytes far below 0xff.
_END: Final = b"\xff" * 8


class IntervalMap(Generic[Item]):
    """Ranges of one index, each with the items that wait for it. An upper bound of None is the end."""

    __slots__ = ("_long", "_points", "_prefix_lengths", "_prefixes", "_short", "_whole")

    def __init__(self) -> None:
        self._points: dict[bytes, set[Item]] = {}
        self._prefixes: dict[bytes, set[Item]] = {}
        # Prefix length to how many different prefixes of it there are.
        self._prefix_lengths: dict[int, int] = {}
        self._whole: set[Item] = set()
        self._short: _RangeList[Item] = _RangeList()
        self._long: _RangeList[Item] = _RangeList()

    def add(self, lower: bytes, upper: bytes | None, item: Item) -> None:
        """Registers `item` for [lower, upper). Adding it again for the same range changes nothing."""
        if upper is None:
            if not lower:
                self._whole.add(item)
                return
            upper = _END
        elif upper[:-1] == lower and upper:
            last = upper[-1]
            if last == 0:
                self._points.setdefault(lower, set()).add(item)
                return
            if last == 0xFF and self._has_room_for_prefix(lower):
                waiting = self._prefixes.get(lower)
                if waiting is None:
                    waiting = self._prefixes[lower] = set()
                    length = len(lower)
                    self._prefix_lengths[length] = self._prefix_lengths.get(length, 0) + 1
                waiting.add(item)
                return
        if lower >= upper:
            return
        if self._long.contains(lower, upper) or (
            not self._short.contains(lower, upper) and self._short.blocks_spanned(lower, upper) > _LONG_BLOCKS
        ):
            self._long.add(lower, upper, item)
        else:
            self._short.add(lower, upper, item)

    def remove(self, lower: bytes, upper: bytes | None, item: Item) -> None:
        """Takes back one `add`. An item that is not there is left alone."""
        if upper is None:
            if not lower:
                self._whole.discard(item)
                return
            upper = _END
        elif upper[:-1] == lower and upper:
            last = upper[-1]
            if last == 0:
                waiting = self._points.get(lower)
                if waiting is not None:
                    waiting.discard(item)
                    if not waiting:
                        del self._points[lower]
                return
            if last == 0xFF:
                waiting = self._prefixes.get(lower)
                if waiting is not None and item in waiting:
                    waiting.discard(item)
                    if not waiting:
                        self._drop_prefix(lower)
                    return
        if not self._short.remove(lower, upper, item):
            self._long.remove(lower, upper, item)

    def holding(self, key: bytes) -> list[Item]:
        """The items of every range that holds `key`, in no order."""
        found: list[Item] = []
        waiting = self._points.get(key)
        if waiting is not None:
            found.extend(waiting)
        if self._whole:
            found.extend(self._whole)
        if self._prefix_lengths:
            prefixes = self._prefixes
            for length in self._prefix_lengths:
                waiting = prefixes.get(key[:length])
                # From p + 0xff on lie only keys that no encoded value makes; still, they are outside.
                if waiting is not None and key[length : length + 1] != b"\xff" and len(key) >= length:
                    found.extend(waiting)
        if self._short.reach > key:
            self._short.collect(key, found)
        if self._long.reach > key:
            self._long.collect(key, found)
        return found

    def __bool__(self) -> bool:
        return bool(self._points or self._prefixes or self._whole or self._short.reach or self._long.reach)

    def __iter__(self) -> Iterator[tuple[bytes, bytes | None, Item]]:
        """Every registration, for tests and statistics."""
        for key, waiting in self._points.items():
            yield from ((key, key + b"\x00", item) for item in waiting)
        for prefix, waiting in self._prefixes.items():
            yield from ((prefix, prefix + b"\xff", item) for item in waiting)
        yield from ((b"", None, item) for item in self._whole)
        for ranges in (self._short, self._long):
            for lower, upper, waiting in ranges:
                yield from ((lower, None if upper == _END else upper, item) for item in waiting)

    def check_invariants(self) -> None:
        """Raises AssertionError when the parts disagree; for tests."""
        lengths: dict[int, int] = {}
        for prefix, waiting in self._prefixes.items():
            assert waiting, "an empty set of items is kept for a prefix"
            lengths[len(prefix)] = lengths.get(len(prefix), 0) + 1
        assert lengths == self._prefix_lengths, "the prefix lengths are not those of the prefixes"
        assert all(self._points.values()), "an empty set of items is kept for a point"
        self._short.check_invariants()
        self._long.check_invariants()

    def _has_room_for_prefix(self, prefix: bytes) -> bool:
        lengths = self._prefix_lengths
        if len(prefix) in lengths:
            # The same range may already be among the general ones, from before this length had a place. An
            # item may sit in both; it is found either way, and `remove` looks in both.
            return True
        return len(lengths) < PREFIX_LENGTHS_MAX

    def _drop_prefix(self, prefix: bytes) -> None:
        del self._prefixes[prefix]
        length = len(prefix)
        left = self._prefix_lengths[length] - 1
        if left:
            self._prefix_lengths[length] = left
        else:
            del self._prefix_lengths[length]


class _Block(Generic[Item]):
    """Neighbouring ranges. `bounds` is sorted; `upper_max` is the largest upper bound among them."""

    __slots__ = ("bounds", "items", "upper_max")

    def __init__(self) -> None:
        self.bounds: list[tuple[bytes, bytes]] = []
        self.items: dict[tuple[bytes, bytes], set[Item]] = {}
        self.upper_max = b""


class _RangeList(Generic[Item]):
    """General ranges in order of (lower, upper), in blocks of at most `_BLOCK_MAX`."""

    __slots__ = ("_blocks", "_firsts", "_reaches", "reach")

    def __init__(self) -> None:
        self._blocks: list[_Block[Item]] = []
        # The first bounds of each block, for bisection.
        self._firsts: list[tuple[bytes, bytes]] = []
        # For each block, the largest upper bound in it and all blocks before it.
        self._reaches: list[bytes] = []
        # The largest upper bound of all; empty when there are no ranges.
        self.reach = b""

    def contains(self, lower: bytes, upper: bytes) -> bool:
        """Whether exactly this range is registered here."""
        if not self._blocks:
            return False
        return (lower, upper) in self._blocks[self._block_for((lower, upper))].items

    def blocks_spanned(self, lower: bytes, upper: bytes) -> int:
        """Over how many blocks' beginnings [lower, upper) reaches."""
        firsts = self._firsts
        return bisect_left(firsts, (upper, b"")) - bisect_left(firsts, (lower, b""))

    def add(self, lower: bytes, upper: bytes, item: Item) -> None:
        """Registers `item` for the range."""
        bounds = (lower, upper)
        if not self._blocks:
            self._blocks.append(_Block())
            self._firsts.append(bounds)
            self._reaches.append(b"")
        at = self._block_for(bounds)
        block = self._blocks[at]
        waiting = block.items.get(bounds)
        if waiting is not None:
            waiting.add(item)
            return
        block.items[bounds] = {item}
        insort(block.bounds, bounds)
        self._firsts[at] = block.bounds[0]
        if upper > block.upper_max:
            block.upper_max = upper
        if len(block.bounds) > _BLOCK_MAX:
            self._split(at)
        self._measure_from(at)

    def remove(self, lower: bytes, upper: bytes, item: Item) -> bool:
        """Takes `item` from the range; whether it was there."""
        if not self._blocks:
            return False
        bounds = (lower, upper)
        at = self._block_for(bounds)
        block = self._blocks[at]
        waiting = block.items.get(bounds)
        if waiting is None or item not in waiting:
            return False
        waiting.discard(item)
        if waiting:
            return True
        del block.items[bounds]
        del block.bounds[bisect_left(block.bounds, bounds)]
        if block.bounds:
            self._firsts[at] = block.bounds[0]
            if upper == block.upper_max:
                block.upper_max = max(bound[1] for bound in block.bounds)
        else:
            del self._blocks[at], self._firsts[at], self._reaches[at]
        self._measure_from(at)
        return True

    def collect(self, key: bytes, found: list[Item]) -> None:
        """Appends the items of every range that holds `key`."""
        # Ranges beginning at the key itself count: (key, _END + …) sorts after all of them.
        probe = (key, _AFTER_ALL_UPPERS)
        reaches = self._reaches
        at = bisect_right(self._firsts, probe) - 1
        while at >= 0 and reaches[at] > key:
            block = self._blocks[at]
            if block.upper_max > key:
                bounds = block.bounds
                for entry in bounds if bounds[-1][0] <= key else bounds[: bisect_right(bounds, probe)]:
                    if entry[1] > key:
                        found.extend(block.items[entry])
            at -= 1

    def __iter__(self) -> Iterator[tuple[bytes, bytes, set[Item]]]:
        for block in self._blocks:
            for bounds in block.bounds:
                yield bounds[0], bounds[1], block.items[bounds]

    def check_invariants(self) -> None:
        """Raises AssertionError when the order or the measures are wrong; for tests."""
        every = [bounds for block in self._blocks for bounds in block.bounds]
        assert every == sorted(set(every)), "ranges are out of order or repeated"
        reach = b""
        for at, block in enumerate(self._blocks):
            assert 0 < len(block.bounds) <= _BLOCK_MAX, "a block is empty or too long"
            assert set(block.bounds) == set(block.items), "a block's order and items disagree"
            assert all(block.items.values()), "an empty set of items is kept for a range"
            largest = max(bounds[1] for bounds in block.bounds)
            assert block.upper_max == largest, "a block's largest upper bound is wrong"
            reach = max(reach, block.upper_max)
            assert self._reaches[at] == reach, "a block's reach is wrong"
            assert self._firsts[at] == block.bounds[0], "a block's first range is wrong"
        assert self.reach == reach, "the reach of the list is wrong"

    def _block_for(self, bounds: tuple[bytes, bytes]) -> int:
        return max(bisect_right(self._firsts, bounds) - 1, 0)

    def _split(self, at: int) -> None:
        block = self._blocks[at]
        middle = len(block.bounds) // 2
        right: _Block[Item] = _Block()
        right.bounds = block.bounds[middle:]
        right.items = {bounds: block.items.pop(bounds) for bounds in right.bounds}
        right.upper_max = max(bounds[1] for bounds in right.bounds)
        del block.bounds[middle:]
        block.upper_max = max(bounds[1] for bounds in block.bounds)
        self._blocks.insert(at + 1, right)
        self._firsts.insert(at + 1, right.bounds[0])
        self._reaches.insert(at + 1, b"")
        self._measure_from(at, at_least=2)

    def _measure_from(self, at: int, *, at_least: int = 1) -> None:
        """Brings `reach` up to date from block `at` on, stopping where nothing changes any more."""
        reaches = self._reaches
        reach = reaches[at - 1] if at > 0 else b""
        for position in range(at, len(self._blocks)):
            upper = self._blocks[position].upper_max
            if upper > reach:
                reach = upper
            if reaches[position] == reach and position >= at + at_least:
                break
            reaches[position] = reach
        self.reach = reaches[-1] if reaches else b""


# Above every upper bound: `_END` is eight 0xff bytes, and encoded keys never begin with 0xff.
_AFTER_ALL_UPPERS: Final = b"\xff" * 9
