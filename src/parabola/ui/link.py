"""What the bindings need of a client, and how `AsyncClient` and `Client` give it.

A link has a *home*: the one thread (an event loop's) in which its client lives. All but `post` and `is_here` must be
called there, and everything that a client reports is reported there. `post` is the way in from any thread.

Work runs in a fresh context (`contextvars`): it is often begun while a signal's effect runs, and neither that effect
nor a page may be taken for the one who reads signals in the tasks that the work starts.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping
from contextvars import Context
from typing import Any, Literal, Protocol, TypeAlias

from parabola.client import (
    AsyncClient,
    Client,
    ConnectionState,
    OptimisticUpdate,
    PaginatedState,
    Pagination,
    QueryState,
    Stop,
    TokenFetcher,
)
from parabola.client.states import state_of

Settle: TypeAlias = Callable[[QueryState], None]
"""Is told how a call ended: a state with a value or an error."""


class WatchLike(Protocol):
    """Follows one query."""

    def current(self) -> QueryState: ...

    def on_update(self, callback: Callable[[QueryState], object]) -> Stop: ...

    def close(self) -> None: ...


class PaginationLike(Protocol):
    """Follows a paginated query."""

    def current(self) -> PaginatedState: ...

    def on_update(self, callback: Callable[[PaginatedState], object]) -> Stop: ...

    def load_more(self, num_items: int) -> bool: ...

    def reset(self) -> None: ...

    def close(self) -> None: ...


class Link(Protocol):
    """See the module's docstring."""

    @property
    def client(self) -> Any:
        """The client itself, for `inject_parabola`."""
        ...

    def is_here(self) -> bool:
        """Whether this is the home thread."""
        ...

    def post(self, work: Callable[[], object]) -> None:
        """Does this at home: now if this is home, else soon. Nothing happens once the client is gone."""
        ...

    def call_later(self, delay_s: float, work: Callable[[], object]) -> Stop:
        """Does this at home after a while, unless it is stopped before."""
        ...

    def watch(self, ref: object, args: Mapping[str, Any]) -> WatchLike: ...

    def paginated(self, ref: object, args: Mapping[str, Any], initial_num_items: int) -> PaginationLike: ...

    def request(
        self,
        kind: Literal["mutation", "action"],
        ref: object,
        args: Mapping[str, Any] | None,
        settle: Settle,
        optimistic_update: OptimisticUpdate | None,
    ) -> None: ...

    def set_auth(self, fetch_token: TokenFetcher, on_change: Callable[[bool], object]) -> None: ...

    def clear_auth(self) -> None: ...

    def on_auth_refresh(self, callback: Callable[[bool], object]) -> Stop: ...

    def connection_state(self) -> ConnectionState: ...

    def on_connection_change(self, callback: Callable[[ConnectionState], object]) -> Stop: ...

    def batch_updates_with(self, batch: Callable[[Callable[[], None]], object]) -> None:
        """Has all reports of one moment made inside `batch(report)`."""
        ...

    def close(self) -> None:
        """Disconnects for good. May be called from any thread."""
        ...

    async def wait_closed(self) -> None:
        """Waits until everything of the client has ended. `close` was called before."""
        ...


class ClientLink:
    """The link to a client of `parabola.client`."""

    def __init__(self, client: AsyncClient | Client) -> None:
        self._client = client
        if isinstance(client, Client):
            self._loop, self._thread_id = client.run_there(lambda: (asyncio.get_running_loop(), threading.get_ident()))
        else:
            self._loop, self._thread_id = asyncio.get_running_loop(), threading.get_ident()
        self._session = client.session
        self._closing: asyncio.Task[None] | None = None

    @property
    def client(self) -> AsyncClient | Client:
        return self._client

    def is_here(self) -> bool:
        return threading.get_ident() == self._thread_id

    def post(self, work: Callable[[], object]) -> None:
        if self.is_here():
            Context().run(work)
            return
        try:
            self._loop.call_soon_threadsafe(work, context=Context())
        except RuntimeError:
            pass  # the loop is closed, and the client with it

    def call_later(self, delay_s: float, work: Callable[[], object]) -> Stop:
        return self._loop.call_later(delay_s, work, context=Context()).cancel

    def watch(self, ref: object, args: Mapping[str, Any]) -> WatchLike:
        return self._session.watch(ref, args)

    def paginated(self, ref: object, args: Mapping[str, Any], initial_num_items: int) -> PaginationLike:
        return Pagination(self._session, ref, args, initial_num_items=initial_num_items)

    def request(
        self,
        kind: Literal["mutation", "action"],
        ref: object,
        args: Mapping[str, Any] | None,
        settle: Settle,
        optimistic_update: OptimisticUpdate | None,
    ) -> None:
        self._session.request(kind, ref, args, lambda outcome: settle(state_of(outcome)), optimistic_update)

    def set_auth(self, fetch_token: TokenFetcher, on_change: Callable[[bool], object]) -> None:
        self._client.set_auth(fetch_token, on_change)

    def clear_auth(self) -> None:
        self._client.clear_auth()

    def on_auth_refresh(self, callback: Callable[[bool], object]) -> Stop:
        return self._session.on_auth_refresh(callback)

    def connection_state(self) -> ConnectionState:
        return self._session.connection_state

    def on_connection_change(self, callback: Callable[[ConnectionState], object]) -> Stop:
        return self._session.on_connection_change(callback)

    def batch_updates_with(self, batch: Callable[[Callable[[], None]], object]) -> None:
        self._session.batch_updates_with(batch)

    def close(self) -> None:
        if isinstance(self._client, Client):
            self._client.close()
        elif self._closing is None and not self._loop.is_closed():
            self.post(self._begin_closing)

    def _begin_closing(self) -> None:
        if isinstance(self._client, AsyncClient) and self._loop.is_running():
            self._closing = self._loop.create_task(self._client.close())

    async def wait_closed(self) -> None:
        if self._closing is not None:
            await self._closing
