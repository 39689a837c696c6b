"""The Frontend API, which clerk-js talks to: the table of its routes (clerk spec, section 5).

clerk-js only sends GET and POST; PATCH, PUT and DELETE arrive as POST with `_method` in the query. The table is in
terms of the method that is meant. Routing is by an exact table of path patterns, read top to bottom.
"""

from __future__ import annotations

import logging
from typing import Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from parabola.identity.environment import environment_shape
from parabola.identity.failures import not_found
from parabola.identity.flows.desk import Call, Reply
from parabola.identity.flows.email_addresses import EmailAddresses
from parabola.identity.flows.profile import Profile
from parabola.identity.flows.sessions import Sessions
from parabola.identity.flows.sign_ins import SignIns
from parabola.identity.flows.sign_ups import SignUps
from parabola.identity.http import messages, multipart, origins
from parabola.identity.http.routing import Route, find_route
from parabola.identity.parts import Parts

OVERRIDES: Final = ("PATCH", "PUT", "DELETE")
_logger = logging.getLogger("parabola.identity")


class FrontendApi:
    """Answers requests below `/v1` that come from browsers. `instance_id` names this identity server."""

    def __init__(self, parts: Parts, instance_id: str) -> None:
        self._parts = parts
        self._settings = parts.settings
        self._environment = environment_shape(parts.settings, instance_id)
        self._warned_hosts: set[str] = set()
        self._profile = Profile(parts)
        self._sessions = Sessions(parts)
        sessions, sign_ups, sign_ins = self._sessions, SignUps(parts), SignIns(parts)
        profile, addresses = self._profile, EmailAddresses(parts)
        self._routes: tuple[Route, ...] = (
            Route("GET PATCH", "/environment", self._get_environment),
            Route("POST", "/dev_browser", sessions.new_dev_browser),
            Route("GET", "/client", sessions.client),
            Route("PUT POST", "/client", sessions.make_client),
            Route("DELETE", "/client", sessions.forget_client),
            Route("DELETE", "/client/sessions", sessions.sign_out_everywhere),
            Route("POST", "/client/sign_ups", sign_ups.create),
            Route("GET", "/client/sign_ups/{id}", sign_ups.get),
            Route("PATCH", "/client/sign_ups/{id}", sign_ups.update),
            Route("POST", "/client/sign_ups/{id}/prepare_verification", sign_ups.prepare_verification),
            Route("POST", "/client/sign_ups/{id}/attempt_verification", sign_ups.attempt_verification),
            Route("POST", "/client/sign_ins", sign_ins.create),
            Route("GET", "/client/sign_ins/{id}", sign_ins.get),
            Route("POST", "/client/sign_ins/{id}/prepare_first_factor", sign_ins.prepare_first_factor),
            Route("POST", "/client/sign_ins/{id}/attempt_first_factor", sign_ins.attempt_first_factor),
            Route("POST", "/client/sign_ins/{id}/reset_password", sign_ins.reset_password),
            Route("GET", "/client/sessions/{id}", sessions.get),
            Route("POST", "/client/sessions/{id}/touch", sessions.touch),
            Route("POST", "/client/sessions/{id}/end", lambda call, id: sessions.finish(call, id, "ended")),
            Route("POST", "/client/sessions/{id}/remove", lambda call, id: sessions.finish(call, id, "removed")),
            Route("POST", "/client/sessions/{id}/tokens", lambda call, id: sessions.token(call, id, None)),
            Route("POST", "/client/sessions/{id}/tokens/{template}", sessions.token),
            Route("GET", "/me", profile.get),
            Route("PATCH", "/me", profile.update),
            Route("DELETE", "/me", profile.delete),
            Route("POST", "/me/change_password", profile.change_password),
            Route("POST", "/me/remove_password", profile.remove_password),
            Route("DELETE", "/me/profile_image", profile.remove_image),
            Route("GET", "/me/sessions/active", profile.active_sessions),
            Route("GET", "/me/sessions", profile.active_sessions),
            Route("POST", "/me/sessions/{id}/revoke", profile.revoke_session),
            Route("GET", "/me/email_addresses", addresses.list),
            Route("POST", "/me/email_addresses", addresses.create),
            Route("GET", "/me/email_addresses/{id}", addresses.get),
            Route("PATCH", "/me/email_addresses/{id}", addresses.get),
            Route("DELETE", "/me/email_addresses/{id}", addresses.delete),
            Route("POST", "/me/email_addresses/{id}/prepare_verification", addresses.prepare_verification),
            Route("POST", "/me/email_addresses/{id}/attempt_verification", addresses.attempt_verification),
        )

    async def answer(self, request: Request, path: str) -> Response:
        """The answer to a request for `path` below `/v1`, with CORS headers whatever comes of it."""
        origin = request.headers.get("origin")
        if request.method == "OPTIONS":
            return Response(None, 204, origins.preflight_headers(request.headers, self._settings))
        try:
            response = await self._answer(request, path)
        except Exception as error:
            response = messages.failure_response(error, self._parts)
        response.headers.update(origins.cors_headers(origin, self._settings))
        return response

    async def _answer(self, request: Request, path: str) -> Response:
        origin = request.headers.get("origin")
        origins.check_change(
            request.method, origin, has_cookie=bool(request.headers.get("cookie")), settings=self._settings
        )
        self._warn_of_other_site(request, origin)
        method = effective_method(request)
        if path == "/client/touch" and method == "GET":
            return await self._touch_and_return(request)
        if path == "/me/profile_image" and method == "POST":
            return await self._upload_image(request)
        endpoint, arguments = find_route(self._routes, method, path)
        parameters = await messages.read_form(request) if request.method == "POST" else {}
        call = messages.call_of(request, self._settings, parameters)
        return messages.reply_response(await endpoint(call, *arguments), self._settings)

    async def _get_environment(self, call: Call) -> Reply:
        return Reply(self._environment)

    async def _upload_image(self, request: Request) -> Response:
        body = await messages.read_body(request, messages.IMAGE_BYTES_MAX)
        content = multipart.file_field(request.headers.get("content-type", ""), body, "file")
        call = messages.call_of(request, self._settings, {})
        return messages.reply_response(await self._profile.set_image(call, content), self._settings)

    async def _touch_and_return(self, request: Request) -> Response:
        """Renews the cookie and sends the browser back, to allowed places only."""
        target = request.query_params.get("redirect_url", "")
        origin = origins.origin_of_url(target)
        if origin is None or not origins.is_allowed(origin, self._settings):
            raise not_found("page to return to")
        reply = await self._sessions.renew_cookie(messages.call_of(request, self._settings, {}))
        response = RedirectResponse(target, 302, {"Cache-Control": "no-store"})
        messages.keep_credentials(response, reply, self._settings)
        return response

    def _warn_of_other_site(self, request: Request, origin: str | None) -> None:
        """Says once per host why sign-ins from there will not last."""
        if origin is None or messages.DEV_BROWSER_PARAMETER in request.query_params:
            return
        site = request.headers.get("sec-fetch-site")
        # The browser knows best: behind a page's own proxy, its host is another and the site is the same.
        is_same = site != "cross-site" if site is not None else origins.is_same_host(origin, self._settings)
        if is_same or origin in self._warned_hosts or len(self._warned_hosts) > 50:
            return
        self._warned_hosts.add(origin)
        _logger.warning(
            "A page at %s uses the identity server at %s. Those are different sites, so the browser will not keep the "
            "session. Open the page under the same host name.",
            origin,
            f"{request.url.scheme}://{request.url.netloc}",
        )


def effective_method(request: Request) -> str:
    """The method that is meant. Only a POST can stand for another: a link must not be able to delete anything."""
    override = request.query_params.get("_method", "").upper()
    return override if request.method == "POST" and override in OVERRIDES else request.method
