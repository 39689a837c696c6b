"""HTTP as it comes over a real socket: heads without end, trailers, and upgrades that nobody speaks."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from parabola.server.http_protocol import HEAD_BYTES_MAX, HEADERS_MAX
from parabola.server.serve import Stop, listen, serve_app

PATIENCE_S = 60.0
H2C = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n"


async def tell(scope: Any, receive: Any, send: Any) -> None:
    """Answers with what it saw of the request, once it has read all of it."""
    body, more = b"", True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        body += message["body"]
        more = message["more_body"]
    headers = {name.decode(): value.decode() for name, value in scope["headers"]}
    seen = {"method": scope["method"], "path": scope["path"], "headers": headers, "body": body.decode()}
    answer = json.dumps(seen).encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(answer))]})
    await send({"type": "http.response.body", "body": answer})


class Line:
    """A connection on which a test says what it likes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    def send(self, data: bytes) -> None:
        self._writer.write(data)

    async def send_until_refused(self, piece: bytes, pieces_max: int) -> None:
        """Sends it again and again until the other side is no longer interested."""
        for _ in range(pieces_max):
            if self._reader.at_eof() or self._writer.is_closing():
                return
            self._writer.write(piece)
            try:
                await self._writer.drain()
            except ConnectionError:
                return
            await asyncio.sleep(0)
        raise AssertionError("The server took all of it.")

    async def answer(self) -> tuple[int, Any]:
        """The next answer: its status and its JSON."""
        async with asyncio.timeout(PATIENCE_S):
            head = (await self._reader.readuntil(b"\r\n\r\n")).decode()
            length = int(head.lower().partition("content-length:")[2].partition("\r\n")[0])
            return int(head.split()[1]), json.loads(await self._reader.readexactly(length))

    async def end(self) -> bytes:
        """What comes until the server closes."""
        async with asyncio.timeout(PATIENCE_S):
            return await self._reader.read()


@pytest.fixture
async def line() -> AsyncIterator[Line]:
    async with connected() as line:
        yield line


@asynccontextmanager
async def connected() -> AsyncIterator[Line]:
    bound, stop, ready = listen("127.0.0.1", 0), Stop(), asyncio.Event()
    serving = asyncio.create_task(serve_app(tell, bound, stop=stop, on_ready=lambda _: ready.set()))
    await ready.wait()
    reader, writer = await asyncio.open_connection(*bound.getsockname())
    try:
        yield Line(reader, writer)
    finally:
        writer.close()
        stop.request()
        await serving
        bound.close()


