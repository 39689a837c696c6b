"""Follows one query over the sync protocol: the value now, and again after every change.

A deliberately small client of its own: one query, administrator's rights, no mutations. It reconnects by itself and
never reports the same value twice in a row.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.sync.client import ClientConnection, connect

from parabola.cli.failure import CommandFailed
from parabola.cli.remote import CLIENT_NAME, unreachable
from parabola.cli.rendering import plain_numbers

OPEN_TIMEOUT_S = 5.0
CLOSE_TIMEOUT_S = 0.3
# The server pings at least every 15 s or so; a socket that is silent for longer is dead.
SILENCE_S_MAX = 60.0
BACKOFF_S_FIRST = 0.1
BACKOFF_S_MAX = 5.0


@dataclass(frozen=True, slots=True)
class Update:
    """One result of the query: a value, or an error text with the data of a ConvexError."""

    value: Any = None
    error: str | None = None
    error_data: Any = None
    log_lines: tuple[str, ...] = ()


def follow_query(
    url: str, admin_key: str, path: str, args: dict[str, Any], *, identity: dict[str, Any] | None = None
) -> Iterator[Update]:
    """Yields the results of `path` as they change, for ever. Raises CommandFailed when the server refuses.

    A lost connection is opened again, with pauses that grow from 0.1 to 5 seconds; only a first connection that
    fails is an error, since then the address is most likely wrong.
    """
    follower = _Follower(admin_key, path, args, identity)
    connected_before = False
    backoff_s = BACKOFF_S_FIRST
    while True:
        try:
            with connect(
                _socket_url(url),
                open_timeout=OPEN_TIMEOUT_S,
                close_timeout=CLOSE_TIMEOUT_S,
                max_size=None,
                compression=None,
                additional_headers={"Convex-Client": CLIENT_NAME},
                proxy=None,
            ) as socket:
                connected_before, backoff_s = True, BACKOFF_S_FIRST
                yield from follower.follow(socket)
        except InvalidHandshake as error:
            if not connected_before:
                raise CommandFailed(
                    f"{url} does not speak the sync protocol: {error}.\nCheck --url: it is the server's origin."
                ) from error
        except (OSError, TimeoutError, ConnectionClosed) as error:
            if not connected_before:
                raise unreachable(url) from error
        time.sleep(backoff_s)
        backoff_s = min(2 * backoff_s, BACKOFF_S_MAX)


def _socket_url(url: str) -> str:
    scheme, separator, rest = url.rstrip("/").partition("://")
    if not separator or scheme not in ("http", "https"):
        raise CommandFailed(f'"{url}" is not the address of a server.\nWrite it as http://127.0.0.1:3210.')
    return f"{'wss' if scheme == 'https' else 'ws'}://{rest}/api/sync"


class _Follower:
    """What must survive a reconnect: how often we connected, how far we have seen, and the last result."""

    def __init__(self, admin_key: str, path: str, args: dict[str, Any], identity: dict[str, Any] | None) -> None:
        self._authenticate: dict[str, Any] = {
            "type": "Authenticate",
            "tokenType": "Admin",
            "value": admin_key,
            "baseVersion": 0,
        }
        if identity is not None:
            self._authenticate["impersonating"] = identity
        self._add: dict[str, Any] = {"type": "Add", "queryId": 0, "udfPath": path, "args": [args]}
        self._session_id = str(uuid.uuid4())
        self._connection_count = 0
        self._observed_ts: str | None = None
        self._last: Update | None = None
        self._chunks: list[str] = []

    def follow(self, socket: ClientConnection) -> Iterator[Update]:
        self._open(socket)
        while True:
            try:
                frame = socket.recv(timeout=SILENCE_S_MAX)
            except ConnectionClosed:
                return
            message: dict[str, Any] | None = json.loads(frame)
            if message is not None and message["type"] == "TransitionChunk":
                message = self._joined(message)
            if message is None:
                continue
            update = self._received(message)
            if update is not None and update != self._last:
                self._last = update
                yield update

    def _open(self, socket: ClientConnection) -> None:
        hello: dict[str, Any] = {
            "type": "Connect",
            "sessionId": self._session_id,
            "connectionCount": self._connection_count,
            "lastCloseReason": "InitialConnect" if self._connection_count == 0 else "Reconnect",
        }
        if self._observed_ts is not None:
            hello["maxObservedTimestamp"] = self._observed_ts
        self._connection_count += 1
        self._chunks.clear()
        add = {"type": "ModifyQuerySet", "baseVersion": 0, "newVersion": 1, "modifications": [self._add]}
        for message in (hello, self._authenticate, add):
            socket.send(json.dumps(message))

    def _joined(self, chunk: dict[str, Any]) -> dict[str, Any] | None:
        self._chunks.append(chunk["chunk"])
        if len(self._chunks) < chunk["totalParts"]:
            return None
        text = "".join(self._chunks)
        self._chunks.clear()
        joined: dict[str, Any] = json.loads(text)
        return joined

    def _received(self, message: dict[str, Any]) -> Update | None:
        match message["type"]:
            case "Transition":
                self._observed_ts = message["endVersion"]["ts"]
                return self._result(message["modifications"])
            case "AuthError":
                raise CommandFailed(
                    f"The server refused the admin key: {message['error']}\n"
                    "Pass the right one with --admin-key or PARABOLA_ADMIN_KEY (`parabola admin-key`)."
                )
            case "FatalError":
                raise CommandFailed(f"The server closed the session: {message['error']}")
            case _:
                return None

    def _result(self, modifications: list[dict[str, Any]]) -> Update | None:
        for change in modifications:
            self._add["journal"] = change.get("journal")
            lines = tuple(change.get("logLines") or ())
            if change["type"] == "QueryUpdated":
                return Update(value=plain_numbers(change["value"]), log_lines=lines)
            if change["type"] == "QueryFailed":
                return Update(
                    error=change["errorMessage"], error_data=plain_numbers(change.get("errorData")), log_lines=lines
                )
        return None
