"""What each kind of `ctx` offers, as types that handlers annotate: `async def send(ctx: MutationCtx, body: str)`.

These are protocols. The objects that a running handler receives are in `functions.contexts` and match them; a double
in a test may match them too. Every call on the database is awaited, except `normalize_id` and the building of a
query. Calls start when they are made, as in JavaScript; `await` waits for their result, and `asyncio.gather` takes
several.

Names are those of semantics 22.1; documents, arguments and option dicts are data and keep the keys that clients use.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, MutableSequence, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal, Protocol, TypeVar

from parabola.values.kinds import Int64

Document = dict[str, Any]
T = TypeVar("T")


class IndexRange(Protocol):
    """`q` of `with_index("by_user", lambda q: …)`: `eq` on the first fields of the index, then bounds on the next one.

    Values may be of any type, UNDEFINED included, which stands for an absent field.
    """

    def eq(self, field: str, value: Any) -> IndexRange: ...
    def gt(self, field: str, value: Any) -> IndexRange: ...
    def gte(self, field: str, value: Any) -> IndexRange: ...
    def lt(self, field: str, value: Any) -> IndexRange: ...
    def lte(self, field: str, value: Any) -> IndexRange: ...


class FilterBuilder(Protocol):
    """`q` of `filter(lambda q: …)`: expressions over the fields of a document, values and other expressions."""

    def field(self, path: str) -> Any: ...
    def eq(self, left: Any, right: Any) -> Any: ...
    def neq(self, left: Any, right: Any) -> Any: ...
    def lt(self, left: Any, right: Any) -> Any: ...
    def lte(self, left: Any, right: Any) -> Any: ...
    def gt(self, left: Any, right: Any) -> Any: ...
    def gte(self, left: Any, right: Any) -> Any: ...
    def add(self, left: Any, right: Any) -> Any: ...
    def sub(self, left: Any, right: Any) -> Any: ...
    def mul(self, left: Any, right: Any) -> Any: ...
    def div(self, left: Any, right: Any) -> Any: ...
    def mod(self, left: Any, right: Any) -> Any: ...
    def neg(self, operand: Any) -> Any: ...
    def and_(self, *operands: Any) -> Any: ...
    def or_(self, *operands: Any) -> Any: ...
    def not_(self, operand: Any) -> Any: ...


class Query(Protocol):
    """A query being built. It reads nothing until one of the last five methods, or `async for`, consumes it."""

    def with_index(self, name: str, build: Callable[[IndexRange], IndexRange] | None = None) -> Query:
        """Reads an index instead of the whole table: `.with_index("by_user", lambda q: q.eq("userId", user_id))`."""
        ...

    def full_table_scan(self) -> Query:
        """Says that the whole table is wanted, which is what happens without an index."""
        ...

    def order(self, direction: Literal["asc", "desc"]) -> Query:
        """ "asc" (the default) or "desc", by the key of the index in use."""
        ...

    def filter(self, predicate: Callable[[FilterBuilder], Any]) -> Query:
        """Keeps documents for which `lambda q: q.eq(q.field("done"), True)` is true. Filtered rows count as read."""
        ...

    def collect(self) -> Awaitable[list[Document]]:
        """All results."""
        ...

    def take(self, n: int) -> Awaitable[list[Document]]:
        """The first `n` results."""
        ...

    def first(self) -> Awaitable[Document | None]:
        """The first result or None."""
        ...

    def unique(self) -> Awaitable[Document | None]:
        """The only result or None; raises when there are two."""
        ...

    def paginate(
        self,
        options: Mapping[str, Any] | None = None,
        /,
        *,
        num_items: int = ...,
        cursor: str | None = ...,
        end_cursor: str | None = ...,
        maximum_rows_read: int = ...,
        maximum_bytes_read: int = ...,
    ) -> Awaitable[dict[str, Any]]:
        """One page. `options` is what a client sent (`numItems`, `cursor`, …); the keywords say the same, and win."""
        ...

    def __aiter__(self) -> AsyncIterator[Document]: ...


class TableReader(Protocol):
    """`ctx.db.table("messages")`: the database, one table of it."""

    def get(self, id: str) -> Awaitable[Document | None]: ...
    def query(self) -> Query: ...
    def normalize_id(self, text: str) -> str | None: ...


class TableWriter(TableReader, Protocol):
    """The same, with writes."""

    def insert(self, value: Mapping[str, Any]) -> Awaitable[str]: ...
    def patch(self, id: str, fields: Mapping[str, Any]) -> Awaitable[None]: ...
    def replace(self, id: str, value: Mapping[str, Any]) -> Awaitable[None]: ...
    def delete(self, id: str) -> Awaitable[None]: ...


class SystemReader(Protocol):
    """`ctx.db.system`: the read-only tables `_storage` and `_scheduled_functions`."""

    def get(self, table_or_id: str, id: str = ..., /) -> Awaitable[Document | None]: ...
    def query(self, table: str) -> Query: ...
    def normalize_id(self, table: str, text: str) -> str | None: ...


class DatabaseReader(Protocol):
    """`ctx.db` of a query. Calls that take an id accept the table's name before it."""

    @property
    def system(self) -> SystemReader: ...

    def get(self, table_or_id: str, id: str = ..., /) -> Awaitable[Document | None]:
        """The document with this id, a copy of your own, or None."""
        ...

    def query(self, table: str) -> Query:
        """Starts a query of a table."""
        ...

    def normalize_id(self, table: str, text: str) -> str | None:
        """`text` if it is an id of `table`, else None. Not awaited; does not look whether the document exists."""
        ...

    def table(self, name: str) -> TableReader: ...


