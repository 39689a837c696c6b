"""What a client peer asks for and reports, in the order in which it must happen.

The first three concern the outside world; the rest is news for whoever holds the peer.
"""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias

from parabola.sync.client_incoming import Outcome

QueryToken: TypeAlias = tuple[str, bytes]
"""A query's identity on the client: its canonical path and the key of its arguments."""

CallKind: TypeAlias = Literal["query", "mutation", "action"]


class OpenSocket(NamedTuple):
    """Open a socket, and report on it under this number: `socket_opened` or `socket_closed`."""

    number: int


class CloseSocket(NamedTuple):
    """Close that socket. What it still reports is ignored."""

    number: int


class FetchToken(NamedTuple):
    """Ask the application for a token, and give it to `token_fetched` under this number.

    `force` asks for one that was not used before.
    """

    number: int
    force: bool


class ResultsChanged(NamedTuple):
    """The server's results of these queries changed together, and these mutations are now reflected or have failed."""

    tokens: frozenset[QueryToken]
    settled: frozenset[int]


class RequestDone(NamedTuple):
    """A mutation or an action is over. Follows the ResultsChanged that shows its effects."""

    request_id: int
    outcome: Outcome


class AuthChanged(NamedTuple):
    """The server confirmed a token after there was none, or there is no valid one any more."""

    is_authenticated: bool


class AuthRefreshing(NamedTuple):
    """A refused token is being replaced (the socket is down meanwhile), or that is over."""

    is_refreshing: bool


class ConnectionChanged(NamedTuple):
    """Something in `ClientPeer.connection_state` changed."""


class FunctionLogged(NamedTuple):
    """A function printed these lines on the server, which passes them on in development."""

    kind: CallKind
    path: str
    lines: tuple[str, ...]


class Report(NamedTuple):
    """Something for the developer to read."""

    level: Literal["debug", "info", "warning", "error"]
    text: str


class Ended(NamedTuple):
    """The peer is over for good: it was closed, or the server said that this client is broken."""

    reason: str
    was_fatal: bool


ClientEffect: TypeAlias = (
    OpenSocket
    | CloseSocket
    | FetchToken
    | ResultsChanged
    | RequestDone
    | AuthChanged
    | AuthRefreshing
    | ConnectionChanged
    | FunctionLogged
    | Report
    | Ended
)
