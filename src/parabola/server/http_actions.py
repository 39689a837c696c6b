"""Requests that the user's own functions answer: the routes of `http.py`, below `/http` (wire 2.6, semantics 10).

The handler sees the request as the client made it: the path without `/http`, the scheme and host that a proxy in front
was asked for. Nothing is added to what it answers. An `Authorization` header that is not ours is the application's
business: the handler then runs for nobody, and sees the header.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterable, AsyncIterator
from typing import Final

from parabola.auth import Caller
from parabola.backend.backend import Backend
from parabola.definitions.http_messages import Headers, Request, Response
from parabola.errors import ParabolaError
from parabola.limits import MIB
from parabola.server.error_responses import error_response
from parabola.server.http_api import FunctionApi
from parabola.server.messages import BodyTooLarge, ClientDisconnected, HttpRequest, Send

REQUEST_BYTES_MAX: Final = 20 * MIB
RESPONSE_BYTES_MAX: Final = 20 * MIB
PREFIX: Final = "/http"
_WITHOUT_BODY: Final = ("GET", "HEAD", "OPTIONS")

_log = logging.getLogger("parabola.http")


class HttpActions:
    """Hands requests to the router and sends what its handlers answer."""

    def __init__(self, backend: Backend, functions: FunctionApi) -> None:
        self._backend = backend
        self._functions = functions

    async def handle(self, request: HttpRequest, send: Send) -> None:
        """Answers one request below `/http`."""
        is_head = request.method == "HEAD"
        try:
            request.check_declared_size(REQUEST_BYTES_MAX)
        except BodyTooLarge as error:
            await error_response(error).send(send, head_only=is_head)
            return
        body = None if request.method in _WITHOUT_BODY else request.stream(REQUEST_BYTES_MAX)
        asked = Request(_url(request), method=request.method, headers=_headers(request), body=body)
        try:
            answer = await self._backend.runner.run_http_action(
                asked,
                await self._caller(request),
                request_id=self._functions.request_id(request),
                redact=self._backend.config.redact,
            )
        except ClientDisconnected:
            return
        await _send_response(answer, send, head_only=is_head)

    async def _caller(self, request: HttpRequest) -> Caller:
        try:
            return await self._functions.caller(request)
        except ParabolaError:
            return None


async def _send_response(answer: Response, send: Send, *, head_only: bool) -> None:
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers.items()]
    body = answer.body
    if isinstance(body, bytes) and "content-length" not in answer.headers and answer.status not in (204, 304):
        headers.append((b"content-length", b"%d" % len(body)))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    if head_only or isinstance(body, bytes):
        await send({"type": "http.response.body", "body": b"" if head_only or not isinstance(body, bytes) else body})
        return
    async for chunk in _within_limit(body):
        await send({"type": "http.response.body", "body": chunk, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def _within_limit(body: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    """The chunks of a streamed answer; what is beyond the limit is cut off and logged."""
    left = RESPONSE_BYTES_MAX
    async for chunk in body:
        if len(chunk) > left:
            _log.error("HttpResponseTooLarge: HTTP actions support responses up to 20 MiB")
            yield chunk[:left]
            return
        left -= len(chunk)
        yield bytes(chunk)


def _headers(request: HttpRequest) -> Headers:
    return Headers([(name.decode("latin-1"), value.decode("latin-1")) for name, value in request.scope["headers"]])


def _url(request: HttpRequest) -> str:
    """The whole URL as the client wrote it, without the prefix that leads here."""
    path = request.raw_path.decode("latin-1")[len(PREFIX) :] or "/"
    scheme = request.header(b"x-forwarded-proto") or _forwarded_proto(request.header(b"forwarded")) or "http"
    host = request.header(b"host") or "localhost"
    query = request.query.decode("latin-1")
    return f"{scheme}://{host}{path}{'?' + query if query else ''}"


def _forwarded_proto(header: str | None) -> str | None:
    """The `proto` of the first element of a `Forwarded` header (RFC 7239)."""
    if header is None:
        return None
    for pair in header.partition(",")[0].split(";"):
        name, _, value = pair.strip().partition("=")
        if name.lower() == "proto" and value:
            return value.strip('"').lower()
    return None
