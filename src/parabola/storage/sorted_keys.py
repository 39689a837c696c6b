"""A sorted set of keys in memory: what a range scan walks over.

One plain list scans fastest but inserts in time that grows with its length (105 µs at a million keys). So the keys are
kept in blocks of bounded length, with the last key of each block beside it: two binary searches find a place, and an
insert moves at most one block. Keys that were added since the last scan wait in a set until the next scan: a table that
nobody scans never pays for order, and a key that comes and goes between two scans costs two set operations.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from typing import Generic, TypeVar

Key = TypeVar("Key", str, bytes)

BLOCK_LENGTH_MAX = 1024
_FEW = 4


class SortedKeys(Generic[Key]):
    """A sorted set of `str` or `bytes`. Not to be changed while an iterator of it is being used."""

    __slots__ = ("_blocks", "_fresh", "_lasts")

    def __init__(self) -> None:
        self._blocks: list[list[Key]] = []
        self._lasts: list[Key] = []  # _lasts[i] == _blocks[i][-1]; no block is empty
        self._fresh: set[Key] = set()  # added, and not in a block yet

    def __len__(self) -> int:
        return len(self._fresh) + sum(len(block) for block in self._blocks)

    def add(self, key: Key) -> None:
        """Adds `key`, which must not be present yet."""
        self._fresh.add(key)

    def remove(self, key: Key) -> None:
        """Removes `key`, which must be present."""
        if key in self._fresh:
            self._fresh.remove(key)
            return
        at = bisect_left(self._lasts, key)
        block = self._blocks[at]
        place = bisect_left(block, key)
        assert block[place] == key
        del block[place]
        if not block:
            del self._blocks[at]
            del self._lasts[at]
        else:
            self._lasts[at] = block[-1]

    def few(self, lower: Key, upper: Key | None) -> list[Key] | None:
        """The keys in [lower, upper), if all of them are in one block and there are few of them."""
        if self._fresh:
            self._settle()
        at = bisect_left(self._lasts, lower)
        if at == len(self._lasts):
            return []
        if upper is None or upper > self._lasts[at]:
            return None
        block = self._blocks[at]
        begin = bisect_left(block, lower)
        end = begin
        # Two or three steps of this are cheaper than a second search, and longer ranges are walked.
        while block[end] < upper:
            end += 1
            if end - begin > _FEW:
                return None
        return block[begin:end]

    def ascending(self, lower: Key, upper: Key | None) -> Iterator[Key]:
        """The keys in [lower, upper), smallest first; `upper` None is the end."""
        if self._fresh:
            self._settle()
        at = bisect_left(self._lasts, lower)
        blocks = self._blocks
        if at == len(blocks):
            return
        place = bisect_left(blocks[at], lower)
        while True:
            block = blocks[at]
            while place < len(block):
                key = block[place]
                if upper is not None and key >= upper:
                    return
                yield key
                place += 1
            at += 1
            if at == len(blocks):
                return
            place = 0

    def descending(self, lower: Key, upper: Key | None) -> Iterator[Key]:
        """The keys in [lower, upper), largest first."""
        if self._fresh:
            self._settle()
        blocks = self._blocks
        if not blocks:
            return
        at = len(blocks) - 1
        place = len(blocks[at])
        if upper is not None:
            at = min(at, bisect_left(self._lasts, upper))
            place = bisect_left(blocks[at], upper)
        while True:
            block = blocks[at]
            while place > 0:
                place -= 1
                key = block[place]
                if key < lower:
                    return
                yield key
            if at == 0:
                return
            at -= 1
            place = len(blocks[at])

    def _settle(self) -> None:
        fresh = self._fresh
        if len(fresh) > 16 * len(self._blocks) + 64:  # many: sorting everything again is cheaper
            everything = [key for block in self._blocks for key in block]
            everything.extend(fresh)
            everything.sort()
            half = BLOCK_LENGTH_MAX // 2
            self._blocks = [everything[start : start + half] for start in range(0, len(everything), half)]
            self._lasts = [block[-1] for block in self._blocks]
        else:
            for key in fresh:
                self._place(key)
        self._fresh = set()

    def _place(self, key: Key) -> None:
        lasts = self._lasts
        if not lasts:
            self._blocks.append([key])
            lasts.append(key)
            return
        at = bisect_left(lasts, key)
        if at == len(lasts):
            at -= 1
            block = self._blocks[at]
            block.append(key)
            lasts[at] = key
        else:
            block = self._blocks[at]
            block.insert(bisect_left(block, key), key)
        if len(block) > BLOCK_LENGTH_MAX:
            half = len(block) // 2
            self._blocks.insert(at + 1, block[half:])
            del block[half:]
            lasts.insert(at, block[-1])
