"""The request that an HTTP action receives and the response it gives: a small pair with the meaning of fetch.

Bodies may be streams: a request's is read once, by `bytes()`, `text()`, `json()` or by iterating over `stream()`; a
response's may be any async iterable of bytes, which is sent as it is produced, after the head.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

HeaderPairs = Iterable[tuple[str, str]]

_HEADER_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_HEADER_VALUE = re.compile(r"[^\x00\r\n\u0100-\U0010ffff]*")


class Headers:
    """HTTP headers: names compare without case, repeated ones are kept, order is kept."""

    __slots__ = ("_pairs",)

    def __init__(self, headers: Mapping[str, str] | HeaderPairs | Headers | None = None) -> None:
        self._pairs: list[tuple[str, str]] = []
        if headers is None:
            return
        pairs: HeaderPairs = headers.items() if isinstance(headers, (Mapping, Headers)) else headers  # pyright: ignore[reportAssignmentType]
        for name, value in pairs:
            self.append(name, value)

    def get(self, name: str, default: str | None = None) -> str | None:
        """The value of `name`, several of them joined with a comma and a space, or `default`."""
        found = self.get_list(name)
        return ", ".join(found) if found else default

    def get_list(self, name: str) -> list[str]:
        """Every value of `name`, in order."""
        wanted = name.lower()
        return [value for key, value in self._pairs if key == wanted]

    def set(self, name: str, value: str) -> None:
        """Replaces every value of `name`."""
        wanted = name.lower()
        self._pairs = [pair for pair in self._pairs if pair[0] != wanted]
        self.append(name, value)

    def append(self, name: str, value: str) -> None:
        """Adds a value beside those that `name` has. Raises TypeError or ValueError for what cannot be a header."""
        if not isinstance(name, str) or not isinstance(value, str):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(
                f"The header {name!r} was given {type(value).__name__} {value!r}. Names and values of headers are "
                "text: convert it with str()."
            )
        if not _HEADER_NAME.fullmatch(name) or not _HEADER_VALUE.fullmatch(value):
            raise ValueError(_describe_bad_header(name, value))
        self._pairs.append((name.lower(), value))

    def items(self) -> list[tuple[str, str]]:
        """All pairs, names in lower case."""
        return list(self._pairs)

    def __getitem__(self, name: str) -> str:
        value = self.get(name)
        if value is None:
            raise KeyError(name)
        return value

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and bool(self.get_list(name))

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys(name for name, _ in self._pairs))

    def __len__(self) -> int:
        return len(set(self))

    def __repr__(self) -> str:
        return f"Headers({self._pairs!r})"


def _describe_bad_header(name: str, value: str) -> str:
    """Why `name` and `value` cannot be a header, and what to do."""
    if "\r" in name + value or "\n" in name + value:
        return f"The header {name!r} contains a line break, which would end it early. Remove the line break."
    if not _HEADER_NAME.fullmatch(name):
        return f"{name!r} cannot be the name of a header: use letters, digits and dashes."
    bad = next(character for character in value if not _HEADER_VALUE.fullmatch(character))
    return (
        f"The header {name!r} contains {bad!r}, and headers carry Latin-1 text only. Encode the value, "
        "for example with urllib.parse.quote()."
    )


class Request:
    """What arrived. `url` is whole, as the client saw it; `method` is in capitals."""

    __slots__ = ("_body", "_stream", "headers", "method", "url")

    def __init__(
        self,
        url: str,
        *,
        method: str = "GET",
        headers: Mapping[str, str] | HeaderPairs | Headers | None = None,
        body: bytes | str | AsyncIterable[bytes] | None = None,
    ) -> None:
        self.url = url
        self.method = method.upper()
        self.headers = headers if isinstance(headers, Headers) else Headers(headers)
        self._stream: AsyncIterator[bytes] | None = None
        self._body: bytes | None = b""
        if isinstance(body, str):
            self._body = body.encode()
        elif isinstance(body, (bytes, bytearray)):
            self._body = bytes(body)
        elif body is not None:
            self._body = None
            self._stream = aiter(body)

    @property
    def path(self) -> str:
        """The path of the URL, still percent-encoded."""
        return urlsplit(self.url).path or "/"

    @property
    def query(self) -> dict[str, list[str]]:
        """The query string, decoded: every name with its values in order."""
        return parse_qs(urlsplit(self.url).query, keep_blank_values=True)

    async def bytes(self) -> bytes:
        """The whole body. It may be asked for again, unless it was taken as a stream."""
        if self._body is None:
            self._body = b"".join([chunk async for chunk in self.stream()])
        return self._body

    async def text(self) -> str:
        """The whole body as UTF-8 text; what cannot be decoded becomes U+FFFD."""
        return (await self.bytes()).decode("utf-8", errors="replace")

    async def json(self) -> Any:
        """The whole body as JSON. Raises ValueError if it is not."""
        return json.loads(await self.bytes())

    async def stream(self) -> AsyncIterator[bytes_]:
        """The body in chunks as they arrive. A streamed body can be taken once."""
        if self._body is not None:
            if self._body:
                yield self._body
            return
        stream, self._stream = self._stream, None
        if stream is None:
            raise ValueError(
                "The body of this request was already read as a stream. Keep what it gave, or use bytes() instead."
            )
        async for chunk in stream:
            yield chunk

    def __repr__(self) -> str:
        return f"Request({self.method} {self.url})"


bytes_ = bytes


class Response:
    """What is answered: `Response("hello", status=200, headers={"Content-Type": "text/plain"})`."""

    __slots__ = ("body", "headers", "status")

    def __init__(
        self,
        body: str | bytes | AsyncIterable[bytes] | None = None,
        *,
        status: int = 200,
        headers: Mapping[str, str] | HeaderPairs | Headers | None = None,
    ) -> None:
        if not isinstance(status, int) or isinstance(status, bool):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(
                f"Response(status={status!r}): the status of a response is an integer, as in Response(status=200)."
            )
        if not 200 <= status <= 599:
            raise ValueError(f"Response(status={status}): the status of a response is between 200 and 599.")
        self.status = status
        self.headers = headers if isinstance(headers, Headers) else Headers(headers)
        self.body: bytes | AsyncIterable[bytes]
        if body is None:
            self.body = b""
        elif isinstance(body, str):
            self.body = body.encode()
            if "content-type" not in self.headers:
                self.headers.set("Content-Type", "text/plain;charset=UTF-8")
        elif isinstance(body, (bytes, bytearray, memoryview)):
            self.body = bytes(body)
        elif hasattr(body, "__aiter__"):
            self.body = body
        else:
            raise TypeError(
                f"Response() was given {type(body).__name__}, which is not a body. "
                "Pass text, bytes or an async iterable of bytes, "
                "or use Response.json(value)."
            )

    @classmethod
    def json(
        cls,
        value: Any,
        *,
        status: int = 200,
        headers: Mapping[str, str] | HeaderPairs | Headers | None = None,
    ) -> Response:
        """A response whose body is `value` as JSON."""
        response = cls(
            json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode(), status=status, headers=headers
        )
        if "content-type" not in response.headers:
            response.headers.set("Content-Type", "application/json")
        return response

    def __repr__(self) -> str:
        return f"Response(status={self.status})"
