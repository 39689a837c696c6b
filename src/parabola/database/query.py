"""Queries: built step by step, read when consumed (semantics 4.2 to 4.5).

A `Query` is used once: each step hands on to a new one and uses up the old. Nothing is looked up or read until it is
consumed; then the plan is resolved against the transaction's catalog (`ResolvedQuery`), a `Scan` walks the range, and
what was pulled becomes the transaction's evidence and is counted against its limits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

from parabola.database.arguments import unusable_index
from parabola.database.catalog import BY_CREATION_TIME, Index, Table
from parabola.database.filters import Expression, FilterBuilder, as_expression, compile_filter
from parabola.database.key_functions import Document
from parabola.database.pagination import paginate
from parabola.database.ranges import Clause, IndexRangeBuilder, RangeFunction, key_range
from parabola.errors import InvalidArgument, QueryError
from parabola.values.documents import decode_document
from parabola.values.keys import encode_key

if TYPE_CHECKING:
    from parabola.database.scan import Scan
    from parabola.database.snapshot_reader import SnapshotReader

FilterFunction = Callable[[FilterBuilder], Any]

_FRESH: Final = 0
_CHAINED: Final = 1
_EXECUTING: Final = 2
_CLOSED: Final = 3

_FIRST_BATCH: Final = 128
_FILTER_BUILDER: Final = FilterBuilder()


@dataclass(slots=True)  # not frozen: that would cost a microsecond each
class ResolvedQuery:
    """A query that knows its table, its index and its range of keys."""

    table: Table
    index: Index
    lower: bytes
    upper: bytes | None
    descending: bool
    filters: tuple[Expression, ...]


class Query:
    """A query over one table. Made by `Transaction.query`."""

    __slots__ = (
        "_clauses",
        "_direction",
        "_filters",
        "_index_name",
        "_iterator",
        "_operators",
        "_owner",
        "_state",
        "_system",
        "_table_name",
        "_tx",
        "_unmetered",
    )

    def __init__(
        self, tx: SnapshotReader, table_name: str, *, system: bool, unmetered: bool, owner: Any = None
    ) -> None:
        """`owner` is handed on from step to step: a subclass may need to know for whom it reads."""
        self._tx = tx
        self._owner = owner
        self._table_name = table_name
        self._system = system
        self._unmetered = unmetered
        self._index_name: str | None = None
        self._clauses: tuple[Clause, ...] = ()
        self._direction: str | None = None
        self._filters: tuple[Expression, ...] = ()
        self._operators = 0
        self._state = _FRESH
        self._iterator: Iterator[Document] | None = None

    # Building

    def with_index(self, name: str, range_function: RangeFunction | None = None) -> Self:
        """Reads through the index `name`, within the range that `range_function` builds; all of it without one.

        Raises `QueryError` if another step came before.
        """
        if self._index_name is not None or self._operators:
            self._check_chainable()
            raise QueryError("with_index() must be the first step of a query, and a query takes only one index.")
        query = self._chained()
        query._index_name = name
        if range_function is not None:
            if not callable(range_function):
                raise QueryError(
                    'with_index() takes a function that builds the range, as in lambda q: q.eq("field", value), not '
                    f"{range_function!r}."
                )
            built = range_function(IndexRangeBuilder())
            if not isinstance(built, IndexRangeBuilder):
                raise QueryError(
                    "The range of with_index() must be built with its argument, as in "
                    f'lambda q: q.eq("field", value); it returned {type(built).__name__}.'
                )
            query._clauses = built.clauses()
        return query

    def full_table_scan(self) -> Self:
        """Says plainly that the whole table is read, in order of creation. The default."""
        if self._index_name is not None or self._operators:
            self._check_chainable()
            raise QueryError("full_table_scan() must be the first step of a query, in the place of with_index().")
        query = self._chained()
        query._index_name = BY_CREATION_TIME
        return query

    def order(self, direction: str) -> Self:
        """ "asc" (the default) or "desc": the order of the index key. Raises `QueryError` when given twice."""
        if direction not in ("asc", "desc"):
            raise QueryError(f'The order of a query is "asc" or "desc", not {direction!r}.')
        self._check_chainable()
        if self._direction is not None:
            raise QueryError("Queries may only specify order at most once", code="InvalidQuery")
        query = self._chained()
        query._direction = direction
        return query

    def filter(self, predicate: FilterFunction) -> Self:
        """Keeps only documents for which the expression that `predicate` builds is true. Several are conjoined."""
        if not callable(predicate):
            raise QueryError(
                "filter() takes a function that builds the condition, as in "
                f'lambda q: q.eq(q.field("field"), value), not {predicate!r}.'
            )
        query = self._chained()
        query._filters = (*self._filters, as_expression(predicate(_FILTER_BUILDER)))
        return query

    def _chained(self) -> Self:
        if self._state != _FRESH:
            self._check_chainable()
        operators_max = self._tx.limits.query_operators_max
        if self._operators >= operators_max:
            raise QueryError(f"Can't construct query with more than {operators_max} operators")
        kind = self.__class__
        query = kind.__new__(kind)  # __init__ would set everything twice
        query._tx = self._tx
        query._owner = self._owner
        query._table_name = self._table_name
        query._system = self._system
        query._unmetered = self._unmetered
        query._iterator = None
        query._state = _FRESH
        query._index_name = self._index_name
        query._clauses = self._clauses
        query._direction = self._direction
        query._filters = self._filters
        query._operators = self._operators + 1
        self._state = _CHAINED
        return query

    def _check_chainable(self) -> None:
        if self._state != _FRESH:
            raise QueryError("A query can only be chained once and can't be chained after iteration begins.")

    # Consuming

    def collect(self) -> list[Document]:
        """All results, as fresh dicts."""
        scan = self._start(_FIRST_BATCH)
        if scan is None:
            return []
        try:
            if not self._filters:
                return self._collect_all(scan)
            return list(self._documents(scan))
        finally:
            self._finish(scan)

    def take(self, n: int) -> list[Document]:
        """The first `n` results. Raises `InvalidArgument` unless `n` is a non-negative integer."""
        given: object = n
        if type(given) is float and given.is_integer():
            given = int(given)
        if type(given) is not int or given < 0:
            raise InvalidArgument("Arg 1 `n` to `take` must be a non-negative integer")
        if given == 0:
            self._begin()
            self._state = _CLOSED
            return []
        return self._take(given)

    def first(self) -> Document | None:
        """The first result, or None."""
        found = self._take(1)
        return found[0] if found else None

    def unique(self) -> Document | None:
        """The only result, or None. Raises `QueryError` if there are two or more."""
        found = self._take(2)
        if len(found) > 1:
            ids = ", ".join(document["_id"] for document in found)
            raise QueryError(
                f"unique() query returned more than one result from table {self._table_name}:\n [{ids}, ...]",
                code="NotUnique",
            )
        return found[0] if found else None

    def paginate(self, options: dict[str, Any]) -> dict[str, Any]:
        """One page: `options` and result as in semantics 6. Raises `QueryError`, `InvalidCursor`."""
        self._begin()
        try:
            return paginate(self._tx, self._resolve(), options, unmetered=self._unmetered)
        finally:
            self._state = _CLOSED

    def __iter__(self) -> Iterator[Document]:
        if self._iterator is not None or self._state != _FRESH:
            self._begin()
        self._iterator = self._iterate()
        return self._iterator

    def _iterate(self) -> Iterator[Document]:
        scan = self._start(16)
        if scan is None:
            return
        # The evidence grows as documents are pulled, so an iterator that is left lying about has it right at any time.
        self._tx.watch_scan(scan, self._unmetered)
        yield from self._documents(scan)
        self._state = _CLOSED

    def _take(self, n: int) -> list[Document]:
        if self._state != _FRESH:
            self._begin()
        self._state = _EXECUTING
        plan = self._plan()
        if plan is None:
            self._state = _CLOSED
            return []
        table, index, lower, upper = plan
        descending = self._direction == "desc"
        if not self._filters and n <= _FIRST_BATCH:
            self._state = _CLOSED
            at_once = self._tx.read_first(
                table, index, lower, upper, descending=descending, limit=n, unmetered=self._unmetered
            )
            if at_once is not None:
                return at_once
        scan = self._tx.open_scan(
            table,
            index,
            lower,
            upper,
            descending=descending,
            batch=n if not self._filters else max(n, 32),
            unmetered=self._unmetered,
        )
        found: list[Document] = []
        try:
            if self._filters:
                documents = self._documents(scan)
                for document in documents:
                    found.append(document)
                    if len(found) == n:
                        break
            else:
                tx, unmetered = self._tx, self._unmetered
                while len(found) < n:
                    row = scan.pull()
                    if row is None:
                        break
                    tx.note_read(row.document_id, row.data, unmetered)
                    found.append(decode_document(row.data))
            return found
        finally:
            self._finish(scan)

    def _collect_all(self, scan: Scan) -> list[Document]:
        tx, unmetered = self._tx, self._unmetered
        found: list[Document] = []
        while not scan.at_end:
            rows = scan.pull_all()
            if rows is None:
                found.extend(self._documents(scan))
                break
            tx.note_reads(rows, unmetered)
            found += [decode_document(row[2]) for row in rows]
        return found

    def _documents(self, scan: Scan) -> Iterator[Document]:
        tx, unmetered = self._tx, self._unmetered
        keeps = [compile_filter(expression) for expression in self._filters]
        while True:
            tx.check_open()
            row = scan.pull()
            if row is None:
                return
            tx.note_read(row.document_id, row.data, unmetered)
            document = decode_document(row.data)
            if all(keep(document) for keep in keeps):
                yield document

    def _begin(self) -> None:
        if self._state == _FRESH:
            self._state = _EXECUTING
            return
        if self._state == _CHAINED:
            raise QueryError("This query has been chained with another operator and can't be reused.")
        if self._state == _EXECUTING:
            raise QueryError("Iteration can only begin on a query once.")
        raise QueryError("This query is closed and can't emit any more values.")

    def _start(self, batch: int) -> Scan | None:
        self._begin()
        resolved = self._resolve()
        if resolved is None:
            self._state = _CLOSED
            return None
        return self._scan(resolved, batch)

    def _scan(self, resolved: ResolvedQuery, batch: int) -> Scan:
        return self._tx.open_scan(
            resolved.table,
            resolved.index,
            resolved.lower,
            resolved.upper,
            descending=resolved.descending,
            batch=batch,
            unmetered=self._unmetered,
        )

    def _finish(self, scan: Scan) -> None:
        self._state = _CLOSED
        self._tx.record_scan(scan, self._unmetered)

    def _resolve(self) -> ResolvedQuery | None:
        """None if there is no such table: then there is nothing to read, and its absence is the evidence."""
        plan = self._plan()
        return None if plan is None else ResolvedQuery(*plan, self._direction == "desc", self._filters)

    def _plan(self) -> tuple[Table, Index, bytes, bytes | None] | None:
        """The table, the index and the range of keys; None if there is no such table."""
        tx = self._tx
        table = None if self._system or tx.closed else tx.catalog.by_name.get(self._table_name)
        if table is None:
            table = tx.table_for_query(self._table_name, system=self._system, unmetered=self._unmetered)
            if table is None:
                return None
        elif not self._unmetered:
            tx.usage.queries += 1
        name = self._index_name
        if name is None or name == BY_CREATION_TIME:
            index = table.by_creation_time
        else:
            declared = table.indexes.get(name)
            if declared is None or declared.state != "enabled":
                declared = tx.index_for_query(table, name)
            if self._system and declared.position > 1:
                # How Parabola finds its own documents is its own affair.
                raise unusable_index(table.name, name, None)
            index = declared
        clauses = self._clauses
        if not clauses:
            return table, index, b"", None
        if len(clauses) == 1:
            # A lookup by one field, the commonest range of all: what `key_range` would answer.
            op, field, value = clauses[0]
            if op == "eq" and field == index.fields[0]:
                prefix = encode_key(value)
                return table, index, prefix, prefix + b"\xff"
        lower, upper = key_range(table.name, index.name, index.fields, clauses)
        return table, index, lower, upper
