"""Walking a range of one index: the snapshot's rows with the transaction's own writes merged in, either way round.

Theory of operation
-------------------
Two sorted streams are merged: rows of the snapshot, fetched in batches, and keys that only this transaction knows
(`WriteSet.moved`). A row of the snapshot whose document was written is shown in its new form if its key on this index
stayed the same, and passed over if it moved or is gone. So nothing can come twice: a document with an unchanged key
comes from the snapshot's stream only, one with a new key from the other only.

What counts as read is what was *pulled*: `interval()` reaches from the start of the range to the last row given out,
and to its end only once the end was met. Rows that a batch brought along and nobody pulled leave no evidence and
count for nothing.

Writing to a range while walking it is allowed and what it shows is unspecified (semantics 4.5); it never shows a
document that is gone.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from parabola.database.catalog import Index, Table
from parabola.database.key_functions import id_key

if TYPE_CHECKING:
    from parabola.database.write_set import WriteSet
    from parabola.storage.contract import Storage
    from parabola.storage.records import Row

_BATCH_MAX = 1024


class ScannedRow(NamedTuple):
    """One document on the way. `key` is its key on the scanned index."""

    key: bytes
    document_id: str
    data: bytes


class Scan:
    """A walk over [lower, upper) of an index. Not restartable."""

    __slots__ = (
        "_at_end",
        "_batch",
        "_fetch_lower",
        "_fetch_upper",
        "_last_key",
        "_next_pending",
        "_next_row",
        "_pending",
        "_position",
        "_rows",
        "_snapshot_ended",
        "_storage",
        "_ts",
        "_writes",
        "descending",
        "index",
        "lower",
        "table",
        "upper",
    )

    def __init__(
        self,
        storage: Storage,
        ts: int,
        writes: WriteSet | None,
        table: Table,
        index: Index,
        lower: bytes,
        upper: bytes | None,
        *,
        descending: bool,
        batch: int,
    ) -> None:
        self._storage = storage
        self._ts = ts
        self.table = table
        self.index = index
        self.lower = lower
        self.upper = upper
        self.descending = descending
        self._batch = max(1, min(batch, _BATCH_MAX))
        self._fetch_lower = lower
        self._fetch_upper = upper
        self._rows: Iterator[Row] = iter(())
        self._next_row: Row | None = None
        self._snapshot_ended = upper is not None and lower >= upper
        self._last_key: bytes | None = None
        self._at_end = False
        self._position = index.position
        self._writes = writes if writes is not None and writes.by_id else None
        self._pending: Iterator[bytes] | None = None
        self._next_pending: bytes | None = None
        if self._writes is not None and not self._snapshot_ended:
            moved = self._writes.moved(table, index.number, index.position)
            if moved:
                keys = list(moved.irange(lower, upper, inclusive=(True, False)))
                if descending:
                    keys.reverse()
                self._pending = iter(keys)
                self._next_pending = next(self._pending, None)

    def interval(self) -> tuple[bytes, bytes | None]:
        """The range that has been looked at so far; empty (lower == upper) before the first row."""
        if self._at_end:
            return self.lower, self.upper
        if self._last_key is None:
            return self.lower, self.lower
        if self.descending:
            return self._last_key, self.upper
        return self.lower, self._last_key + b"\x00"

    @property
    def at_end(self) -> bool:
        """Whether the end of the range was met."""
        return self._at_end

    def pull(self) -> ScannedRow | None:
        """The next document, or None at the end of the range."""
        while True:
            row = self._next_row
            if row is None:
                row = self._next_row = self._advance_snapshot()
            pending = self._next_pending
            if pending is not None:
                if row is None or ((pending > row.key) if self.descending else (pending < row.key)):
                    assert self._pending is not None
                    self._next_pending = next(self._pending, None)
                    shown = self._show_pending(pending)
                    if shown is None:
                        continue
                    self._last_key = shown.key
                    return shown
            elif row is None:
                self._at_end = True
                return None
            assert row is not None
            self._next_row = None
            if self._writes is not None:
                write = self._writes.by_id.get(row.document_id)
                if write is not None:
                    if write.data is None or write.keys is None or write.keys[self._position] != row.key:
                        continue
                    self._last_key = row.key
                    return ScannedRow(row.key, row.document_id, write.data)
            self._last_key = row.key
            return ScannedRow(*row)

    def pull_all(self) -> list[Row] | None:
        """Everything left of one batch, at once, when no own write can be in between; None otherwise."""
        if self._writes is not None or self._next_row is not None:
            return None
        rows = list(self._rows)
        if not rows and not self._snapshot_ended:
            rows = self._fetch()
        if rows:
            self._last_key = rows[-1].key
        if self._snapshot_ended:
            self._at_end = True
        return rows

    def _advance_snapshot(self) -> Row | None:
        row = next(self._rows, None)
        if row is None and not self._snapshot_ended:
            self._rows = iter(self._fetch())
            row = next(self._rows, None)
        return row

    def _show_pending(self, key: bytes) -> ScannedRow | None:
        assert self._writes is not None
        document_id = self._writes.moved(self.table, self.index.number, self._position).get(key)
        if document_id is None:
            return None
        write = self._writes.by_id.get(document_id)
        if write is None or write.data is None:
            return None
        return ScannedRow(key, document_id, write.data)

    def _fetch(self) -> list[Row]:
        """The next batch of the snapshot; also notes when it was the last."""
        limit = self._batch
        if self._position == 0:
            rows = [
                row._replace(key=id_key(row.document_id))
                for row in self._storage.scan_table(
                    self.table.number,
                    id_bound(self._fetch_lower) or "",
                    None if self._fetch_upper is None else id_bound(self._fetch_upper),
                    self._ts,
                    descending=self.descending,
                    limit=limit,
                )
                if self._fetch_lower[:1] <= b"\x10"
            ]
        else:
            rows = self._storage.scan_index(
                self.index.number,
                self.table.number,
                self._fetch_lower,
                self._fetch_upper,
                self._ts,
                descending=self.descending,
                limit=limit,
            )
        if len(rows) < limit:
            self._snapshot_ended = True
        elif self.descending:
            self._fetch_upper = rows[-1].key
        else:
            self._fetch_lower = rows[-1].key + b"\x00"
        self._batch = min(_BATCH_MAX, limit * 4)
        return rows


def id_bound(bound: bytes) -> str | None:
    """The lowest id text whose key is at or above `bound`; None if every id's key is below it.

    Ids are strings without a zero byte, so their keys are the tag of strings, the id, and a zero. Everything below that
    tag is before all ids, everything above it after them.
    """
    tag = bound[:1]
    if tag < b"\x10":
        return ""
    if tag > b"\x10":
        return None
    text, ending, rest = bound[1:].partition(b"\x00")
    return text.decode("latin-1") + ("\x00" if ending and rest else "")
