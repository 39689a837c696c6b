"""A client's queries, calls and identity, over as many sockets as it takes: a state machine without I/O.

Theory of operation. A peer lives as long as its client object; sockets come and go under it. Whoever drives it reports
what happens to sockets (`socket_opened`, `receive`, `socket_closed`), the passing of time (`tick`, due at `deadline`)
and what the application wants; after each call it sends what is in `outgoing` and carries out what is in `effects`, in
order. Only the newest socket counts: each has a number, and news of any other are ignored.

What the application wants (`queries`, `requests`, `auth`) is kept apart from what the current socket has been told;
`_flush` sends the difference, always in the order identity, queries, calls. A new socket has been told nothing, so the
same step that sends a single subscription also restores everything after a lost connection. Nothing waits in a queue.

What a socket says is believed only if it fits: a Transition starts at the version that the last one ended with, and a
message that does not fit costs the socket, never the client's state. A new socket starts from zero, while the results
of the old one stay visible until they are replaced.

A mutation is over when queries read at or after its commit are here. On a new socket the first Transitions may cover
the identity alone, so until the query set is covered too, a timestamp proves nothing about the results.

What never may happen: two sockets at once; a word before Connect, or while a token is being fetched; a mutation sent
twice on one socket, or out of order; an action sent twice at all; a call reported over before the results that
reflect it. Source: wire 1.3 to 1.11.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from parabola.definitions.paths import canonical_path
from parabola.errors import InvalidArgument, ProtocolError
from parabola.seams import Clock, Entropy
from parabola.sync.client_auth import ClientAuth, Credential
from parabola.sync.client_backoff import CLIENT_REASON_S, SERVER_REASON_S, Backoff, first_wait_s
from parabola.sync.client_effects import (
    ClientEffect,
    CloseSocket,
    ConnectionChanged,
    Ended,
    FunctionLogged,
    OpenSocket,
    QueryToken,
    Report,
    RequestDone,
    ResultsChanged,
)
from parabola.sync.client_incoming import (
    ChunkAssembler,
    Failure,
    Outcome,
    decode_modification,
    decode_result,
    decode_version,
)
from parabola.sync.client_queries import QuerySet
from parabola.sync.client_requests import ACTION_LOST, RequestKind, Requests
from parabola.sync.codec import decode_server_message, encode_message
from parabola.sync.messages import (
    ActionResponse,
    AuthError,
    Connect,
    FatalError,
    MutationResponse,
    Ping,
    QueryRemoved,
    ServerMessage,
    Transition,
    TransitionChunk,
)
from parabola.sync.versions import ZERO_VERSION, StateVersion, decode_ts, encode_ts
from parabola.values.keys import canonical_args_key
from parabola.values.model import normalize
from parabola.values.wire import encode_wire

INACTIVITY_S: Final = 60.0
TOKEN_LEEWAY_S: Final = 10.0

ARGUMENTS_BYTES_MAX: Final = 63 * 1024 * 1024
"""What fits a message of 64 MiB, the longest that servers take. They would close the socket for a longer one, and the
next socket, on which it is sent again, for the same reason.
"""

# Closes that nobody has to hear of: the ordinary ends of a socket (wire 1.10).
_QUIET_CODES: Final = (1000, 1001, 1005, 4040)

_Phase = Literal["new", "waiting", "connecting", "open", "stopped", "ended"]


@dataclass(frozen=True, slots=True)
class ConnectionState:
    """How the client is connected. Times are in nanoseconds since the epoch."""

    is_connected: bool
    has_ever_connected: bool
    connection_count: int
    """How often a connection was made."""
    connection_retries: int
    """Attempts in a row since the connection last proved itself."""
    mutations_in_flight: int
    actions_in_flight: int
    oldest_in_flight_ns: int | None

    @property
    def has_in_flight_requests(self) -> bool:
        """Whether a mutation or an action is not over."""
        return self.oldest_in_flight_ns is not None


class ClientPeer:
    """See the module's theory of operation."""

    __slots__ = (
        "_backoff",
        "_chunks",
        "_clock",
        "_heard_at",
        "_inactivity_s",
        "_last_close_reason",
        "_max_observed_ts",
        "_phase",
        "_retry_at",
        "_session_id",
        "_socket_number",
        "_unproved_auth",
        "_unproved_queries",
        "_unproved_requests",
        "auth",
        "connection_count",
        "effects",
        "outgoing",
        "queries",
        "requests",
        "version",
    )

    def __init__(
        self,
        *,
        session_id: str,
        clock: Clock,
        entropy: Entropy,
        inactivity_s: float = INACTIVITY_S,
        token_leeway_s: float = TOKEN_LEEWAY_S,
        reuse_initial_token: bool = False,
    ) -> None:
        self._session_id = session_id
        self._clock = clock
        self._inactivity_s = inactivity_s
        # What the driver empties, from the front.
        self.outgoing: list[bytes] = []
        self.effects: list[ClientEffect] = []
        # What the application wants.
        self.queries = QuerySet()
        self.requests = Requests()
        self.auth = ClientAuth(clock, self.effects, leeway_s=token_leeway_s, reuse_initial_token=reuse_initial_token)
        # The socket. `_retry_at` counts while waiting, `_heard_at` while connecting or open.
        self._phase: _Phase = "new"
        self._socket_number = 0
        self._retry_at = 0.0
        self._heard_at = 0.0
        self._backoff = Backoff(entropy)
        self._chunks = ChunkAssembler()
        self._last_close_reason: str | None = "InitialConnect"
        self.connection_count = 0
        # What was told: the version on this socket, and the newest timestamp over all of them.
        self.version = ZERO_VERSION
        self._max_observed_ts: int | None = None
        # What a new socket has to achieve before the backoff starts again from the beginning; None before the first
        # flush, when that is not known yet.
        self._unproved_queries: set[int] | None = None
        self._unproved_requests: set[int] = set()
        self._unproved_auth = False

    # The socket.

    def start(self) -> None:
        """Connects for the first time."""
        if self._phase == "new":
            self._connect()

    def socket_opened(self, number: int) -> None:
        """Socket `number` can be written to."""
        if number != self._socket_number or self._phase != "connecting":
            return
        self._phase = "open"
        self._heard_at = self._clock.monotonic()
        self.version = ZERO_VERSION
        self._chunks.reset()
        self.queries.restart()
        self.auth.restart()
        self._unproved_queries = None
        connect = Connect(
            self._session_id,
            self.connection_count,
            self._last_close_reason,
            None if self._max_observed_ts is None else encode_ts(self._max_observed_ts),
            self._clock.now_ns() // 1_000_000,
        )
        self.outgoing.append(encode_message(connect))
        if self.connection_count and self._backoff.retries:
            self.effects.append(Report("info", "Connected again."))
        self.connection_count += 1
        self._flush()
        self.effects.append(ConnectionChanged())

    def socket_closed(self, number: int, code: int | None, reason: str) -> None:
        """Socket `number` was closed by the other side, broke, or could not be opened (then `code` is None)."""
        if number != self._socket_number or self._phase not in ("connecting", "open"):
            return
        is_news = self._phase == "open" and code not in _QUIET_CODES
        told = reason or f"closed with code {1006 if code is None else code}"
        self._lose(told, first_wait_s(reason), is_news=is_news)

    def receive(self, number: int, text: bytes) -> None:
        """Socket `number` brought this text message."""
        if number != self._socket_number or self._phase != "open":
            return
        self._heard_at = self._clock.monotonic()
        try:
            message: ServerMessage | None = decode_server_message(text)
            if isinstance(message, TransitionChunk):
                message = self._chunks.add(message)
            elif self._chunks.is_waiting and not isinstance(message, Ping):
                self._chunks.reset()
            if message is not None:
                self._handle(message)
        except ProtocolError as error:
            self.effects.append(Report("error", f"Reconnecting: {error.message}"))
            self._drop("ProtocolFailure", SERVER_REASON_S, is_news=False)
        self._flush()

    def tick(self) -> None:
        """Time has passed."""
        now = self._clock.monotonic()
        if self._phase == "waiting" and now >= self._retry_at:
            self._connect()
        elif self._phase in ("connecting", "open") and now >= self._heard_at + self._inactivity_s:
            self._drop("InactiveServer", CLIENT_REASON_S, is_news=self._phase == "open")
        self.auth.tick()

    @property
    def deadline(self) -> float | None:
        """When `tick` has something to do, by the monotonic clock; None if only an event can bring it."""
        times: list[float] = []
        if self._phase == "waiting":
            times.append(self._retry_at)
        elif self._phase in ("connecting", "open"):
            times.append(self._heard_at + self._inactivity_s)
        if self.auth.refetch_at is not None and self._phase != "ended":
            times.append(self.auth.refetch_at)
        return min(times, default=None)

    @property
    def connection_state(self) -> ConnectionState:
        """How things stand now."""
        return ConnectionState(
            is_connected=self._phase == "open",
            has_ever_connected=self.connection_count > 0,
            connection_count=self.connection_count,
            connection_retries=self._backoff.retries,
            mutations_in_flight=self.requests.in_flight["mutation"],
            actions_in_flight=self.requests.in_flight["action"],
            oldest_in_flight_ns=self.requests.oldest_ns(),
        )

    # What the application wants.

    def subscribe(self, token: QueryToken, args: dict[str, Any]) -> None:
        """Follows a query, once more if it is followed already. Token and arguments are those of `query_token`."""
        self.queries.follow(token, args, encode_args(token[0], args))
        self._flush()

    def unsubscribe(self, token: QueryToken) -> None:
        """Takes one `subscribe` of that query back."""
        query = self.queries.get(token)
        if query is not None and self.queries.release(token):
            if self._unproved_queries:
                self._unproved_queries.discard(query.query_id)
            self._flush()

    def request(self, kind: RequestKind, path: str, args_text: bytes) -> int:
        """Calls a mutation, after all earlier ones, or an action. The path is a canonical one, and the arguments are
        those of `encode_args`. Returns its id; RequestDone brings the outcome.
        """
        request = self.requests.add(kind, path, args_text, self._clock.now_ns())
        self._flush()
        self.effects.append(ConnectionChanged())
        return request.request_id

    def begin_auth(self) -> None:
        """Takes its identity from tokens, which FetchToken asks for."""
        self._change_auth(self.auth.begin)

    def token_fetched(self, number: int, token: str | None) -> None:
        """The answer to FetchToken `number`: a token, or None if there is none."""
        self._change_auth(lambda: self.auth.token_fetched(number, token))

    def set_admin_auth(self, key: str, acting_as: Mapping[str, Any] | None = None) -> None:
        """Acts with an admin key, as the user with these attributes if they are given."""
        user = None if acting_as is None else encode_wire(normalize(dict(acting_as)))
        self._change_auth(lambda: self.auth.set_admin(Credential(key, is_admin=True, acting_as=user)))

    def clear_auth(self) -> None:
        """Is nobody from now on."""
        self._change_auth(self.auth.clear)

    def close(self) -> None:
        """Ends for good."""
        self._end("The client was closed.", was_fatal=False)

    def check_invariants(self) -> None:
        """Raises AssertionError when the state contradicts itself; for tests, after every step."""
        self.queries.check_invariants()
        self.requests.check_invariants()
        self.auth.check_invariants()
        assert not self.outgoing or self._phase == "open", "there is something to send, and no socket for it"
        assert self.version.query_set <= self.queries.version or self._phase != "open", "more was told than was asked"
        assert self._phase != "stopped" or self.auth.is_stopped, "the socket is down, and nobody wants that"
        assert self._phase == "ended" or self._phase == "new" or self.deadline is not None or self.auth.is_stopped, (
            "nothing will ever happen again"
        )

    # Messages.

    def _handle(self, message: ServerMessage) -> None:
        if isinstance(message, Transition):
            self._handle_transition(message)
        elif isinstance(message, MutationResponse):
            self._handle_response(message, decode_ts(message.ts) if message.success and message.ts else None)
        elif isinstance(message, ActionResponse):
            self._handle_response(message, None)
        elif isinstance(message, AuthError):
            self.auth.refused(message.error, message.base_version, message.auth_update_attempted)
            self._follow_auth()
        elif isinstance(message, FatalError):
            self.effects.append(Report("error", f"[CONVEX FATAL ERROR] {message.error}"))
            self._end(message.error, was_fatal=True)

    def _handle_transition(self, message: Transition) -> None:
        start, end = decode_version(message.start_version), decode_version(message.end_version)
        if start != self.version:
            raise ProtocolError(
                f"a Transition starts at version {_shown(start)}, but this client is at {_shown(self.version)}."
            )
        if end.ts < start.ts or end.query_set > self.queries.version:
            raise ProtocolError(f"a Transition ends at version {_shown(end)}, where this client cannot be.")
        self.version = end
        self._observe(end.ts)
        if end.identity > start.identity and end.identity >= self.auth.version:
            self._unproved_auth = False
            self.auth.confirmed(message.client_clock_skew)
            self._follow_auth()
        changed: set[QueryToken] = set()
        for modification in message.modifications:
            if self._unproved_queries:
                self._unproved_queries.discard(modification.query_id)
            query = self.queries.by_id.get(modification.query_id)
            if query is None or isinstance(modification, QueryRemoved):
                continue
            query.journal = modification.journal
            result = decode_modification(modification, query.result)
            if result is not query.result:
                query.result = result
                changed.add(query.token)
            self._log("query", query.path, modification.log_lines)
        # Before the query set is covered, the results on display may be older than this timestamp.
        reflected = self.requests.take_reflected(end.ts) if end.query_set else []
        self._report(changed, dict(reflected))
        self._prove()

    def _handle_response(self, message: MutationResponse | ActionResponse, ts: int | None) -> None:
        request = self.requests.heard_of(message.request_id)
        if ts is not None:
            self._observe(ts)
        if request is None:
            return  # settled already, by a Transition that came before this second answer
        self._log(request.kind, request.path, message.log_lines)
        outcome = decode_result(message.result, message.error_data, success=message.success)
        over = self.requests.answer(request, outcome, ts)
        if over is not None:
            self._report(set(), {request.request_id: over})
        elif self.version.query_set and ts is not None and ts <= self.version.ts:
            self._report(set(), dict(self.requests.take_reflected(self.version.ts)))
        self._prove()

    def _report(self, changed: set[QueryToken], over: Mapping[int, Outcome]) -> None:
        """Results first, then the calls that they reflect."""
        if changed or over:
            self.effects.append(ResultsChanged(frozenset(changed), frozenset(over)))
        for request_id, outcome in over.items():
            self._unproved_requests.discard(request_id)
            self.effects.append(RequestDone(request_id, outcome))
        if over:
            self.effects.append(ConnectionChanged())

    def _log(self, kind: Literal["query", "mutation", "action"], path: str, lines: list[str]) -> None:
        if lines:
            self.effects.append(FunctionLogged(kind, path, tuple(lines)))

    def _observe(self, ts: int) -> None:
        if self._max_observed_ts is None or ts > self._max_observed_ts:
            self._max_observed_ts = ts

    # Sending.

    def _flush(self) -> None:
        """Tells the socket what it does not know yet."""
        if self._phase != "open" or self.auth.is_paused:
            return
        authenticate = self.auth.next_message()
        if authenticate is not None:
            self.outgoing.append(encode_message(authenticate))
        modify = self.queries.next_message()
        if modify is not None:
            self.outgoing.append(encode_message(modify))
        unsent = self.requests.take_unsent()
        self.outgoing.extend(request.text for request in unsent)
        if self._unproved_queries is None:
            self._unproved_queries = set(self.queries.by_id)
            self._unproved_requests = {request.request_id for request in unsent}  # enough, if there are more
            self._unproved_auth = authenticate is not None

    def _change_auth(self, change: Callable[[], None]) -> None:
        if self._phase != "ended":
            change()
            self._follow_auth()
            self._flush()

    def _follow_auth(self) -> None:
        """Takes the socket down or brings it back, as the state of authentication wants it."""
        if self.auth.is_stopped:
            if self._phase in ("connecting", "open"):
                self._let_go(None)
                self.effects.append(CloseSocket(self._socket_number))
            if self._phase in ("waiting", "connecting", "open"):
                self._phase = "stopped"
        elif self._phase == "stopped":
            self._connect()

    # Connecting and losing the connection.

    def _connect(self) -> None:
        self._phase = "connecting"
        self._socket_number += 1
        self._heard_at = self._clock.monotonic()
        self.effects.append(OpenSocket(self._socket_number))

    def _prove(self) -> None:
        """Begins the backoff anew once the socket has brought all that a new socket owes."""
        queries = self._unproved_queries
        if queries is not None and not queries and not self._unproved_requests and not self._unproved_auth:
            if self._backoff.retries:
                self.effects.append(ConnectionChanged())
            self._backoff.reset()

    def _drop(self, reason: str, first_wait: float, *, is_news: bool) -> None:
        """Gives the socket up from this side."""
        if self._phase in ("connecting", "open"):
            self.effects.append(CloseSocket(self._socket_number))
            self._lose(reason, first_wait, is_news=is_news)

    def _lose(self, reason: str, first_wait: float, *, is_news: bool) -> None:
        self._let_go(reason)
        self._phase = "waiting"
        wait_s = self._backoff.next_wait_s(first_wait)
        self._retry_at = self._clock.monotonic() + wait_s
        text = f"The connection was lost ({reason}), trying again in {wait_s:.1f} s."
        self.effects.append(Report("warning" if is_news else "debug", text))

    def _let_go(self, reason: str | None) -> None:
        """What every end of a socket means for what was under way on it."""
        self._last_close_reason = reason
        self.outgoing.clear()
        lost = self.requests.socket_lost()
        for request_id in lost:
            self.effects.append(RequestDone(request_id, Failure(ACTION_LOST, kind="lost")))
        self.effects.append(ConnectionChanged())

    def _end(self, reason: str, *, was_fatal: bool) -> None:
        if self._phase == "ended":
            return
        if self._phase in ("connecting", "open"):
            self.effects.append(CloseSocket(self._socket_number))
        self._phase = "ended"
        self.outgoing.clear()
        given_up = self.requests.take_all()
        if given_up:
            self.effects.append(ResultsChanged(frozenset(), frozenset(given_up)))
        self.effects.extend(RequestDone(request_id, Failure(reason, kind="closed")) for request_id in given_up)
        self.effects.append(ConnectionChanged())
        self.effects.append(Ended(reason, was_fatal))


