"""The real `ctx` of queries and mutations: thin and awaitable, over a `database.Transaction`.

Nothing here decides anything about data. A call is handed to `Level.perform`, which knows whether it may be carried
out now and keeps its result until it is awaited. The shapes are those of `definitions.contexts`.
"""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any, Final, NoReturn

from parabola.database.query import Query as DatabaseQuery
from parabola.errors import InvalidArgument, InvalidFunctionCall
from parabola.functions.environment import TransactionEnvironment
from parabola.functions.levels import Level
from parabola.functions.operations import Operation
from parabola.functions.scheduling import MutationScheduler
from parabola.values.model import Int64
from parabola.values.spelling import no_such_member

_MISSING: Final[Any] = object()

# Keywords of `paginate()`, and the keys that clients use for them.
_PAGE_OPTIONS: Final = {
    "num_items": "numItems",
    "cursor": "cursor",
    "end_cursor": "endCursor",
    "maximum_rows_read": "maximumRowsRead",
    "maximum_bytes_read": "maximumBytesRead",
}


class UserIdentity(dict[str, Any]):
    """The caller's claims. Keys are those of the data (`givenName`); attributes may be written in snake_case."""

    __slots__ = ()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        head, *rest = name.split("_")
        for key in (name, head + "".join(part.capitalize() for part in rest)):
            if key in self:
                return self[key]
        return None


class ContextQuery(DatabaseQuery):
    """`ctx.db.query(…)`: built as any query is; consuming it is an operation of its owner, the level that runs."""

    __slots__ = ()

    is_unexecuted_query: Final = True

    _owner: Level

    # What a query of the database gives at once, this one gives to who awaits it.

    def collect(self) -> Operation:  # type: ignore[override]
        return self._owner.perform("ctx.db.query(...).collect", _collect, self)

    def take(self, n: int) -> Operation:  # type: ignore[override]
        return self._owner.perform("ctx.db.query(...).take", _take, self, n)

    def first(self) -> Operation:  # type: ignore[override]
        return self._owner.perform("ctx.db.query(...).first", _first, self)

    def unique(self) -> Operation:  # type: ignore[override]
        return self._owner.perform("ctx.db.query(...).unique", _unique, self)

    def paginate(self, options: Any = None, /, **named: Any) -> Operation:  # type: ignore[override]
        if options is not None and not isinstance(options, Mapping):
            raise InvalidArgument(
                f"paginate() takes the options as a dict that a client sent, not {options!r}. "
                "Write paginate(num_items=10, cursor=None) to give them yourself."
            )
        given: dict[str, Any] = {} if options is None else dict(options)
        for name, value in named.items():
            key = _PAGE_OPTIONS.get(name, name)
            if key not in _PAGE_OPTIONS.values():
                raise InvalidArgument(f"paginate() has no option {name!r}. It takes {', '.join(_PAGE_OPTIONS)}.")
            given[key] = value
        given.setdefault("cursor", None)
        return self._owner.perform("ctx.db.query(...).paginate", _paginate, self, given)

    async def __aiter__(self) -> AsyncIterator[dict[str, Any]]:
        iterator = DatabaseQuery.__iter__(self)
        while True:
            document = await self._owner.perform("ctx.db.query(...)", next, iterator, None)
            if document is None:
                return
            yield document

    def explain_misuse(self) -> str:
        """What is said where the query was passed in the place of a value."""
        return (
            "A query was used as though it were its results. Results must be retrieved with "
            "`await query.collect()`, `.take(n)`, `.unique()` or `.first()`, or with `async for`."
        )

    def _not_consumed(self, *_: object) -> NoReturn:
        raise InvalidFunctionCall(self.explain_misuse())

    __iter__ = __getitem__ = __len__ = __bool__ = __await__ = _not_consumed

    def __getattr__(self, name: str) -> NoReturn:
        instead = _QUERY_METHODS.get(name)
        if instead is not None:
            raise AttributeError(f"A query has no {name!r}. Write {instead}.")
        raise AttributeError(no_such_member("A query", name, ContextQuery))

    def __repr__(self) -> str:
        return "<a query that was not consumed>"


