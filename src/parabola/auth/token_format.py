"""A compact JWT taken apart, before anything about it is believed.

Strict where leniency would let two different texts mean one token: exactly three parts, the URL-safe alphabet, no
padding and no stray bits in the last character. What a header says about keys (`jwk`, `jku`, `x5u`, `x5c`) is never
read here or anywhere.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from typing import Any, Final

import orjson

from parabola.errors import Unauthenticated

TOKEN_CHARACTERS_MAX: Final = 64 * 1024
"""Longer texts are refused before decoding: hashing one for a signature check takes server time that nobody paid for.
"""

UNPARSABLE: Final = (
    "Could not parse JWT payload. "
    "Check that the token is a valid JWT format with three base64-encoded parts separated by dots."
)
_PART: Final = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True, slots=True)
class UncheckedToken:
    """What a token says about itself. Nothing in it is known to be true."""

    text: str
    algorithm: str | None
    key_id: str | None
    issuer: str
    audiences: tuple[str, ...]
    claims: dict[str, Any]


def parse_token(text: str) -> UncheckedToken:
    """Raises `Unauthenticated`, code `InvalidAuthHeader`, with the texts of wire 5.2 and 5.3."""
    parts = text.split(".") if len(text) <= TOKEN_CHARACTERS_MAX else []
    if len(parts) != 3:
        raise invalid_token(UNPARSABLE)
    header, claims = _json_object(parts[0]), _json_object(parts[1])
    if parts[2]:  # A token with `alg: none` has no signature. What it claims decides who refuses it.
        _decode(parts[2])
    issuer = claims.get("iss")
    if not isinstance(issuer, str) or not issuer:
        raise invalid_token(
            "Missing issuer claim ('iss') in JWT payload. Tokens must name the provider that issued them, as a string."
        )
    algorithm, key_id = header.get("alg"), header.get("kid")
    if "crit" in header or "b64" in header:
        # An extension that changes what the signature covers; none is supported, so none may be ignored (RFC 7515
        # 4.1.11).
        raise invalid_token(
            "Could not decode token. Its header asks for an extension ('crit' or 'b64') that is not supported."
        )
    return UncheckedToken(
        text=text,
        algorithm=algorithm if isinstance(algorithm, str) else None,
        key_id=key_id if isinstance(key_id, str) else None,
        issuer=issuer,
        audiences=_audiences(claims.get("aud")),
        claims=claims,
    )


def invalid_token(message: str) -> Unauthenticated:
    return Unauthenticated(message, code="InvalidAuthHeader")


def _audiences(claim: Any) -> tuple[str, ...]:
    if isinstance(claim, str):
        return (claim,)
    if isinstance(claim, list):
        return tuple(entry for entry in claim if isinstance(entry, str))
    return ()


def _json_object(part: str) -> dict[str, Any]:
    try:
        value = orjson.loads(_decode(part))
    except orjson.JSONDecodeError:
        raise invalid_token(UNPARSABLE) from None
    if not isinstance(value, dict):
        raise invalid_token(UNPARSABLE)
    return value


def _decode(part: str) -> bytes:
    if not _PART.fullmatch(part):
        raise invalid_token(UNPARSABLE)
    try:
        decoded = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except binascii.Error:
        raise invalid_token(UNPARSABLE) from None
    if base64.urlsafe_b64encode(decoded).rstrip(b"=") != part.encode("ascii"):
        raise invalid_token(UNPARSABLE)
    return decoded
