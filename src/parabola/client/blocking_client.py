"""The client for programs without an event loop: the one of `asyncio_client`, in a thread of its own."""

from __future__ import annotations

import asyncio
import threading
import weakref
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import Future
from types import TracebackType
from typing import Any, TypeVar

from parabola.client.asyncio_client import AsyncClient
from parabola.client.optimistic import OptimisticUpdate, copy_value
from parabola.client.pagination import PaginatedState, Pagination
from parabola.client.runtime import TokenFetcher
from parabola.client.session import Session, Stop, Watch
from parabola.client.states import QueryState, closed_error, to_exception
from parabola.errors import ClientClosed, ClientError
from parabola.sync.client_incoming import Answer, Outcome
from parabola.sync.client_peer import INACTIVITY_S, TOKEN_LEEWAY_S, ConnectionState
from parabola.sync.client_requests import RequestKind

T = TypeVar("T")


class Client:
    """A live connection to a Parabola (or Convex) server, for programs that block.

    ::

        with Client("http://127.0.0.1:3210") as client:
            client.mutation("messages:send", {"body": "hi"})
            for messages in client.subscribe("messages:list"):
                print(messages)

    It may be used from several threads. Callbacks are called in a thread of the client's, one after another; they must
    not wait for the client itself. See `AsyncClient` for what each call does, and for a client that is not closed.
    """

    def __init__(
        self,
        url: str,
        *,
        inactivity_s: float = INACTIVITY_S,
        token_leeway_s: float = TOKEN_LEEWAY_S,
        reuse_initial_token: bool = False,
        proxy: str | None = None,
    ) -> None:
        """The parameters are those of `AsyncClient`."""
        self._client = AsyncClient(
            url,
            inactivity_s=inactivity_s,
            token_leeway_s=token_leeway_s,
            reuse_initial_token=reuse_initial_token,
            proxy=proxy,
            fetch_tokens_in_threads=True,
        )
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=_run, args=(self._loop,), name="parabola-client", daemon=True)
        self._thread.start()
        self._is_closed = False
        self._session: Session = self._do(lambda: self._client.session)
        self._finalizer = weakref.finalize(self, self._client.abandon, self._loop.stop)
        self._finalizer.atexit = False

    # Into the client's thread.

    def _await(self, work: Coroutine[Any, Any, T]) -> T:
        try:
            self.check_may_wait()
            if self._is_closed:
                raise closed_error("The client was closed.")
        except ClientError:
            work.close()
            raise
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def _do(self, work: Callable[[], T]) -> T:
        """Does something brief in the client's thread; from a callback, at once."""
        if threading.current_thread() is self._thread:
            return work()

        async def run() -> T:
            return work()

        return self._await(run())

    def _stop_later(self, stop: Stop) -> Stop:
        def stop_there() -> None:
            if not self._is_closed:
                self._do(stop)

        return stop_there

    # Calls.

    def query(self, ref: object, args: Mapping[str, Any] | None = None) -> Any:
        """The result of a query."""
        return self._await(self._client.query(ref, args))

    def mutation(
        self,
        ref: object,
        args: Mapping[str, Any] | None = None,
        *,
        optimistic_update: OptimisticUpdate | None = None,
    ) -> Any:
        """Runs a mutation and returns its result once this client's queries show it."""
        self.check_may_wait()
        return self.begin_mutation(ref, args, optimistic_update=optimistic_update).result()

    def action(self, ref: object, args: Mapping[str, Any] | None = None) -> Any:
        """Runs an action."""
        self.check_may_wait()
        return self.begin_action(ref, args).result()

    def begin_mutation(
        self,
        ref: object,
        args: Mapping[str, Any] | None = None,
        *,
        optimistic_update: OptimisticUpdate | None = None,
    ) -> Future[Any]:
        """Sends a mutation without waiting for it. Those of one client run in the order in which they were begun."""
        return self._begin("mutation", ref, args, optimistic_update)

    def begin_action(self, ref: object, args: Mapping[str, Any] | None = None) -> Future[Any]:
        """Sends an action without waiting for it."""
        return self._begin("action", ref, args, None)

    def _begin(
        self,
        kind: RequestKind,
        ref: object,
        args: Mapping[str, Any] | None,
        optimistic_update: OptimisticUpdate | None,
    ) -> Future[Any]:
        future: Future[Any] = Future()
        # It cannot be called back, so it cannot be cancelled either.
        future.set_running_or_notify_cancel()

        def settle(outcome: Outcome) -> None:
            if isinstance(outcome, Answer):
                future.set_result(outcome.value)
            else:
                future.set_exception(to_exception(outcome))

        self._do(lambda: self._session.request(kind, ref, args, settle, optimistic_update))
        return future

    # Live queries.

    def subscribe(self, ref: object, args: Mapping[str, Any] | None = None) -> BlockingSubscription:
        """Follows a query: iterate over its results with `for`."""
        return BlockingSubscription(self, self.watch(ref, args))

    def watch(self, ref: object, args: Mapping[str, Any] | None = None) -> BlockingWatch:
        """Follows a query by callbacks: `current()`, `on_update(callback)`, `close()`."""
        return BlockingWatch(self, self._do(lambda: self._client.watch(ref, args)))

    def paginated(
        self, ref: object, args: Mapping[str, Any] | None = None, *, initial_num_items: int = 20
    ) -> BlockingPagination:
        """Follows a paginated query, page by page. `args` are those without `paginationOpts`."""
        return BlockingPagination(
            self, self._do(lambda: self._client.paginated(ref, args, initial_num_items=initial_num_items))
        )

    def batch_updates_with(self, batch: Callable[[Callable[[], None]], object] | None) -> None:
        """Has all callbacks of one step called inside `batch(call_them)`."""
        self._do(lambda: self._client.batch_updates_with(batch))

    # Who is asking.

    def set_auth(self, fetch_token: str | TokenFetcher, on_change: Callable[[bool], object] | None = None) -> None:
        """Signs in with tokens from `fetch_token`, which is called in a thread of its own and may block."""
        self._do(lambda: self._client.set_auth(fetch_token, on_change))

    def set_admin_auth(self, key: str, acting_as: Mapping[str, Any] | None = None) -> None:
        """Acts with an admin key."""
        self._do(lambda: self._client.set_admin_auth(key, acting_as))

    def clear_auth(self) -> None:
        """Signs out."""
        self._do(self._client.clear_auth)

    @property
    def is_authenticated(self) -> bool:
        """Whether the server has accepted this client's token."""
        return self._session.is_authenticated

    def on_auth_change(self, callback: Callable[[bool], object]) -> Stop:
        """Calls `callback` with whether the server accepts this client's token, whenever that may have changed."""
        return self._stop_later(self._do(lambda: self._client.on_auth_change(callback)))

    def on_auth_refresh(self, callback: Callable[[bool], object]) -> Stop:
        """Calls `callback` with whether a refused token is being replaced right now."""
        return self._stop_later(self._do(lambda: self._client.on_auth_refresh(callback)))

    # The connection.

    @property
    def connection_state(self) -> ConnectionState:
        """How the client is connected now."""
        if self._is_closed:
            return self._session.connection_state
        return self._do(lambda: self._client.connection_state)

    def on_connection_change(self, callback: Callable[[ConnectionState], object]) -> Stop:
        """Calls `callback` with each new connection state."""
        return self._stop_later(self._do(lambda: self._client.on_connection_change(callback)))

    def close(self) -> None:
        """Disconnects for good. Calls that are not over raise `ClientClosed`; iterations end."""
        if self._is_closed:
            return
        self._await(self._client.close())
        self._is_closed = True
        self._finalizer.detach()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def __enter__(self) -> Client:
        if self._is_closed:
            raise closed_error("The client was closed.")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    # For the classes below.

    @property
    def session(self) -> Session:
        """What is behind the calls above; for bindings. It must be used in the client's thread only."""
        return self._session

    def check_may_wait(self) -> None:
        """Raises `ClientError` in the client's own thread, which has to bring what would be waited for."""
        if threading.current_thread() is self._thread:
            raise ClientError(
                "A callback of a Client waited for that Client, which would wait for ever. "
                "Use begin_mutation() and begin_action(), hand the work to another thread, or use AsyncClient."
            )

    def run_there(self, work: Callable[[], T]) -> T:
        """Does something brief in the client's thread, and returns what it returned."""
        return self._do(work)

    def post_there(self, work: Callable[[], object]) -> None:
        """Has something done in the client's thread, without waiting. Nothing happens once the client is closed."""
        if not self._is_closed:
            self._loop.call_soon_threadsafe(work)


