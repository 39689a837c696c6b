"""Cross-origin access to `/api` (wire 2.1): any page may call, since the credentials travel in a header that it must
know.

The origin and the requested headers are reflected rather than answered with `*`, which browsers refuse together with
credentials. HTTP actions answer for themselves.
"""

from __future__ import annotations

from typing import Final

from parabola.server.messages import HttpRequest, HttpResponse

METHODS: Final = b"GET, POST, OPTIONS, PATCH, DELETE, PUT"
MAX_AGE_S: Final = b"86400"


def cors_headers(request: HttpRequest) -> list[tuple[bytes, bytes]]:
    """The headers to add to an answer; none for a request that comes from no page."""
    origin = request.headers.get(b"origin")
    if origin is None:
        return []
    return [
        (b"access-control-allow-origin", origin),
        (b"access-control-allow-credentials", b"true"),
        (b"access-control-expose-headers", b"*"),
        (b"vary", b"Origin"),
    ]


def is_preflight(request: HttpRequest) -> bool:
    return request.method == "OPTIONS" and b"origin" in request.headers


def preflight_response(request: HttpRequest) -> HttpResponse:
    """The answer to a browser that asks whether it may send the real request."""
    headers = [(b"access-control-allow-methods", METHODS), (b"access-control-max-age", MAX_AGE_S)]
    wanted = request.headers.get(b"access-control-request-headers")
    if wanted is not None:
        headers.append((b"access-control-allow-headers", wanted))
    return HttpResponse(b"", content_type=b"text/plain; charset=utf-8", headers=headers)
