"""What a client reads from its own token: how long it lives, to fetch the next one in time. It verifies nothing."""

from __future__ import annotations

from binascii import Error as Base64Error
from binascii import a2b_base64
from typing import Final, NamedTuple

import msgspec

LIFETIME_S_MIN: Final = 2.0
REFRESH_DELAY_S_MAX: Final = 20 * 86_400.0


class _Claims(msgspec.Struct):
    iat: float | None = None
    exp: float | None = None


_decoder = msgspec.json.Decoder(_Claims)


class Lifetime(NamedTuple):
    """When a token was issued and when it ends, in seconds since the epoch, by the issuer's clock."""

    issued_s: float
    expires_s: float


class CannotRefresh(ValueError):
    """A token that does not say how long it lives, or that lives too briefly to be replaced in time."""


def read_lifetime(token: str) -> Lifetime:
    """The `iat` and `exp` of a JWT. Raises `CannotRefresh`, with a text for the developer."""
    parts = token.split(".")
    try:
        if len(parts) != 3:
            raise ValueError
        payload = parts[1]
        text = a2b_base64(payload.replace("-", "+").replace("_", "/") + "=" * (-len(payload) % 4))
        claims = _decoder.decode(text)
    except (Base64Error, ValueError, msgspec.MsgspecError):
        raise CannotRefresh("Auth token is not a valid JWT, cannot refetch the token") from None
    if not claims.iat or not claims.exp:
        raise CannotRefresh("Auth token does not have required fields, cannot refetch the token")
    if claims.exp - claims.iat <= LIFETIME_S_MIN:
        raise CannotRefresh("Auth token does not live long enough, cannot refetch the token")
    return Lifetime(claims.iat, claims.exp)


def refresh_delay_s(lifetime: Lifetime, leeway_s: float, server_now_s: float | None) -> float:
    """Seconds from now until the next token should be fetched; 0 or less means at once.

    `server_now_s` is the time by the server's clock if the token may have been issued a while ago; None for a token
    that was issued just now, whose life is then measured by its own claims, so that no clock has to be right.
    """
    start = lifetime.issued_s if server_now_s is None else server_now_s
    return min(lifetime.expires_s - start - leeway_s, REFRESH_DELAY_S_MAX)
