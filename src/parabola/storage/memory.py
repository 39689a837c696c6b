"""The smallest honest storage: everything in memory, every promise kept except that a process's end forgets it all.

Read this one first. A document is a list of versions, `(ts, stored form)`, oldest first; so is an index key, with
`(ts, document id)`. None in place of the value says that it was deleted. A read at `ts` takes the newest version that
is not newer than `ts`. The log of commits doubles as the list of what to trim: when `set_retention` passes a commit,
what that commit replaced can go, so trimming visits exactly the lists that became too long.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Generic, TypeVar

from parabola.errors import OutOfRetention, StorageFailure
from parabola.storage.records import Commit, Row
from parabola.storage.sorted_keys import Key, SortedKeys

Kept = TypeVar("Kept", str, bytes)


class _Versions(Generic[Key, Kept]):
    """Every version of every key of one table or of one index."""

    __slots__ = ("keys", "lists")

    def __init__(self) -> None:
        self.lists: dict[Key, list[tuple[int, Kept | None]]] = {}
        self.keys: SortedKeys[Key] = SortedKeys()

    def put(self, key: Key, ts: int, value: Kept | None) -> None:
        versions = self.lists.get(key)
        if versions is None:
            self.lists[key] = [(ts, value)]
            self.keys.add(key)
        else:
            versions.append((ts, value))

    def trim(self, key: Key, oldest_ts: int) -> None:
        """Keeps what a read at `oldest_ts` or later can see."""
        versions = self.lists.get(key)
        if versions is None:
            return
        unseen = 0
        while unseen + 1 < len(versions) and versions[unseen + 1][0] <= oldest_ts:
            unseen += 1
        if versions[unseen][1] is None and versions[unseen][0] <= oldest_ts:
            unseen += 1  # nothing is what a reader sees without it, too
        del versions[:unseen]
        self._forget_if_empty(key, versions)

    def drop(self, key: Key, ts: int) -> None:
        """Takes back the newest version, which must be the one at `ts`."""
        versions = self.lists[key]
        assert versions[-1][0] == ts
        versions.pop()
        self._forget_if_empty(key, versions)

    def _forget_if_empty(self, key: Key, versions: list[tuple[int, Kept | None]]) -> None:
        if not versions:
            del self.lists[key]
            self.keys.remove(key)


def _as_of(versions: list[tuple[int, Kept | None]], ts: int) -> Kept | None:
    for written_ts, value in reversed(versions):
        if written_ts <= ts:
            return value
    return None


class MemoryStorage:
    """See `contract.Storage`. For unit tests, simulations and `TestBackend`; memory is bounded by the data alone."""

    def __init__(self) -> None:
        self._tables: dict[int, _Versions[str, bytes]] = {}
        self._indexes: dict[int, _Versions[bytes, str]] = {}
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
                table = self._tables[table_number] = _Versions()
            table.put(document_id, ts, document)
        for index_number, key, pointed_at in commit.index_entries:
            index = self._indexes.get(index_number)
            if index is None:
                index = self._indexes[index_number] = _Versions()
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
        versions = table.lists.get(document_id)
        if versions is None:
            return None
        written_ts, document = versions[-1]
        return document if written_ts <= ts else _as_of(versions, ts)

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
        entries = index.lists
        for key in (index.keys.descending if descending else index.keys.ascending)(lower, upper):
            versions = entries[key]
            written_ts, document_id = versions[-1]
            if written_ts > ts:
                document_id = _as_of(versions, ts)
            if document_id is None:
                continue
            document = self.get(table_number, document_id, ts)
            if document is None:
                continue
            rows.append(Row(key, document_id, document))
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
        documents = table.lists
        for document_id in (table.keys.descending if descending else table.keys.ascending)(lower, upper):
            versions = documents[document_id]
            written_ts, document = versions[-1]
            if written_ts > ts:
                document = _as_of(versions, ts)
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
                self._tables[table_number].drop(document_id, commit.ts)
            for index_number, key, _ in commit.index_entries:
                self._indexes[index_number].drop(key, commit.ts)
        self._latest_ts = self._durable_ts

    def statistics(self) -> dict[str, int]:
        documents = 0
        resident_bytes = 0
        for table in self._tables.values():
            for versions in table.lists.values():
                documents += versions[-1][1] is not None
                resident_bytes += sum(len(document) for _, document in versions if document is not None)
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
