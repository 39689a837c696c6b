"""Documents from an auth provider: bounded in time and size, and a transport that tests replace.

The URLs come from the deployment's own configuration or from a discovery document found there, never from a token.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote_to_bytes

import httpx

from parabola.errors import AuthProviderUnavailable

FETCH_TIME_S_MAX: Final = 10.0
"""A provider that answers slower holds up sign-ins; connecting, sending and the whole body count."""

FETCH_BYTES_MAX: Final = 1024 * 1024
"""Key sets are a few kilobytes. Above this it is not one, and reading on would cost memory."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """An answer, whatever its status."""

    status: int
    content_type: str | None
    body: bytes


Fetch = Callable[[str], Awaitable[Fetched]]
"""Fetches a URL. Raises `AuthProviderUnavailable` if there is no answer, with a detail text as its message."""


class HttpFetcher:
    """Fetches over HTTP without following redirects: a redirect would let whoever answers choose another server.

    Each fetch has a connection of its own. Fetches are rare, and one that runs out of time in the middle of connecting
    would cost a shared pool one of its places for good (httpcore 1.0): a provider that hangs for some minutes could
    then not be asked again before a restart.
    """

    def __init__(self) -> None:
        self._trusted: ssl.SSLContext | None = None

    async def __call__(self, url: str) -> Fetched:
        if self._trusted is None:
            self._trusted = httpx.create_ssl_context()  # reads all authorities: once is enough
        try:
            async with (
                httpx.AsyncClient(verify=self._trusted, follow_redirects=False, timeout=FETCH_TIME_S_MAX) as client,
                asyncio.timeout(FETCH_TIME_S_MAX),
            ):
                return await _fetch(client, url)
        except TimeoutError:
            raise AuthProviderUnavailable(f"no answer within {FETCH_TIME_S_MAX:g} seconds") from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise AuthProviderUnavailable(str(error) or type(error).__name__) from error


async def _fetch(client: httpx.AsyncClient, url: str) -> Fetched:
    async with client.stream("GET", url, headers={"Accept": "application/json"}) as response:
        body = bytearray()
        async for chunk in response.aiter_bytes():
            body += chunk
            if len(body) > FETCH_BYTES_MAX:
                raise AuthProviderUnavailable(f"the answer is larger than {FETCH_BYTES_MAX} bytes")
        return Fetched(response.status_code, response.headers.get("content-type"), bytes(body))


def read_data_uri(uri: str) -> Fetched:
    """The document inside a `data:` URI (RFC 2397). Raises ValueError if it is malformed."""
    head, comma, payload = uri.removeprefix("data:").partition(",")
    if not comma:
        raise ValueError("a data: URI needs a comma between its media type and its data")
    content_type, is_base64 = (head.removesuffix(";base64"), True) if head.endswith(";base64") else (head, False)
    body = unquote_to_bytes(payload)
    if is_base64:
        try:
            body = base64.b64decode(body + b"=" * (-len(body) % 4), validate=True)
        except binascii.Error as error:
            raise ValueError(f"the data is not base64: {error}") from None
    return Fetched(200, content_type or "text/plain", body)
