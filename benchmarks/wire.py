"""The load generator's HTTP and WebSocket connections, as thin as can be, so that the server is what is measured."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

OnText = Callable[[bytes], None]


class Socket(WSListener):
    """One WebSocket. `on_text` is called with each text message; it may be replaced at any time."""

    def __init__(self) -> None:
        self.on_text: OnText = lambda text: None
        self._transport: WSTransport
        self._fragments = b""

    def on_ws_connected(self, transport: WSTransport) -> None:
        self._transport = transport

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        kind = frame.msg_type
        if kind is WSMsgType.TEXT and frame.fin:
            self.on_text(frame.get_payload_as_bytes())
        elif kind in (WSMsgType.TEXT, WSMsgType.CONTINUATION):
            self._fragments += frame.get_payload_as_bytes()
            if frame.fin:
                whole, self._fragments = self._fragments, b""
                self.on_text(whole)
        elif kind is WSMsgType.PING:
            transport.send_pong(frame.get_payload_as_bytes())
        elif kind is WSMsgType.CLOSE:
            transport.disconnect()

    def send(self, text: bytes) -> None:
        self._transport.send(WSMsgType.TEXT, text)

    def close(self) -> None:
        self._transport.disconnect()


async def connect_socket(port: int, path: str) -> Socket:
    _, listener = await ws_connect(Socket, f"ws://127.0.0.1:{port}{path}")
    assert isinstance(listener, Socket)
    return listener


class Http(asyncio.Protocol):
    """One keep-alive HTTP connection, one request at a time."""

    def __init__(self) -> None:
        self._received = b""
        self._transport: asyncio.WriteTransport
        self._answer: asyncio.Future[bytes] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport) or hasattr(transport, "write")
        self._transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        self._received += data
        head = self._received.find(b"\r\n\r\n")
        if head < 0:
            return
        headers = self._received[:head].lower()
        at = headers.index(b"content-length:") + 15
        length = int(headers[at:].split(b"\r\n", 1)[0])
        if len(self._received) < head + 4 + length:
            return
        body = self._received[head + 4 :]
        ok = self._received[9:12] == b"200"
        self._received = b""
        answer, self._answer = self._answer, None
        assert answer is not None
        if ok:
            answer.set_result(body)
        else:
            answer.set_exception(RuntimeError(body.decode()))

    def connection_lost(self, error: Exception | None) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error or ConnectionError("closed"))

    def _request(self, head: bytes, body: bytes) -> asyncio.Future[bytes]:
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(head + b" HTTP/1.1\r\nHost: localhost\r\n" + body)
        return self._answer

    def get(self, path: bytes) -> asyncio.Future[bytes]:
        return self._request(b"GET " + path, b"\r\n")

    def post(self, path: bytes, body: bytes) -> asyncio.Future[bytes]:
        headers = b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
        return self._request(b"POST " + path, headers + body)


async def connect_http(port: int) -> Http:
    _, protocol = await asyncio.get_running_loop().create_connection(Http, "127.0.0.1", port)
    return protocol
