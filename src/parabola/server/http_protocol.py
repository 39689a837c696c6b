"""HTTP/1.1 as uvicorn reads it, with what it leaves out: bounds on a head, and upgrades that nobody here speaks.

Theory of operation. uvicorn's protocol feeds httptools, which collects a header until it ends, however long that
takes: a header without end costs memory without end, and time that grows with its square. So bytes are counted that
were fed without anything coming out (neither the end of a head nor a part of a body): whatever they are, they are being
collected. Above `HEAD_BYTES_MAX` the connection is ended. It makes no difference whether it was a header, an address, a
trailer or the extension of a chunk. An ordinary request pays an addition and two comparisons.

httptools also stops at a request that asks for an upgrade, and takes it for one without a body. Here it is asked for a
WebSocket, or else the wish is ignored, as RFC 9110, 7.8 has it (Java's client asks for `h2c` with its first request):
the head is then read a second time without the wish, by a fresh parser, which goes on with the body.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from parabola.errors import PeerError
from parabola.server.error_responses import error_body

HEAD_BYTES_MAX: Final = 64 * 1024
"""The longest head of a request, address and headers together; also what its trailers may have."""

HEADERS_MAX: Final = 256
"""How many headers a request may have."""

# Headers and options of `Connection` that are there for an upgrade only.
_OF_AN_UPGRADE: Final = (b"upgrade", b"http2-settings")


class RequestRefused(PeerError):
    """What a client sends is not read any further; `answer_status` is that of the answer."""

    default_code = "BadRequest"

    def __init__(self, status: HTTPStatus, message: str, code: str | None = None) -> None:
        super().__init__(message, code=code)
        self.answer_status = status


class HttpProtocol(HttpToolsProtocol):
    """One connection, for `uvicorn.Config(http=…)`."""

    # Before the first request begins, uvicorn has none.
    url = b""
    # Bytes fed since something came out of the parser: the end of a head, or a part of a body.
    _held_bytes = 0
    # How many came last.
    _piece_bytes = 0
    # Whether the request that is being read asks for a WebSocket, or for a protocol that is not spoken here.
    _wants_websocket = False
    _wants_other = False
    _is_refused = False

    # What asyncio calls.

    def data_received(self, data: bytes) -> None:
        if self._is_refused:
            return
        self._unset_keepalive_if_required()
        self._piece_bytes = len(data)
        self._held_bytes += len(data)
        try:
            self._feed(data)
            if self._held_bytes > HEAD_BYTES_MAX:
                raise self._too_large(self._held_bytes)
        except RequestRefused as refused:
            self._refuse(refused)
        except httptools.HttpParserError as error:
            cause = error.__context__
            self._refuse(cause if isinstance(cause, RequestRefused) else _unreadable())

    # What the parser calls.

    def on_headers_complete(self) -> None:
        self._check_size(len(self.url))
        self._held_bytes = 0
        self._wants_websocket = self._wants_other = False
        if self.parser.should_upgrade():
            method = self.parser.get_method()
            if method == b"CONNECT":
                raise RequestRefused(
                    HTTPStatus.NOT_IMPLEMENTED, "This server is no proxy. Send it requests, not CONNECT.", "NotAProxy"
                )
            self._wants_websocket = method == b"GET" and super()._should_upgrade()
            self._wants_other = not self._wants_websocket
        if self._wants_other:
            return
        super().on_headers_complete()
        # What comes from now on is a trailer, which is no header (RFC 9110, 6.5.1).
        self.headers = []

    def on_body(self, body: bytes) -> None:
        self._held_bytes = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        if self._wants_other:
            return
        if self.headers:
            self._check_size(0)
        super().on_message_complete()

    # Parts of the above.

    def _should_upgrade(self) -> bool:
        return self._wants_websocket

    def _feed(self, data: bytes) -> None:
        rest: bytes | memoryview = data
        while True:
            try:
                self.parser.feed_data(rest)
                return
            except httptools.HttpParserUpgrade as pause:
                if self._wants_websocket:
                    self.handle_websocket_upgrade()
                    return
                rest = memoryview(rest)[pause.args[0] :]
            self._read_head_again()

    def _read_head_again(self) -> None:
        """Reads the head that has just been read without its wish for an upgrade, and with it all that follows."""
        lines = [b"%b %b HTTP/%b" % (self.parser.get_method(), self.url, self.parser.get_http_version().encode())]
        for name, value in self.headers:
            if name == b"connection":
                kept = [token for token in value.split(b",") if token.strip().lower() not in _OF_AN_UPGRADE]
                value = b",".join(kept)
            if name not in _OF_AN_UPGRADE:
                lines.append(b"%b: %b" % (name, value))
        self.parser = httptools.HttpRequestParser(self)
        # As uvicorn sets it.
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
        self.parser.feed_data(b"\r\n".join(lines) + b"\r\n\r\n")

    def _check_size(self, size: int) -> None:
        """Raises `RequestRefused` if headers (or trailers) that are complete are too many or, with `size`, too long."""
        headers = self.headers
        if len(headers) > HEADERS_MAX:
            raise RequestRefused(
                HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
                f"The request has {len(headers)} headers, and at most {HEADERS_MAX} are read. Send fewer.",
                "HeadersTooLarge",
            )
        # Only where much came at once is it worth a closer look: most of it may be a body.
        if self._held_bytes > HEAD_BYTES_MAX or self._piece_bytes > HEAD_BYTES_MAX:
            size += sum([len(name) + len(value) for name, value in headers])
            if size > HEAD_BYTES_MAX:
                raise self._too_large(size)

    def _too_large(self, size: int) -> RequestRefused:
        if 2 * len(self.url) > size:
            return RequestRefused(
                HTTPStatus.REQUEST_URI_TOO_LONG,
                f"The address of the request is longer than {HEAD_BYTES_MAX} bytes. Send what is long as a body.",
                "AddressTooLong",
            )
        return RequestRefused(
            HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
            f"The headers of the request are larger than {HEAD_BYTES_MAX} bytes. Send less in them.",
            "HeadersTooLarge",
        )

    def _refuse(self, refused: RequestRefused) -> None:
        """Answers and closes; reads nothing any more."""
        self._is_refused = True
        self.logger.warning("A request was refused: %s", refused.message)
        cycle = self.cycle
        is_answered = not cycle or cycle.response_complete
        if not is_answered and not cycle.more_body:
            # The requests before this one are whole, and get their answers first.
            cycle.keep_alive = False
            return
        if is_answered or not cycle.response_started:
            self._write(refused)
        if not is_answered:
            cycle.disconnected = True
            cycle.message_event.set()
        self.transport.close()

    def _write(self, refused: RequestRefused) -> None:
        status = refused.answer_status
        answer = error_body(status, refused.code, refused.message)
        headers = [*self.server_state.default_headers, *answer.headers, (b"connection", b"close")]
        lines = [b"HTTP/1.1 %d %b" % (status, status.phrase.encode()), *[b"%b: %b" % header for header in headers]]
        self.transport.write(b"\r\n".join(lines) + b"\r\n\r\n" + answer.body)


def _unreadable() -> RequestRefused:
    return RequestRefused(HTTPStatus.BAD_REQUEST, "This is not a request in HTTP/1.1. Check what is being sent.")
