"""Reads of an SQLite storage: what is recent, over what the caches remember, over what the data file holds.

Theory of operation. One number, the horizon, divides what there is: `Recent` has every commit above it, and the data
file has everything up to it. A read at `ts` takes what `Recent` knows at `ts`, and for the rest what the data file says
at min(ts, horizon).

Documents that were read are held as of the newest commit: staging puts the new version in the place of the old one
(`documents.py`). Ranges of an index are held as of the horizon, and the recent entries are merged over them; only
`move_horizon` moves the horizon, a generation of commits at a time, and forgets the ranges that changed in it. The
timestamp beside each entry says since when it holds; a reader before that goes to the file. Everything here runs on
the engine's thread.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from itertools import chain, repeat

from parabola.errors import StorageFailure
from parabola.storage.cache import Range, RangeCache
from parabola.storage.recent import Recent, merge
from parabola.storage.records import Row
from parabola.storage.sqlite_files import SQL

# The longest range worth caching whole; longer ones would push out what single lookups need.
SCAN_ROWS_CACHED_MAX = 128

_GET = SQL["get"]


def _scan_statements(title: str, column: str, lower: str, upper: str) -> dict[tuple[bool, bool], str]:
    """The four shapes of a scan, by (descending, has an upper bound)."""
    shapes: dict[tuple[bool, bool], str] = {}
    for descending in (False, True):
        for bounded in (False, True):
            bounds = f"{column} >= {lower}" + (f" AND {column} < {upper}" if bounded else "")
            shapes[descending, bounded] = (
                SQL[title].replace("{bounds}", bounds).replace("{direction}", "DESC" if descending else "ASC")
            )
    return shapes


_SCAN_INDEX = _scan_statements("scan_index", "e.key", "?5", "?6")
_SCAN_TABLE = _scan_statements("scan_table", "e.id", "?4", "?5")


# A named tuple made by this costs a third of one made by its class, which is a Python function.
_new_tuple = tuple.__new__


def _is_prefix(lower: bytes, upper: bytes | None) -> bool:
    """Whether [lower, upper) is every key that begins with `lower`."""
    return upper is not None and len(upper) == len(lower) + 1 and upper[-1] == 0xFF and upper.startswith(lower)


def _unreadable(error: sqlite3.DatabaseError) -> StorageFailure:
    return StorageFailure(f"The data file cannot be read: {error}. Restore the data folder from a backup.")


class SQLiteReader:
    """Answers reads at a timestamp. Whether a timestamp may still be read is its caller's question."""

    def __init__(self, data: sqlite3.Connection, recent: Recent, *, ranges_bytes_max: int) -> None:
        self._cursor = data.cursor()
        self._recent = recent
        self._documents = recent.documents
        self._tables = recent.documents.tables
        self._ranges = RangeCache(ranges_bytes_max)

    @property
    def resident_bytes(self) -> int:
        """What the caches hold."""
        return self._documents.resident_bytes + self._ranges.resident_bytes

    def move_horizon(self, applied_ts: int) -> None:
        """Forgets the generations of recent commits that the data file has, and the ranges that they changed."""
        recent = self._recent
        # Without an old generation the young one becomes it.
        while recent.old.last_ts <= applied_ts and len(recent) > 0:
            dropped = recent.drop_old()
            for index_number, changed in dropped.indexes.items():
                self._ranges.keys_changed(index_number, changed.keys())

    def get(self, table_number: int, document_id: str, ts: int) -> bytes | None:
        table = self._tables.get(table_number)
        if table is None:
            table = self._documents.table(table_number)
        held = table.hot.get(document_id)
        if held is not None and held[0] <= ts:  # nearly always
            return held[1]
        recent = self._recent
        if held is None:
            held = table.cold.get(document_id)
            if held is not None:
                self._documents.remember(table, document_id, held, recent.commits())
            else:
                held = table.newest(document_id)
        if held is not None:
            if held[0] <= ts:
                return held[1]
            earlier = table.earlier(document_id, ts)
            if earlier is not None:
                return earlier[1]
        horizon_ts = recent.horizon_ts
        try:
            row = self._cursor.execute(_GET, (table_number, document_id, min(ts, horizon_ts))).fetchone()
        except sqlite3.DatabaseError as error:
            raise _unreadable(error) from error
        document: bytes | None = None if row is None else row[0]
        if held is None and ts >= horizon_ts:
            self._documents.remember(table, document_id, (horizon_ts, document), recent.commits())
        return document

    def scan_index(
        self,
        index_number: int,
        table_number: int,
        lower: bytes,
        upper: bytes | None,
        ts: int,
        descending: bool,
        limit: int,
    ) -> list[Row]:
        rows: list[Row] = []
        if limit <= 0 or (upper is not None and lower >= upper):
            return rows
        recent = self._recent
        walk = recent.walk_index(index_number, lower, upper, ts, descending=descending)
        if walk is not None:
            first = next(walk, None)
            if first is not None:
                return self._merged(first, walk, index_number, table_number, lower, upper, ts, descending, limit)
        cached = self._cached_range(index_number, lower, upper, ts)
        if cached is not None:
            _, keys, ids = cached
            if len(ids) == 1:
                # A lookup that finds one document: what most reads are.
                document = self.get(table_number, ids[0], ts)
                return rows if document is None else [_new_tuple(Row, (keys[0], ids[0], document))]
            if descending:
                keys, ids = keys[::-1], ids[::-1]
            for key, document_id in zip(keys, ids, strict=True):
                document = self.get(table_number, document_id, ts)
                if document is not None:
                    rows.append(_new_tuple(Row, (key, document_id, document)))
                    if len(rows) == limit:
                        break
            return rows
        entries, _ = self._stored_entries(index_number, table_number, lower, upper, ts, descending, limit)
        table = self._documents.table(table_number)
        is_recent = ts > recent.horizon_ts
        for key, document_id, document in entries:
            if document is None or (is_recent and table.newest(document_id) is not None):
                document = self.get(table_number, document_id, ts)
                if document is None:
                    continue
            rows.append(_new_tuple(Row, (key, document_id, document)))
            if len(rows) == limit:
                break
        return rows

    def _cached_range(self, index_number: int, lower: bytes, upper: bytes | None, ts: int) -> Range | None:
        """The whole range as of the horizon, if it is cached and a read at `ts` sees it so."""
        if upper != lower + b"\xff":  # `_is_prefix`, in place
            return None
        cached = self._ranges.get((index_number, lower))
        return cached if cached is not None and cached[0] <= ts else None

    def _stored_entries(
        self,
        index_number: int,
        table_number: int,
        lower: bytes,
        upper: bytes | None,
        ts: int,
        descending: bool,
        limit: int,
    ) -> tuple[Sequence[tuple[bytes, str, bytes | None]], bool]:
        """At least the first `limit` entries of the range in the data file, and whether they are all.

        An entry's document is as of the horizon: one in `Recent` goes before it. None says that it was not looked up.
        """
        cached = self._cached_range(index_number, lower, upper, ts)
        if cached is not None:
            held: list[tuple[bytes, str, None]] = list(zip(cached[1], cached[2], repeat(None)))
            return held[::-1] if descending else held, True
        is_prefix = _is_prefix(lower, upper)
        if is_prefix:
            limit = max(limit, 2)  # one more tells whether the range ends here
        horizon_ts = self._recent.horizon_ts
        statement = _SCAN_INDEX[descending, upper is not None]
        bounds = (lower,) if upper is None else (lower, upper)
        found: list[tuple[bytes, str, bytes | None]]
        try:
            found = self._cursor.execute(
                statement, (index_number, table_number, min(ts, horizon_ts), limit, *bounds)
            ).fetchall()
        except sqlite3.DatabaseError as error:
            raise _unreadable(error) from error
        is_all = len(found) < limit
        if is_prefix and is_all and ts >= horizon_ts and len(found) <= SCAN_ROWS_CACHED_MAX:
            documents = self._documents
            table = documents.table(table_number)
            for _, document_id, document in found:
                if table.newest(document_id) is None:
                    documents.remember(table, document_id, (horizon_ts, document), self._recent.commits())
            ascending = found[::-1] if descending else found
            keys = tuple([entry[0] for entry in ascending])
            self._ranges.put_range(index_number, lower, (horizon_ts, keys, tuple([entry[1] for entry in ascending])))
        return found, is_all

    def _merged(
        self,
        first: tuple[bytes, str | None],
        rest: Iterator[tuple[bytes, str | None]],
        index_number: int,
        table_number: int,
        lower: bytes,
        upper: bytes | None,
        ts: int,
        descending: bool,
        limit: int,
    ) -> list[Row]:
        """The scan where some entries of the range are recent: they go before the stored ones, key by key."""

        def stored() -> Iterator[tuple[bytes, str]]:
            start, end = lower, upper
            while True:
                page, is_all = self._stored_entries(index_number, table_number, start, end, ts, descending, limit)
                for key, document_id, _ in page:
                    yield key, document_id
                if is_all:
                    return
                if descending:
                    end = page[-1][0]
                else:
                    start = page[-1][0] + b"\0"

        rows: list[Row] = []
        for key, document_id in merge(stored(), chain((first,), rest), descending=descending):
            if document_id is None:
                continue
            document = self.get(table_number, document_id, ts)
            if document is not None:
                rows.append(Row(key, document_id, document))
                if len(rows) == limit:
                    break
        return rows

    def scan_table(
        self, table_number: int, lower: str, upper: str | None, ts: int, descending: bool, limit: int
    ) -> list[Row]:
        rows: list[Row] = []
        if limit <= 0 or (upper is not None and lower >= upper):
            return rows
        found: Iterator[tuple[str, bytes | None]] = self._stored_documents(
            table_number, lower, upper, ts, descending, limit
        )
        if len(self._recent) > 0:
            recent = self._recent.walk_table(table_number, lower, upper, ts, descending=descending)
            found = merge(found, recent, descending=descending)
        for document_id, document in found:
            if document is not None:
                rows.append(Row(document_id.encode("ascii"), document_id, document))
                if len(rows) == limit:
                    break
        return rows

    def _stored_documents(
        self, table_number: int, lower: str, upper: str | None, ts: int, descending: bool, limit: int
    ) -> Iterator[tuple[str, bytes]]:
        """The documents in the data file at min(ts, horizon), read a page of `limit` at a time."""
        statement = _SCAN_TABLE[descending, upper is not None]
        data_ts = min(ts, self._recent.horizon_ts)
        while True:
            bounds = (lower,) if upper is None else (lower, upper)
            try:
                page = self._cursor.execute(statement, (table_number, data_ts, limit, *bounds)).fetchall()
            except sqlite3.DatabaseError as error:
                raise _unreadable(error) from error
            yield from page
            if len(page) < limit:
                return
            if descending:
                upper = page[-1][0]
                statement = _SCAN_TABLE[descending, True]
            else:
                lower = page[-1][0] + "\0"
