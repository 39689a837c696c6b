"""Which issuer's tokens the functions accept: the variable that `auth_config.py` reads, under either of its names.

Clerk's own pages call one value by two names: `CLERK_JWT_ISSUER_DOMAIN` (in Convex's) and `CLERK_FRONTEND_API_URL`.
Functions read the first.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Final

from parabola.cli.failure import CommandFailed

ISSUER_VARIABLE: Final = "CLERK_JWT_ISSUER_DOMAIN"
OTHER_NAME: Final = "CLERK_FRONTEND_API_URL"


def settle_issuer(environment: MutableMapping[str, str], local: str | None = None) -> str | None:
    """Sets `CLERK_JWT_ISSUER_DOMAIN` where it is unset: to its other name's value, or else to `local`, the issuer of
    the identity server that runs beside. Returns the issuer in force, or None.

    Raises `CommandFailed` if both names are set to different issuers: which one is meant, nobody can know.
    """
    named, other = _value(environment, ISSUER_VARIABLE), _value(environment, OTHER_NAME)
    if named and other and named.rstrip("/") != other.rstrip("/"):
        raise CommandFailed(
            f"{ISSUER_VARIABLE} is {named} and {OTHER_NAME} is {other}, but both name the issuer of sign-in tokens.\n"
            "Unset one, or set both to your Clerk instance's Frontend API URL."
        )
    chosen = named or other or local
    if chosen:
        environment[ISSUER_VARIABLE] = chosen
    return chosen


def _value(environment: MutableMapping[str, str], name: str) -> str | None:
    return environment.get(name) or None
