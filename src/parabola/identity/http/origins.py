"""Which pages may use the Frontend API (clerk spec, sections 3 and 14). Pure.

Its requests are forms, which browsers send anywhere without asking first. So this check, together with SameSite
cookies, is the defence against other sites acting for a signed-in user; CORS headers only decide who may read answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from parabola.identity.failures import origin_invalid
from parabola.identity.settings import IdentitySettings, is_loopback

EXPOSED_HEADERS: Final = "Clerk-Db-Jwt, Retry-After, X-Country"
PREFLIGHT_AGE_S: Final = 600


def is_allowed(origin: str, settings: IdentitySettings) -> bool:
    """This server's own origin, a configured one, or in development a page on this machine."""
    if origin == settings.public_url or origin in settings.app_origins:
        return True
    if not settings.is_development:
        return False
    # A browser sends the bare origin; anything else was made up, like "null" of a sandboxed frame.
    return origin_of_url(origin) == origin and is_loopback(urlsplit(origin).hostname or "")


def check_change(method: str, origin: str | None, *, has_cookie: bool, settings: IdentitySettings) -> None:
    """Raises 400 `origin_invalid` for a change that a foreign page may have sent.

    Browsers name the origin with every POST. One without it comes from a program, which has no business with a cookie.
    """
    if method in ("GET", "HEAD", "OPTIONS"):
        return
    if origin is None:
        if has_cookie:
            raise origin_invalid("a browser that hides its origin")
        return
    if not is_allowed(origin, settings):
        raise origin_invalid(origin)


def cors_headers(origin: str | None, settings: IdentitySettings) -> dict[str, str]:
    """Headers that let an allowed page read the answer. Never a wildcard: requests carry cookies."""
    headers = {"Vary": "Origin"}
    if origin is not None and is_allowed(origin, settings):
        headers["Access-Control-Allow-Origin"] = origin
        headers["Access-Control-Allow-Credentials"] = "true"
        headers["Access-Control-Expose-Headers"] = EXPOSED_HEADERS
    return headers


def preflight_headers(request_headers: Mapping[str, str], settings: IdentitySettings) -> dict[str, str]:
    headers = cors_headers(request_headers.get("origin"), settings)
    if "Access-Control-Allow-Origin" in headers:
        headers["Access-Control-Allow-Methods"] = "GET, POST"
        headers["Access-Control-Max-Age"] = str(PREFLIGHT_AGE_S)
        wanted = request_headers.get("access-control-request-headers")
        if wanted is not None:
            headers["Access-Control-Allow-Headers"] = wanted
    return headers


def is_same_host(origin: str, settings: IdentitySettings) -> bool:
    """Whether cookies reach a page of `origin`: by host name, whatever the port."""
    return origin_of_url(origin) is not None and urlsplit(origin).hostname == urlsplit(settings.public_url).hostname


def origin_of_url(url: str) -> str | None:
    """The origin of an absolute http(s) URL, or None for anything else."""
    if any(ord(character) <= 32 for character in url) or "\\" in url:
        # Browsers drop or rewrite these, so what they open may differ from what was checked.
        return None
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not host or "@" in parts.netloc:
        return None
    shown = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{shown}" + ("" if port is None else f":{port}")