class BlockingWatch:
    """`Watch`, for any thread."""

    def __init__(self, client: Client, watch: Watch) -> None:
        self._client = client
        self._watch = watch

    def current(self) -> QueryState:
        """The query now: loading, a value or an error."""
        return self._watch.current()

    def on_update(self, callback: Callable[[QueryState], object]) -> Stop:
        """Calls `callback` with each state that is new after this call, in the client's thread.

        The first result may be there before this is called, and is not told then. Read `current()` after this call,
        and nothing is missed; or use `subscribe()`, which begins with what is there.
        """
        stop = self._client.run_there(lambda: self._watch.on_update(callback))
        return lambda: self._client.post_there(stop)

    def close(self) -> None:
        """Stops following."""
        self._client.post_there(self._watch.close)

    def __enter__(self) -> BlockingWatch:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


class BlockingPagination:
    """`Pagination`, for any thread."""

    def __init__(self, client: Client, pagination: Pagination) -> None:
        self._client = client
        self._pagination = pagination
        self._changed = threading.Condition()
        client.run_there(lambda: pagination.on_update(self._notice))

    def _notice(self, state: PaginatedState) -> None:
        with self._changed:
            self._changed.notify_all()

    def current(self) -> PaginatedState:
        """What is loaded now."""
        return self._pagination.current()

    def wait(
        self, wanted: Callable[[PaginatedState], bool] | None = None, timeout: float | None = None
    ) -> PaginatedState:
        """Waits until the state is `wanted` (default: no longer loading) and returns it. Raises its error if it has
        one, and TimeoutError after `timeout` seconds.
        """

        def is_over() -> bool:
            state = self._pagination.current()
            if state.error is not None:
                return True
            return not state.is_loading if wanted is None else wanted(state)

        if not is_over():
            self._client.check_may_wait()
        with self._changed:
            if not self._changed.wait_for(is_over, timeout):
                raise TimeoutError(f"The pages did not become what was waited for within {timeout} s.")
        state = self._pagination.current()
        if state.error is not None:
            raise state.error.with_traceback(None)
        return state

    def on_update(self, callback: Callable[[PaginatedState], object]) -> Stop:
        """Calls `callback` with each state that is new after this call, in the client's thread.

        The first page may be there before this is called, and is not told then. Read `current()` after this call, and
        nothing is missed; or use `wait()`.
        """
        stop = self._client.run_there(lambda: self._pagination.on_update(callback))
        return lambda: self._client.post_there(stop)

    def load_more(self, num_items: int) -> bool:
        """Loads about this many more. False, and nothing happens, unless the status is "CanLoadMore"."""
        return self._client.run_there(lambda: self._pagination.load_more(num_items))

    def reset(self) -> None:
        """Loads anew from the first page."""
        self._client.run_there(self._pagination.reset)

    def close(self) -> None:
        """Stops following."""
        self._client.post_there(self._pagination.close)

    def __enter__(self) -> BlockingPagination:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


