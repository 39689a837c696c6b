"""The sync socket on a bare asyncio transport, used as uvicorn's WebSocket class (`ws=`).

uvicorn parses the HTTP request and, when it asks for a WebSocket, makes one of these and replays the request to it.
For the sync paths this speaks RFC 6455 by itself and feeds `backend.SyncConnection`: a message costs a fraction of
what a trip through ASGI would. For every other path it becomes a pass-through to uvicorn's own class, so that the
WebSockets of mounted applications work as ever.

No decisions about the sync protocol are made here.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final, cast

from uvicorn.config import Config
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState

from parabola.backend.sync_connection import SyncConnection
from parabola.backend.sync_driver import SyncDriver
from parabola.server.websocket_frames import (
    FrameError,
    FrameReader,
    Opcode,
    Received,
    read_close,
    write_close,
    write_control,
    write_text,
)
from parabola.server.websocket_handshake import (
    HandshakeRefused,
    answer_upgrade,
    read_upgrade,
    sync_version_in,
    write_refusal,
)

HIGH_WATER_BYTES: Final = 256 * 1024
"""Above this much unsent data a client gets no new Transition until it has read."""

REQUEST_BYTES_MAX: Final = 64 * 1024
CLOSE_WAIT_S: Final = 2.0
"""How long the client has to answer a close frame before the connection is cut."""

_PING: Final = write_control(Opcode.PING)
_logger: Final = logging.getLogger("uvicorn.error")


class FrameMemo:
    """The frame of the text framed last: a thousand sockets that are sent the same text object share its frame."""

    __slots__ = ("frame", "text")

    def __init__(self) -> None:
        self.text = b""
        self.frame = b""


class SyncWebSocketProtocol(asyncio.Protocol):
    """One connection. `get_driver` is asked when the first sync socket opens: the backend may not have started
    before.
    """

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        get_driver: Callable[[], SyncDriver],
        memo: FrameMemo | None = None,
    ) -> None:
        self._make_stock = partial(
            WebSocketsSansIOProtocol, config=config, server_state=server_state, app_state=app_state, _loop=_loop
        )
        self._connections = cast("set[asyncio.Protocol]", server_state.connections)
        self._get_driver = get_driver
        self._memo = memo if memo is not None else FrameMemo()
        self._loop = _loop if _loop is not None else asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._request = bytearray()
        # Exactly one of the two is set once the request is known: ours, or uvicorn's.
        self._connection: SyncConnection | None = None
        self._stock: asyncio.Protocol | None = None
        self._reader: FrameReader | None = None
        self._received_at = 0.0
        self._close_sent = False
        self._close_timer: asyncio.TimerHandle | None = None
        self._writing_is_paused = False

    # What asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._connections.add(self)

    def data_received(self, data: bytes) -> None:
        if self._connection is not None:
            self._received_at = self._loop.time()
            self._read_frames(data)
        elif self._stock is not None:
            self._stock.data_received(data)
        else:
            self._request += data
            end = self._request.find(b"\r\n\r\n")
            if end >= 0:
                self._open(bytes(self._request[: end + 4]), bytes(self._request[end + 4 :]))
            elif len(self._request) > REQUEST_BYTES_MAX:
                self._refuse(HandshakeRefused(400, "BadRequest", "The request is too long."))

    def eof_received(self) -> bool | None:
        return None if self._stock is None else self._stock.eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        self._connections.discard(self)
        if self._close_timer is not None:
            self._close_timer.cancel()
        if self._stock is not None:
            self._stock.connection_lost(exc)
        elif self._connection is not None:
            self._connection.lost()
        # Else the two hold each other until the garbage collector comes by.
        self._connection = self._transport = None

    def pause_writing(self) -> None:
        if self._stock is not None:
            self._stock.pause_writing()
        elif self._connection is not None:
            self._writing_is_paused = True
            self._connection.pause_writing()

    def resume_writing(self) -> None:
        if self._stock is not None:
            self._stock.resume_writing()
        elif self._connection is not None:
            self._writing_is_paused = False
            self._connection.resume_writing()

    # What uvicorn calls.

    def shutdown(self) -> None:
        """The server stops: the client is told to come back, and cut off if it does not answer in time."""
        if self._stock is not None:
            cast(Any, self._stock).shutdown()
        elif self._connection is not None:
            self._connection.end_for_restart()
        elif self._transport is not None:
            self._transport.close()

    # What the connection calls (`backend.SyncTransport`).

    def send_texts(self, texts: Sequence[bytes]) -> None:
        transport = self._transport
        if transport is None or self._close_sent or transport.is_closing():
            return
        if len(texts) == 1:
            text = texts[0]
            memo = self._memo
            if memo.text is not text:
                memo.frame = write_text(text)
                memo.text = text
            transport.write(memo.frame)
        else:
            transport.write(b"".join([write_text(text) for text in texts]))

    def close(self, code: int | None, reason: str) -> None:
        transport = self._transport
        if transport is None or self._close_sent or transport.is_closing():
            return
        self._close_sent = True
        transport.write(write_close(code, reason))
        self._close_timer = self._loop.call_later(CLOSE_WAIT_S, transport.abort)
        if self._writing_is_paused:
            # The answer to the close frame has to be read, and nothing that comes with it will be acted on.
            transport.resume_reading()

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def ping(self) -> None:
        if self._transport is not None and not self._close_sent:
            self._transport.write(_PING)

    def seconds_since_received(self) -> float:
        return self._loop.time() - self._received_at

    def unsent_bytes(self) -> int:
        return 0 if self._transport is None else self._transport.get_write_buffer_size()

    def pause_reading(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.pause_reading()

    def resume_reading(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._received_at = self._loop.time()
            self._transport.resume_reading()

    # Parts of the above.

    def _open(self, head: bytes, rest: bytes) -> None:
        """Answers the handshake, or hands the connection over."""
        transport = self._transport
        assert transport is not None, "connection_made comes first"
        self._request.clear()
        try:
            upgrade = read_upgrade(head)
            is_sync, version = sync_version_in(upgrade.path)
            if not is_sync:
                self._hand_over(transport, head + rest)
                return
            answer, client = answer_upgrade(upgrade, version)
        except HandshakeRefused as refused:
            self._refuse(refused)
            return
        driver = self._get_driver()
        self._reader = FrameReader(driver.limits.websocket_message_bytes_max)
        self._received_at = self._loop.time()
        transport.set_write_buffer_limits(high=HIGH_WATER_BYTES)
        transport.write(answer)
        self._connection = driver.connect(self, client)
        if rest:
            self._read_frames(rest)

    def _hand_over(self, transport: asyncio.Transport, data: bytes) -> None:
        self._connections.discard(self)
        stock = self._stock = self._make_stock()
        stock.connection_made(transport)
        stock.data_received(data)

    def _refuse(self, refused: HandshakeRefused) -> None:
        assert self._transport is not None, "connection_made comes first"
        self._transport.write(write_refusal(refused))
        self._transport.close()

    def _read_frames(self, data: bytes) -> None:
        reader, connection = self._reader, self._connection
        if reader is None or connection is None:
            return
        try:
            for received in reader.feed(data):
                if received.opcode is Opcode.TEXT:
                    if not self._close_sent:
                        connection.receive_text(received.payload)
                else:
                    self._handle_other(received, connection)
        except FrameError as error:
            _logger.info("A sync socket broke the WebSocket protocol: %s", error.message)
            self._reader = None
            connection.lost()
            self.close(error.close_code, error.message)

    def _handle_other(self, received: Received, connection: SyncConnection) -> None:
        transport = self._transport
        assert transport is not None, "data comes from a transport"
        if received.opcode is Opcode.PING:
            if not self._close_sent:
                transport.write(write_control(Opcode.PONG, received.payload))
        elif received.opcode is Opcode.CLOSE:
            code, _ = read_close(received.payload)
            self._reader = None
            connection.lost()
            if not self._close_sent:
                self._close_sent = True
                transport.write(write_close(code, ""))
            transport.close()
        elif received.opcode is Opcode.BINARY:
            connection.receive_binary()


def sync_protocol(get_driver: Callable[[], SyncDriver]) -> type[asyncio.Protocol]:
    """What to pass to `uvicorn.Config(ws=…)`."""
    made = partial(SyncWebSocketProtocol, get_driver=get_driver, memo=FrameMemo())
    # uvicorn only ever calls it, with the constructor's keyword arguments.
    return cast("type[asyncio.Protocol]", made)