class DatabaseWriter(DatabaseReader, Protocol):
    """`ctx.db` of a mutation."""

    def insert(self, table: str, value: Mapping[str, Any]) -> Awaitable[str]:
        """Stores a new document and gives its id."""
        ...

    def patch(self, table_or_id: str, id_or_fields: Any, fields: Mapping[str, Any] = ..., /) -> Awaitable[None]:
        """Sets the given top-level fields; one given as UNDEFINED is removed; others stay."""
        ...

    def replace(self, table_or_id: str, id_or_value: Any, value: Mapping[str, Any] = ..., /) -> Awaitable[None]:
        """Replaces all fields; `_id` and `_creationTime` stay."""
        ...

    def delete(self, table_or_id: str, id: str = ..., /) -> Awaitable[None]:
        """Removes the document."""
        ...

    def table(self, name: str) -> TableWriter: ...


class Auth(Protocol):
    """Who is calling."""

    def get_user_identity(self) -> Awaitable[dict[str, Any] | None]:
        """The caller's claims, or None. Asking makes a query's answer depend on who asks."""
        ...


class Scheduler(Protocol):
    """`ctx.scheduler`: calls at a later time. In a mutation they are asked for when it commits, and only then."""

    def run_after(
        self, delay: float | timedelta, reference: Any, args: Mapping[str, Any] | None = None, /
    ) -> Awaitable[str]:
        """Runs a mutation or an action after `delay` (milliseconds, or a timedelta); gives the id of its row in
        `_scheduled_functions`. 0 means as soon as this is committed.
        """
        ...

    def run_at(
        self, time: float | datetime, reference: Any, args: Mapping[str, Any] | None = None, /
    ) -> Awaitable[str]:
        """The same at a time: milliseconds since 1970, or a datetime with a time zone. One that is past means now."""
        ...

    def cancel(self, id: str, /) -> Awaitable[None]:
        """Takes a call back that has not begun. An action that has begun goes on; what it schedules from now on does
        not run. One that has ended is left alone.
        """
        ...


class FunctionMeta(Protocol):
    """`ctx.meta`: about the running function."""

    def get_function_metadata(self) -> Awaitable[dict[str, Any]]: ...
    def get_deployment_metadata(self) -> Awaitable[dict[str, Any]]: ...


class TransactionMeta(FunctionMeta, Protocol):
    """The same inside a transaction."""

    def get_transaction_metrics(self) -> Awaitable[dict[str, dict[str, int]]]: ...
    def get_snapshot_ts(self) -> Awaitable[Int64]: ...


