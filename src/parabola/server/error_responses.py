"""One exception, one status, one JSON shape: `{"code": …, "message": …}` (wire 2.1).

This is for failures of the request itself. A function that ran and failed is an answer with status 200; see
`http_api.py`.
"""

from __future__ import annotations

import logging
from typing import Final

import orjson

from parabola.errors import (
    AuthProviderUnavailable,
    DeveloperError,
    OutOfRetention,
    Overloaded,
    ParabolaError,
    PeerError,
    WriteConflict,
)
from parabola.server.messages import HttpResponse

INTERNAL_CODE: Final = "InternalServerError"
INTERNAL_TEXT: Final = "Your request couldn't be completed. Try again later."
_TRY_LATER: Final = (AuthProviderUnavailable, OutOfRetention, Overloaded, WriteConflict)

_log = logging.getLogger("parabola.http")


def status_of(error: BaseException) -> int:
    """The HTTP status that goes with an exception."""
    if isinstance(error, PeerError):
        return error.status
    if isinstance(error, _TRY_LATER):
        return 503
    return 400 if isinstance(error, DeveloperError) else 500


def error_response(error: BaseException) -> HttpResponse:
    """The answer to a request that failed with `error`. What is our own fault is logged whole and told to nobody."""
    status = status_of(error)
    if not isinstance(error, ParabolaError):
        _log.error("A request failed inside the server.", exc_info=error)
        return error_body(500, INTERNAL_CODE, INTERNAL_TEXT)
    if status == 500:
        # A fault that was foreseen says all there is to know; a full disk brings one for each request.
        _log.error("A request failed inside the server: %s", error.message)
        return error_body(500, INTERNAL_CODE, INTERNAL_TEXT)
    return error_body(status, error.code, error.message)


def error_body(status: int, code: str, message: str) -> HttpResponse:
    """The JSON shape that every client expects of an answer that is not 2xx."""
    return HttpResponse(orjson.dumps({"code": code, "message": message}), status=status)
