"""Fetches from providers are bounded, follow nobody, and say what went wrong."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import pytest

from parabola.auth import HttpFetcher
from parabola.auth.fetching import FETCH_BYTES_MAX, read_data_uri
from parabola.errors import AuthProviderUnavailable

pytestmark = pytest.mark.anyio


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # so that a connection could be used again
    callers: ClassVar[list[tuple[str, int]]] = []

    def do_GET(self) -> None:
        self.callers.append(self.client_address)
        size = FETCH_BYTES_MAX + 1 if self.path == "/huge" else 2
        self.send_response(302 if self.path == "/moved" else 200)
        self.send_header("Location", "/elsewhere")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(size))
        self.end_headers()
        try:
            self.wfile.write(b"{}" if size == 2 else b"x" * size)
        except OSError:
            pass

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.fixture
def url() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


async def test_a_document_comes_with_its_status_and_type(url: str) -> None:
    fetch = HttpFetcher()
    fetched = await fetch(f"{url}/keys")
    assert (fetched.status, fetched.content_type, fetched.body) == (200, "application/json", b"{}")


async def test_a_redirect_is_not_followed(url: str) -> None:
    fetch = HttpFetcher()
    assert (await fetch(f"{url}/moved")).status == 302


async def test_an_answer_above_the_limit_is_not_read_to_its_end(url: str) -> None:
    fetch = HttpFetcher()
    with pytest.raises(AuthProviderUnavailable, match="larger than"):
        await fetch(f"{url}/huge")


async def test_a_server_that_is_not_there_is_unavailable() -> None:
    fetch = HttpFetcher()
    with pytest.raises(AuthProviderUnavailable):
        await fetch("http://127.0.0.1:1/keys")
    with pytest.raises(AuthProviderUnavailable):
        await fetch("http://[broken/")


async def test_no_fetch_depends_on_what_became_of_the_connection_of_another(url: str) -> None:
    fetch = HttpFetcher()
    Handler.callers.clear()
    for _ in range(3):
        assert (await fetch(f"{url}/keys")).status == 200
    assert len(set(Handler.callers)) == 3


def test_a_data_uri_is_read_in_both_spellings() -> None:
    assert read_data_uri("data:application/json,%7B%7D").body == b"{}"
    assert read_data_uri("data:text/plain;charset=utf-8;base64,e30").body == b"{}"
    for broken in ("data:application/json", "data:;base64,!!!"):
        with pytest.raises(ValueError):
            read_data_uri(broken)
