"""The reading half of a transaction: a snapshot, and the evidence of what was read of it.

All reads are of the state at `begin_ts`, with the transaction's own writes laid over it. Every read leaves evidence
in the read set. Calls are plain calls: see `storage.contract` for why.

The order of checks, and their texts, are those of the specification (semantics 4.1).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, Literal

from parabola.database import arguments
from parabola.database.catalog import READABLE_SYSTEM_TABLES, Catalog, Index, Table
from parabola.database.cursors import CursorCodec
from parabola.database.key_functions import Document, id_key
from parabola.database.nested import Nested
from parabola.database.query import Query
from parabola.database.read_set import ReadSet
from parabola.database.scan import Scan
from parabola.database.system_tables import (
    INDEXES,
    SYSTEM_TABLE_NUMBER_MAX,
    TABLES,
    by_id_index_number,
    system_index_number,
)
from parabola.database.usage import Usage
from parabola.database.write_set import WriteSet
from parabola.errors import InvalidFunctionCall, QueryError
from parabola.limits import Limits
from parabola.values.documents import decode_document
from parabola.values.ids import table_number_of
from parabola.values.keys import encode_key, prefix_end

if TYPE_CHECKING:
    from parabola.storage.contract import Storage
    from parabola.storage.records import Row

Kind = Literal["query", "mutation"]

_TABLES_BY_NAME: Final = system_index_number(TABLES.number, 0)
_INDEXES_BY_TABLE: Final = system_index_number(INDEXES.number, 0)


class SnapshotReader:
    """A snapshot that is read, with `writes` laid over it. Made as the `Transaction` that adds the writing."""

    __slots__ = (
        "_known",
        "_nested",
        "_open_scans",
        "_paginated",
        "_reads",
        "_storage",
        "_system_reads",
        "base_catalog",
        "begin_ts",
        "catalog",
        "closed",
        "cursor_codec",
        "journal",
        "kind",
        "limits",
        "next_journal",
        "now_ns",
        "usage",
        "writes",
    )

    def __init__(
        self,
        *,
        kind: Kind,
        begin_ts: int,
        now_ns: int,
        catalog: Catalog,
        storage: Storage,
        limits: Limits,
        cursor_codec: CursorCodec,
        journal: str | None = None,
    ) -> None:
        self.kind: Kind = kind
        self.begin_ts = begin_ts
        self.now_ns = now_ns
        """The wall clock at the start, in nanoseconds: what `ctx.now()` shows throughout."""
        self.base_catalog = catalog
        self.catalog = catalog
        """With the tables that this transaction created."""
        self.limits = limits
        self.usage = Usage(limits)
        self.writes = WriteSet()
        self.cursor_codec = cursor_codec
        self.journal = journal
        """Where the page of an earlier run of the same query ended."""
        self.next_journal: str | None = None
        """Where this run's page ended; None if it did not paginate."""
        self._storage = storage
        self._reads = ReadSet()
        # Reads of system tables, kept apart since they do not count against the limit on ranges: index, lower, upper.
        self._system_reads: list[tuple[int, bytes, bytes | None]] = []
        self._open_scans: list[tuple[Scan, bool]] = []
        # Stored forms that were read, so that reading a document and then patching it costs one look into the storage.
        self._known: dict[str, bytes] = {}
        self._nested: list[Nested] = []
        self._paginated = False
        self.closed = False
        """Whether its use has ended."""

    # Reading

    def get(self, document_id: Any, table: str | None = None, *, system: bool = False) -> Document | None:
        """The document, as a fresh dict, or None. Raises `InvalidArgument` for what is no id of `table`."""
        if self.closed:
            self.check_open()
        found = self._table_of(document_id, "get", table, system=system)
        if found is None or (system and found.name not in READABLE_SYSTEM_TABLES):
            return None
        data = self._load(found, document_id, unmetered=system)
        return None if data is None else decode_document(data)

    def normalize_id(self, table: str, text: Any, *, system: bool = False) -> str | None:
        """The id itself if `text` is an id of `table`, else None. Does not look whether the document exists."""
        self.check_open()
        arguments.check_door(table, "normalizeId", system=system)
        found = self._find_table(table)
        if found is None or not isinstance(text, str):
            return None
        return str(text) if table_number_of(text) == found.number else None

    def query(self, table: str, *, system: bool = False) -> Query:
        """Begins a query over `table`; see `query.Query`. Nothing is read yet."""
        self.check_query(table, system=system)
        return Query(self, table, system=system, unmetered=system)

    def check_query(self, table: str, *, system: bool = False) -> None:
        """Raises unless a query over `table` may begin."""
        if self.closed:
            self.check_open()
        # What `check_door` would say of every proper name.
        if type(table) is not str or (table[:1] == "_") is not system:
            arguments.check_door(table, "query", system=system)

    # What others see of it

    @property
    def read_set(self) -> ReadSet:
        """All evidence so far. The set keeps growing while the transaction reads."""
        for scan, system in self._open_scans:
            (self._system_reads if system else self._reads.recent).append((scan.index.number, *scan.interval()))
        if self._system_reads:
            self._reads.recent += self._system_reads
            self._system_reads.clear()
        return self._reads

    def metrics(self) -> dict[str, dict[str, int]]:
        """Used and remaining, for each limit (`getTransactionMetrics`)."""
        return self.usage.metrics()

    def close(self) -> None:
        """Ends the use of it: whoever kept it finds every call refused."""
        self.closed = True

    def check_open(self) -> None:
        """Raises `InvalidFunctionCall` after `close`."""
        if self.closed:
            raise InvalidFunctionCall(
                "The database was used after its query or mutation had ended. Await every database call before the "
                "handler returns."
            )

    # For queries

    def table_for_query(self, name: str, *, system: bool, unmetered: bool) -> Table | None:
        """The table to read, or None; that it is missing is then evidence."""
        self.check_open()
        self.usage.queries += not unmetered
        if system and name not in READABLE_SYSTEM_TABLES:
            return None
        return self._find_table(name)

    def index_for_query(self, table: Table, name: str) -> Index:
        """An index that can be queried. Raises `QueryError`, leaving evidence, so that a live query hears of its
        coming.
        """
        index = table.indexes.get(name)
        if index is not None and index.state == "enabled":
            return index
        key = encode_key(table.name) + encode_key(name)
        self._system_reads.append((_INDEXES_BY_TABLE, key, prefix_end(key)))
        raise arguments.unusable_index(table.name, name, None if index is None else index.state)

    def open_scan(
        self,
        table: Table,
        index: Index,
        lower: bytes,
        upper: bytes | None,
        *,
        descending: bool,
        batch: int,
        unmetered: bool,
    ) -> Scan:
        """A walk over a range. It leaves evidence only through `record_scan` or `watch_scan`."""
        if not unmetered:
            self._check_reads(index.number, lower)
        return Scan(
            self._storage,
            self.begin_ts,
            self.writes,
            table,
            index,
            lower,
            upper,
            descending=descending,
            batch=batch,
        )

    def record_scan(self, scan: Scan, unmetered: bool) -> None:
        """Takes the range that a finished walk has looked at into the read set."""
        (self._system_reads if unmetered else self._reads.recent).append((scan.index.number, *scan.interval()))

    def watch_scan(self, scan: Scan, unmetered: bool) -> None:
        """The same for a walk that goes on: its range is taken whenever the read set is asked for."""
        self._open_scans.append((scan, unmetered))

    def note_read(self, document_id: str, data: bytes, unmetered: bool) -> None:
        """A walk gave out one document."""
        if self.kind == "mutation" and document_id not in self.writes.by_id:
            self._known[document_id] = data
        if not unmetered:
            self.usage.count_read(data)

    def note_reads(self, rows: Sequence[Row], unmetered: bool) -> None:
        """The same for many."""
        if not unmetered:
            self.usage.count_reads([row[2] for row in rows])

    def read_first(
        self,
        table: Table,
        index: Index,
        lower: bytes,
        upper: bytes | None,
        *,
        descending: bool,
        limit: int,
        unmetered: bool,
    ) -> list[Document] | None:
        """The first documents of a range in one go; None if own writes may be among them, so that it takes a `Scan`.

        The same evidence and the same counting as a `Scan`, for the commonest reads of all: `first` and `unique`.
        """
        if self.writes.by_id or index.position == 0:
            return None
        index_number = index.number
        if not unmetered:
            self._check_reads(index_number, lower)
        rows = self._storage.scan_index(
            index_number, table.number, lower, upper, self.begin_ts, descending=descending, limit=limit
        )
        if len(rows) == limit:
            if descending:
                lower = rows[-1][0]
            else:
                upper = rows[-1][0] + b"\x00"
        (self._system_reads if unmetered else self._reads.recent).append((index_number, lower, upper))
        found: list[Document] = []
        for _, document_id, data in rows:
            self._known[document_id] = data
            if not unmetered:
                self.usage.count_read(data)
            found.append(decode_document(data))
        return found

    def begin_page(self) -> str | None:
        """One function execution may paginate once. Returns the journal that the page must follow, if any."""
        if self._paginated:
            raise QueryError(
                "This query or mutation function ran multiple paginated queries. Convex only supports a single "
                "paginated query in each function.",
                code="MultiplePaginatedDatabaseQueries",
            )
        self._paginated = True
        return None if self._nested else self.journal

    def end_page(self, journal: str | None) -> None:
        """The page ended there. Only the outermost function's page is kept in place by the journal."""
        if not self._nested:
            self.next_journal = journal

    # Parabola's own tables, for the layers above: no guards, no limits, evidence as always

    def system_get(self, table: str, document_id: str) -> Document | None:
        """The document of a system table, or None."""
        self.check_open()
        data = self._load(self._existing(table), document_id, unmetered=True)
        return None if data is None else decode_document(data)

    def note_no_receipt(self, index_number: int, evidence: bytes) -> None:
        """Leaves the evidence of having looked for a receipt, for a caller who knows that there is none."""
        self._system_reads.append((index_number, evidence, evidence + b"\x00"))

    def system_query(self, table: str) -> Query:
        """A query over any table, also a user's, that counts for nothing."""
        self.check_open()
        return Query(self, table, system=False, unmetered=True)

    # Inside

    def _find_table(self, name: str) -> Table | None:
        table = self.catalog.table(name)
        if table is None:
            key = encode_key(name)
            self._system_reads.append((_TABLES_BY_NAME, key, prefix_end(key)))
        return table

    def _existing(self, name: str) -> Table:
        table = self.catalog.table(name)
        if table is None:
            raise LookupError(f"There is no table {name!r}.")
        return table

    def _table_of(self, document_id: Any, method: str, table: str | None, *, system: bool) -> Table | None:
        """The table that an id belongs to, checked against the one that was named; None if it does not exist."""
        number = table_number_of(document_id)
        if number is None:
            raise arguments.not_an_id(document_id, method)
        if (number <= SYSTEM_TABLE_NUMBER_MAX) != system:
            text = (
                "User tables cannot be accessed with db.system."
                if system
                else "System tables can only be accessed with db.system."
            )
            raise QueryError(text, code="SystemTableError")
        found = self.catalog.table_by_number(number)
        if found is None:
            # Should the table come to be, so may the document.
            key = id_key(document_id)
            self._system_reads.append((by_id_index_number(number), key, key + b"\x00"))
        if table is not None and (found is None or found.name != table):
            raise arguments.wrong_table(method, table, None if found is None else found.name)
        return found

    def _check_reads(self, index_number: int, lower: bytes) -> None:
        """Raises if a limit on reads is crossed, or would be by one more range that begins at `lower`."""
        usage, limits, reads = self.usage, self.limits, self._reads
        meter = usage.bytes_read
        if usage.documents_read > limits.documents_read_max or meter.bound > meter.limit:
            usage.check_reads()
        ranges_max = limits.index_ranges_read_max
        # Mostly plain at once: merged or not, there are not so many.
        if reads.merged_count + len(reads.recent) >= ranges_max and reads.range_count >= ranges_max:
            known = self._reads.intervals().get(index_number)
            if known is None or not known.contains(lower):
                raise usage.ranges_error()

    def _load(self, table: Table, document_id: str, *, unmetered: bool) -> bytes | None:
        """The document's stored form as this transaction sees it. Leaves evidence and counts."""
        key = b"\x10" + document_id.encode() + b"\x00"  # id_key(), in place
        if not unmetered:
            self._check_reads(table.by_id_number, key)
        (self._system_reads if unmetered else self._reads.recent).append((table.by_id_number, key, key + b"\x00"))
        data: bytes | None
        write = self.writes.by_id.get(document_id)
        if write is not None:
            data = write.data
        else:
            data = self._known.get(document_id)
            if data is None:
                data = self._storage.get(table.number, document_id, self.begin_ts)
                if data is not None and self.kind == "mutation":
                    self._known[document_id] = data
        if data is not None and not unmetered:
            self.usage.count_read(data)
        return data
