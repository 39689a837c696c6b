"""The client for programs on asyncio."""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any

from parabola.client.address import parse_address
from parabola.client.optimistic import OptimisticUpdate, copy_value
from parabola.client.pagination import PaginatedState, Pagination
from parabola.client.runtime import AsyncioRuntime, TokenFetcher
from parabola.client.session import Session, Stop, Watch
from parabola.client.states import QueryState, closed_error, to_exception
from parabola.errors import ClientClosed, ClientError, InvalidArgument
from parabola.seams import Clock, Entropy, SystemClock, SystemEntropy
from parabola.sync.client_incoming import Answer, Outcome
from parabola.sync.client_peer import INACTIVITY_S, TOKEN_LEEWAY_S, ConnectionState
from parabola.sync.client_requests import RequestKind


class AsyncClient:
    """A live connection to a Parabola (or Convex) server, for one event loop.

    ::

        async with AsyncClient("http://127.0.0.1:3210") as client:
            await client.mutation("messages:send", {"body": "hi"})
            async for messages in client.subscribe("messages:list"):
                print(messages)

    It connects at first use, comes back by itself when the connection is lost, and then restores its subscriptions and
    repeats the mutations that were under way, which the server carries out once. Functions are named by strings or by
    `api` references.

    Close it when it is done with. One that nobody holds any more closes by itself, once nothing is watched and no call
    is under way.
    """

    def __init__(
        self,
        url: str,
        *,
        inactivity_s: float = INACTIVITY_S,
        token_leeway_s: float = TOKEN_LEEWAY_S,
        reuse_initial_token: bool = False,
        proxy: str | None = None,
        clock: Clock | None = None,
        entropy: Entropy | None = None,
        fetch_tokens_in_threads: bool = False,
    ) -> None:
        """`url` is the server's, with its scheme. `inactivity_s` is the silence after which a connection is given up;
        `token_leeway_s` how long before its end a token is replaced; `reuse_initial_token` trusts the clocks to know
        the end of the first token, instead of fetching a fresh one at once. `proxy` is the address of a proxy (default:
        what the environment names). With `fetch_tokens_in_threads`, plain functions given to `set_auth` may block.
        """
        self._address = parse_address(url)
        self._clock = clock if clock is not None else SystemClock()
        self._entropy = entropy if entropy is not None else SystemEntropy()
        self._options = {
            "inactivity_s": inactivity_s,
            "token_leeway_s": token_leeway_s,
            "reuse_initial_token": reuse_initial_token,
        }
        self._proxy = proxy
        self._fetch_in_threads = fetch_tokens_in_threads
        self._runtime: AsyncioRuntime | None = None
        self._session: Session | None = None

    @property
    def session(self) -> Session:
        """What is behind the calls below; for bindings. Connects if this is the first use. Raises `ClientError` in
        another event loop than that of the first use.
        """
        if self._session is None:
            if _running_loop() is None:
                raise ClientError("An AsyncClient was used where no event loop runs. Use Client there.")
            self._runtime = AsyncioRuntime(
                self._address, self._clock, proxy=self._proxy, fetch_in_threads=self._fetch_in_threads
            )
            self._session = Session(self._runtime, clock=self._clock, entropy=self._entropy, **self._options)  # type: ignore[arg-type]
            self._runtime.session = self._session
            self._finalizer = weakref.finalize(self, self._runtime.abandon)
            self._finalizer.atexit = False
            self._session.start()
        elif self._runtime is not None and self._runtime.loop is not _running_loop() and self._session.ended is None:
            raise ClientError(
                "This AsyncClient belongs to another event loop than the one that runs here. Make one for each loop; "
                "to use one client in several threads, take Client."
            )
        return self._session

    # Calls.

    async def query(self, ref: object, args: Mapping[str, Any] | None = None) -> Any:
        """The result of a query: the one on display if it is being watched, else a fresh one.

        Raises `ConvexError` with its data if the function raised one, `CallFailed` for any other failure.
        """
        subscription = self.subscribe(ref, args)
        try:
            return await anext(subscription)
        except StopAsyncIteration:
            raise ClientClosed("The client was closed before the query had a result.") from None
        finally:
            subscription.close()

    async def mutation(
        self,
        ref: object,
        args: Mapping[str, Any] | None = None,
        *,
        optimistic_update: OptimisticUpdate | None = None,
    ) -> Any:
        """Runs a mutation, after all earlier ones of this client, and returns its result once this client's queries
        show it.

        `optimistic_update(store, args)` shows the change at once. Cancelling stops the waiting, not the mutation.
        Raises as `query` does.
        """
        return await self._request("mutation", ref, args, optimistic_update)

    async def action(self, ref: object, args: Mapping[str, Any] | None = None) -> Any:
        """Runs an action, beside everything else.

        Raises as `query` does, and `ConnectionLost` when it is not known what became of it.
        """
        return await self._request("action", ref, args, None)

    async def _request(
        self,
        kind: RequestKind,
        ref: object,
        args: Mapping[str, Any] | None,
        optimistic_update: OptimisticUpdate | None,
    ) -> Any:
        settled: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()

        def settle(outcome: Outcome) -> None:
            if not settled.done():
                settled.set_result(outcome)

        self.session.request(kind, ref, args, settle, optimistic_update)
        outcome = await settled
        if isinstance(outcome, Answer):
            return outcome.value
        raise to_exception(outcome)

    # Live queries.

    def subscribe(self, ref: object, args: Mapping[str, Any] | None = None) -> Subscription:
        """Follows a query: iterate over its results with `async for`. See `Subscription`."""
        return Subscription(self.session, self.watch(ref, args))

    def watch(self, ref: object, args: Mapping[str, Any] | None = None) -> Watch:
        """Follows a query by callbacks: `current()`, `on_update(callback)`, `close()`."""
        return self.session.watch(ref, args)

    def paginated(
        self, ref: object, args: Mapping[str, Any] | None = None, *, initial_num_items: int = 20
    ) -> AsyncPagination:
        """Follows a paginated query, page by page. `args` are those without `paginationOpts`."""
        return AsyncPagination(self.session, ref, args, initial_num_items=initial_num_items)

    def batch_updates_with(self, batch: Callable[[Callable[[], None]], object] | None) -> None:
        """Has all callbacks of one step called inside `batch(call_them)`."""
        self.session.batch_updates_with(batch)

    # Who is asking.

    def set_auth(self, fetch_token: str | TokenFetcher, on_change: Callable[[bool], object] | None = None) -> None:
        """Signs in with tokens from `fetch_token`: a function, plain or async, called again before a token ends and
        when the server refuses one. It may take the keyword `force_refresh`, and gives None when nobody is signed in.

        `on_change` is called with whether the server accepted a token. A fixed string may stand in for the function.
        """
        if not isinstance(fetch_token, str) and not callable(fetch_token):
            raise InvalidArgument(
                f"set_auth() needs a function that gives a token, or a token, and not {fetch_token!r:.50}. "
                "To sign out, call clear_auth()."
            )
        session = self.session
        assert self._runtime is not None
        self._runtime.fetcher = (lambda: fetch_token) if isinstance(fetch_token, str) else fetch_token
        session.set_auth_listener(on_change)
        session.begin_auth()

    def set_admin_auth(self, key: str, acting_as: Mapping[str, Any] | None = None) -> None:
        """Acts with an admin key, as the user with the attributes `acting_as` if they are given."""
        self.session.set_admin_auth(key, acting_as)

    def clear_auth(self) -> None:
        """Signs out."""
        self.session.clear_auth()

    @property
    def is_authenticated(self) -> bool:
        """Whether the server has accepted this client's token."""
        return self._session is not None and self._session.is_authenticated

    def on_auth_change(self, callback: Callable[[bool], object]) -> Stop:
        """Calls `callback` with whether the server accepts this client's token, whenever that may have changed."""
        return self.session.on_auth_change(callback)

    def on_auth_refresh(self, callback: Callable[[bool], object]) -> Stop:
        """Calls `callback` with whether a refused token is being replaced right now."""
        return self.session.on_auth_refresh(callback)

    # The connection.

    @property
    def connection_state(self) -> ConnectionState:
        """How the client is connected now."""
        return (self._session or self.session).connection_state

    def on_connection_change(self, callback: Callable[[ConnectionState], object]) -> Stop:
        """Calls `callback` with each new connection state."""
        return self.session.on_connection_change(callback)

    async def close(self) -> None:
        """Disconnects for good. Calls that are not over raise `ClientClosed`; iterations end."""
        if self._session is None or self._runtime is None or self._runtime.loop.is_closed():
            return
        self.session.close()
        self._finalizer.detach()
        await self._runtime.close()

    def abandon(self, then: Callable[[], object]) -> None:
        """For `Client`, which nobody holds any more: see `AsyncioRuntime.abandon`."""
        assert self._runtime is not None
        self._finalizer.detach()
        self._runtime.abandon(then)

    async def __aenter__(self) -> AsyncClient:
        if (ended := self.session.ended) is not None:
            raise closed_error(ended.reason)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()


