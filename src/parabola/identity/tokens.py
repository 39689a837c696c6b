"""What tokens say: session tokens (version 2) and tokens from templates (clerk spec, section 9)."""

from __future__ import annotations

from typing import Any, Final

from parabola.identity.failures import not_found
from parabola.identity.lifetimes import minutes_since_first_factor
from parabola.identity.parts import Parts
from parabola.identity.records import EmailAddress, Session, User
from parabola.identity.signing import ensure_key, sign
from parabola.identity.store.work import Work
from parabola.identity.templates import fill

NOT_BEFORE_S: Final = 10
"""`nbf` lies this much before `iat`, so that a verifier whose clock is behind accepts a fresh token."""


def session_token(work: Work, parts: Parts, session: Session, now_ms: int, origin: str | None) -> str:
    """The token that `getToken()` gives. `origin` is the page's, as its request said."""
    claims = _common(parts, session.user_id, now_ms, origin, parts.settings.token_lifetime_s)
    claims |= {
        "sid": session.id,
        "v": 2,
        "sts": "active",
        "fva": [minutes_since_first_factor(session, now_ms), -1],
    }
    if parts.settings.session_token_audience is not None:
        claims["aud"] = parts.settings.session_token_audience
    return sign(ensure_key(work, parts.chance, now_ms), claims)


def template_token(
    work: Work, parts: Parts, name: str, user: User, primary: EmailAddress | None, now_ms: int, origin: str | None
) -> str:
    """The token that `getToken({template: name})` gives. Raises 404 for a template that does not exist."""
    template = parts.settings.token_templates.get(name)
    if template is None:
        raise not_found("JWT template")
    lifetime_s = template.lifetime_s or parts.settings.token_lifetime_s
    claims = fill(template, user, primary, parts.image_url(user))
    claims |= _common(parts, user.id, now_ms, origin, lifetime_s)
    return sign(ensure_key(work, parts.chance, now_ms), claims)


def _common(parts: Parts, user_id: str, now_ms: int, origin: str | None, lifetime_s: int) -> dict[str, Any]:
    now_s = now_ms // 1000
    claims: dict[str, Any] = {
        "iss": parts.settings.public_url,
        "sub": user_id,
        "iat": now_s,
        "nbf": now_s - NOT_BEFORE_S,
        "exp": now_s + lifetime_s,
        "jti": parts.chance.trace_id()[:20],
    }
    if origin is not None:
        claims["azp"] = origin
    return claims


def discovery_document(issuer: str) -> dict[str, Any]:
    """`/.well-known/openid-configuration`. The authorization endpoint is named because Convex's own backend insists."""
    return {
        "issuer": issuer,
        "jwks_uri": f"{issuer}/.well-known/jwks.json",
        "authorization_endpoint": f"{issuer}/oauth/authorize",
        "token_endpoint": f"{issuer}/oauth/token",
        "userinfo_endpoint": f"{issuer}/oauth/userinfo",
        "response_types_supported": ["code", "id_token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "scopes_supported": ["openid", "profile", "email"],
        "claims_supported": [
            "aud", "iss", "sub", "iat", "exp", "nbf", "name", "given_name", "family_name", "nickname", "email",
            "email_verified", "picture", "updated_at",
        ],
    }  # fmt: skip
