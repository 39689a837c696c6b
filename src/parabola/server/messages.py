"""A request and an answer, as the HTTP part of the server handles them: the ASGI dictionaries, read once.

Kept deliberately smaller than a toolkit's classes: a function call over HTTP is decoded, run and answered, and the
work around that should not cost more than the call.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Final
from urllib.parse import parse_qsl

from parabola.errors import BadRequest, ParabolaError

Scope = dict[str, Any]
Receive = Any
Send = Any

JSON_TYPE: Final = b"application/json"
TEXT_TYPE: Final = b"text/plain; charset=utf-8"


class BodyTooLarge(BadRequest):
    """A request body above the limit of its endpoint."""

    default_code = "RequestBodyTooLarge"
    status = 413


class ClientDisconnected(ParabolaError):
    """The client went away before its request was complete: there is nobody to answer."""

    default_code = "ClientDisconnect"


class HttpRequest:
    """One HTTP request below the mount point. `path` is decoded, `raw_path` as it was sent."""

    __slots__ = ("_receive", "headers", "is_read", "method", "path", "query", "raw_path", "scope")

    def __init__(self, scope: Scope, receive: Receive, path: str) -> None:
        self.scope = scope
        self._receive = receive
        # Whether the whole body has arrived and was taken.
        self.is_read = False
        self.method: str = scope["method"]
        self.path = path
        self.raw_path = _raw_path(scope, path)
        self.query: bytes = scope.get("query_string", b"")
        # Repeated headers: the first one counts, as for every header that is looked up here.
        self.headers: dict[bytes, bytes] = {name.lower(): value for name, value in reversed(scope["headers"])}

    def header(self, name: bytes) -> str | None:
        """The header `name` (in lower case), or None."""
        value = self.headers.get(name)
        return None if value is None else value.decode("latin-1")

    def parameters(self) -> dict[str, str]:
        """The query string; of repeated names the last counts. Raises `BadRequest` if it is not UTF-8."""
        try:
            return dict(parse_qsl(self.query.decode("ascii"), keep_blank_values=True, errors="strict"))
        except ValueError:
            raise BadRequest("The query string is not percent-encoded UTF-8. Encode it again.") from None

    def check_declared_size(self, bytes_max: int) -> None:
        """Raises `BodyTooLarge` if the body says that it is larger than `bytes_max`."""
        declared = self.headers.get(b"content-length", b"")
        if declared.isdigit() and int(declared) > bytes_max:
            raise _too_large(bytes_max)

    async def body(self, bytes_max: int) -> bytes:
        """The whole body. Raises `BodyTooLarge` above `bytes_max`, reading no further."""
        self.check_declared_size(bytes_max)
        message = await self._receive()
        if message["type"] == "http.request" and not message.get("more_body", False):
            whole: bytes = message.get("body", b"")
            if len(whole) > bytes_max:
                raise _too_large(bytes_max)
            self.is_read = True
            return whole
        collected = bytearray()
        while True:
            if message["type"] == "http.disconnect":
                raise ClientDisconnected("The client disconnected before it had sent its request.")
            collected += message.get("body", b"")
            if len(collected) > bytes_max:
                raise _too_large(bytes_max)
            if not message.get("more_body", False):
                self.is_read = True
                return bytes(collected)
            message = await self._receive()

    async def stream(self, bytes_max: int) -> AsyncIterator[bytes]:
        """The body as it arrives. Raises `BodyTooLarge` when it passes `bytes_max`."""
        seen = 0
        more = True
        while more:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnected("The client disconnected before it had sent its request.")
            chunk: bytes = message.get("body", b"")
            more = message.get("more_body", False)
            seen += len(chunk)
            if seen > bytes_max:
                raise _too_large(bytes_max)
            if chunk:
                yield chunk
        self.is_read = True

    async def disconnected(self) -> None:
        """Returns when the client has gone. What is left of the body is thrown away."""
        while (await self._receive())["type"] != "http.disconnect":
            pass


class HttpResponse:
    """An answer that is known whole before it is sent."""

    __slots__ = ("body", "headers", "status")

    def __init__(
        self,
        body: bytes = b"",
        *,
        status: int = 200,
        content_type: bytes = JSON_TYPE,
        headers: list[tuple[bytes, bytes]] | None = None,
    ) -> None:
        self.status = status
        self.body = body
        self.headers = [(b"content-type", content_type), (b"content-length", b"%d" % len(body))]
        if headers:
            self.headers += headers

    @classmethod
    def text(cls, text: str, status: int = 200) -> HttpResponse:
        """A plain text answer."""
        return cls(text.encode(), status=status, content_type=TEXT_TYPE)

    async def send(self, send: Send, *, head_only: bool = False) -> None:
        """Writes the answer; for a HEAD request without its body."""
        await send({"type": "http.response.start", "status": self.status, "headers": self.headers})
        await send({"type": "http.response.body", "body": b"" if head_only else self.body})


def _raw_path(scope: Scope, path: str) -> bytes:
    """The undecoded path below the mount point, with one leading slash."""
    raw: bytes | None = scope.get("raw_path")
    root = scope.get("root_path", "")
    if raw is None:
        return path.encode()
    raw = raw.partition(b"?")[0]
    if root and raw.startswith(root.encode()):
        raw = raw[len(root) :]
    return b"/" + raw.lstrip(b"/") if raw.startswith(b"//") else raw


def _too_large(bytes_max: int) -> BodyTooLarge:
    return BodyTooLarge(
        f"The request body is larger than {bytes_max} bytes, which is the limit here. Send less at a time."
    )
