"""What was read from the data file and is still true there, bounded by bytes.

`BoundedCache` keeps what is used and forgets the rest a little at a time: two generations, where a hit moves its entry
to the young one, and the old one is emptied from its front whenever the bound is crossed. A hit costs a dictionary
lookup, and no single call ever frees much. What it holds is plain tuples, which the garbage collector need not walk.

`RangeCache` remembers whole small index ranges of the shape [prefix, prefix + ff), the shape of every lookup by equal
fields. A write to an index key makes untrue exactly the cached prefixes of that key; they are found by cutting the key
at each length that occurs among the cached prefixes of that index.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")

# The timestamp from which a range holds, its keys in ascending order, and the document ids that they point at.
Range = tuple[int, tuple[bytes, ...], tuple[str, ...]]

# More lengths than this in one index, and looking through them on each write would cost more than the cache saves.
PREFIX_LENGTHS_MAX = 64
# What one entry costs in Python objects beside its bytes: key, tuple, integers, dictionary slot.
ENTRY_BYTES = 380
PAIR_BYTES = 220


class BoundedCache(Generic[K, V]):
    """A mapping that holds at most `bytes_max`, as `size_of` counts; what was not used lately goes first."""

    __slots__ = ("_bytes", "_bytes_max", "_old", "_size_of", "_victims", "_young")

    def __init__(self, bytes_max: int, size_of: Callable[[V], int]) -> None:
        self._bytes_max = bytes_max
        self._size_of = size_of
        self._bytes = 0
        self._young: dict[K, V] = {}
        self._old: dict[K, V] = {}
        self._victims: Iterator[K] = iter(())  # keys that _old had when it became old, from the front

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    @property
    def resident_bytes(self) -> int:
        return self._bytes

    def get(self, key: K) -> V | None:
        value = self._young.get(key)
        if value is None:
            value = self._old.pop(key, None)
            if value is not None:
                self._young[key] = value
        return value

    def put(self, key: K, value: V) -> None:
        self.discard(key)
        self._young[key] = value
        self._bytes += self._size_of(value)
        while self._bytes > self._bytes_max:
            self._forget_one()

    def discard(self, key: K) -> None:
        value = self._young.pop(key, None)
        if value is None:
            value = self._old.pop(key, None)
        if value is not None:
            self._bytes -= self._size_of(value)

    def _forget_one(self) -> None:
        if not self._old:
            self._old, self._young = self._young, {}
            self._victims = iter(list(self._old))
        for key in self._victims:
            if key in self._old:
                self._bytes -= self._size_of(self._old.pop(key))
                return
        # Keys that came back to the old generation do not exist: only a turn of generations fills it.
        assert not self._old


class DocumentCache(BoundedCache[tuple[int, str], tuple[int, bytes | None]]):
    """(table number, id) → (ts from which this holds, the newest stored form in the data file, or None)."""

    __slots__ = ()

    def __init__(self, bytes_max: int) -> None:
        super().__init__(bytes_max, _document_bytes)


def _document_bytes(held: tuple[int, bytes | None]) -> int:
    return ENTRY_BYTES if held[1] is None else ENTRY_BYTES + len(held[1])


class RangeCache:
    """(index number, prefix) → every entry under the prefix."""

    __slots__ = ("_lengths", "_ranges")

    def __init__(self, bytes_max: int) -> None:
        self._ranges: BoundedCache[tuple[int, bytes], Range] = BoundedCache(bytes_max, _range_bytes)
        self._lengths: dict[int, set[int]] = {}

    @property
    def resident_bytes(self) -> int:
        return self._ranges.resident_bytes

    def get(self, index_number: int, prefix: bytes) -> Range | None:
        return self._ranges.get((index_number, prefix))

    def put(self, index_number: int, prefix: bytes, entries: Range) -> None:
        lengths = self._lengths.get(index_number)
        if lengths is None:
            lengths = self._lengths[index_number] = set()
        length = len(prefix)
        if length not in lengths:
            if len(lengths) >= PREFIX_LENGTHS_MAX:
                return
            lengths.add(length)
        self._ranges.put((index_number, prefix), entries)

    def key_changed(self, index_number: int, key: bytes) -> None:
        """Forgets every range that `key` lies in."""
        lengths = self._lengths.get(index_number)
        if lengths is not None:
            for length in lengths:
                if length <= len(key):
                    self._ranges.discard((index_number, key[:length]))


def _range_bytes(held: Range) -> int:
    return ENTRY_BYTES + PAIR_BYTES * len(held[1])
