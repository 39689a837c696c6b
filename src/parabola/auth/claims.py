"""What a token claims, turned into the attributes that functions see (wire 5.4).

The two kinds of provider differ on purpose. OIDC claims get Convex's camelCase names; those of a custom JWT keep their
own names, nested objects flattened with dots. Both drop what belongs to the token rather than to the user.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, Final

from parabola.auth.identity import RESERVED_ATTRIBUTES
from parabola.errors import Unauthenticated

EXACT_INTEGER_MAX: Final = 2**53
_MILLISECONDS_ABOVE: Final = 253_402_300_800  # The first second of the year 10000: larger numbers are milliseconds.

_OIDC_TEXTS: Final = {
    "name": "name",
    "given_name": "givenName",
    "family_name": "familyName",
    "nickname": "nickname",
    "preferred_username": "preferredUsername",
    "profile": "profileUrl",
    "picture": "pictureUrl",
    "website": "websiteUrl",
    "email": "email",
    "gender": "gender",
    "birthdate": "birthday",
    "zoneinfo": "timezone",
    "locale": "language",
    "phone_number": "phoneNumber",
}
_OIDC_FLAGS: Final = {"email_verified": "emailVerified", "phone_number_verified": "phoneNumberVerified"}
_OIDC_HIDDEN: Final = frozenset({"sub", "iss", "aud", "exp", "iat", "jti", "nbf", "fva"})
_CUSTOM_HIDDEN: Final = frozenset({"iss", "sub", "aud", "exp", "nbf", "iat", "jti", "fva"})


def oidc_attributes(claims: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes of an OIDC token.

    Raises `Unauthenticated` with code `InvalidAuthHeader` if a standard claim has the wrong type: a text where a flag
    belongs would be taken for true by every function that tests it.
    """
    standard: dict[str, Any] = {}
    for claim, attribute in _OIDC_TEXTS.items():
        value = claims.get(claim)
        if value is not None:
            if not isinstance(value, str):
                raise _not_an_id_token(claim, "a string")
            standard[attribute] = value
    for claim, attribute in _OIDC_FLAGS.items():
        value = claims.get(claim)
        if value is not None:
            standard[attribute] = _flag(claim, value)
    address = claims.get("address")
    if isinstance(address, dict) and isinstance(address.get("formatted"), str):
        standard["address"] = address["formatted"]
    updated_at = claims.get("updated_at")
    if updated_at is not None:
        standard["updatedAt"] = _rfc3339(updated_at)
    own = {
        name: plain_number(value)
        for name, value in claims.items()
        if name not in _OIDC_STANDARD and name not in _OIDC_HIDDEN
    }
    return _without_reserved({**own, **standard})


def custom_attributes(claims: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes of a custom JWT: every claim that is not a registered one, flattened."""
    flat: dict[str, Any] = {}
    pending = [(name, value) for name, value in claims.items() if name not in _CUSTOM_HIDDEN]
    while pending:
        name, value = pending.pop()
        if isinstance(value, dict):
            pending.extend((f"{name}.{inner}", inner_value) for inner, inner_value in value.items())
        else:
            flat[name] = plain_number(value)
    return _without_reserved(flat)


def plain_number(value: Any) -> Any:
    """`value` with integers that a double cannot hold exactly turned into doubles, at any depth, as JavaScript reads
    them.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        return value if -EXACT_INTEGER_MAX <= value <= EXACT_INTEGER_MAX else float(value)
    if isinstance(value, list):
        return [plain_number(inner) for inner in value]
    if isinstance(value, dict):
        return {name: plain_number(inner) for name, inner in value.items()}
    return value


_OIDC_STANDARD: Final = frozenset({*_OIDC_TEXTS, *_OIDC_FLAGS, "address", "updated_at"})


def _without_reserved(attributes: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in attributes.items() if name not in RESERVED_ATTRIBUTES}


def _flag(claim: str, value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if value in ("true", "false"):
        return bool(value == "true")
    raise _not_an_id_token(claim, "true or false")


def _rfc3339(value: Any) -> str:
    """`updated_at` is seconds in the standard and RFC 3339 text with some providers; functions always see text."""
    if isinstance(value, str):
        try:
            moment = datetime.datetime.fromisoformat(value)
        except ValueError:
            return value
        return moment.isoformat() if moment.tzinfo else moment.replace(tzinfo=datetime.UTC).isoformat()
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _not_an_id_token("updated_at", "a number of seconds or an RFC 3339 string")
    seconds = value / 1000 if abs(value) >= _MILLISECONDS_ABOVE else value
    try:
        return datetime.datetime.fromtimestamp(seconds, datetime.UTC).isoformat()
    except (ValueError, OverflowError, OSError):
        raise _not_an_id_token("updated_at", "a time within the years 1 to 9999") from None


def _not_an_id_token(claim: str, expected: str) -> Unauthenticated:
    return Unauthenticated(
        f"Could not parse the token as an OIDC ID token: its claim '{claim}' must be {expected}. "
        "Change the token's template at your provider.",
        code="InvalidAuthHeader",
    )
