"""The whole server as one ASGI application: what goes where.

`build_app(backend)` is what uvicorn runs and what mounts in another application, under any prefix. It starts and
stops the backend with its lifespan; where a host application does not run the lifespan of what it mounts, the first
request starts it.

An exact table leads from path and method to an endpoint. There is no stack of middleware: the few things that hold
for every request (errors, CORS, HEAD) are in `_answer`, in the order in which they apply.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Final

from parabola.backend.backend import Backend
from parabola.errors import NotFound, ParabolaError
from parabola.server.asgi_websocket import serve_sync_socket
from parabola.server.cors import cors_headers, is_preflight, preflight_response
from parabola.server.error_responses import INTERNAL_TEXT, error_body, error_response
from parabola.server.http_actions import HttpActions
from parabola.server.http_api import FunctionApi
from parabola.server.messages import ClientDisconnected, HttpRequest, HttpResponse, Receive, Scope, Send
from parabola.server.service_api import ServiceApi
from parabola.server.websocket_handshake import HandshakeRefused, check_supported, sync_version_in
from parabola.sync.client_version import identify_client

Endpoint = Callable[[HttpRequest], Awaitable[HttpResponse]]
RUN_PREFIX: Final = "/api/run/"
API_PREFIX: Final = "/api/"
ACTIONS_PREFIX: Final = "/http"
STOPPING_TEXT: Final = "The server is stopping and did not wait for the end of this request. Try again later."

_log = logging.getLogger("parabola.http")


class App:
    """The ASGI application of one backend."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        functions = FunctionApi(backend)
        service = ServiceApi(backend, functions)
        self._actions = HttpActions(backend, functions)
        self._run = functions.run
        self._endpoints: dict[str, dict[str, Endpoint]] = {
            "/api/query": {"POST": functions.query, "GET": functions.query},
            "/api/mutation": {"POST": functions.mutation},
            "/api/action": {"POST": functions.action},
            "/api/function": {"POST": functions.function},
            "/api/query_ts": {"POST": functions.query_ts},
            "/api/query_at_ts": {"POST": functions.query_at_ts},
            "/api/query_batch": {"POST": functions.query_batch},
            "/api/check_admin_key": {"GET": service.check_admin_key},
            "/api/debug_event": {"POST": service.debug_event},
            "/": {"GET": service.root},
            "/version": {"GET": service.server_version},
            "/instance_version": {"GET": service.server_version},
            "/instance_name": {"GET": service.instance_name},
            "/metrics": {"GET": service.metrics},
            "/echo": {"POST": service.echo},
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        kind = scope["type"]
        if kind == "lifespan":
            await self._lifespan(receive, send)
            return
        self.backend.check_loop()
        if not self.backend.is_running:
            try:
                await self.backend.start()
            except ParabolaError as error:
                # Only in a host without lifespan. Its operator is told why; clients expect two fields, and come back.
                _log.error("The backend could not be started: %s", error)
                if kind != "http":
                    raise
                await error_body(503, "BackendNotStarted", INTERNAL_TEXT).send(send)
                return
        if kind == "http":
            await self._http(scope, receive, send)
        elif kind == "websocket":
            await serve_sync_socket(self.backend.sync, scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = HttpRequest(scope, receive, path_below_mount(scope))
        path = request.path
        if path.startswith(ACTIONS_PREFIX) and (len(path) == 5 or path[5] == "/"):
            await self._actions.handle(request, send)
            return
        try:
            response = await self._answer(request)
        except ClientDisconnected:
            return
        except asyncio.CancelledError:
            # The server ends and did not wait for this request. Clients expect two fields of every such answer.
            with suppress(Exception):
                await error_body(503, "ServerStopping", STOPPING_TEXT).send(send)
            raise
        if path.startswith(API_PREFIX):
            response.headers += cors_headers(request)
        await response.send(send, head_only=request.method == "HEAD")

    async def _answer(self, request: HttpRequest) -> HttpResponse:
        if request.path.startswith(API_PREFIX) and is_preflight(request):
            return preflight_response(request)
        try:
            client = request.header(b"convex-client")
            if client is not None:
                check_supported(identify_client(client, None))
            endpoint = self._find(request)
            return endpoint if isinstance(endpoint, HttpResponse) else await endpoint(request)
        except ClientDisconnected:
            raise
        except HandshakeRefused as refused:
            refusal = error_response(refused)
            refusal.headers += [(name.encode(), value.encode()) for name, value in refused.headers]
            return refusal
        except Exception as error:
            return error_response(error)

    def _find(self, request: HttpRequest) -> Endpoint | HttpResponse:
        """The endpoint for a request, or the answer that there is none for its method."""
        by_method = self._endpoints.get(request.path)
        if by_method is None:
            if not request.path.startswith(RUN_PREFIX):
                return _refuse_address(request.path)
            by_method = {"POST": self._run}
        endpoint = by_method.get("GET" if request.method == "HEAD" else request.method)
        if endpoint is not None:
            return endpoint
        allowed = ", ".join(by_method)
        refusal = error_body(
            405, "MethodNotAllowed", f"{request.path} does not answer to {request.method}. Send {allowed}."
        )
        refusal.headers.append((b"allow", allowed.encode()))
        return refusal

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        """Starts and stops the backend with the server, telling it of a failure instead of dying with a traceback."""
        started = False
        while True:
            message: dict[str, Any] = await receive()
            if message["type"] == "lifespan.startup":
                try:
                    await self.backend.start()
                except Exception as error:
                    await send({"type": "lifespan.startup.failed", "message": str(error)})
                    raise
                started = True
                await send({"type": "lifespan.startup.complete"})
            elif message["type"] == "lifespan.shutdown":
                if started:
                    await self.backend.stop()
                await send({"type": "lifespan.shutdown.complete"})
                return


def _refuse_address(path: str) -> HttpResponse:
    if not sync_version_in(path)[0]:
        raise NotFound(f"There is nothing at {path}. Check the address.")
    refusal = error_body(
        426,
        "UpgradeRequired",
        f"{path} is for WebSockets: Convex clients keep their live queries on it. "
        "If a proxy stands in front of this server, let it pass the `Upgrade` header on.",
    )
    refusal.headers.append((b"upgrade", b"websocket"))
    return refusal


def path_below_mount(scope: Scope) -> str:
    """The request's path without the prefix under which the application is mounted.

    A doubled leading slash is taken for one: clients make one of an address that ends in a slash.
    """
    path: str = scope["path"]
    root: str = scope.get("root_path", "")
    if root and path.startswith(root) and (len(path) == len(root) or path[len(root)] == "/"):
        path = path[len(root) :] or "/"
    return "/" + path.lstrip("/") if path.startswith("//") else path


def build_app(backend: Backend) -> App:
    """The ASGI application that serves `backend`."""
    return App(backend)