class BlockingSubscription:
    """The results of one query, newest first come: iterate with `for`. See `Subscription`."""

    def __init__(self, client: Client, watch: BlockingWatch) -> None:
        self._client = client
        self._watch = watch
        self._shown: QueryState | None = None
        self._is_closed = False
        # The listeners hold on to the signal only, so that an iteration that was left behind can be cleaned up.
        self._news = threading.Event()
        news = self._news
        stop_update = watch.on_update(lambda state: news.set())
        stop_end = client.run_there(lambda: client.session.on_end(news.set))
        self._finalizer = weakref.finalize(self, _let_go, client, watch, (stop_update, stop_end))
        self._finalizer.atexit = False

    def __iter__(self) -> BlockingSubscription:
        return self

    def __next__(self) -> Any:
        state = self._wait(None)
        if state is None:
            raise StopIteration
        return copy_value(state.unwrap())

    def next(self, timeout: float | None = None) -> Any:
        """The next result, as iteration gives it. Raises TimeoutError after `timeout` seconds without one, and
        `ClientClosed` at the end.
        """
        state = self._wait(timeout)
        if state is None:
            raise ClientClosed("The subscription was closed.")
        return copy_value(state.unwrap())

    def _wait(self, timeout: float | None) -> QueryState | None:
        """The next state to show; None at the end."""
        while True:
            self._news.clear()
            ended = self._client.session.ended
            if ended is not None:
                self.close()
                if ended.was_fatal:
                    raise closed_error(ended.reason)
            if self._is_closed:
                return None
            state = self._watch.current()
            if state is not self._shown and not state.is_loading:
                self._shown = state
                return state
            self._client.check_may_wait()
            if not self._news.wait(timeout):
                raise TimeoutError(f"No new result came within {timeout} s.")

    def close(self) -> None:
        """Stops following; a waiting iteration ends."""
        self._is_closed = True
        self._finalizer()
        self._news.set()

    def __enter__(self) -> BlockingSubscription:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def _run(loop: asyncio.AbstractEventLoop) -> None:
    try:
        loop.run_forever()
    finally:
        loop.close()


def _let_go(client: Client, watch: BlockingWatch, stops: tuple[Stop, ...]) -> None:
    for stop in stops:
        client.post_there(stop)
    watch.close()
