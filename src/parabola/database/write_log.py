"""The recent commits, in memory: what a transaction is checked against, and what live queries follow.

An entry says which index keys a commit touched, and no values. A write touches the key that the document had and the
key that it now has, on every index of its table, also where the two are the same: the stored document changed, so
whoever read that key read something else. `ReadSet.overlaps` is the one judge over an entry.

The log is a window. A transaction that began before the window cannot be checked, and conflicts.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import Any

TouchedKey = tuple[int, bytes]


class LogEntry:
    """One commit, as far as others can notice it."""

    __slots__ = ("_keys", "_touched", "tables", "ts")

    def __init__(
        self,
        ts: int,
        touched: Sequence[TouchedKey],
        tables: Sequence[int] = (),
        keys: Sequence[Sequence[int] | Sequence[bytes]] = (),
    ) -> None:
        """`keys` are further touched keys, as committing has them: index numbers, then a key for each, and so on."""
        self.ts = ts
        self._touched = touched
        # Paired up only when somebody asks: without live queries and conflicts, nobody does.
        self._keys = keys
        self.tables = tables
        """The numbers of the tables written to."""

    @property
    def touched(self) -> Sequence[TouchedKey]:
        """(index number, key), old and new; a pair may occur twice."""
        flat: Any = self._keys
        if flat:
            touched = list(self._touched)
            for numbers, keys in zip(flat[::2], flat[1::2], strict=True):
                touched += zip(numbers, keys, strict=True)
            self._touched, self._keys = touched, ()
        return self._touched

    @touched.setter
    def touched(self, touched: Sequence[TouchedKey]) -> None:
        self._touched, self._keys = touched, ()

    def __repr__(self) -> str:
        return f"LogEntry(ts={self.ts}, touched={len(self.touched)} keys, tables={list(self.tables)})"


class WriteLog:
    """Commits in the order of their timestamps, the newest `entries_max` of them."""

    def __init__(self, oldest_ts: int = 0, *, entries_max: int = 50_000) -> None:
        self._timestamps: list[int] = []
        self._entries: list[LogEntry] = []
        self._oldest_ts = oldest_ts
        self._entries_max = entries_max

    @property
    def oldest_ts(self) -> int:
        """Every commit after this timestamp is in the window. A read at an older one cannot be judged."""
        return self._oldest_ts

    def __len__(self) -> int:
        return len(self._entries)

    def append(self, entry: LogEntry) -> None:
        """Adds the newest commit. Timestamps must rise."""
        assert not self._timestamps or entry.ts > self._timestamps[-1], "the committer stamps in order"
        self._timestamps.append(entry.ts)
        self._entries.append(entry)
        # Trimmed in quarters, so that the cost per commit stays constant.
        if len(self._entries) > self._entries_max + self._entries_max // 4:
            self._forget(len(self._entries) - self._entries_max)

    def since(self, ts: int) -> list[LogEntry]:
        """The commits after `ts`, oldest first. Only meaningful from `oldest_ts` on."""
        if not self._timestamps or self._timestamps[-1] <= ts:
            return []
        return self._entries[bisect_right(self._timestamps, ts) :]

    def between(self, after_ts: int, up_to_ts: int) -> list[LogEntry]:
        """The commits with after_ts < ts <= up_to_ts, oldest first."""
        start = bisect_right(self._timestamps, after_ts)
        end = bisect_right(self._timestamps, up_to_ts)
        return self._entries[start:end]

    def before(self, ts: int) -> int:
        """The timestamp of the last commit in the window that is older than `ts`, or the start of the window."""
        at = bisect_left(self._timestamps, ts)
        return self._timestamps[at - 1] if at else self._oldest_ts

    def forget_before(self, ts: int) -> None:
        """Drops the commits at or before `ts`: nobody will ask about them any more."""
        self._forget(bisect_right(self._timestamps, ts))

    def _forget(self, count: int) -> None:
        if count > 0:
            self._oldest_ts = self._timestamps[count - 1]
            del self._timestamps[:count]
            del self._entries[:count]
