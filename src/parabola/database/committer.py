"""The one writer.

Theory of operation
-------------------
A transaction is handed to `commit`. In one step, without waiting for anything, it is judged and, if it may, given the
next timestamp, staged in the storage and noted in the write log. From then on it is committed for every transaction
that begins later; it is not yet durable, so nobody outside is told. Durability is asked of the flusher, and when it
reports a timestamp, all commits up to it are answered, in order, and then published to the listeners.

The judgement: a transaction may commit at the new timestamp if running it there would have given the same reads. So no
commit after its begin may have touched its read set. If nothing was committed since its begin there is nothing to
look at, which is the common case, since mutations begin at the newest staged timestamp and run in one go.

The catalog is under the same rule, by identity: the tables written to must still be the current ones, and the indexes
read must still be kept up to date, or else commits after the begin were not noted on them.

Invariants: timestamps rise; the write log, the storage and the queue of answers agree on the order; an answer is
given only for what is durable, and only after every earlier one. What may happen in any order: commits and flushes.
What never may: a commit after a failure. A storage that failed once cannot say what survived, so the committer
refuses everything from then on.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from parabola.database.catalog import Catalog
from parabola.database.catalog_versions import CatalogVersions
from parabola.database.flusher import Flusher
from parabola.database.key_functions import id_key
from parabola.database.transaction import Conflict, Transaction
from parabola.database.write_log import LogEntry, TouchedKey, WriteLog
from parabola.errors import StorageFailure
from parabola.seams import Clock
from parabola.storage.contract import Storage
from parabola.storage.records import Commit, IndexWrite


class CommitResult(NamedTuple):
    """What became of a commit: exactly one of `conflict`, `error` and success.

    `ts` is the commit's timestamp on success; of a transaction that wrote nothing, the snapshot it read.
    """

    ts: int = 0
    conflict: Conflict | None = None
    error: StorageFailure | None = None


Done = Callable[[CommitResult], None]
CommitListener = Callable[[Sequence[LogEntry]], None]


# An answer that waits for durability: the timestamp that must be durable, whom to tell, and what to publish.
_Waiting = tuple[int, Done, LogEntry | None]

# A named tuple made by this costs a third of one made by its class, which is a Python function.
_new_tuple: Final = tuple.__new__


class Committer:
    """Judges, stamps, stages, answers, publishes. Nothing else appends to the storage."""

    def __init__(
        self, storage: Storage, clock: Clock, flusher: Flusher, write_log: WriteLog, catalogs: CatalogVersions
    ) -> None:
        self._storage = storage
        self._clock = clock
        self._flusher = flusher
        self._write_log = write_log
        self._catalogs = catalogs
        self.latest_ts = storage.latest_ts()
        self.durable_ts = storage.durable_ts()
        self.failure: StorageFailure | None = None
        """Why nothing can be committed any more; set once."""
        self._waiting: deque[_Waiting] = deque()
        self._listeners: list[CommitListener] = []
        self.commits = 0
        self.conflicts = 0
        self.newest_creation_time = 0.0
        """Of any document committed by this process."""
        self.on_pending_failure: Callable[[str], None] = _ignore
        """Told when a committed document breaks the schema that is being deployed."""
        flusher.bind(self._on_durable, self._on_failure)

    def add_listener(self, listener: CommitListener) -> None:
        """`listener` gets every durable batch of commits, in order, after its commits were answered."""
        self._listeners.append(listener)

    def commit(self, tx: Transaction, done: Done) -> None:
        """Commits `tx` or reports why not; `done` is called once, at once for a conflict, else when it is durable.

        A transaction that wrote nothing has read one snapshot and needs no judgement, only that this snapshot is
        durable.
        """
        tx.close()
        if self.failure is not None:
            done(CommitResult(error=self.failure))
            return
        receipt = tx.receipt
        if receipt is None and not tx.writes.by_id:
            self._answer_read_only(tx.begin_ts, done)
            return
        if tx.begin_ts != self.latest_ts or tx.base_catalog is not self._catalogs.latest:
            conflict = self.find_conflict(tx)
            if conflict is not None:
                self.conflicts += 1
                done(CommitResult(conflict=conflict))
                return
        ts = self._next_ts()
        # Tuples all the way down, for the collector's sake: see `storage.records.Commit`.
        documents: list[tuple[int, str, bytes | None]] = []
        entries: list[tuple[int, bytes, str | None]] = []
        touched: list[TouchedKey] = []
        keys: list[Sequence[int] | Sequence[bytes]] = []
        tables: list[int] = []
        for write in tx.writes.by_id.values():
            data = write.data
            if data == write.base:
                continue  # it came and went, or is back to what it was
            table = write.table
            number = table.number
            document_id = write.document_id
            documents.append((number, document_id, data))
            if number not in tables:
                tables.append(number)
            old_keys, new_keys = write.base_keys, write.keys
            numbers = table.index_numbers
            if old_keys is not None:
                keys += (numbers, old_keys)
                if old_keys is new_keys:
                    continue
            elif new_keys is not None:
                keys += (numbers, new_keys)
            # by_id, at the front, has no entries of its own.
            for position in range(1, len(numbers)):
                old_key = None if old_keys is None else old_keys[position]
                new_key = None if new_keys is None else new_keys[position]
                if old_key != new_key:
                    if old_key is not None:
                        entries.append((numbers[position], old_key, None))
                    if new_key is not None:
                        entries.append((numbers[position], new_key, document_id))
                        if old_key is not None:
                            touched.append((numbers[position], new_key))
        if receipt is not None:
            document_id = receipt.document_id
            documents.append((receipt.table_number, document_id, receipt.document(ts)))
            tables.append(receipt.table_number)
            keys += (receipt.index_numbers, (receipt.evidence, id_key(document_id)))
        elif not documents:
            self._answer_read_only(tx.begin_ts, done)
            return
        catalog = None if tx.catalog is tx.base_catalog else tx.catalog
        if tx.newest_creation_time > self.newest_creation_time:
            self.newest_creation_time = tx.newest_creation_time
        if tx.pending_failure is not None:
            self.on_pending_failure(tx.pending_failure)
        commit = _new_tuple(Commit, (ts, tuple(documents), tuple(entries)))
        self._append(commit, LogEntry(ts, tuple(touched), tuple(tables), tuple(keys)), catalog, done)

    def append_index_entries(self, entries: Sequence[IndexWrite], done: Done) -> None:
        """Adds entries to an index that nobody can query yet (backfill): it changes no document and touches nobody."""
        if self.failure is not None:
            done(CommitResult(error=self.failure))
            return
        ts = self._next_ts()
        self._append(Commit(ts, (), tuple(entries)), LogEntry(ts, ()), None, done)

    def find_conflict(self, tx: Transaction) -> Conflict | None:
        """What was committed after the transaction began and is in its way."""
        current = self._catalogs.latest
        read_set = tx.read_set
        if tx.base_catalog is not current:
            conflict = self._catalog_conflict(tx, current)
            if conflict is not None:
                return conflict
        if tx.begin_ts < self._write_log.oldest_ts:
            return Conflict(None)
        for entry in self._write_log.since(tx.begin_ts):
            hit = read_set.first_overlap(entry)
            if hit is not None:
                return self._describe(current, hit, entry)
        return None

    def _catalog_conflict(self, tx: Transaction, current: Catalog) -> Conflict | None:
        if tx.catalog is not tx.base_catalog:
            # It changes the catalog itself, starting from one that is no longer the latest.
            return Conflict("_tables")
        for write in tx.writes.by_id.values():
            if current.table_by_number(write.table.number) is not write.table:
                return Conflict(write.table.name)
        for index_number in tx.read_set.intervals():
            if not current.has_index(index_number):
                return Conflict(None)
        return None

    def _describe(self, catalog: Catalog, hit: TouchedKey, entry: LogEntry) -> Conflict:
        table = catalog.table_of_index(hit[0])
        if table is None:
            return Conflict(None, ts=entry.ts)
        for index_number, key in entry.touched:
            if index_number == table.by_id_number and hit[1].endswith(key):
                return Conflict(table.name, key[1:-1].decode(), entry.ts)
        return Conflict(table.name, ts=entry.ts)

    def _next_ts(self) -> int:
        now_ns = self._clock.now_ns()
        return now_ns if now_ns > self.latest_ts else self.latest_ts + 1

    def _append(self, commit: Commit, entry: LogEntry, catalog: Catalog | None, done: Done) -> None:
        try:
            self._storage.stage(commit)
        except Exception as error:
            self._on_failure(error)
            assert self.failure is not None
            done(CommitResult(error=self.failure))
            return
        ts = self.latest_ts = entry.ts
        self.commits += 1
        self._write_log.append(entry)
        if catalog is not None:
            self._catalogs.add(ts, catalog)
        self._waiting.append((ts, done, entry))
        self._flusher.request()

    def _answer_read_only(self, begin_ts: int, done: Done) -> None:
        if begin_ts <= self.durable_ts:
            done(CommitResult(ts=begin_ts))
        else:
            self._waiting.append((begin_ts, done, None))

    def _on_durable(self, durable_ts: int) -> None:
        if self.failure is not None or durable_ts <= self.durable_ts:
            return
        self.durable_ts = durable_ts
        entries: list[LogEntry] = []
        waiting = self._waiting
        ready: list[_Waiting] = []
        while waiting and waiting[0][0] <= durable_ts:
            ready.append(waiting.popleft())
        for ts, done, entry in ready:
            if entry is not None:
                entries.append(entry)
            done(_new_tuple(CommitResult, (ts, None, None)))
        if entries:
            for listener in self._listeners:
                listener(entries)

    def _on_failure(self, error: BaseException) -> None:
        """Nothing that waits can be promised any more, and nothing later either."""
        if self.failure is not None:
            return
        self.failure = StorageFailure(
            f"The storage could not make commits durable ({error}), so it is not known which of the last ones "
            "survived. No more writes are accepted; restart the server, which reads back what is there."
        )
        self.failure.__cause__ = error
        waiting = list(self._waiting)
        self._waiting.clear()
        for _, done, _ in waiting:
            done(CommitResult(error=self.failure))


def _ignore(message: str) -> None:
    """No schema is being deployed."""


__all__ = ["CommitListener", "CommitResult", "Committer", "Done"]