@pytest.mark.parametrize(
    ("begins", "goes_on"),
    [
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: ", b"a" * 4096),
        (b"GET / HTTP/1.1\r\nHost: a\r\n", b"X: a\r\n" * 500),
        (b"GET / HTTP/1.1\r\nHost: a\r\n", b"x" * 4096),
        (b"GET /", b"a" * 4096),
        (b"", b"\r\n" * 2048),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: ", b"a" * 4096),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", b"X: a\r\n" * 500),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1;", b"a" * 4096),
    ],
    ids=[
        "a header",
        "headers",
        "the name of a header",
        "an address",
        "empty lines",
        "a trailer",
        "trailers",
        "a chunk extension",
    ],
)
async def test_what_has_no_end_is_not_collected(line: Line, begins: bytes, goes_on: bytes) -> None:
    line.send(begins)
    # Of all that may be under way between two sockets, the server takes no more than it can bear.
    await line.send_until_refused(goes_on, 64 * HEAD_BYTES_MAX // len(goes_on))


@pytest.mark.parametrize(
    ("head", "status", "code"),
    [
        (b"GET / HTTP/1.1\r\nX: " + b"a" * HEAD_BYTES_MAX, 431, "HeadersTooLarge"),
        (b"GET /" + b"a" * HEAD_BYTES_MAX + b" HTTP/1.1", 414, "AddressTooLong"),
        (b"GET / HTTP/1.1" + b"\r\nX: a" * (HEADERS_MAX + 1), 431, "HeadersTooLarge"),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: " + b"a" * 70_000, 431, "HeadersTooLarge"),
        (b"CONNECT a:1 HTTP/1.1\r\nHost: a:1", 501, "NotAProxy"),
        (b"SSH-2.0-OpenSSH_9.6", 400, "BadRequest"),
    ],
    ids=["a long header", "a long address", "many headers", "a long trailer", "a tunnel", "not HTTP"],
)
async def test_a_head_that_is_refused_is_told_why_before_the_connection_closes(
    line: Line, head: bytes, status: int, code: str
) -> None:
    line.send(head + b"\r\n\r\n")
    answered, body = await line.answer()
    assert (answered, body["code"]) == (status, code)
    assert set(body) == {"code", "message"}
    assert await line.end() == b""


async def test_a_head_within_the_limit_is_read_however_large_the_body_that_comes_with_it(line: Line) -> None:
    large, body = b"a" * (HEAD_BYTES_MAX - 100), b"b" * 200_000
    for _ in range(2):
        line.send(b"POST / HTTP/1.1\r\nX: %b\r\nContent-Length: %d\r\n\r\n%b" % (large, len(body), body))
        status, seen = await line.answer()
        assert status == 200
        assert seen["headers"]["x"] == large.decode()
        assert seen["body"] == body.decode()


async def test_a_request_before_the_refused_one_gets_its_answer_first(line: Line) -> None:
    line.send(b"GET /first HTTP/1.1\r\nHost: a\r\n\r\nGET /second HTTP/1.1\r\nX: " + b"a" * 70_000 + b"\r\n\r\n")
    status, seen = await line.answer()
    assert (status, seen["path"]) == (200, "/first")
    assert await line.end() == b""


async def test_a_trailer_does_not_become_a_header(line: Line) -> None:
    line.send(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n")
    line.send(b"0\r\nAuthorization: Bearer forged\r\n\r\n")
    _, seen = await line.answer()
    assert seen["body"] == "hi"
    assert set(seen["headers"]) == {"transfer-encoding"}


@pytest.mark.parametrize(
    "wish",
    [
        H2C,
        b"Upgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n",
        b"Connection: upgrade\r\nUpgrade: TLS/1.0, h2c\r\n",
    ],
    ids=["h2c", "a WebSocket by POST", "several protocols"],
)
@pytest.mark.parametrize(
    "body",
    [b"Content-Length: 5\r\n\r\nhello", b"Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"],
    ids=["of known length", "in chunks"],
)
@pytest.mark.parametrize("at_once", [True, False], ids=["at once", "byte by byte"])
async def test_an_upgrade_that_is_not_spoken_is_ignored(line: Line, wish: bytes, body: bytes, at_once: bool) -> None:
    request = b"POST /echo?x HTTP/1.1\r\nHost: a\r\nX-Kept: 1\r\n" + wish + body
    follows = b"GET /next HTTP/1.1\r\nHost: a\r\n\r\n"
    for sent in [request + request + follows] if at_once else [bytes([byte]) for byte in request + request + follows]:
        line.send(sent)
        if not at_once:
            await asyncio.sleep(0)
    for _ in range(2):
        status, seen = await line.answer()
        assert (status, seen["method"], seen["path"], seen["body"]) == (200, "POST", "/echo", "hello")
        assert seen["headers"]["x-kept"] == "1"
        assert "upgrade" not in seen["headers"]
    status, seen = await line.answer()
    assert (status, seen["path"]) == (200, "/next")


async def test_an_ignored_upgrade_leaves_the_wish_to_close_in_force(line: Line) -> None:
    line.send(b"GET / HTTP/1.1\r\nConnection: close, Upgrade\r\nUpgrade: h2c\r\n\r\n")
    assert (await line.answer())[0] == 200
    assert await line.end() == b""
