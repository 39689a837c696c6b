"""Sets of key ranges.

An interval is half open, `[lower, upper)`, over bytes compared as unsigned bytes; an upper bound of None is the end
of the key space. A set keeps its intervals disjoint, apart from each other and sorted, so that membership is one
bisection. Intervals that overlap or touch become one. Empty ones (lower >= upper) vanish.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator

Interval = tuple[bytes, bytes | None]


class IntervalSet:
    """A set of keys, given as ranges."""

    __slots__ = ("_lowers", "_uppers")

    def __init__(self) -> None:
        # Parallel lists, sorted. Only the last upper bound can be None.
        self._lowers: list[bytes] = []
        self._uppers: list[bytes | None] = []

    def add(self, lower: bytes, upper: bytes | None) -> None:
        """Adds every key in [lower, upper)."""
        if upper is not None and lower >= upper:
            return
        lowers, uppers = self._lowers, self._uppers
        # The intervals that overlap or touch the new one are first..last-1.
        first = bisect_right(lowers, lower)
        if first > 0:
            before = uppers[first - 1]
            if before is None or before >= lower:
                first -= 1
        last = len(lowers) if upper is None else bisect_right(lowers, upper)
        if first < last:
            lower = min(lower, lowers[first])
            ends_at = uppers[last - 1]
            upper = None if upper is None or ends_at is None else max(upper, ends_at)
        lowers[first:last] = [lower]
        uppers[first:last] = [upper]

    def contains(self, key: bytes) -> bool:
        """Whether `key` is in one of the ranges."""
        at = bisect_right(self._lowers, key) - 1
        if at < 0:
            return False
        upper = self._uppers[at]
        return upper is None or key < upper

    def overlaps(self, lower: bytes, upper: bytes | None) -> bool:
        """Whether any key of [lower, upper) is in the set."""
        if upper is not None and lower >= upper:
            return False
        if self.contains(lower):
            return True
        at = bisect_left(self._lowers, lower)
        return at < len(self._lowers) and (upper is None or self._lowers[at] < upper)

    def __iter__(self) -> Iterator[Interval]:
        return iter(list(zip(self._lowers, self._uppers, strict=True)))

    def __len__(self) -> int:
        return len(self._lowers)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, IntervalSet):
            return NotImplemented
        return self._lowers == other._lowers and self._uppers == other._uppers

    def __repr__(self) -> str:
        return f"IntervalSet({list(self)!r})"
