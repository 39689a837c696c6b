"""The identity server as one ASGI application: what goes where.

`build_identity_app(parts, …)` answers at the root and, for pages on the same origin, under `/__clerk`. It is made to
stand in front of another application: `owns(path)` says which paths are its own, and all else is the neighbour's.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from parabola.identity.failures import not_found
from parabola.identity.http import assets, inbox, messages
from parabola.identity.http.backend_api import BackendApi
from parabola.identity.http.frontend import FrontendApi
from parabola.identity.parts import Parts
from parabola.identity.settings import is_loopback
from parabola.identity.signing import key_set
from parabola.identity.tokens import discovery_document

PREFIX: Final = "/__clerk"
API: Final = "/v1"
BACKEND_ROOTS: Final = ("/users", "/sessions", "/jwks")
WELL_KNOWN: Final = ("/.well-known/openid-configuration", "/.well-known/jwks.json")
METHODS: Final = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


def owns(path: str) -> bool:
    """Whether the identity server answers `path`, where it shares an origin."""
    return path.startswith((f"{API}/", f"{PREFIX}/", "/npm/@clerk/")) or path in (*WELL_KNOWN, PREFIX)


def build_identity_app(parts: Parts, instance_id: str) -> Starlette:
    """The application for started `parts` (`server.IdentityServer` makes them)."""
    site = _Site(parts, FrontendApi(parts, instance_id), BackendApi(parts))
    routes = [
        route
        for prefix in (PREFIX, "")
        for route in (
            Route(f"{prefix}{API}/{{path:path}}", site.api, methods=METHODS),
            Route(f"{prefix}/.well-known/openid-configuration", site.discovery),
            Route(f"{prefix}/.well-known/jwks.json", site.keys),
            Route(f"{prefix}/npm/@clerk/{{package}}@{{version}}/dist/{{name}}", site.package_file),
        )
    ]
    routes += [
        Route(f"{PREFIX}/inbox", site.inbox),
        Route(f"{PREFIX}/avatars/{{user_id}}.svg", site.avatar),
        Route(f"{PREFIX}/images/{{image_id}}", site.image),
        Route(f"{PREFIX}/dev-redirect.js", site.redirect_script),
        Route("/{path:path}", site.nothing, methods=METHODS),
    ]
    return Starlette(routes=routes)


class _Site:
    """The endpoints, each of which answers every failure in Clerk's format."""

    def __init__(self, parts: Parts, frontend: FrontendApi, backend: BackendApi) -> None:
        self._parts = parts
        self._settings = parts.settings
        self._frontend = frontend
        self._backend = backend

    async def api(self, request: Request) -> Response:
        path = f"/{request.path_params['path']}"
        if path.startswith(BACKEND_ROOTS) and path.split("/")[1] in ("users", "sessions", "jwks"):
            return await self._backend.answer(request, path)
        return await self._frontend.answer(request, path)

    async def discovery(self, request: Request) -> Response:
        return _cacheable(messages.json_response(discovery_document(self._settings.public_url)))

    async def keys(self, request: Request) -> Response:
        longest_s = self._settings.longest_token_s
        keys = await self._parts.store.transact(lambda work: key_set(work, self._parts.now_ms(), longest_s))
        return _cacheable(messages.json_response(keys))

    async def inbox(self, request: Request) -> Response:
        """Only in development, and only under this server's own name: a foreign name that points here is another site's
        attempt to read the codes.
        """
        host = request.url.hostname or ""
        own_host = urlsplit(self._settings.public_url).hostname
        if not self._parts.post.has_inbox or not (is_loopback(host) or host == own_host):
            return messages.failure_response(not_found("inbox"), self._parts)
        kept = self._parts.post.inbox()
        if "text/html" in request.headers.get("accept", ""):
            return inbox.inbox_page(kept, self._settings.application_name)
        return messages.json_response(inbox.inbox_json(kept))

    async def avatar(self, request: Request) -> Response:
        return assets.avatar(request.path_params["user_id"])

    async def image(self, request: Request) -> Response:
        image_id = request.path_params["image_id"]
        image = await self._parts.store.transact(lambda work: work.profile_image(image_id))
        if image is None:
            return messages.failure_response(not_found("image"), self._parts)
        return assets.picture(image.media_type, image.content)

    async def redirect_script(self, request: Request) -> Response:
        return assets.redirect_script(self._settings.public_url)

    async def package_file(self, request: Request) -> Response:
        asked = request.path_params
        try:
            return assets.package_file(self._settings.packages_dir, asked["package"], asked["version"], asked["name"])
        except Exception as error:
            return messages.failure_response(error, self._parts)

    async def nothing(self, request: Request) -> Response:
        return messages.failure_response(not_found("route"), self._parts)


def _cacheable(response: Response) -> Response:
    """Discovery and keys are public: any page and any cache may have them, for as long as a rotation can wait."""
    response.headers["Cache-Control"] = "public, max-age=60"
    response.headers["Access-Control-Allow-Origin"] = "*"
    return response


class BesideApp:
    """Two applications on one origin: the identity server's paths, and all others."""

    def __init__(self, identity: Starlette, neighbour: ASGIApp) -> None:
        self._identity = identity
        self._neighbour = neighbour

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        chosen = self._identity if scope["type"] == "http" and owns(scope["path"]) else self._neighbour
        await chosen(scope, receive, send)