class MutationMeta(TransactionMeta, Protocol):
    """The same in a mutation."""

    def get_request_metadata(self) -> Awaitable[dict[str, Any]]:
        """`{ip, userAgent, requestId, scheduledFunctionId, authToken}` of the request that caused this call."""
        ...


class ActionMeta(FunctionMeta, Protocol):
    """The same in an action."""

    def get_request_metadata(self) -> Awaitable[dict[str, Any]]:
        """`{ip, userAgent, requestId, scheduledFunctionId, authToken}` of the request that caused this call."""
        ...


class Chance(Protocol):
    """`ctx.random`: a `random.Random`, named here by what handlers use of it, since this package draws nothing
    itself.
    """

    def random(self) -> float: ...
    def uniform(self, a: float, b: float) -> float: ...
    def gauss(self, mu: float = ..., sigma: float = ...) -> float: ...
    def randint(self, a: int, b: int) -> int: ...
    def randrange(self, start: int, stop: int | None = ..., step: int = ...) -> int: ...
    def getrandbits(self, k: int, /) -> int: ...
    def randbytes(self, n: int) -> bytes: ...
    def choice(self, seq: Sequence[T]) -> T: ...
    def choices(self, population: Sequence[T], weights: Sequence[float] | None = ..., *, k: int = ...) -> list[T]: ...
    def sample(self, population: Sequence[T], k: int) -> list[T]: ...
    def shuffle(self, x: MutableSequence[Any]) -> None: ...


class _Common(Protocol):
    @property
    def auth(self) -> Auth: ...

    @property
    def env(self) -> Mapping[str, str]:
        """The deployment's environment variables. Reading one makes a query depend on it."""
        ...

    @property
    def random(self) -> Chance:
        """Chance: seeded for each run of a query or mutation, so that it can be replayed."""
        ...

    def now(self) -> float:
        """Milliseconds since 1970. Frozen at the start of a query or mutation."""
        ...


class _Transaction(_Common, Protocol):
    def run_query(
        self,
        reference: Any,
        args: Mapping[str, Any] | None = None,
        /,
        *,
        transaction_limits: Mapping[str, int] | None = None,
        use_stale_snapshot: bool = False,
    ) -> Awaitable[Any]:
        """Runs a query in this transaction: it sees what was written so far.

        `transaction_limits` is a budget for the call (`documentsRead`, `bytesRead`, …). With `use_stale_snapshot`,
        which only mutations have, it sees the state from before the transaction, and leaves no evidence.
        """
        ...


class QueryCtx(_Transaction, Protocol):
    """What a query receives."""

    @property
    def db(self) -> DatabaseReader: ...

    @property
    def meta(self) -> TransactionMeta: ...


class MutationCtx(_Transaction, Protocol):
    """What a mutation receives."""

    @property
    def db(self) -> DatabaseWriter: ...

    @property
    def meta(self) -> MutationMeta: ...

    @property
    def scheduler(self) -> Scheduler: ...

    def run_mutation(
        self,
        reference: Any,
        args: Mapping[str, Any] | None = None,
        /,
        *,
        transaction_limits: Mapping[str, int] | None = None,
    ) -> Awaitable[Any]:
        """Runs a mutation as a sub-transaction: if it raises, its writes are undone and the caller may go on."""
        ...


class ActionCtx(_Common, Protocol):
    """What an action and an HTTP action receive."""

    @property
    def meta(self) -> ActionMeta: ...

    @property
    def scheduler(self) -> Scheduler: ...

    def run_query(self, reference: Any, args: Mapping[str, Any] | None = None, /) -> Awaitable[Any]:
        """Runs a query in a transaction of its own, or answers it from the cache."""
        ...

    def run_mutation(self, reference: Any, args: Mapping[str, Any] | None = None, /) -> Awaitable[Any]:
        """Runs a mutation in a transaction of its own, retried on conflicts."""
        ...

    def run_action(self, reference: Any, args: Mapping[str, Any] | None = None, /) -> Awaitable[Any]:
        """Runs another action and waits for it."""
        ...
