"""The smallest honest storage: everything in memory, every promise kept except that a process's end forgets it all.

Read this one first, with `versions.py`. A table holds for each document id the versions of its stored form; an index
holds for each key the versions of the document id that it points at. The log of commits doubles as the list of what to
trim: when `set_retention` passes a commit, what that commit replaced can go, so trimming visits exactly the lists that
became too long.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator

from parabola.errors import OutOfRetention, StorageFailure
from parabola.storage.records import Commit, Row
from parabola.storage.versions import Versions

# A named tuple made by this costs a third of one made by its class, which is a Python function.
_new_tuple = tuple.__new__


class MemoryStorage:
    """See `contract.Storage`. For unit tests, simulations and `TestBackend`; memory is bounded by the data alone."""

    def __init__(self) -> None:
        self._tables: dict[int, Versions[str, bytes]] = {}
        self._indexes: dict[int, Versions[bytes, str]] = {}
        self._log: deque[Commit] = deque()  # every commit newer than _oldest_ts, in order
        self._latest_ts = 0
        self._durable_ts = 0
        self._oldest_ts = 0
        self._staged_commits = 0
        self._flushes = 0
        self._closed = False

    def latest_ts(self) -> int:
        return self._latest_ts

    def durable_ts(self) -> int:
        return self._durable_ts

    def oldest_ts(self) -> int:
        return self._oldest_ts

    def stage(self, commit: Commit) -> None:
        if self._closed:
            raise StorageFailure("This storage is closed. Open a new one to write.")
        ts = commit.ts
        if ts <= self._latest_ts:
            raise ValueError(f"A commit must be newer than the last one, at {self._latest_ts}; got one at {ts}.")
        for table_number, document_id, document in commit.documents:
            table = self._tables.get(table_number)
            if table is None:
                table = self._tables[table_number] = Versions()
            table.put(document_id, ts, document)
        for index_number, key, pointed_at in commit.index_entries:
            index = self._indexes.get(index_number)
            if index is None:
                index = self._indexes[index_number] = Versions()
            index.put(key, ts, pointed_at)
        self._log.append(commit)
        self._latest_ts = ts
        self._staged_commits += 1

    def flush(self) -> int:
        if self._closed:
            raise StorageFailure("This storage is closed. Open a new one to write.")
        self._durable_ts = self._latest_ts
        self._flushes += 1
        return self._durable_ts

    def get(self, table_number: int, document_id: str, ts: int) -> bytes | None:
        if ts < self._oldest_ts:
            raise self._out_of_retention(ts)
        table = self._tables.get(table_number)
        if table is None:
            return None
        seen = table.at(document_id, ts)
        return None if seen is None else seen[1]

    def scan_index(
        self,
        index_number: int,
        table_number: int,
        lower: bytes,
        upper: bytes | None,
        ts: int,
        *,
        descending: bool,
        limit: int,
    ) -> list[Row]:
        if ts < self._oldest_ts:
            raise self._out_of_retention(ts)
        rows: list[Row] = []
        index = self._indexes.get(index_number)
        if index is None or limit <= 0:
            return rows
        entries: Iterable[tuple[bytes, str | None]] | None = index.few(lower, upper, ts)
        if entries is None:
            entries = index.walk(lower, upper, ts, descending=descending)
        elif descending:
            entries = reversed(list(entries))
        for key, document_id in entries:
            if document_id is None:
                continue
            document = self.get(table_number, document_id, ts)
            if document is None:
                continue
            rows.append(_new_tuple(Row, (key, document_id, document)))
            if len(rows) == limit:
                break
        return rows

    def scan_table(
        self, table_number: int, lower: str, upper: str | None, ts: int, *, descending: bool, limit: int
    ) -> list[Row]:
        if ts < self._oldest_ts:
            raise self._out_of_retention(ts)
        rows: list[Row] = []
        table = self._tables.get(table_number)
        if table is None or limit <= 0:
            return rows
        for document_id, document in table.walk(lower, upper, ts, descending=descending):
            if document is None:
                continue
            rows.append(Row(document_id.encode("ascii"), document_id, document))
            if len(rows) == limit:
                break
        return rows

    def read_log(self, after_ts: int, up_to_ts: int) -> Iterator[Commit]:
        if after_ts < self._oldest_ts:
            raise self._out_of_retention(after_ts)
        return iter([commit for commit in self._log if after_ts < commit.ts <= up_to_ts])

    def set_retention(self, oldest_ts: int) -> None:
        self._oldest_ts = max(self._oldest_ts, min(oldest_ts, self._durable_ts))
        log = self._log
        while log and log[0].ts <= self._oldest_ts:
            commit = log.popleft()
            for table_number, document_id, _ in commit.documents:
                self._tables[table_number].trim(document_id, self._oldest_ts)
            for index_number, key, _ in commit.index_entries:
                self._indexes[index_number].trim(key, self._oldest_ts)

    def lose_unflushed(self) -> None:
        """What a power cut does: every commit that no flush has made durable is gone. For tests and simulation."""
        while self._log and self._log[-1].ts > self._durable_ts:
            commit = self._log.pop()
            for table_number, document_id, _ in commit.documents:
                self._tables[table_number].drop_newest(document_id)
            for index_number, key, _ in commit.index_entries:
                self._indexes[index_number].drop_newest(key)
        self._latest_ts = self._durable_ts

    def statistics(self) -> dict[str, int]:
        documents = 0
        resident_bytes = 0
        for table in self._tables.values():
            for document in table.newest_values():
                if document is not None:
                    documents += 1
                    resident_bytes += len(document)
        return {
            "staged_commits": self._staged_commits,
            "flushes": self._flushes,
            "resident_bytes": resident_bytes,
            "documents": documents,
        }

    def close(self) -> None:
        if not self._closed:
            self._durable_ts = self._latest_ts
            self._closed = True

    def _out_of_retention(self, ts: int) -> OutOfRetention:
        return OutOfRetention(
            f"Timestamp {ts} is no longer kept; the oldest that can be read is {self._oldest_ts}. "
            "Begin again at a newer timestamp."
        )
