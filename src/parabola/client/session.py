"""One client without its sockets and threads: the peer, the results on display, and whoever watches them.

`Session` belongs to one thread. What it needs from outside (a socket, a timer, a token) it asks of its `SessionIO`.
Each thing that happens is one *step*: the peer is told, all results that changed take their new values, and only then
are listeners called, so that whichever of them looks at whatever query sees one moment.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Protocol

from parabola.client.optimistic import OptimisticResults, OptimisticUpdate, same_outcome
from parabola.client.states import LOADING, QueryState, closed_error, state_of
from parabola.definitions.paths import canonical_path
from parabola.definitions.references import get_function_name
from parabola.errors import ClientError
from parabola.seams import Clock, Entropy
from parabola.sync.client_effects import (
    AuthChanged,
    AuthRefreshing,
    ClientEffect,
    CloseSocket,
    ConnectionChanged,
    Ended,
    FetchToken,
    FunctionLogged,
    OpenSocket,
    QueryToken,
    Report,
    RequestDone,
    ResultsChanged,
)
from parabola.sync.client_incoming import Outcome
from parabola.sync.client_peer import (
    INACTIVITY_S,
    TOKEN_LEEWAY_S,
    ClientPeer,
    ConnectionState,
    encode_args,
    query_token,
)
from parabola.sync.client_peer import normalize_args as normalize_args  # for the bindings, too
from parabola.sync.client_requests import RequestKind

log = logging.getLogger("parabola.client")
function_log = logging.getLogger("parabola.client.functions")

Stop = Callable[[], None]
"""Takes a listener away again. Calling it twice does no harm."""


class SessionIO(Protocol):
    """The outside world, as a session needs it."""

    def open_socket(self, number: int) -> None:
        """Opens a socket and reports to the session under this number."""
        ...

    def close_socket(self, number: int) -> None:
        """Closes that socket, whether it is open yet or not."""
        ...

    def send(self, text: bytes) -> None:
        """Sends a text message on the newest socket."""
        ...

    def fetch_token(self, number: int, force: bool) -> None:
        """Fetches a token and gives it to `Session.token_fetched` under this number."""
        ...

    def wake_at(self, deadline: float | None) -> None:
        """Calls `Session.tick` at that time of the monotonic clock, instead of at any time before."""
        ...


class _SharedQuery:
    """One query on the server, for all watches of equal queries."""

    __slots__ = ("outcome", "state", "token", "watches")

    def __init__(self, token: QueryToken) -> None:
        self.token = token
        self.outcome: Outcome | None = None
        self.state = LOADING
        self.watches: dict[Watch, None] = {}


class Watch:
    """Follows one query until it is closed. Made by `watch()` of a client."""

    def __init__(self, session: Session, shared: _SharedQuery) -> None:
        self._session = session
        self._shared = shared
        self._listeners: list[Callable[[QueryState], object]] = []
        self._is_closed = False
        shared.watches[self] = None

    def current(self) -> QueryState:
        """The query now: loading, a value or an error; `ClientClosed` once the server has ended the session for good.
        Costs nothing, and may be called from any thread.
        """
        return self._shared.state

    def on_update(self, callback: Callable[[QueryState], object]) -> Stop:
        """Calls `callback` with each state that is new after this call, in the client's thread.

        The state of this moment is not told, whether it came long ago or just now: read `current()` after this call,
        and nothing is missed. The official client's `onUpdate` does the same.
        """
        self._listeners.append(callback)

        def stop() -> None:
            if callback in self._listeners:
                self._listeners.remove(callback)

        return stop

    def close(self) -> None:
        """Stops following. The last watch of a query to close takes it off the server."""
        if not self._is_closed:
            self._is_closed = True
            self._listeners.clear()
            self._session.release(self, self._shared)

    def __enter__(self) -> Watch:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def notify(self) -> None:
        """For the session: the state is new."""
        for listener in list(self._listeners):
            if listener in self._listeners:
                call_safely(listener, self._shared.state)


class Session:
    """See the module's docstring."""

    def __init__(
        self,
        io: SessionIO,
        *,
        clock: Clock,
        entropy: Entropy,
        inactivity_s: float = INACTIVITY_S,
        token_leeway_s: float = TOKEN_LEEWAY_S,
        reuse_initial_token: bool = False,
    ) -> None:
        self._io = io
        self.peer = ClientPeer(
            session_id=str(uuid.UUID(bytes=entropy.bytes(16), version=4)),
            clock=clock,
            entropy=entropy,
            inactivity_s=inactivity_s,
            token_leeway_s=token_leeway_s,
            reuse_initial_token=reuse_initial_token,
        )
        self._results = OptimisticResults(self.peer.queries)
        self._shared: dict[QueryToken, _SharedQuery] = {}
        self._settle: dict[int, Callable[[Outcome], None]] = {}
        self._connection_listeners: list[Callable[[ConnectionState], object]] = []
        self._auth_listeners: list[Callable[[bool], object]] = []
        self._refresh_listeners: list[Callable[[bool], object]] = []
        self._end_listeners: list[Callable[[], object]] = []
        self._idle_listeners: list[Callable[[], object]] = []
        # Given together with the tokens, and gone with them.
        self._auth_listener: Callable[[bool], object] | None = None
        self._last_connection_state = self.peer.connection_state
        self._batch: Callable[[Callable[[], None]], object] | None = None
        self._after_step: list[Callable[[], object]] = []
        self._is_pumping = False
        self._paginations = 0
        self.is_authenticated = False
        self.ended: Ended | None = None

    # What happens outside.

    def start(self) -> None:
        """Connects."""
        self.peer.start()
        self.pump()

    def socket_opened(self, number: int) -> None:
        """See `ClientPeer.socket_opened`."""
        self.peer.socket_opened(number)
        self.pump()

    def socket_closed(self, number: int, code: int | None, reason: str) -> None:
        """See `ClientPeer.socket_closed`."""
        self.peer.socket_closed(number, code, reason)
        self.pump()

    def receive(self, number: int, text: bytes) -> None:
        """See `ClientPeer.receive`."""
        self.peer.receive(number, text)
        self.pump()

    def tick(self) -> None:
        """See `ClientPeer.tick`."""
        self.peer.tick()
        self.pump()

    def token_fetched(self, number: int, token: str | None) -> None:
        """See `ClientPeer.token_fetched`."""
        self.peer.token_fetched(number, token)
        self.pump()

    # What the application does.

    def watch(self, ref: object, args: Mapping[str, Any] | None = None) -> Watch:
        """Follows a query. Equal queries are followed once."""
        self._check_open()
        token, values = query_token(get_function_name(ref), args)
        shared = self._shared.get(token)
        if shared is None:
            self.peer.subscribe(token, values)
            shared = self._shared[token] = _SharedQuery(token)
            shared.outcome = self._results.outcome(token)
            shared.state = state_of(shared.outcome)
        watch = Watch(self, shared)
        self.pump()
        return watch

    def release(self, watch: Watch, shared: _SharedQuery) -> None:
        """A watch is closed."""
        del shared.watches[watch]
        if not shared.watches and self._shared.get(shared.token) is shared:
            del self._shared[shared.token]
            if self.ended is None:
                self.peer.unsubscribe(shared.token)
                self.pump()

    def request(
        self,
        kind: RequestKind,
        ref: object,
        args: Mapping[str, Any] | None,
        settle: Callable[[Outcome], None],
        optimistic_update: OptimisticUpdate | None = None,
    ) -> None:
        """Calls a mutation or an action; `settle` is called once, with the outcome, after the listeners of the results
        that reflect it.
        """
        self._check_open()
        if self._results.is_playing:
            raise ClientError(
                "An optimistic update called a function of the server. It may be called many times, so it must have "
                "no effect but on the store that it is given."
            )
        path = canonical_path(get_function_name(ref))
        values = normalize_args(args)
        args_text = encode_args(path, values)
        changed: frozenset[QueryToken] = frozenset()
        if optimistic_update is not None:
            changed = self._results.add(self.peer.requests.next_id, optimistic_update, values)
        self._settle[self.peer.request(kind, path, args_text)] = settle
        self._show(changed)
        self.pump()

    def begin_auth(self) -> None:
        """The SessionIO has a (new) way to fetch tokens."""
        self._check_open()
        self.peer.begin_auth()
        self.pump()

    def set_admin_auth(self, key: str, acting_as: Mapping[str, Any] | None = None) -> None:
        """See `ClientPeer.set_admin_auth`."""
        self._check_open()
        self.peer.set_admin_auth(key, acting_as)
        self._auth_listener = None
        if self.is_authenticated:
            self._auth_changed(False)
        self.pump()

    def clear_auth(self) -> None:
        """See `ClientPeer.clear_auth`."""
        self._check_open()
        self.peer.clear_auth()
        self._auth_listener = None
        self._auth_changed(False)
        self.pump()

    def close(self) -> None:
        """Ends the session: calls that are not over fail, subscriptions end."""
        self.peer.close()
        self.pump()

    @property
    def connection_state(self) -> ConnectionState:
        """How the client is connected now."""
        return self.peer.connection_state

    def next_pagination_id(self) -> int:
        """A number that makes each pagination a query of its own."""
        self._paginations += 1
        return self._paginations

    # Listeners.

    def on_connection_change(self, callback: Callable[[ConnectionState], object]) -> Stop:
        """Calls `callback` whenever the connection state has changed."""
        return _add(self._connection_listeners, callback)

    def on_auth_change(self, callback: Callable[[bool], object]) -> Stop:
        """Calls `callback` with whether the server accepts this client's token, whenever that may have changed."""
        return _add(self._auth_listeners, callback)

    def set_auth_listener(self, callback: Callable[[bool], object] | None) -> None:
        """The one listener that belongs to the present way of signing in."""
        self._auth_listener = callback

    def on_auth_refresh(self, callback: Callable[[bool], object]) -> Stop:
        """Calls `callback(True)` when a refused token is being replaced, and `callback(False)` when that is over."""
        return _add(self._refresh_listeners, callback)

    def on_end(self, callback: Callable[[], object]) -> Stop:
        """Calls `callback` when the session is over; `ended` says why."""
        return _add(self._end_listeners, callback)

    def batch_updates_with(self, batch: Callable[[Callable[[], None]], object] | None) -> None:
        """Has the listeners of one step called inside `batch(call_them)`, so that what they cause is shown at once."""
        self._batch = batch

    def when_idle(self, callback: Callable[[], object]) -> None:
        """Calls `callback` once, as soon as nothing is watched and no call is under way, or the session is over."""
        self._idle_listeners.append(callback)
        self.pump()

    def after_step(self, callback: Callable[[], object]) -> None:
        """For a listener: calls `callback` when all listeners of the step have been called."""
        self._after_step.append(callback)

    # Carrying out what the peer asks for.

    def pump(self) -> None:
        """Carries out what the peer asks for, until it asks for nothing more."""
        if self._is_pumping:
            return
        self._is_pumping = True
        try:
            while self.peer.outgoing or self.peer.effects:
                while self.peer.outgoing:
                    self._io.send(self.peer.outgoing.pop(0))
                if self.peer.effects:
                    self._carry_out(self.peer.effects.pop(0))
        finally:
            self._is_pumping = False
        self._io.wake_at(self.peer.deadline)
        while self._idle_listeners and (self.ended is not None or not (self._shared or self._settle)):
            call_safely(self._idle_listeners.pop())

    def _carry_out(self, effect: ClientEffect) -> None:
        if isinstance(effect, ResultsChanged):
            self._show(self._results.settle(effect.settled, effect.tokens))
        elif isinstance(effect, RequestDone):
            settle = self._settle.pop(effect.request_id, None)
            if settle is not None:
                settle(effect.outcome)
        elif isinstance(effect, ConnectionChanged):
            self._connection_changed()
        elif isinstance(effect, OpenSocket):
            self._io.open_socket(effect.number)
        elif isinstance(effect, CloseSocket):
            self._io.close_socket(effect.number)
        elif isinstance(effect, FetchToken):
            self._io.fetch_token(effect.number, effect.force)
        elif isinstance(effect, AuthChanged):
            self._auth_changed(effect.is_authenticated)
        elif isinstance(effect, AuthRefreshing):
            for refresh_listener in list(self._refresh_listeners):
                call_safely(refresh_listener, effect.is_refreshing)
        elif isinstance(effect, FunctionLogged):
            for line in effect.lines:
                function_log.info("[%s(%s)] %s", effect.kind[0].upper(), effect.path, line)
        elif isinstance(effect, Report):
            log.log(logging.getLevelNamesMapping()[effect.level.upper()], effect.text)
        else:
            self.ended = effect
            if effect.was_fatal:
                self._show_end(effect)
            for end_listener in list(self._end_listeners):
                call_safely(end_listener)

    def _show(self, tokens: frozenset[QueryToken]) -> None:
        """All of these queries take their new results; then their listeners hear of it."""
        changed: list[_SharedQuery] = []
        for token in tokens:
            shared = self._shared.get(token)
            if shared is None:
                continue
            outcome = self._results.outcome(token)
            if not same_outcome(shared.outcome, outcome):
                shared.outcome = outcome
                shared.state = state_of(outcome)
                changed.append(shared)
        if changed:
            changed.sort(key=_first_watched)
            self._call_listeners(changed)

    def _show_end(self, end: Ended) -> None:
        """No query will have a further result: each shows why. After an end that was asked for they stay as they are,
        for whoever wants to read them.
        """
        state = QueryState("error", error=closed_error(end.reason))
        every = sorted(self._shared.values(), key=_first_watched)
        for shared in every:
            shared.state = state
        if every:
            self._call_listeners(every)

    def _call_listeners(self, changed: list[_SharedQuery]) -> None:
        def call_them() -> None:
            for shared in changed:
                for watch in list(shared.watches):
                    watch.notify()
            while self._after_step:
                call_safely(self._after_step.pop(0))

        if self._batch is None:
            call_them()
        else:
            self._batch(call_them)

    def _connection_changed(self) -> None:
        state = self.peer.connection_state
        if state != self._last_connection_state:
            self._last_connection_state = state
            for listener in list(self._connection_listeners):
                call_safely(listener, state)

    def _auth_changed(self, is_authenticated: bool) -> None:
        self.is_authenticated = is_authenticated
        if self._auth_listener is not None:
            call_safely(self._auth_listener, is_authenticated)
        for listener in list(self._auth_listeners):
            call_safely(listener, is_authenticated)

    def _check_open(self) -> None:
        if self.ended is not None:
            raise closed_error(self.ended.reason)


def call_safely(callback: Callable[..., object], *arguments: Any) -> None:
    """Calls a listener. One that fails is logged, and keeps nothing from the others."""
    try:
        callback(*arguments)
    except Exception:
        log.exception("A listener of a client failed.")


def _add(listeners: list[Any], callback: Callable[..., object]) -> Stop:
    listeners.append(callback)

    def stop() -> None:
        if callback in listeners:
            listeners.remove(callback)

    return stop


def _first_watched(shared: _SharedQuery) -> QueryToken:
    return shared.token