class AsyncPagination(Pagination):
    """`Pagination`, with a way to wait for it."""

    async def wait(self, wanted: Callable[[PaginatedState], bool] | None = None) -> PaginatedState:
        """Waits until the state is `wanted` (default: no longer loading) and returns it. Raises its error if it has
        one.
        """
        news = asyncio.Event()
        stop = self.on_update(lambda state: news.set())
        try:
            while True:
                state = self.current()
                if state.error is not None:
                    raise state.error.with_traceback(None)
                if not state.is_loading if wanted is None else wanted(state):
                    return state
                news.clear()
                await news.wait()
        finally:
            stop()


class Subscription:
    """The results of one query, newest first come: iterate with `async for`.

    The iteration waits for the first result, then for each change. A slow reader skips what was replaced meanwhile, and
    always gets the newest. When the query fails, the iteration raises; the next step of the same subscription goes on.
    It ends when the subscription or its client is closed; dropping the last reference closes it too. What it gives is
    a copy, to be changed at will.
    """

    def __init__(self, session: Session, watch: Watch) -> None:
        self._session = session
        self._watch = watch
        self._shown: QueryState | None = None
        self._is_closed = False
        self._news = asyncio.Event()
        # The listeners hold on to the event only, so that an iteration that was left behind can be cleaned up.
        news = self._news
        watch.on_update(lambda state: news.set())
        self._stop_end = session.on_end(news.set)
        self._finalizer = weakref.finalize(self, _let_go, watch, self._stop_end)
        self._finalizer.atexit = False

    def __aiter__(self) -> Subscription:
        return self

    async def __anext__(self) -> Any:
        while not self._is_closed and self._session.ended is None:
            state = self._watch.current()
            if state is not self._shown and not state.is_loading:
                self._shown = state
                return copy_value(state.unwrap())
            self._news.clear()
            await self._news.wait()
        if not self._is_closed and self._session.ended is not None and self._session.ended.was_fatal:
            self.close()
            raise closed_error(self._session.ended.reason)
        raise StopAsyncIteration

    def close(self) -> None:
        """Stops following; a waiting iteration ends."""
        self._is_closed = True
        self._finalizer()
        self._news.set()

    async def __aenter__(self) -> Subscription:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def _let_go(watch: Watch, stop_end: Stop) -> None:
    stop_end()
    watch.close()