_FILTERS: Final = '`.with_index("by_x", lambda q: q.eq("x", …))`, or `.filter(lambda q: q.eq(q.field("x"), …))`'

_QUERY_METHODS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("all", "fetch", "fetchall", "to_list", "toArray", "list"), "`await ….collect()`"),
    **dict.fromkeys(("where", "filter_by", "find", "eq"), _FILTERS),
    **dict.fromkeys(
        ("order_by", "orderBy", "sort"), '`.order("asc")` or `.order("desc")`; by which fields says the index'
    ),
    **dict.fromkeys(("one", "one_or_none", "get"), "`await ….unique()` for the only one, or `await ….first()`"),
    **dict.fromkeys(("skip", "offset"), "`await ….paginate(num_items=…)`, which goes on from a cursor"),
    "limit": "`await ….take(n)`",
    "count": "`len(await ….collect())`",
}
"""What people look for who know other libraries, and what says it here."""

_collect: Final = DatabaseQuery.collect
_take: Final = DatabaseQuery.take
_first: Final = DatabaseQuery.first
_unique: Final = DatabaseQuery.unique
_paginate: Final = DatabaseQuery.paginate


class DatabaseReader:
    """`ctx.db` of a query."""

    __slots__ = ("_level",)

    def __init__(self, level: Level) -> None:
        self._level = level

    def get(self, table_or_id: Any = _MISSING, id: Any = _MISSING, /) -> Operation:
        level = self._level
        if id is _MISSING:
            if table_or_id is _MISSING:
                raise InvalidArgument("Must provide arg 1 `id` to `get`")
            return level.perform("ctx.db.get", level.tx.get, table_or_id)
        return level.perform("ctx.db.get", level.tx.get, id, table_or_id)

    def query(self, table: str) -> ContextQuery:
        level = self._level
        run = level.run
        # The commonest case of `check_usable`, without its call: this handler is the one that runs.
        if run.active is not level or run.stop_requested:
            level.check_usable()
        tx = level.tx
        tx.check_query(table)
        return ContextQuery(tx, table, system=False, unmetered=False, owner=level)

    def normalize_id(self, table: str, text: Any) -> str | None:
        level = self._level
        level.check_usable()
        return level.tx.normalize_id(table, text)

    @property
    def system(self) -> SystemReader:
        return SystemReader(self._level)

    def table(self, name: str) -> TableReader:
        return TableReader(self, name)

    def __getattr__(self, name: str) -> NoReturn:
        if name in ("insert", "patch", "replace", "delete"):
            raise AttributeError(
                f"A query cannot write: ctx.db of {self._level.function.name} has no {name}(). "
                "Make the function a @mutation."
            )
        problem = no_such_member("ctx.db", name, type(self))
        if not problem.endswith("?") or self._level.tx.catalog.table(name) is not None:
            problem = f'ctx.db has no {name!r}. If it is a table, read it with `ctx.db.query("{name}")`.'
        raise AttributeError(problem)


class DatabaseWriter(DatabaseReader):
    """`ctx.db` of a mutation."""

    __slots__ = ()

    def insert(self, table: str, value: Mapping[str, Any]) -> Operation:
        level = self._level
        return level.perform("ctx.db.insert", level.tx.insert, table, value)

    def patch(self, table_or_id: Any, id_or_fields: Any, fields: Any = _MISSING, /) -> Operation:
        level = self._level
        if fields is _MISSING:
            return level.perform("ctx.db.patch", level.tx.patch, table_or_id, id_or_fields)
        return level.perform("ctx.db.patch", level.tx.patch, id_or_fields, fields, table_or_id)

    def replace(self, table_or_id: Any, id_or_value: Any, value: Any = _MISSING, /) -> Operation:
        level = self._level
        if value is _MISSING:
            return level.perform("ctx.db.replace", level.tx.replace, table_or_id, id_or_value)
        return level.perform("ctx.db.replace", level.tx.replace, id_or_value, value, table_or_id)

    def delete(self, table_or_id: Any, id: Any = _MISSING, /) -> Operation:
        level = self._level
        if id is _MISSING:
            return level.perform("ctx.db.delete", level.tx.delete, table_or_id)
        return level.perform("ctx.db.delete", level.tx.delete, id, table_or_id)

    def table(self, name: str) -> TableWriter:
        return TableWriter(self, name)


