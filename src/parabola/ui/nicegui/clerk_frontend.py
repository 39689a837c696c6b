"""Clerk's Frontend API from Python: what a browser's clerk-js would ask, asked by the program that makes the pages.

A *visitor token* is what the identity server knows a browser by; in a browser it is the cookie `__client…`. Here
whoever calls keeps it and hands it in. Only plain requests and answers are in this file; what they mean for a visitor
is in `clerk_visitor`. The shapes are those of Clerk's Frontend API: envelopes of `response` and `client`, forms with
`_method`, lists of errors.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from http.cookies import SimpleCookie
from typing import Any, Final
from urllib.parse import urlencode

import httpx

from parabola.client import ClientError

TIMEOUT_S: Final = 20.0


class SignInRefused(ClientError):
    """The identity server did not accept what the visitor entered. `str()` is a text for the visitor; `field` is the
    Frontend API's name of the input it is about (`password`, `identifier`, `email_address`, `code`), or None; `code` is
    its error code, such as `form_password_incorrect`.
    """

    def __init__(self, message: str, *, code: str, field: str | None) -> None:
        super().__init__(message)
        self.code = code
        self.field = field


class IdentityUnavailable(ClientError):
    """The identity server did not answer, or not in its language."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: the resource, the whole client if the answer carried it, and the visitor token from now on."""

    resource: dict[str, Any]
    client: dict[str, Any] | None
    visitor_token: str | None


class FrontendApi:
    """The Frontend API at `address`, such as `http://127.0.0.1:3210/__clerk`. One serves all visitors."""

    def __init__(self, address: str, *, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self.address = address.rstrip("/")
        parts = httpx.URL(self.address)
        self._origin = f"{parts.scheme}://{parts.netloc.decode()}"
        # The transport alone, without a client around it: a client keeps cookies, and these are of many visitors.
        self._transport = transport or httpx.AsyncHTTPTransport(trust_env=False)
        self._exchanges: set[asyncio.Task[tuple[httpx.Response, bytes]]] = set()

    async def aclose(self) -> None:
        """Closes the connections."""
        await self._transport.aclose()

    async def ask(
        self,
        method: str,
        path: str,
        fields: dict[str, str] | None = None,
        *,
        visitor_token: str | None = None,
        visitor_address: str | None = None,
    ) -> Answer:
        """Asks for `path`, such as `/client/sign_ins`.

        `visitor_address` is the visitor's network address, which the server's limits count by. Raises `SignInRefused`
        and `IdentityUnavailable`.
        """
        headers = {"Origin": self._origin, "Accept": "application/json"}
        if visitor_token is not None:
            headers["Cookie"] = visitor_token
        if visitor_address is not None:
            headers["X-Forwarded-For"] = visitor_address
        query = {} if method in ("GET", "POST") else {"_method": method}
        url = f"{self.address}/v1{path}{'?' + urlencode(query) if query else ''}"
        content = b""
        if method != "GET":
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            content = urlencode(fields or {}).encode()
        request = httpx.Request(
            "GET" if method == "GET" else "POST",
            url,
            headers=headers,
            content=content,
            extensions={"timeout": httpx.Timeout(TIMEOUT_S).as_dict()},
        )
        try:
            response, body = await self._whole_exchange(request)
        except httpx.TransportError as error:
            raise IdentityUnavailable(f"The identity server at {self.address} does not answer: {error}") from error
        return self._read(response, body, visitor_token)

    async def _whole_exchange(self, request: httpx.Request) -> tuple[httpx.Response, bytes]:
        """Goes on to its end, or its time limit, also if whoever waits is cancelled: a visitor who leaves in the middle
        of a request would otherwise cost the pool of connections one of its places, for good (httpcore 1.0).
        """
        exchange = asyncio.create_task(self._exchange(request))
        self._exchanges.add(exchange)
        exchange.add_done_callback(self._forget)
        return await asyncio.shield(exchange)

    async def _exchange(self, request: httpx.Request) -> tuple[httpx.Response, bytes]:
        response = await self._transport.handle_async_request(request)
        body = await response.aread()
        await response.aclose()
        return response, body

    def _forget(self, exchange: asyncio.Task[tuple[httpx.Response, bytes]]) -> None:
        self._exchanges.discard(exchange)
        if not exchange.cancelled():
            exchange.exception()  # looked at: nobody else may be waiting for it any more

    def _read(self, response: httpx.Response, body: bytes, visitor_token: str | None) -> Answer:
        try:
            told = response.json() if body else {}
        except ValueError:
            told = None
        if not isinstance(told, dict):
            raise IdentityUnavailable(
                f"{self.address} answered {response.status_code} without JSON. Is it the address of an identity server?"
            )
        if response.status_code >= 400:
            raise _refusal(told, response.status_code)
        return Answer(
            resource=told.get("response") or (told if "response" not in told else {}),
            client=told.get("client"),
            visitor_token=_visitor_token(response) or visitor_token,
        )


def _refusal(told: dict[str, Any], status: int) -> ClientError:
    errors = told.get("errors") or [{}]
    first = errors[0]
    message = first.get("long_message") or first.get("message") or f"The identity server answered {status}."
    if status >= 500:
        return IdentityUnavailable(message)
    return SignInRefused(
        message, code=first.get("code") or "unknown", field=(first.get("meta") or {}).get("param_name")
    )


def _visitor_token(response: httpx.Response) -> str | None:
    """The cookie that the server set, as the browser would send it back."""
    for header in response.headers.get_list("set-cookie"):
        for name, morsel in SimpleCookie(header).items():
            if name.startswith("__client") and not name.startswith("__client_uat"):
                return f"{name}={morsel.value}"
    return None
