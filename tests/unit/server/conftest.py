"""A backend in memory behind its ASGI application, called as HTTP clients call it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from parabola.backend import Backend
from tests.unit.auth.doubles import ISSUER, Setting

FUNCTIONS = """
from parabola import ConvexError, Int64, action, auth, internal_query, mutation, query, v

@query(args={"tag": v.optional(v.string())})
async def list(ctx, tag=None):
    return [row["body"] for row in await ctx.db.query("messages").collect()]

@mutation
async def send(ctx, body: str):
    print("sending", body)
    await ctx.db.insert("messages", {"body": body})
    return body

@action
async def shout(ctx, text: str):
    return text.upper()

@query
async def whoami(ctx):
    identity = await ctx.auth.get_user_identity()
    return None if identity is None else identity["tokenIdentifier"]

@internal_query
async def secret(ctx):
    return "internal"

@query
async def echo(ctx, value):
    return value

@query
async def everything(ctx):
    return {"f": 1, "half": 0.5, "i": Int64(7), "b": b"\\x00\\x10\\x83", "nan": float("nan"), "zero": -0.0, "s": "x"}

@query
async def fail(ctx):
    print("about to fail")
    raise ConvexError({"code": 1})

@mutation
async def crash(ctx):
    await ctx.db.insert("messages", {"body": "never"})
    raise ValueError("boom")
"""
AUTH = f'''
from parabola import auth
providers = [auth.oidc(domain="{ISSUER}", application_id="parabola")]
'''
HTTP = """
from parabola import HttpRouter, Response, http_action, ConvexError

http = HttpRouter()

@http_action
async def hook(ctx, request):
    identity = await ctx.auth.get_user_identity()
    return Response.json({
        "method": request.method, "url": request.url, "body": await request.text(),
        "user": identity and identity["subject"], "header": request.headers.get("authorization"),
    }, headers=[("X-Twice", "1"), ("X-Twice", "2")])

@http_action
async def stream(ctx, request):
    async def chunks():
        for number in range(3):
            yield f"part {number};".encode()
    return Response(chunks(), status=201)

@http_action
async def broken(ctx, request):
    raise ConvexError({"why": "because"})

http.route(path="/hook", method="GET", handler=hook)
http.route(path="/hook", method="POST", handler=hook)
http.route(path_prefix="/stream/", method="GET", handler=stream)
http.route(path="/broken", method="GET", handler=broken)
"""

Start = Callable[..., AbstractAsyncContextManager["Client"]]


class Client(httpx.AsyncClient):
    """An HTTP client of one backend, with the backend and its provider at hand."""

    backend: Backend
    setting: Setting

    async def call(self, kind: str, path: str, args: Any = None, **fields: Any) -> dict[str, Any]:
        """POSTs a call and gives the decoded answer, which must have status 200."""
        response = await self.post(f"/api/{kind}", json={"path": path, "args": {} if args is None else args, **fields})
        assert response.status_code == 200, response.text
        answer: dict[str, Any] = response.json()
        return answer

    async def refused(self, method: str, url: str, **options: Any) -> tuple[int, str]:
        """Sends a request that must be refused in the one error shape, and gives status and code."""
        response = await self.request(method, url, **options)
        body = response.json()
        assert set(body) == {"code", "message"}
        assert body["message"]
        return response.status_code, body["code"]


@pytest.fixture
def start(tmp_path: Path) -> Start:
    """Starts a backend over the functions above, with a client for it."""
    folder = tmp_path / "backend"
    folder.mkdir()
    (folder / "messages.py").write_text(FUNCTIONS)
    (folder / "auth_config.py").write_text(AUTH)
    (folder / "http.py").write_text(HTTP)

    @asynccontextmanager
    async def started(*, without: str | None = None, **options: Any) -> AsyncIterator[Client]:
        if without is not None:
            (folder / without).unlink()
        setting = Setting()
        backend = Backend(folder, storage="memory", clock=setting.clock, fetch=setting.documents.fetch, **options)
        async with backend:
            transport = httpx.ASGITransport(backend.asgi(), raise_app_exceptions=False)
            async with Client(transport=transport, base_url="http://parabola.test") as client:
                client.backend = backend
                client.setting = setting
                yield client

    return started
