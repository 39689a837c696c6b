"""Requests and answers of the Frontend API: forms in, JSON out, one shape for every failure."""

from __future__ import annotations

import logging
from typing import Any, Final
from urllib.parse import parse_qsl

import orjson
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from parabola.identity.failures import ClerkFailure, bad_parameter
from parabola.identity.flows.desk import Call, Reply
from parabola.identity.instance_keys import cookie_suffix, publishable_key
from parabola.identity.parts import Parts
from parabola.identity.records import Device
from parabola.identity.settings import IdentitySettings

FORM_BYTES_MAX: Final = 65_536
IMAGE_BYTES_MAX: Final = 4 * 1024 * 1024
COOKIE_MAX_AGE_S: Final = 400 * 86_400
DEV_BROWSER_PARAMETER: Final = "__clerk_db_jwt"
_BROWSERS: Final = ("Firefox", "Edg", "OPR", "Chrome", "Safari")
_BROWSER_NAMES: Final = {"Edg": "Edge", "OPR": "Opera"}

_logger = logging.getLogger("parabola.identity")


def cookie_name(settings: IdentitySettings) -> str:
    """Cookies are not kept apart by port, so the name tells identity servers on one host apart."""
    return f"__client_{cookie_suffix(publishable_key(settings))}"


async def read_body(request: Request, bytes_max: int) -> bytes:
    """Raises 413 above `bytes_max`, without reading on."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > bytes_max:
            raise ClerkFailure(
                413,
                "request_body_too_large",
                "The request is too large",
                long_message=f"A request body may have at most {bytes_max} bytes here.",
            )
    return bytes(body)


async def read_form(request: Request) -> dict[str, str]:
    """The fields of an urlencoded form; of repeated ones the last counts. Other bodies have no fields."""
    body = await read_body(request, FORM_BYTES_MAX)
    try:
        return dict(parse_qsl(body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=200))
    except ValueError:
        raise bad_parameter("body", "The body is not an urlencoded form in UTF-8.") from None


def call_of(request: Request, settings: IdentitySettings, parameters: dict[str, str]) -> Call:
    """Who asks, and for what."""
    query = request.query_params
    return Call(
        cookie=request.cookies.get(cookie_name(settings)) or None,
        dev_browser=query.get(DEV_BROWSER_PARAMETER) or None,
        origin=request.headers.get("origin"),
        address=request.client.host if request.client is not None else "unknown",
        device=_device(request),
        acting_session_id=query.get("_clerk_session_id") or None,
        parameters=parameters,
    )


def _device(request: Request) -> Device:
    agent = request.headers.get("user-agent", "")
    found = next((name for name in _BROWSERS if f"{name}/" in agent), None)
    return Device(
        browser_name=None if found is None else _BROWSER_NAMES.get(found, found),
        is_mobile="Mobile" in agent,
        ip_address=request.client.host if request.client is not None else None,
    )


def json_response(body: Any, status: int = 200) -> Response:
    return Response(orjson.dumps(body), status, {"Cache-Control": "no-store"}, media_type="application/json")


def reply_response(reply: Reply, settings: IdentitySettings) -> Response:
    """A flow's answer with what the browser shall keep."""
    response = json_response(reply.body)
    keep_credentials(response, reply, settings)
    return response


def keep_credentials(response: Response, reply: Reply, settings: IdentitySettings) -> None:
    """Sets or clears the client's cookie; hands out a rotated dev-browser id."""
    name = cookie_name(settings)
    if reply.fresh_cookie is not None:
        response.set_cookie(
            name,
            reply.fresh_cookie,
            max_age=COOKIE_MAX_AGE_S,
            path="/",
            secure=settings.is_https,
            httponly=True,
            samesite="lax",
        )
    elif reply.clear_cookie:
        response.delete_cookie(name, path="/", secure=settings.is_https, httponly=True, samesite="lax")
    if reply.fresh_dev_browser is not None:
        response.headers["Clerk-Db-Jwt"] = reply.fresh_dev_browser


def failure_response(error: Exception, parts: Parts) -> Response:
    """Every failure in Clerk's error format. What is our fault goes to the log whole, to the client without detail."""
    trace_id = parts.chance.trace_id()
    if not isinstance(error, ClerkFailure):
        if isinstance(error, ClientDisconnect):
            error = ClerkFailure(400, "request_incomplete", "The request ended early")
        else:
            # Without the request: its form has passwords and its query may have a dev-browser id.
            _logger.error("The identity server failed (trace %s)", trace_id, exc_info=error)
            error = ClerkFailure(
                500, "internal_clerk_error", "Oops, an unexpected error occurred", long_message="See the server's log."
            )
    response = json_response(error.body(trace_id), error.http_status)
    if error.retry_after_s is not None:
        response.headers["Retry-After"] = str(error.retry_after_s)
    return response
