"""What `auth_config.py` declares: whose tokens a backend believes (semantics 16, wire 5.1).

Reached as `auth` from `parabola`::

    providers = [auth.oidc(domain=os.environ["CLERK_JWT_ISSUER_DOMAIN"], application_id="convex")]
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Algorithm = Literal["RS256", "ES256"]


@dataclass(frozen=True, slots=True)
class OIDCProviderConfig:
    """An OpenID Connect issuer, whose keys are found by discovery."""

    domain: str
    application_id: str


@dataclass(frozen=True, slots=True)
class CustomJWTProviderConfig:
    """An issuer of plain JWTs, whose keys are at `jwks`."""

    issuer: str
    jwks: str
    algorithm: Algorithm
    application_id: str | None


ProviderConfig = OIDCProviderConfig | CustomJWTProviderConfig


def oidc(*, domain: str, application_id: str) -> OIDCProviderConfig:
    """Believes ID tokens of an OpenID Connect issuer.

    `domain` is the issuer's URL (https:// is added where it has no scheme), `application_id` must be among the token's
    audiences. Raises ValueError for texts that cannot be either.
    """
    _require_text("oidc", "domain", domain)
    _require_text("oidc", "application_id", application_id)
    return OIDCProviderConfig(domain, application_id)


def custom_jwt(
    *, issuer: str, jwks: str, algorithm: Algorithm = "RS256", application_id: str | None = None
) -> CustomJWTProviderConfig:
    """Believes JWTs signed with a key of `jwks` (an http(s) URL or a `data:` URI).

    Without `application_id` the audience is not checked. Raises ValueError for texts that cannot be what they are
    given for.
    """
    _require_text("custom_jwt", "issuer", issuer)
    _require_text("custom_jwt", "jwks", jwks)
    if algorithm not in ("RS256", "ES256"):
        raise ValueError(f"auth.custom_jwt(algorithm={algorithm!r}): only 'RS256' and 'ES256' are supported.")
    if application_id is not None:
        _require_text("custom_jwt", "application_id", application_id)
    return CustomJWTProviderConfig(issuer, jwks, algorithm, application_id)


def _require_text(function: str, name: str, given: object) -> None:
    if not isinstance(given, str) or not given.strip():
        raise ValueError(
            f"auth.{function}({name}={given!r}): {name} must be a text that is not empty. "
            "If it comes from an environment variable, check that the variable is set."
        )
    if given.startswith('"'):
        raise ValueError(f"auth.{function}({name}={given!r}): {name} starts with a quotation mark. Remove the quotes.")
