"""The front of the package: open, begin, commit, close."""

from __future__ import annotations

from parabola.database.catalog import Catalog
from parabola.database.catalog_store import create_table, first_numbers, load_catalog, setting
from parabola.database.catalog_versions import CatalogVersions
from parabola.database.committer import CommitListener, CommitResult, Committer, Done
from parabola.database.cursors import SECRET_BYTES, CursorCodec
from parabola.database.flusher import Flusher, InlineFlusher
from parabola.database.schema_change import SchemaChange, discard_pending
from parabola.database.system_tables import CURSOR_SECRET_KEY, NUMBERS_KEY, SETTINGS
from parabola.database.transaction import Transaction
from parabola.database.write_log import WriteLog
from parabola.errors import SystemFault
from parabola.limits import DEFAULT_LIMITS, Limits
from parabola.schema.tables import Schema
from parabola.seams import Clock, Entropy, SystemClock, SystemEntropy
from parabola.storage.contract import Storage


class Database:
    """A database over a storage. Everything but the flusher runs in one thread, the engine's."""

    def __init__(
        self,
        storage: Storage,
        *,
        clock: Clock | None = None,
        entropy: Entropy | None = None,
        limits: Limits = DEFAULT_LIMITS,
        flusher: Flusher | None = None,
    ) -> None:
        self.storage = storage
        self.clock: Clock = clock if clock is not None else SystemClock()
        self.entropy: Entropy = entropy if entropy is not None else SystemEntropy()
        self.limits = limits
        self._flusher: Flusher = flusher if flusher is not None else InlineFlusher(storage)
        self._opened = False
        self.write_log: WriteLog
        self.committer: Committer
        self._catalogs: CatalogVersions
        self._cursor_codec: CursorCodec

    def open(self) -> None:
        """Reads back what the storage has; writes what an empty one needs. Call it once, before anything else."""
        ts = self.storage.latest_ts()
        self.write_log = WriteLog(ts)
        self._catalogs = CatalogVersions(ts, load_catalog(self.storage, ts))
        self.committer = Committer(self.storage, self.clock, self._flusher, self.write_log, self._catalogs)
        self._cursor_codec = CursorCodec(b"")
        self._opened = True
        tx = self.begin_mutation()
        if setting(tx, NUMBERS_KEY) is None:
            tx.system_insert(SETTINGS.name, first_numbers())
        stored = setting(tx, CURSOR_SECRET_KEY)
        if stored is None:
            secret = self.entropy.bytes(SECRET_BYTES)
            tx.system_insert(SETTINGS.name, {"key": CURSOR_SECRET_KEY, "value": secret})
        else:
            secret = stored["value"]
        # A deploy that was under way when the last process ended has nobody left to finish it.
        discard_pending(tx)
        self.commit(tx, _must_succeed)
        self._cursor_codec = CursorCodec(secret)

    def begin_query(self, ts: int | None = None, *, journal: str | None = None) -> Transaction:
        """A read-only transaction at `ts`, by default the newest durable timestamp. `journal` keeps its page in
        place.
        """
        at = self.committer.durable_ts if ts is None else ts
        return Transaction(
            kind="query",
            begin_ts=at,
            now_ns=self.clock.now_ns(),
            catalog=self._catalogs.at(at),
            storage=self.storage,
            entropy=self.entropy,
            limits=self.limits,
            cursor_codec=self._cursor_codec,
            create_table=create_table,
            journal=journal,
        )

    def begin_mutation(self) -> Transaction:
        """A transaction that may write, at the newest timestamp, durable or not."""
        return Transaction(
            kind="mutation",
            begin_ts=self.committer.latest_ts,
            now_ns=self.clock.now_ns(),
            catalog=self._catalogs.latest,
            storage=self.storage,
            entropy=self.entropy,
            limits=self.limits,
            cursor_codec=self._cursor_codec,
            create_table=create_table,
            newest_creation_time=self.committer.newest_creation_time,
        )

    def commit(self, tx: Transaction, done: Done) -> None:
        """Commits; see `Committer.commit`. The transaction is closed whatever happens."""
        self.committer.commit(tx, done)

    @property
    def latest_ts(self) -> int:
        """The newest committed timestamp; it may not be durable yet."""
        return self.committer.latest_ts

    @property
    def durable_ts(self) -> int:
        """The newest timestamp that survives a crash."""
        return self.committer.durable_ts

    @property
    def catalog(self) -> Catalog:
        """The newest catalog."""
        return self._catalogs.latest

    def catalog_at(self, ts: int) -> Catalog:
        """The catalog at a timestamp."""
        return self._catalogs.at(ts)

    def add_commit_listener(self, listener: CommitListener) -> None:
        """`listener(entries)` is called for every durable batch, in order, after its commits were answered."""
        self.committer.add_listener(listener)

    def prepare_schema(self, schema: Schema) -> SchemaChange:
        """Begins to deploy a schema; see `SchemaChange`. One that was under way is overwritten."""
        return SchemaChange(self, schema)

    def set_retention(self, oldest_ts: int) -> None:
        """Nobody will read before `oldest_ts` any more: old versions, catalogs and log entries may go."""
        oldest_ts = min(oldest_ts, self.committer.durable_ts)
        self.storage.set_retention(oldest_ts)
        self.write_log.forget_before(oldest_ts)
        self._catalogs.forget_before(oldest_ts)

    def statistics(self) -> dict[str, int]:
        """Counters for metrics and tests."""
        committer = self.committer
        return {
            **self.storage.statistics(),
            "commits": committer.commits,
            "conflicts": committer.conflicts,
            "write_log_entries": len(self.write_log),
            "catalog_versions": len(self._catalogs),
        }

    def close(self) -> None:
        """Makes everything durable and releases the storage. Idempotent."""
        if self._opened:
            self._opened = False
            self._flusher.close()
            self.storage.close()


def _must_succeed(result: CommitResult) -> None:
    if result.error is not None:
        raise result.error
    if result.conflict is not None:
        raise SystemFault(f"A commit of the database itself met a conflict: {result.conflict.message}")
