"""What a `ServerPeer` asks to be done: it decides, somebody else acts (`backend.sync_connection`)."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias


class VerifyToken(NamedTuple):
    """Find out whose token this is, then call `token_accepted`, `token_refused` or `fail`.

    `token` is a JWT, or an admin key if `is_admin`; `acting_as` is the JSON of the user an admin wants to act as.
    """

    token: str
    is_admin: bool
    acting_as: bytes | None


class RunMutation(NamedTuple):
    """Run this mutation now, then call `mutation_finished`. The next one is asked for only after that.

    `session_request` is the key under which the outcome is recorded, None for a client that named no session.
    `identity` is the one in force when the message was received.
    """

    request_id: int
    path: str
    component: str
    args: bytes
    identity: object
    session_request: tuple[str, int] | None


class RunAction(NamedTuple):
    """Start this action beside everything else; call `action_finished` when it is done."""

    request_id: int
    path: str
    component: str
    args: bytes
    identity: object
    session: str | None


class AwaitTimestamp(NamedTuple):
    """The client has seen `ts`: call `timestamp_reached` once it is served, `fail` if that takes too long."""

    ts: int


Effect: TypeAlias = VerifyToken | RunMutation | RunAction | AwaitTimestamp


class Close(NamedTuple):
    """Close the socket after everything in `outgoing`. Without a code the close frame is empty (clients see 1005)."""

    code: int | None
    reason: str