class SystemReader:
    """`ctx.db.system`: read-only tables of Parabola's."""

    __slots__ = ("_level",)

    def __init__(self, level: Level) -> None:
        self._level = level

    def get(self, table_or_id: Any, id: Any = _MISSING, /) -> Operation:
        document_id, table = (table_or_id, None) if id is _MISSING else (id, table_or_id)
        return self._level.perform("ctx.db.system.get", self._get, document_id, table)

    def _get(self, document_id: Any, table: str | None) -> Any:
        return self._level.tx.get(document_id, table, system=True)

    def query(self, table: str) -> ContextQuery:
        level = self._level
        level.check_usable()
        level.tx.check_query(table, system=True)
        return ContextQuery(level.tx, table, system=True, unmetered=True, owner=level)

    def normalize_id(self, table: str, text: Any) -> str | None:
        self._level.check_usable()
        return self._level.tx.normalize_id(table, text, system=True)

    def __getattr__(self, name: str) -> NoReturn:
        raise AttributeError(no_such_member("ctx.db.system, which is read-only,", name, SystemReader))


class TableReader:
    """`ctx.db.table(name)` of a query."""

    __slots__ = ("_db", "_name")

    def __init__(self, db: DatabaseReader, name: str) -> None:
        self._db = db
        self._name = name

    def get(self, id: Any) -> Operation:
        return self._db.get(self._name, id)

    def query(self) -> ContextQuery:
        return self._db.query(self._name)

    def normalize_id(self, text: Any) -> str | None:
        return self._db.normalize_id(self._name, text)

    def __getattr__(self, name: str) -> NoReturn:
        raise AttributeError(no_such_member("ctx.db.table(…)", name, type(self)))


class TableWriter(TableReader):
    """`ctx.db.table(name)` of a mutation."""

    __slots__ = ("_writer",)

    def __init__(self, db: DatabaseWriter, name: str) -> None:
        super().__init__(db, name)
        self._writer = db

    def insert(self, value: Mapping[str, Any]) -> Operation:
        return self._writer.insert(self._name, value)

    def patch(self, id: Any, fields: Mapping[str, Any]) -> Operation:
        return self._writer.patch(self._name, id, fields)

    def replace(self, id: Any, value: Mapping[str, Any]) -> Operation:
        return self._writer.replace(self._name, id, value)

    def delete(self, id: Any) -> Operation:
        return self._writer.delete(self._name, id)


class TransactionAuth:
    """`ctx.auth` inside a transaction."""

    __slots__ = ("_level",)

    def __init__(self, level: Level) -> None:
        self._level = level

    def get_user_identity(self) -> Operation:
        return self._level.perform("ctx.auth.get_user_identity", self._identity)

    def __getattr__(self, name: str) -> NoReturn:
        raise AttributeError(no_such_member("ctx.auth", name, TransactionAuth))

    def _identity(self) -> UserIdentity | None:
        run = self._level.run
        # Also when the answer is None: it would be another for somebody else.
        run.used_identity = True
        return identity_of(run.call.identity)


def identity_of(caller: Any) -> UserIdentity | None:
    """What a function may see of its caller, as a fresh object."""
    claims = None if caller is None else caller.to_user_identity()
    return None if claims is None else UserIdentity(claims)


class TransactionMeta:
    """`ctx.meta` inside a transaction."""

    __slots__ = ("_level",)

    def __init__(self, level: Level) -> None:
        self._level = level

    def get_function_metadata(self) -> Operation:
        return self._level.perform("ctx.meta.get_function_metadata", function_metadata, self._level.function)

    def get_deployment_metadata(self) -> Operation:
        return self._level.perform(
            "ctx.meta.get_deployment_metadata", dict, self._level.run.services.deployment_metadata
        )

    def get_transaction_metrics(self) -> Operation:
        return self._level.perform("ctx.meta.get_transaction_metrics", self._level.tx.metrics)

    def get_snapshot_ts(self) -> Operation:
        return self._level.perform("ctx.meta.get_snapshot_ts", lambda: Int64(self._level.tx.begin_ts))

    def get_request_metadata(self) -> Operation:
        return self._level.perform("ctx.meta.get_request_metadata", self._request_metadata)

    def __getattr__(self, name: str) -> NoReturn:
        raise AttributeError(no_such_member("ctx.meta", name, TransactionMeta))

    def _request_metadata(self) -> dict[str, Any]:
        run = self._level.run
        if self._level.function.kind == "query":
            raise InvalidFunctionCall("get_request_metadata() can only be called from a mutation or an action.")
        run.used_identity = True
        return request_metadata(run.call)


