"""What was read from the data file and is still true there, bounded by bytes.

`BoundedCache` forgets what was used longest ago, one entry at a time. What it holds is plain tuples, which the garbage
collector need not walk.

`RangeCache` remembers whole small index ranges of the shape [prefix, prefix + ff), the shape of every lookup by equal
fields. A write to an index key makes untrue exactly the cached prefixes of that key; they are found by cutting the key
at each length that occurs among the cached prefixes of that index.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Collection
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")

# The timestamp from which a range holds, its keys in ascending order, and the document ids that they point at.
Range = tuple[int, tuple[bytes, ...], tuple[str, ...]]

# More lengths than this in one index, and looking through them on each write would cost more than the cache saves.
PREFIX_LENGTHS_MAX = 64
# What one entry costs in Python objects beside its bytes: key, tuple, integers, dictionary slot and link.
ENTRY_BYTES = 450
PAIR_BYTES = 220


class BoundedCache(Generic[K, V]):
    """A mapping that holds at most `bytes_max`, as `size_of` counts; what was used longest ago goes first."""

    __slots__ = ("_bytes", "_bytes_max", "_held", "_size_of")

    def __init__(self, bytes_max: int, size_of: Callable[[V], int]) -> None:
        self._bytes_max = bytes_max
        self._size_of = size_of
        self._bytes = 0
        self._held: OrderedDict[K, V] = OrderedDict()

    def __len__(self) -> int:
        return len(self._held)

    @property
    def resident_bytes(self) -> int:
        """What is held, as `size_of` counts."""
        return self._bytes

    def get(self, key: K) -> V | None:
        """The value, which counts as used now; None if there is none."""
        value = self._held.get(key)
        if value is not None:
            self._held.move_to_end(key)
        return value

    def put(self, key: K, value: V) -> None:
        """Holds `value` from now on, in place of an earlier one."""
        if key in self._held:
            self.discard(key)
        self._held[key] = value
        self._bytes += self._size_of(value)
        if self._bytes > self._bytes_max:
            self._shrink()

    def discard(self, key: K) -> None:
        """Forgets `key`, if it is held."""
        value = self._held.pop(key, None)
        if value is not None:
            self._bytes -= self._size_of(value)

    def _shrink(self) -> None:
        while self._bytes > self._bytes_max:
            _, gone = self._held.popitem(last=False)
            self._bytes -= self._size_of(gone)


class RangeCache(BoundedCache[tuple[int, bytes], Range]):
    """(index number, prefix) → every entry under the prefix."""

    __slots__ = ("_lengths",)

    def __init__(self, bytes_max: int) -> None:
        super().__init__(bytes_max, _range_bytes)
        self._lengths: dict[int, set[int]] = {}

    def put_range(self, index_number: int, prefix: bytes, entries: Range) -> None:
        """Holds the entries of a range."""
        lengths = self._lengths.get(index_number)
        if lengths is None:
            lengths = self._lengths[index_number] = set()
        length = len(prefix)
        if length not in lengths:
            if len(lengths) >= PREFIX_LENGTHS_MAX:
                return
            lengths.add(length)
        self.put((index_number, prefix), entries)

    def keys_changed(self, index_number: int, keys: Collection[bytes]) -> None:
        """Forgets every range that one of the `keys` lies in."""
        lengths = self._lengths.get(index_number)
        if lengths is not None:
            for length in lengths:
                for prefix in {key[:length] for key in keys if len(key) >= length}:
                    self.discard((index_number, prefix))


def _range_bytes(held: Range) -> int:
    return ENTRY_BYTES + PAIR_BYTES * len(held[1])
