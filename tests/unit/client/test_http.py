"""`HttpClient`: what it sends, and what it makes of the answers (wire 2.1 to 2.3)."""

from __future__ import annotations

import base64
import logging
from typing import Any

import httpx
import orjson
import pytest

from parabola.client import CallFailed, ClientError, ConvexError, Int64
from parabola.client.http import HttpClient
from parabola.definitions.references import api
from parabola.errors import InvalidArgument


class Server:
    """Answers with `answer`, and keeps what it was asked."""

    def __init__(self, answer: Any = None, status: int = 200) -> None:
        self.requests: list[httpx.Request] = []
        self.answer = answer if answer is not None else {"status": "success", "value": None}
        self.status = status
        self.client = HttpClient("http://127.0.0.1:3210/", transport=httpx.MockTransport(self._handle))

    def _handle(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        content = self.answer if isinstance(self.answer, bytes) else orjson.dumps(self.answer)
        return httpx.Response(self.status, content=content)

    @property
    def body(self) -> Any:
        return orjson.loads(self.requests[-1].content)


@pytest.mark.parametrize("kind", ["query", "mutation", "action"])
def test_a_call_is_one_post_in_encoded_json(kind: str) -> None:
    server = Server({"status": "success", "value": {"n": {"$integer": "BQAAAAAAAAA="}}})
    assert getattr(server.client, kind)(api.messages.list, {"big": Int64(1), "n": 2}) == {"n": Int64(5)}
    (request,) = server.requests
    assert str(request.url) == f"http://127.0.0.1:3210/api/{kind}"
    assert request.headers["Convex-Client"] == "parabola-0.1.0"
    assert "Authorization" not in request.headers
    assert server.body == {
        "path": "messages:list",
        "format": "convex_encoded_json",
        "args": [{"big": {"$integer": "AQAAAAAAAAA="}, "n": 2}],
    }


def test_a_consistent_query_asks_for_a_time_and_then_at_that_time() -> None:
    server = Server({"ts": "AIDpLy45aRg=", "status": "success", "value": 1})
    assert server.client.consistent_query("a:b") == 1
    assert [request.url.path for request in server.requests] == ["/api/query_ts", "/api/query_at_ts"]
    assert server.body["ts"] == "AIDpLy45aRg="
    server.client.consistent_query("a:b", ts="AAAAAAAAAAA=")
    assert server.body["ts"] == "AAAAAAAAAAA="


def test_credentials_go_into_the_header() -> None:
    server = Server()

    def header() -> str | None:
        server.client.query("a:b")
        return server.requests[-1].headers.get("Authorization")

    server.client.set_auth("token")
    assert header() == "Bearer token"
    server.client.set_admin_auth("dev:foo|key")
    assert header() == "Convex dev:foo|key"
    server.client.set_admin_auth("key", {"subject": "s", "issuer": "https://i"})
    prefix, _, encoded = str(header()).rpartition(":")
    assert prefix == "Convex key"
    assert orjson.loads(base64.b64decode(encoded)) == {"subject": "s", "issuer": "https://i"}
    server.client.clear_auth()
    assert header() is None


@pytest.mark.parametrize("status", [200, 560])
def test_a_function_that_failed_raises(status: int) -> None:
    plain = Server({"status": "error", "errorMessage": "Server Error"}, status)
    with pytest.raises(CallFailed, match="Server Error"):
        plain.client.query("a:b")
    thrown = Server({"status": "error", "errorMessage": "Server Error", "errorData": None}, status)
    with pytest.raises(ConvexError) as caught:
        thrown.client.query("a:b")
    assert caught.value.data is None


def test_a_request_that_the_server_refuses_raises_with_its_code() -> None:
    server = Server({"code": "BadAdminKey", "message": "wrong key"}, 401)
    with pytest.raises(ClientError, match="wrong key") as caught:
        server.client.query("a:b")
    assert caught.value.code == "BadAdminKey"


@pytest.mark.parametrize("answer", [b"", b"<html>", b"[]", {"status": "maybe"}], ids=repr)
def test_an_answer_that_makes_no_sense_raises(answer: Any) -> None:
    with pytest.raises(ClientError):
        Server(answer).client.query("a:b")


def test_a_server_that_cannot_be_reached_raises() -> None:
    with HttpClient("http://127.0.0.1:9") as client, pytest.raises(ClientError, match="could not be reached"):
        client.query("a:b")


def test_log_lines_of_the_function_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    server = Server({"status": "success", "value": None, "logLines": ["[LOG] 'hi'"]})
    with caplog.at_level(logging.INFO, logger="parabola.client.functions"):
        server.client.mutation("a:b")
    assert caplog.messages == ["[M(a:b)] [LOG] 'hi'"]


def test_what_is_no_address_is_refused() -> None:
    with pytest.raises(InvalidArgument):
        HttpClient("127.0.0.1")
