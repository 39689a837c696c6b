"""The sync socket over ASGI: for a Parabola that is mounted in another application, on whatever server that runs.

It feeds the same driver as `server.websocket`, at ASGI's price. The server below keeps the connection alive with its
own control pings, so silence is not watched here; the JSON Ping still goes out.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any, Final

from parabola.backend.sync_driver import SyncDriver
from parabola.server.websocket_handshake import HandshakeRefused, check_supported, refusal_body, sync_version_in
from parabola.sync.client_version import identify_client

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

HIGH_WATER_BYTES: Final = 256 * 1024
LOW_WATER_BYTES: Final = 64 * 1024


class _Transport:
    """Texts wait here for `send`, which waits for the client."""

    def __init__(self) -> None:
        self.waiting: deque[bytes] = deque()
        self.waiting_bytes = 0
        self.closing: tuple[int, str] | None = None
        self.is_aborted = False
        self.has_work = asyncio.Event()
        self.may_read = asyncio.Event()
        self.may_read.set()
        self.on_full: Callable[[], None] | None = None
        self.is_full = False
        self.writer: asyncio.Future[None] | None = None

    def send_texts(self, texts: Sequence[bytes]) -> None:
        if self.closing is not None or self.is_aborted:
            return
        self.waiting.extend(texts)
        self.waiting_bytes += sum(map(len, texts))
        self.has_work.set()
        if self.waiting_bytes > HIGH_WATER_BYTES and not self.is_full and self.on_full is not None:
            self.is_full = True
            self.on_full()

    def close(self, code: int | None, reason: str) -> None:
        # ASGI cannot send an empty close frame; 1000 is what clients treat alike.
        self.closing = self.closing or (1000 if code is None else code, reason)
        self.may_read.set()
        self.has_work.set()

    def abort(self) -> None:
        self.is_aborted = True
        self.waiting.clear()
        self.close(1011, "")
        if self.writer is not None:
            # It may be waiting for a client that will never read; nothing else would wake it.
            self.writer.cancel()

    def ping(self) -> None:
        """The server below does that."""

    def seconds_since_received(self) -> float:
        return 0.0

    def unsent_bytes(self) -> int:
        return self.waiting_bytes

    def pause_reading(self) -> None:
        self.may_read.clear()

    def resume_reading(self) -> None:
        self.may_read.set()


async def serve_sync_socket(driver: SyncDriver, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
    """Handles one ASGI `websocket` scope whose path, below the mount point, is a sync path."""
    await receive()  # websocket.connect
    headers = {name.lower(): value.decode("latin-1") for name, value in scope["headers"]}
    root: str = scope.get("root_path", "")
    path: str = scope["path"]
    is_sync, version = sync_version_in(path[len(root) :] if root and path.startswith(root) else path)
    client = identify_client(headers.get(b"convex-client"), version)
    try:
        if not is_sync:
            raise HandshakeRefused(404, "NotFound", "There is no WebSocket at this address.")
        check_supported(client)
    except HandshakeRefused as refused:
        await _refuse(refused, scope, send)
        return
    await send({"type": "websocket.accept"})
    transport = _Transport()
    connection = driver.connect(transport, client)
    transport.on_full = connection.pause_writing

    async def write() -> None:
        while True:
            await transport.has_work.wait()
            transport.has_work.clear()
            while transport.waiting:
                text = transport.waiting.popleft()
                await send({"type": "websocket.send", "text": text.decode()})
                transport.waiting_bytes -= len(text)
                if transport.is_full and transport.waiting_bytes <= LOW_WATER_BYTES:
                    transport.is_full = False
                    connection.resume_writing()
            if transport.closing is not None:
                code, reason = transport.closing
                await send({"type": "websocket.close", "code": code, "reason": reason})
                return

    writer = transport.writer = asyncio.ensure_future(write())
    try:
        while True:
            await transport.may_read.wait()
            message = await _next_message(receive, writer)
            if message is None or message["type"] == "websocket.disconnect":
                return
            text: str | None = message.get("text")
            if text is None:
                connection.receive_binary()
            elif len(encoded := text.encode("utf-8", "surrogatepass")) <= driver.limits.websocket_message_bytes_max:
                connection.receive_text(encoded)
            else:
                transport.close(1009, "")
    finally:
        connection.lost()
        writer.cancel()
        await asyncio.gather(writer, return_exceptions=True)


async def _refuse(refused: HandshakeRefused, scope: MutableMapping[str, Any], send: Send) -> None:
    """Tells a client what is wrong with it, on servers that let an application answer a handshake; others say 403. So
    do all for a wrong address: there is nothing to tell, and uvicorn logs an error for each handshake that is answered.
    """
    if refused.answer_status == 404 or "websocket.http.response" not in scope.get("extensions", ()):
        await send({"type": "websocket.close", "code": 1008, "reason": ""})
        return
    body = refusal_body(refused)
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    headers += [(name.lower().encode(), value.encode()) for name, value in refused.headers]
    await send({"type": "websocket.http.response.start", "status": refused.answer_status, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": body})


async def _next_message(receive: Receive, writer: asyncio.Future[None]) -> Message | None:
    """What the client sends next; None when our side ended the connection."""
    reading = asyncio.ensure_future(receive())
    await asyncio.wait((reading, writer), return_when=asyncio.FIRST_COMPLETED)
    if reading.done():
        return reading.result()
    reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)
    return None
