"""Requests and responses of HTTP actions (semantics 10.2)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from parabola import Headers, Request, Response


async def chunks() -> AsyncIterator[bytes]:
    yield b'{"a":'
    yield b" 1}"


def test_headers_compare_without_case_and_keep_repeats() -> None:
    headers = Headers([("X-A", "1"), ("x-a", "2"), ("B", "3")])
    assert (headers["x-A"], headers.get_list("X-a"), headers.get("none")) == ("1, 2", ["1", "2"], None)
    headers.set("X-A", "4")
    assert headers.items() == [("b", "3"), ("x-a", "4")]
    assert ("B" in headers, list(headers), len(headers)) == (True, ["b", "x-a"], 2)


def test_a_header_with_a_line_break_is_refused() -> None:
    with pytest.raises(ValueError, match="contains a line break"):
        Headers({"A": "1\r\nSet-Cookie: x"})


@pytest.mark.parametrize(
    ("name", "value", "refusal", "why"),
    [
        ("X-Price", "5 €", ValueError, "contains '€', and headers carry Latin-1 text only"),
        ("X-A", "nul \x00", ValueError, r"contains '\\x00'"),
        ("X A", "1", ValueError, "'X A' cannot be the name of a header"),
        ("", "1", ValueError, "'' cannot be the name of a header"),
        ("Content-Length", 5, TypeError, r"was given int 5. Names and values of headers are text"),
    ],
)
def test_what_cannot_be_a_header_is_refused_where_it_is_made(name: str, value: Any, refusal: Any, why: str) -> None:
    with pytest.raises(refusal, match=why):
        Headers({name: value})


@pytest.mark.parametrize("body", ['{"a": 1}', b'{"a": 1}'])
def test_a_whole_body_may_be_read_again(body: Any) -> None:
    async def read() -> None:
        request = Request("http://x/p?q=1&q=2&r=", method="post", body=body)
        assert (request.method, request.path, request.query) == ("POST", "/p", {"q": ["1", "2"], "r": [""]})
        assert await request.json() == {"a": 1}
        assert await request.text() == '{"a": 1}'
        assert [chunk async for chunk in request.stream()] == [b'{"a": 1}']

    asyncio.run(read())


def test_a_streamed_body_is_collected_or_taken_once() -> None:
    async def read() -> None:
        request = Request("http://x/", method="POST", body=chunks())
        assert await request.json() == {"a": 1}
        assert await request.bytes() == b'{"a": 1}'
        taken = Request("http://x/", method="POST", body=chunks())
        assert [chunk async for chunk in taken.stream()] == [b'{"a":', b" 1}"]
        with pytest.raises(ValueError, match="already read as a stream"):
            await taken.bytes()

    asyncio.run(read())


def test_a_response_takes_text_bytes_json_or_a_stream() -> None:
    text = Response("hé")
    assert (text.status, text.body, text.headers["content-type"]) == (200, "hé".encode(), "text/plain;charset=UTF-8")
    assert Response(b"x", headers={"Content-Type": "image/png"}).headers.items() == [("content-type", "image/png")]
    data = Response.json({"é": [1]}, status=201)
    assert (data.status, data.body, data.headers["Content-Type"]) == (201, '{"é":[1]}'.encode(), "application/json")
    assert Response().body == b""
    assert not isinstance(Response(chunks()).body, bytes)


def test_what_is_no_body_and_no_status_is_refused() -> None:
    with pytest.raises(TypeError, match=r"or use Response\.json\(value\)"):
        Response({"a": 1})  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="between 200 and 599"):
        Response(status=99)
    for status in ("200", None, True, 200.0):
        with pytest.raises(TypeError, match=r"^Response\(status=.*\): the status of a response is an integer"):
            Response(status=status)  # type: ignore[arg-type]
        with pytest.raises(TypeError, match="the status of a response is an integer"):
            Response.json({}, status=status)  # type: ignore[arg-type]
