"""Requests that the user's own functions answer: the routes of `http.py`, below `/http` (wire 2.6, semantics 10).

The handler sees the request as the client made it: the path without `/http`, the scheme and host that a proxy in front
was asked for. Nothing is added to what it answers. An `Authorization` header that is not ours is the application's
business: the handler then runs for nobody, and sees the header.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import AsyncGenerator, AsyncIterable
from contextlib import aclosing
from typing import Final
from urllib.parse import quote

from parabola.auth import Caller
from parabola.backend.backend import Backend
from parabola.definitions.http_messages import Headers, Request, Response
from parabola.errors import BadRequest, ParabolaError
from parabola.functions.http_actions import ResponseBroken
from parabola.limits import MIB
from parabola.server.error_responses import error_response
from parabola.server.http_api import FunctionApi
from parabola.server.messages import ClientDisconnected, HttpRequest, Send

REQUEST_BYTES_MAX: Final = 20 * MIB
RESPONSE_BYTES_MAX: Final = 20 * MIB
PREFIX: Final = "/http"
_TOO_LARGE: Final = "HttpResponseTooLarge: HTTP actions support responses up to 20 MiB"
_WITHOUT_BODY: Final = ("GET", "HEAD", "OPTIONS")
_WITHOUT_CONTENT: Final = (204, 304)
# What can stand before and after `://` without changing where the path of the URL begins.
_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*")
_HOST: Final = re.compile(r"[A-Za-z0-9._~%!$&'()*+,;=-]+(:[0-9]*)?|\[[0-9A-Fa-f:.]+\](:[0-9]*)?")

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
            url = _url(request)
        except BadRequest as error:
            await error_response(error).send(send, head_only=is_head)
            return
        body = None if request.method in _WITHOUT_BODY else request.stream(REQUEST_BYTES_MAX)
        asked = Request(url, method=request.method, headers=_headers(request), body=body)
        try:
            answer = await self._backend.runner.run_http_action(
                asked,
                await self._caller(request),
                request_id=self._functions.request_id(request),
                redact=self._backend.config.redact,
            )
        except ClientDisconnected:
            return
        await _send_response(answer, request, send)

    async def _caller(self, request: HttpRequest) -> Caller:
        try:
            return await self._functions.caller(request)
        except ParabolaError:
            return None


async def _send_response(answer: Response, request: HttpRequest, send: Send) -> None:
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers.items()]
    body = answer.body
    if answer.status in _WITHOUT_CONTENT:
        # Whatever the handler gave: clients read the next answer where they see a body here (RFC 9110, 6.4.1).
        body = b""
        headers = [(name, value) for name, value in headers if name not in (b"content-length", b"transfer-encoding")]
    elif isinstance(body, bytes):
        if len(body) > RESPONSE_BYTES_MAX:
            body = body[:RESPONSE_BYTES_MAX]
            headers = [(name, value) for name, value in headers if name != b"content-length"]
            _log.error(_TOO_LARGE)
        if not any(name == b"content-length" for name, _ in headers):
            headers.append((b"content-length", b"%d" % len(body)))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    if request.method == "HEAD":
        await send({"type": "http.response.body", "body": b""})
    elif isinstance(body, bytes):
        await send({"type": "http.response.body", "body": body})
    else:
        await _send_until_disconnected(body, request, send)


async def _send_until_disconnected(body: AsyncIterable[bytes], request: HttpRequest, send: Send) -> None:
    """Sends a body as it is produced. One that would never end is ended when its reader has gone."""
    sending = asyncio.ensure_future(_send_stream(body, send))
    waited_for: list[asyncio.Future[None]] = [sending]
    if request.is_read or request.method in _WITHOUT_BODY:
        # Else the handler may still be reading the request while it answers, and sees the disconnect itself.
        waited_for.append(asyncio.ensure_future(request.disconnected()))
    try:
        await asyncio.wait(waited_for, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in waited_for:
            task.cancel()
        results = await asyncio.gather(*waited_for, return_exceptions=True)
    if isinstance(results[0], Exception):
        raise results[0]


async def _send_stream(body: AsyncIterable[bytes], send: Send) -> None:
    try:
        async with aclosing(_within_limit(body)) as chunks:
            async for chunk in chunks:
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
    except ResponseBroken:
        # Not ended: the server below closes the connection, and the client sees that something is missing.
        return
    await send({"type": "http.response.body", "body": b""})


async def _within_limit(body: AsyncIterable[bytes]) -> AsyncGenerator[bytes]:
    """The chunks of a streamed answer; what is beyond the limit is cut off and logged."""
    left = RESPONSE_BYTES_MAX
    try:
        async for chunk in body:
            if len(chunk) > left:
                _log.error(_TOO_LARGE)
                yield chunk[:left]
                return
            left -= len(chunk)
            yield chunk
    finally:
        if isinstance(body, AsyncGenerator):
            await body.aclose()


def _headers(request: HttpRequest) -> Headers:
    return Headers([(name.decode("latin-1"), value.decode("latin-1")) for name, value in request.scope["headers"]])


def _url(request: HttpRequest) -> str:
    """The whole URL as the client wrote it, without the prefix that leads here. Raises `BadRequest` for a host that
    could be read as part of the path: routes are chosen by the path.
    """
    raw = request.raw_path.decode("latin-1")
    # Where the prefix itself was written with escapes, it has another length: then what was understood is escaped anew.
    path = (raw if raw.startswith(PREFIX) else quote(request.path))[len(PREFIX) :] or "/"
    host = request.header(b"host") or "localhost"
    if not _HOST.fullmatch(host):
        raise BadRequest("The Host header is no host name. Send the name, and the port if it is not the usual one.")
    query = request.query.decode("latin-1")
    return f"{_scheme(request)}://{host}{path}{'?' + query if query else ''}"


def _scheme(request: HttpRequest) -> str:
    """What the outermost proxy was asked by; what it says is believed only if it is a scheme at all."""
    forwarded = request.header(b"x-forwarded-proto")
    named = forwarded.partition(",")[0].strip() if forwarded else _forwarded_proto(request.header(b"forwarded"))
    return named.lower() if named and _SCHEME.fullmatch(named) else "http"


def _forwarded_proto(header: str | None) -> str | None:
    """The `proto` of the first element of a `Forwarded` header (RFC 7239)."""
    if header is None:
        return None
    for pair in header.partition(",")[0].split(";"):
        name, _, value = pair.strip().partition("=")
        if name.lower() == "proto" and value:
            return value.strip('"')
    return None
