"""What a transaction looked at: the evidence for conflicts and for live queries.

Theory of operation
-------------------
A read is a range of keys of one index. What was asked for counts, not what was found: a range that was empty is
evidence that it was empty. A scan that stopped early counts up to the last document it gave out, with the gaps before
it, and no further.

Two questions are answered from this, by the same method `overlaps`. The committer asks it of every commit since the
transaction began: yes means that the transaction would have read something else, had it run later, so it must run
again. The live manager asks it of every commit after a query ran: yes means that its answer may have changed. If both
stand on the same evidence, then a query that is live is one that could have committed now.

Recording is on the hot path and asking is not: most mutations commit with nothing in between. So reads are appended as
plain tuples, and sorted and merged into interval sets only when somebody asks. Reads are never taken back, also not
when the nested call that made them is rolled back: the caller saw that it failed, and acts on that.
"""

from __future__ import annotations

from collections.abc import Mapping

from parabola.database.intervals import IntervalSet
from parabola.database.write_log import LogEntry, TouchedKey


class ReadSet:
    """Ranges of keys, by index number."""

    __slots__ = ("_merged", "merged_count", "recent")

    def __init__(self) -> None:
        # Everything is in exactly one of the two: in `recent` as it came, or in _merged.
        self.recent: list[tuple[int, bytes, bytes | None]] = []
        """Where a transaction appends (index number, lower, upper) itself, which saves a call for each read."""
        self._merged: dict[int, IntervalSet] = {}
        self.merged_count = 0

    def add(self, index_number: int, lower: bytes, upper: bytes | None) -> None:
        """The keys [lower, upper) of the index were looked at; None is the end of the index."""
        self.recent.append((index_number, lower, upper))

    def add_point(self, index_number: int, key: bytes) -> None:
        """Exactly `key` was looked at."""
        self.recent.append((index_number, key, key + b"\x00"))

    def overlaps(self, write: LogEntry) -> bool:
        """Whether the commit touched anything that was read."""
        return self.first_overlap(write) is not None

    def first_overlap(self, write: LogEntry) -> TouchedKey | None:
        """The first touched key that was read, to tell people what was in the way; None if there is none."""
        if self.recent:
            self._merge()
        merged = self._merged
        for touched in write.touched:
            intervals = merged.get(touched[0])
            if intervals is not None and intervals.contains(touched[1]):
                return touched
        return None

    def intervals(self) -> Mapping[int, IntervalSet]:
        """The ranges by index number, merged. Not to be changed."""
        if self.recent:
            self._merge()
        return self._merged

    @property
    def range_count(self) -> int:
        """How many ranges were read, overlapping and adjacent ones merged."""
        if self.recent:
            self._merge()
        return self.merged_count

    def update(self, other: ReadSet) -> None:
        """Adds all that `other` holds."""
        for index_number, intervals in other.intervals().items():
            for lower, upper in intervals:
                self.recent.append((index_number, lower, upper))

    def _merge(self) -> None:
        merged = self._merged
        for index_number, lower, upper in self.recent:
            intervals = merged.get(index_number)
            if intervals is None:
                intervals = merged[index_number] = IntervalSet()
            intervals.add(lower, upper)
        self.recent.clear()
        self.merged_count = sum(map(len, merged.values()))

    def __repr__(self) -> str:
        return f"ReadSet({ {number: list(intervals) for number, intervals in self.intervals().items()}!r})"
