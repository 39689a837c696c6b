"""An identity server in this process, and browsers that talk to it as clerk-js does.

`Desk` holds the server, its clock, and the visitors. Rate limits are relaxed unless a test is about them, and hashing
is made cheap; everything else is as a newcomer gets it.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from typing import Any
from urllib.parse import urlsplit

import httpx
from argon2 import PasswordHasher

from parabola.identity import IdentityServer, IdentitySettings, RateLimits
from parabola.seams import ManualClock, SeededEntropy

ORIGIN = "http://localhost:3210"
PASSWORD = "an honest password"
QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
FAST_SETTINGS: dict[str, Any] = {"public_url": ORIGIN, "rate_limits": RateLimits.relaxed()}


class Browser:
    """One browser: its cookies, and the page it shows (`origin`)."""

    def __init__(self, server: IdentityServer, origin: str | None = ORIGIN, address: str = "127.0.0.1") -> None:
        self.origin = origin
        self.dev_browser: str | None = None
        transport = httpx.ASGITransport(server.app, client=(address, 5000))
        # clerk-js's host as the browser sees it: cookies are kept for it.
        base = server.settings.public_url
        self.http = httpx.AsyncClient(transport=transport, base_url=base)

    async def get(self, path: str, **query: str) -> httpx.Response:
        # Browsers send no Origin with a GET of their own site.
        crosses = self.origin is not None and urlsplit(self.origin).netloc != self.http.base_url.netloc.decode()
        headers = {"Origin": self.origin} if crosses and self.origin else {}
        return await self.http.get(f"/__clerk/v1{path}", params=self._query(query), headers=headers)

    async def post(self, path: str, method: str = "POST", query: dict[str, str] | None = None, **form: Any) -> Any:
        """A change as clerk-js sends it: always POST, the meant method in the query, a form as the body."""
        asked = self._query(query or {})
        if method != "POST":
            asked["_method"] = method
        headers: dict[str, str] = {} if self.origin is None else {"Origin": self.origin}
        return await self.http.post(f"/__clerk/v1{path}", params=asked, data=form, headers=headers)

    def _query(self, query: dict[str, str]) -> dict[str, str]:
        asked = {"__clerk_api_version": "2025-11-10", "_clerk_js_version": "5.128.0", **query}
        if self.dev_browser is not None:
            asked["__clerk_db_jwt"] = self.dev_browser
        return asked

    async def client(self) -> Any:
        return (await self.get("/client")).json()["response"]

    async def sign_up(self, address: str = "ada@example.com", password: str = PASSWORD, **more: Any) -> Any:
        """A complete sign-up; returns the client, now with a session. Raises AssertionError if it is refused."""
        answer = await self.post("/client/sign_ups", email_address=address, password=password, **more)
        assert answer.status_code == 200, answer.text
        return answer.json()["client"]

    async def sign_in(self, address: str = "ada@example.com", password: str = PASSWORD) -> httpx.Response:
        answer: httpx.Response = await self.post("/client/sign_ins", identifier=address, password=password)
        return answer

    async def sign_out(self) -> None:
        answer = await self.post("/client/sessions", "DELETE")
        assert answer.status_code == 200, answer.text

    async def token(self, template: str | None = None) -> str:
        """A fresh token of the last active session."""
        session_id = (await self.client())["last_active_session_id"]
        path = f"/client/sessions/{session_id}/tokens"
        answer = await self.post(path if template is None else f"{path}/{template}", organization_id="")
        assert answer.status_code == 200, answer.text
        token: str = answer.json()["jwt"]
        return token

    def cookies(self) -> dict[str, str]:
        return dict(self.http.cookies)


class Desk:
    """A server and those who visit it. Use as an async context manager."""

    def __init__(self, *, clock: ManualClock | None = None, seed: int = 1, **settings: Any) -> None:
        self.clock = clock if clock is not None else ManualClock()
        self.settings = IdentitySettings(**{**FAST_SETTINGS, **settings})
        self.server = IdentityServer(self.settings, clock=self.clock, entropy=SeededEntropy(seed), hasher=QUICK)
        self._browsers: list[Browser] = []

    async def __aenter__(self) -> Desk:
        await self.server.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        for browser in self._browsers:
            await browser.http.aclose()
        await self.server.stop()

    def browser(self, origin: str | None = ORIGIN, address: str = "127.0.0.1") -> Browser:
        opened = Browser(self.server, origin, address)
        self._browsers.append(opened)
        return opened

    @property
    def now_ms(self) -> int:
        return self.clock.now_ns() // 1_000_000

    def code(self) -> str:
        """The code that was sent last."""
        return self.server.inbox()[0].code

    def http(self, **options: Any) -> httpx.AsyncClient:
        """A plain HTTP client, without anything that a browser would add."""
        return httpx.AsyncClient(transport=httpx.ASGITransport(self.server.app), base_url=ORIGIN, **options)


def error_of(answer: httpx.Response) -> tuple[int, str, str | None]:
    """(status, code, form field) of a refusal."""
    error = answer.json()["errors"][0]
    return answer.status_code, error["code"], error["meta"].get("param_name")


def claims_of(token: str) -> dict[str, Any]:
    """What a token says, unchecked."""
    payload = token.split(".")[1]
    decoded: dict[str, Any] = json.loads(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return decoded