def function_metadata(function: Any) -> dict[str, Any]:
    """`{name, componentPath, type, visibility}` (semantics 3.5)."""
    if function.kind == "http":
        return {"name": "http", "componentPath": "", "type": "action", "visibility": "public"}
    return {"name": function.name, "componentPath": "", "type": function.kind, "visibility": function.visibility}


def request_metadata(call: Any) -> dict[str, Any]:
    """What is known of the client request behind a call."""
    known = {"ip": None, "userAgent": None, "scheduledFunctionId": None, "authToken": None}
    return {**known, **(call.request_metadata or {}), "requestId": call.request_id}


class _TransactionContext:
    """What `ctx` of a query and of a mutation have in common."""

    __slots__ = ("_level",)

    def __init__(self, level: Level) -> None:
        self._level = level

    @property
    def auth(self) -> TransactionAuth:
        return TransactionAuth(self._level)

    @property
    def meta(self) -> TransactionMeta:
        return TransactionMeta(self._level)

    @property
    def env(self) -> Mapping[str, str]:
        return TransactionEnvironment(self._level)

    @property
    def random(self) -> random.Random:
        return self._level.random

    def now(self) -> float:
        """Milliseconds since 1970, frozen at the start of the run."""
        self._level.run.used_time = True
        return self._level.run.tx.now_ns / 1_000_000

    def run_query(
        self,
        reference: Any,
        args: Mapping[str, Any] | None = None,
        /,
        *,
        transaction_limits: Mapping[str, int] | None = None,
        use_stale_snapshot: bool = False,
    ) -> Operation:
        return self._level.call_nested("query", reference, args, QueryContext, transaction_limits, use_stale_snapshot)

    def note_direct_call(self, definition: Any) -> None:
        """A decorated function was called as though it were a plain one."""
        self._level.run.log.add("WARN", DIRECT_CALL_WARNING)

    def __getattr__(self, name: str) -> NoReturn:
        raise AttributeError(_no_such_member(self._level.function.kind, name, type(self)))

    def __iter__(self) -> Iterator[Any]:
        raise TypeError("ctx is not iterable.")


class QueryContext(_TransactionContext):
    """`ctx` of a query."""

    __slots__ = ("db",)

    def __init__(self, level: Level) -> None:
        self._level = level
        self.db = DatabaseReader(level)


class MutationContext(_TransactionContext):
    """`ctx` of a mutation."""

    __slots__ = ("db",)

    def __init__(self, level: Level) -> None:
        self._level = level
        self.db = DatabaseWriter(level)

    @property
    def scheduler(self) -> MutationScheduler:
        return MutationScheduler(self._level)

    def run_mutation(
        self,
        reference: Any,
        args: Mapping[str, Any] | None = None,
        /,
        *,
        transaction_limits: Mapping[str, int] | None = None,
    ) -> Operation:
        return self._level.call_nested("mutation", reference, args, MutationContext, transaction_limits, False)


DIRECT_CALL_WARNING: Final = (
    "Convex functions should not directly call other Convex functions. Consider calling a helper function instead."
)


def _no_such_member(kind: str, name: str, context: type) -> str:
    called = {"run_mutation": "Mutation", "run_action": "Action"}.get(name)
    if called is not None:
        return f"Cannot call a {called} function from a {kind.capitalize()} function: ctx has no {name}() here."
    if name == "scheduler":
        return "ctx of a query has no 'scheduler': mutations and actions schedule functions. Make it a @mutation."
    return no_such_member(f"ctx of a {kind}", name, context)
