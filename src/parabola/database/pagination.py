"""One page of a query (semantics 6).

A page is a range of keys, `(cursor, end]` in the direction of the query. A page without a given end reads until it
has enough documents, and where it stopped becomes its end; that end goes into the run's journal, so that the next run
of the same live query reads the same range again, however many documents are in it by then. Adjacent pages can then
neither overlap nor leave a gap.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from parabola.database.cursors import Cursor, CursorCodec, InvalidCursor, UnreadableCursor, fingerprint
from parabola.database.filters import compile_filter, describe
from parabola.database.key_functions import Document
from parabola.errors import InvalidArgument, LimitExceeded, QueryError
from parabola.limits import Limits
from parabola.values.documents import decode_document
from parabola.values.keys import encode_key
from parabola.values.render import render_value
from parabola.values.size import document_size

if TYPE_CHECKING:
    from parabola.database.query import ResolvedQuery
    from parabola.database.snapshot_reader import SnapshotReader

SPLIT_RECOMMENDED: Final = "SplitRecommended"
SPLIT_REQUIRED: Final = "SplitRequired"

_SOFT_PART: Final = 0.75
_SOFT_ITEMS_MAX: Final = 6144
_WITHOUT_ITEMS: Final = (
    "Write `.paginate(num_items=10)`, or pass on the options that a client sent: `.paginate(options)`."
)


class PageOptions(NamedTuple):
    """What `paginate` was asked for, checked."""

    items: int
    cursor: object
    end_cursor: object
    rows_read_max: int | None
    bytes_read_max: int | None


def parse_options(options: object, limits: Limits) -> PageOptions:
    """Checks the options dict, whose keys are camelCase since clients send it. Raises `InvalidArgument`,
    `QueryError`.
    """
    if not isinstance(options, dict):
        raise InvalidArgument(f"paginate() takes the pagination options as a dict, not {type(options).__name__}.")
    items = options.get("numItems")
    if isinstance(items, bool) or not isinstance(items, int | float) or not items >= 0:
        shown = "undefined" if "numItems" not in options else _shown(items)
        advice = "" if "numItems" in options else f" {_WITHOUT_ITEMS}"
        raise InvalidArgument(f"`options.numItems` must be a positive number. Received `{shown}`.{advice}")
    if items > limits.page_items_max:
        raise QueryError(f"Requested too many items: {_shown(items)}", code="InvalidArgument")
    count = int(items)
    if count == 0:
        raise QueryError("Must request at least 1 document while paginating", code="InvalidArgument")
    rows_read_max = _positive(options.get("maximumRowsRead"))
    bytes_read_max = _positive(options.get("maximumBytesRead"))
    return PageOptions(count, options.get("cursor"), options.get("endCursor"), rows_read_max, bytes_read_max)


def _positive(value: Any) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
        raise QueryError("maximumRowsRead and maximumBytesRead must be greater than 0", code="InvalidArgument")
    return max(1, int(value))


def _shown(value: Any) -> str:
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return render_value(value) if value is None or isinstance(value, str | bool) else str(value)


def query_fingerprint(query: ResolvedQuery) -> bytes:
    """Binds a cursor to its query: source, index, range, order and filters."""
    return fingerprint(
        encode_key(
            [
                query.table.number,
                query.index.name,
                list(query.index.fields),
                query.lower,
                query.upper,
                query.descending,
                [describe(expression) for expression in query.filters],
            ]
        )
    )


def paginate(tx: SnapshotReader, query: ResolvedQuery | None, options: Any, *, unmetered: bool) -> dict[str, Any]:
    """Reads one page within `tx`; `query` is None for a table that does not exist."""
    asked = parse_options(options, tx.limits)
    journal = tx.begin_page()
    codec = tx.cursor_codec
    mark = fingerprint(b"no such table") if query is None else query_fingerprint(query)
    end = _page_end(codec, asked.end_cursor, journal, mark)
    if query is None:
        # The table may come to be while a client holds this page; the cursor must then still be good for something.
        text = codec.encode(Cursor(None, mark))
        tx.end_page(None)
        return _result([], is_done=True, continue_cursor=text)

    start = None if asked.cursor is None else codec.decode_for(asked.cursor, mark)
    lower, upper = query.lower, query.upper
    if start is not None:
        lower, upper = _after(query, start.key, lower, upper)
    if end is not None and end.key is not None:
        lower, upper = _up_to(query, end.key, lower, upper)
    page = _read(tx, query, lower, upper, asked, bounded=end is not None, unmetered=unmetered)
    if end is not None:
        reached = end
    elif page.stopped_after is None:
        reached = Cursor(None, mark)
    else:
        reached = Cursor(page.stopped_after, mark)
    text = codec.encode(reached)
    tx.end_page(text if asked.end_cursor is None else None)
    return _result(
        page.documents,
        is_done=reached.key is None,
        continue_cursor=text,
        split_cursor=None if page.middle is None else codec.encode(Cursor(page.middle, mark)),
        status=page.status,
    )


def _page_end(codec: CursorCodec, end_cursor: object, journal: str | None, mark: bytes) -> Cursor | None:
    if end_cursor is not None:
        return codec.decode_for(end_cursor, mark)
    if journal is None:
        return None
    try:
        codec.decode(journal)
    except UnreadableCursor:
        return None  # as if the query had never run
    return codec.decode_for(journal, mark)


def _after(query: ResolvedQuery, key: bytes | None, lower: bytes, upper: bytes | None) -> tuple[bytes, bytes | None]:
    """The part of the range that comes after `key` in the direction of the query; none of it after the end."""
    if key is None:
        return lower, lower
    if query.descending:
        return lower, key if upper is None else min(key, upper)
    return max(lower, key + b"\x00"), upper


def _up_to(query: ResolvedQuery, key: bytes, lower: bytes, upper: bytes | None) -> tuple[bytes, bytes | None]:
    """The part of the range up to `key`, which is included."""
    if query.descending:
        return max(lower, key), upper
    end = key + b"\x00"
    return lower, end if upper is None else min(end, upper)


class _Page(NamedTuple):
    documents: list[Document]
    stopped_after: bytes | None  # the last key read, if the end of the range was not met
    middle: bytes | None
    status: str | None


def _read(
    tx: SnapshotReader,
    query: ResolvedQuery,
    lower: bytes,
    upper: bytes | None,
    asked: PageOptions,
    *,
    bounded: bool,
    unmetered: bool,
) -> _Page:
    """Reads a page. A `bounded` one has its end given, so neither the number of items nor the maxima stop it."""
    rows_max = None if bounded else asked.rows_read_max
    bytes_max = None if bounded else asked.bytes_read_max
    keeps = [compile_filter(expression) for expression in query.filters]
    batch = 128 if bounded else min(asked.items if not keeps else asked.items * 2, rows_max or asked.items * 2)
    scan = tx.open_scan(
        query.table,
        query.index,
        lower,
        upper,
        descending=query.descending,
        batch=batch,
        unmetered=unmetered,
    )
    documents: list[Document] = []
    keys: list[bytes] = []
    bytes_read = 0
    stopped = False
    status: str | None = None
    try:
        while bounded or len(documents) < asked.items:
            if (rows_max is not None and len(keys) >= rows_max) or (
                bytes_max is not None and keys and bytes_read >= bytes_max
            ):
                stopped, status = True, SPLIT_REQUIRED
                break
            if keys and not bounded and not unmetered and tx.usage.reads_exhausted():
                stopped, status = True, SPLIT_REQUIRED
                break
            row = scan.pull()
            if row is None:
                break
            keys.append(row.key)
            try:
                tx.note_read(row.document_id, row.data, unmetered)
            except LimitExceeded:
                if bounded:
                    raise
                # The row that crosses the limit is still shown: a page must make progress.
                stopped, status = True, SPLIT_REQUIRED
            document = decode_document(row.data)
            bytes_read += document_size(document)
            if all(keep(document) for keep in keeps):
                documents.append(document)
            if stopped:
                break
        else:
            stopped = True
    finally:
        tx.record_scan(scan, unmetered)
    if status is None and _deserves_a_split(asked, tx.limits, len(keys), bytes_read, len(documents)):
        status = SPLIT_RECOMMENDED
    middle = keys[(len(keys) - 1) // 2] if len(keys) > 2 else None
    return _Page(documents, keys[-1] if stopped else None, middle, status)


def _deserves_a_split(asked: PageOptions, limits: Limits, rows: int, bytes_read: int, items: int) -> bool:
    rows_max = min(asked.rows_read_max or limits.documents_read_max, limits.documents_read_max)
    bytes_max = min(asked.bytes_read_max or limits.bytes_read_max, limits.bytes_read_max)
    return rows > _SOFT_PART * rows_max or bytes_read > _SOFT_PART * bytes_max or items > _SOFT_ITEMS_MAX


def _result(
    page: list[Document],
    *,
    is_done: bool,
    continue_cursor: str,
    split_cursor: str | None = None,
    status: str | None = None,
) -> dict[str, Any]:
    return {
        "page": page,
        "isDone": is_done,
        "continueCursor": continue_cursor,
        "splitCursor": split_cursor,
        "pageStatus": status,
    }


__all__ = ["SPLIT_RECOMMENDED", "SPLIT_REQUIRED", "InvalidCursor", "paginate", "parse_options"]
