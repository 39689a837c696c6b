"""Requests that user functions answer: wire 2.6, semantics 10."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from parabola.backend import Backend
from parabola.server.serve import Stop, listen, serve_app
from tests.unit.server.conftest import Start

STREAMS = """
import asyncio
from parabola import HttpRouter, Response, http_action

http = HttpRouter()
ended = []

async def endless():
    print("begun")
    try:
        while True:
            yield b"tick;"
            await asyncio.sleep(0.001)
    finally:
        ended.append("endless")

async def broken():
    yield b"first;"
    raise ValueError("half-way")

async def text():
    yield "not bytes"

@http_action
async def stream(ctx, request):
    return Response({"/endless": endless, "/broken": broken, "/text": text}[request.path]())

class Twice:
    async def __aiter__(self):
        yield b"again"

twice = Response(Twice())

@http_action
async def same(ctx, request):
    return twice

http.route(path="/same", method="GET", handler=same)

@http_action
async def large(ctx, request):
    return Response(b"x" * (20 * 1024 * 1024 + 1), headers={"Content-Length": str(20 * 1024 * 1024 + 1)})

@http_action
async def empty(ctx, request):
    status = int(request.query["status"][0])
    if "stream" in request.query:
        return Response(endless(), status=status)
    return Response(b"body", status=status, headers={"Content-Length": "4", "ETag": "x"})

http.route(path="/empty", method="GET", handler=empty)

for path in ("/endless", "/broken", "/text"):
    http.route(path=path, method="GET", handler=stream)