def query_token(path: str, args: Mapping[str, Any] | None) -> tuple[QueryToken, dict[str, Any]]:
    """The token of a query, equal for equal arguments, and the arguments as values.

    Raises `InvalidFunctionPath` for a name that no function has, `InvalidValue` for arguments that are no values.
    """
    values = normalize_args(args)
    return (canonical_path(path), canonical_args_key(values)), values


def normalize_args(args: Mapping[str, Any] | None) -> dict[str, Any]:
    """The arguments of a call as values, a copy. Raises `InvalidArgument` for what has no names, and `InvalidValue` for
    what are no values.
    """
    if args is not None and not isinstance(args, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise InvalidArgument(
            f'The arguments of a function are given by name, as in {{"title": "Milk"}}, not as {args!r:.100}.'
        )
    values: dict[str, Any] = normalize({} if args is None else dict(args))
    return values


def encode_args(path: str, args: Mapping[str, Any]) -> bytes:
    """The arguments of a call of `path` as they are sent. Raises `InvalidArgument` if no server takes that much."""
    text = encode_wire(args)
    if len(text) > ARGUMENTS_BYTES_MAX:
        raise InvalidArgument(
            f"The arguments of {path} take {len(text):,} bytes; a message to a server may have "
            f"{ARGUMENTS_BYTES_MAX:,}. Send less at a time, or upload it as a file and send its id."
        )
    return text


def _shown(version: StateVersion) -> str:
    return f"(query set {version.query_set}, identity {version.identity}, ts {version.ts})"
