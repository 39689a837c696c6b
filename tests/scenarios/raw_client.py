"""The sync protocol by hand: for messages that no well-behaved client would send."""

from __future__ import annotations

import json
import os
import socket
import struct
import time
import uuid
from types import TracebackType
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.scenarios.server_process import ServerProcess

ZERO = {"querySet": 0, "identity": 0, "ts": "AAAAAAAAAAA="}
PATIENCE_S = 60.0


class Closed(Exception):
    """The server closed the connection. `last` is the last message before that."""

    def __init__(self, code: int | None, reason: str, last: dict[str, Any] | None) -> None:
        super().__init__(f"closed with {code} {reason!r} after {last}")
        self.code = code
        self.reason = reason
        self.last = last


class RawClient:
    """One WebSocket on `/api/sync`, JSON in and out, and whatever else a test wants to send."""

    def __init__(self, server: ServerProcess, path: str = "/api/1.48.0/sync") -> None:
        self.socket: ClientConnection = connect(
            f"ws://127.0.0.1:{server.port}{path}", max_size=None, compression=None, proxy=None, open_timeout=PATIENCE_S
        )
        # Entered here, so that a client may also be kept without a `with`; `close` is all that leaving does.
        self.socket.__enter__()
        self.last: dict[str, Any] | None = None

    def __enter__(self) -> RawClient:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.socket.close()

    def send(self, **message: Any) -> None:
        self.send_text(json.dumps(message))

    def send_text(self, text: str) -> None:
        try:
            self.socket.send(text)
        except ConnectionClosed:
            pass  # what the server said about it is still to be read

    def hello(self) -> RawClient:
        self.send(
            type="Connect",
            sessionId=str(uuid.uuid4()),
            connectionCount=0,
            lastCloseReason="InitialConnect",
            clientTs=time.time_ns() // 1_000_000,
        )
        return self

    def add_query(self, query_id: int, path: str, args: object, *, version: int = 0) -> None:
        """Subscribes, moving the query set from `version` to the next one."""
        query = {"type": "Add", "queryId": query_id, "udfPath": path, "args": [args]}
        self.send(type="ModifyQuerySet", baseVersion=version, newVersion=version + 1, modifications=[query])

    def mutate(self, request_id: int, path: str, args: object) -> None:
        self.send(type="Mutation", requestId=request_id, udfPath=path, args=[args])

    def receive(self, timeout: float = PATIENCE_S) -> dict[str, Any]:
        """The next message that is not a Ping. Raises Closed at the end, TimeoutError when none comes."""
        while True:
            try:
                message = json.loads(self.socket.recv(timeout=timeout))
            except ConnectionClosed as error:
                code, reason = (error.rcvd.code, error.rcvd.reason) if error.rcvd else (None, "")
                raise Closed(code, reason, self.last) from None
            if message["type"] != "Ping":
                self.last = message
                return dict(message)

    def until(self, kind: str, **fields: Any) -> dict[str, Any]:
        """The next message of this type with these fields."""
        while True:
            message = self.receive()
            if message["type"] == kind and all(message.get(name) == value for name, value in fields.items()):
                return message

    def until_any(self, *kinds: str) -> dict[str, Any]:
        """The next message of one of these types."""
        while True:
            message = self.receive()
            if message["type"] in kinds:
                return message

    def until_update(self, query_id: int) -> dict[str, Any]:
        """The next modification of this query, from whatever transition brings it."""
        while True:
            for modification in self.until("Transition")["modifications"]:
                if modification["queryId"] == query_id:
                    return dict(modification)

    def refusal(self) -> str:
        """What the server says to a mutation that it refuses, in an answer or in a FatalError before it closes."""
        while True:
            message = self.receive()
            if message["type"] == "FatalError":
                return str(message["error"])
            if message["type"] == "MutationResponse":
                assert not message["success"], message
                return str(message["result"])

    def until_closed(self) -> Closed:
        """Reads on until the server closes."""
        while True:
            try:
                self.receive()
            except Closed as closed:
                return closed


class Witness:
    """Somebody else's connection, opened before the trouble starts, which must notice nothing of it."""

    def __init__(self, server: ServerProcess, room: str) -> None:
        self._client = RawClient(server).hello()
        self._room = f"{room}-witness"
        self._sent = 0
        self._client.add_query(0, "messages:bodies", {"channel": self._room})
        assert self._client.until_update(0)["value"] == []

    def still_served(self) -> None:
        """Writes and sees what it wrote, on the same connection, within a few seconds."""
        self._client.mutate(
            self._sent, "messages:send", {"channel": self._room, "author": "w", "body": f"{self._sent}"}
        )
        self._sent += 1
        expected = [f"{number}" for number in range(self._sent)]
        while self._client.until_update(0)["value"] != expected:
            pass

    def close(self) -> None:
        self._client.socket.close()


def raw_handshake(server: ServerProcess, path: str = "/api/sync") -> socket.socket:
    """A WebSocket connection without a WebSocket library: the socket after a successful upgrade."""
    plain = socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE_S)
    plain.sendall(
        f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
    )
    answer = b""
    while b"\r\n\r\n" not in answer:
        part = plain.recv(1)
        assert part, f"refused: {answer!r}"
        answer += part
    assert b" 101 " in answer, answer
    return plain


def frame(opcode: int, payload: bytes, *, masked: bool = True, final: bool = True, reserved: int = 0) -> bytes:
    """One WebSocket frame, right or wrong."""
    head = bytes([(0x80 if final else 0) | reserved << 4 | opcode])
    mask_bit = 0x80 if masked else 0
    if len(payload) < 126:
        head += bytes([mask_bit | len(payload)])
    elif len(payload) < 65536:
        head += bytes([mask_bit | 126]) + struct.pack(">H", len(payload))
    else:
        head += bytes([mask_bit | 127]) + struct.pack(">Q", len(payload))
    if not masked:
        return head + payload
    mask = os.urandom(4)
    return head + mask + bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))


def read_close_code(plain: socket.socket) -> int | None:
    """Reads frames until the close frame; its code, None for an empty one or an abrupt end."""
    received = b""
    while True:
        try:
            part = plain.recv(65536)
        except ConnectionResetError:
            return None
        received += part
        at = 0
        while len(received) - at >= 2:
            opcode, length = received[at] & 15, received[at + 1] & 127
            start = at + 2
            if length == 126:
                if len(received) < at + 4:
                    break
                length, start = struct.unpack(">H", received[at + 2 : at + 4])[0], at + 4
            if len(received) < start + length:
                break
            if opcode == 8:
                return struct.unpack(">H", received[start : start + 2])[0] if length >= 2 else None
            at = start + length
        received = received[at:]
        if not part:
            return None