http.route(path="/large", method="GET", handler=large)
"""


class Caller:
    """One GET by hand: what the application sent, and a client that can hang up."""

    def __init__(self, backend: Backend, path: str) -> None:
        self.sent: list[dict[str, Any]] = []
        self._arrived = asyncio.Event()
        self._hung_up = asyncio.Event()
        scope = {"type": "http", "method": "GET", "path": path, "headers": [], "query_string": b""}
        self.answered = asyncio.ensure_future(backend.asgi()(scope, self._receive, self._send))

    async def _receive(self) -> dict[str, Any]:
        await self._hung_up.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: dict[str, Any]) -> None:
        self.sent.append(message)
        self._arrived.set()
        await asyncio.sleep(0)

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not condition():
                self._arrived.clear()
                await self._arrived.wait()

    def hang_up(self) -> None:
        self._hung_up.set()

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.sent)

    @property
    def is_complete(self) -> bool:
        return self.sent[-1]["type"] == "http.response.body" and not self.sent[-1].get("more_body", False)


@pytest.fixture
def streams(tmp_path: Path) -> Backend:
    folder = tmp_path / "backend"
    folder.mkdir()
    (folder / "http.py").write_text(STREAMS)
    return Backend(folder, storage="memory")


async def test_a_route_sees_the_request_as_the_client_made_it(start: Start) -> None:
    async with start() as client:
        answer = await client.post("/http/hook?a=1&b=%20", content=b"body", headers={"X-Forwarded-Proto": "https"})
        assert answer.status_code == 200
        assert answer.json() == {
            "method": "POST",
            "url": "https://parabola.test/hook?a=1&b=%20",
            "body": "body",
            "user": None,
            "header": None,
        }
        assert answer.headers.get_list("x-twice") == ["1", "2"]
        forwarded = await client.get("/http/hook", headers={"Forwarded": "for=1.2.3.4;proto=https;host=x"})
        assert forwarded.json()["url"] == "https://parabola.test/hook"


async def test_a_head_request_runs_the_get_route_without_sending_the_body(start: Start) -> None:
    async with start() as client:
        response = await client.head("/http/hook")
        assert (response.status_code, response.content) == (200, b"")


@pytest.mark.parametrize("status", [204, 304])
async def test_a_status_that_has_no_content_is_sent_without_over_a_connection_that_stays(
    streams: Backend, status: int
) -> None:
    bound, stop, ready = listen("127.0.0.1", 0), Stop(), asyncio.Event()
    async with streams:
        serving = asyncio.create_task(serve_app(streams.asgi(), bound, stop=stop, on_ready=lambda _: ready.set()))
        await ready.wait()
        reader, writer = await asyncio.open_connection(*bound.getsockname())
        try:
            for query in (f"status={status}", f"status={status}&stream=1", "status=200"):
                writer.write(f"GET /http/empty?{query} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
                async with asyncio.timeout(60):
                    head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
                assert f" {query[7:10]} " in head
                assert ("content-length: 4" in head) == ("200" in head)
                assert "transfer-encoding" not in head
                if query == f"status={status}":
                    assert "etag: x" in head
            assert await reader.readexactly(4) == b"body"
        finally:
            writer.close()
            stop.request()
            await serving
            bound.close()


async def test_a_response_may_be_a_stream(start: Start) -> None:
    async with start() as client:
        response = await client.get("/http/stream/any/thing")
        assert (response.status_code, response.text) == (201, "part 0;part 1;part 2;")


async def test_a_token_is_the_identity_and_any_other_authorization_is_the_applications(start: Start) -> None:
    async with start() as client:
        token = client.setting.token()
        known = await client.get("/http/hook", headers={"Authorization": f"Bearer {token}"})
        assert known.json()["user"] == "alice"
        for header in ("Basic dXNlcjpwYXNz", "x", "Bearer theirs", "Convex parabola|wrong"):
            own = (await client.get("/http/hook", headers={"Authorization": header})).json()
            assert (own["user"], own["header"]) == (None, header)


@pytest.mark.parametrize("path", ["/http/nope", "/http", "/http/", "/http/hook/"])
async def test_no_route_is_a_404_in_plain_text(start: Start, path: str) -> None:
    async with start() as client:
        response = await client.get(path)
        assert (response.status_code, response.text) == (404, "No matching routes found")
        assert response.headers["content-type"] == "text/plain; charset=utf-8"


async def test_a_folder_without_routes_says_so(start: Start) -> None:
    async with start(without="http.py") as client:
        response = await client.get("/http/hook")
        assert response.status_code == 404
        assert response.text == "This Convex deployment does not have HTTP actions enabled."


async def test_an_error_that_nobody_caught_is_a_500_with_its_data(start: Start) -> None:
    async with start() as client:
        response = await client.get("/http/broken", headers={"Convex-Request-Id": "r1"})
        assert response.status_code == 500
        assert response.json()["code"].startswith("[Request ID: r1] Server Error: ConvexError")
        assert response.json()["data"] == {"why": "because"}
        assert response.json()["trace"]
    async with start(redact=True, without="auth_config.py") as client:
        response = await client.get("/http/broken", headers={"Convex-Request-Id": "r1"})
        assert response.json() == {"code": "[Request ID: r1] Server Error", "data": {"why": "because"}}


async def test_a_body_that_declares_too_much_is_refused(start: Start) -> None:
    async with start() as client:
        response = await client.post("/http/hook", content=b"x", headers={"Content-Length": str(21 * 1024 * 1024)})
        assert response.status_code == 413


async def test_a_stream_whose_reader_has_gone_is_ended(streams: Backend, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", logger="parabola.functions")
    async with streams:
        caller = Caller(streams, "/http/endless")
        await caller.until(lambda: caller.body.startswith(b"tick;tick;"))
        caller.hang_up()
        async with asyncio.timeout(10):
            await caller.answered
        assert not caller.is_complete
        ended = streams.runner.deployment.http.lookup("/endless", "GET")[0].handler.__globals__["ended"]
        assert ended == ["endless"]
        # What it printed on the way is in the function log, as everything that a function prints.
        assert "http:stream [LOG] 'begun'" in caplog.text


@pytest.mark.parametrize(
    ("path", "sent", "why"),
    [("/http/broken", b"first;", "ValueError: half-way"), ("/http/text", b"", "The body of the response gave str")],
)
async def test_a_stream_that_fails_is_broken_off_and_logged_as_the_functions_failure(
    streams: Backend, caplog: pytest.LogCaptureFixture, path: str, sent: bytes, why: str
) -> None:
    async with streams:
        caller = Caller(streams, path)
        async with asyncio.timeout(10):
            await caller.answered
        assert caller.body == sent
        assert not caller.is_complete
        assert "http http:stream failed" in caplog.text
        assert why in caplog.text


async def test_one_response_may_answer_two_requests(streams: Backend) -> None:
    async with streams:
        for _ in range(2):
            caller = Caller(streams, "/http/same")
            async with asyncio.timeout(10):
                await caller.answered
            assert (caller.body, caller.is_complete) == (b"again", True)


async def test_an_answer_above_the_limit_is_cut_and_logged(streams: Backend, caplog: pytest.LogCaptureFixture) -> None:
    async with streams:
        caller = Caller(streams, "/http/large")
        async with asyncio.timeout(10):
            await caller.answered
        assert len(caller.body) == 20 * 1024 * 1024
        assert dict(caller.sent[0]["headers"])[b"content-length"] == b"%d" % (20 * 1024 * 1024)
        assert "HttpResponseTooLarge: HTTP actions support responses up to 20 MiB" in caplog.text


@pytest.mark.parametrize(
    ("headers", "url"),
    [
        ({"X-Forwarded-Proto": "https, http"}, "https://parabola.test/hook"),
        ({"X-Forwarded-Proto": "HTTPS"}, "https://parabola.test/hook"),
        ({"X-Forwarded-Proto": "https://elsewhere/broken?"}, "http://parabola.test/hook"),
        ({"Forwarded": 'for=1.2.3.4;proto="https", proto=http'}, "https://parabola.test/hook"),
        ({"Forwarded": "for=1.2.3.4"}, "http://parabola.test/hook"),
        ({"Host": "site.test:8080"}, "http://site.test:8080/hook"),
        ({"Host": "[::1]:8080"}, "http://[::1]:8080/hook"),
    ],
)
async def test_the_url_is_what_the_first_proxy_was_asked_for(start: Start, headers: dict[str, str], url: str) -> None:
    async with start() as client:
        assert (await client.get("/http/hook", headers=headers)).json()["url"] == url


@pytest.mark.parametrize("path", ["/%68ttp/hook", "/htt%70/hook"])
async def test_the_url_is_whole_however_the_prefix_is_written(start: Start, path: str) -> None:
    async with start() as client:
        response = await client.get(httpx.URL("http://parabola.test", raw_path=f"{path}?a=%20".encode()))
        assert response.json()["url"] == "http://parabola.test/hook?a=%20"


@pytest.mark.parametrize("host", ["parabola.test/broken?", "a b", "a#b", "user@host"])
async def test_a_host_that_could_change_the_path_is_refused(start: Start, host: str) -> None:
    async with start() as client:
        assert await client.refused("GET", "/http/hook", headers={"Host": host}) == (400, "BadRequest")
