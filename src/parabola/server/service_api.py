"""The endpoints around the functions: is it up, which version, whose key (wire 2.4)."""

from __future__ import annotations

from importlib.metadata import version
from typing import Final

import orjson

from parabola.auth import AdminIdentity
from parabola.backend.backend import Backend
from parabola.errors import Forbidden
from parabola.limits import MIB
from parabola.server.http_api import FunctionApi
from parabola.server.messages import HttpRequest, HttpResponse

SERVER_VERSION: Final = version("parabola")
ECHO_BYTES_MAX: Final = 128 * MIB


class ServiceApi:
    """Small answers that need no function."""

    def __init__(self, backend: Backend, functions: FunctionApi) -> None:
        self._backend = backend
        self._functions = functions

    async def root(self, request: HttpRequest) -> HttpResponse:
        """GET `/`: for a person who opens the address in a browser."""
        return HttpResponse.text("This Parabola deployment is running. Point a Convex client at this address.")

    async def server_version(self, request: HttpRequest) -> HttpResponse:
        """GET `/version` and `/instance_version`."""
        return HttpResponse.text(SERVER_VERSION)

    async def instance_name(self, request: HttpRequest) -> HttpResponse:
        """GET `/instance_name`: the first part of the admin key."""
        return HttpResponse.text(self._backend.config.name)

    async def metrics(self, request: HttpRequest) -> HttpResponse:
        """GET `/metrics`: the counters of all parts, in Prometheus text format. Nothing about the data."""
        lines = [f"parabola_{name} {value}\n" for name, value in sorted(self._backend.statistics().items())]
        return HttpResponse("".join(lines).encode(), content_type=b"text/plain; version=0.0.4; charset=utf-8")

    async def echo(self, request: HttpRequest) -> HttpResponse:
        """POST `/echo`: the body, back."""
        kind = request.headers.get(b"content-type", b"application/octet-stream")
        return HttpResponse(await request.body(ECHO_BYTES_MAX), content_type=kind)

    async def debug_event(self, request: HttpRequest) -> HttpResponse:
        """POST `/api/debug_event`: clients with their debug option on report a long disconnect here. Ignored."""
        return HttpResponse(b"null")

    async def check_admin_key(self, request: HttpRequest) -> HttpResponse:
        """GET `/api/check_admin_key`: whether the key sent along opens this deployment."""
        caller = await self._functions.caller(request)
        if not isinstance(caller, AdminIdentity):
            raise Forbidden("Send the deploy key as `Authorization: Convex <key>`.", code="BadDeployKey")
        return HttpResponse(orjson.dumps({"success": True, "allowedOps": ["*"], "isReadOnly": False}))
