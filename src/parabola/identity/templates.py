"""JWT templates: what a token says beyond who it is for (clerk spec, section 9.2).

A template maps claims to values. Text may hold `{{user.first_name}}`-style placeholders; a value that is one
placeholder alone takes what it stands for with its type (a boolean stays one). Claims that come out empty are left
out rather than sent as null.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from parabola.identity.failures import IdentityRefused
from parabola.identity.records import EmailAddress, User

RESERVED_CLAIMS: Final = frozenset({"iss", "sub", "iat", "nbf", "exp", "azp", "jti", "sid", "sts", "fva", "v"})
_PLACEHOLDER: Final = re.compile(r"\{\{\s*([a-z_]+(?:\.[A-Za-z0-9_-]+)+)\s*\}\}")
_KNOWN: Final = frozenset(
    {
        "id", "external_id", "username", "first_name", "last_name", "full_name", "primary_email_address",
        "email_verified", "image_url", "has_image", "created_at", "updated_at", "last_sign_in_at", "public_metadata",
        "unsafe_metadata",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class TokenTemplate:
    """The claims of one kind of token, and how long it is valid (None: as long as a session token)."""

    claims: Mapping[str, Any] = field(default_factory=dict[str, Any])
    lifetime_s: int | None = None

    def __post_init__(self) -> None:
        for claim in self.claims:
            if claim in RESERVED_CLAIMS:
                raise IdentityRefused(
                    f"A JWT template sets {claim!r}, which the identity server sets itself. Choose another claim name."
                )
        for path in _placeholders(self.claims):
            root, name = path.split(".")[:2]
            if root != "user" or name not in _KNOWN:
                raise IdentityRefused(
                    f"A JWT template uses {{{{{path}}}}}, which does not exist. Known are: "
                    f"{', '.join('user.' + known for known in sorted(_KNOWN))}."
                )


def fill(template: TokenTemplate, user: User, primary: EmailAddress | None, image_url: str) -> dict[str, Any]:
    """The claims of `template` for `user`."""
    values = user_values(user, primary, image_url)
    filled = {claim: _filled(value, values) for claim, value in template.claims.items()}
    return {claim: value for claim, value in filled.items() if value is not None and value != ""}


def user_values(user: User, primary: EmailAddress | None, image_url: str) -> dict[str, Any]:
    """What placeholders under `user.` stand for."""
    return {
        "id": user.id,
        "external_id": user.external_id,
        "username": user.username,
        "first_name": user.first_name,
        "last_name": user.last_name,
        "full_name": user.full_name,
        "primary_email_address": primary.address if primary else None,
        "email_verified": primary.is_verified if primary else None,
        "image_url": image_url,
        "has_image": user.profile_image_id is not None,
        "created_at": rfc3339(user.created_at),
        "updated_at": rfc3339(user.updated_at),
        "last_sign_in_at": None if user.last_sign_in_at is None else rfc3339(user.last_sign_in_at),
        "public_metadata": user.public_metadata,
        "unsafe_metadata": user.unsafe_metadata,
    }


def rfc3339(ms: int) -> str:
    """Milliseconds since the epoch as `2026-11-22T20:10:05.123Z`."""
    whole = datetime.fromtimestamp(ms // 1000, UTC)
    return f"{whole:%Y-%m-%dT%H:%M:%S}.{ms % 1000:03d}Z"


def _placeholders(value: Any) -> list[str]:
    if isinstance(value, str):
        return _PLACEHOLDER.findall(value)
    if isinstance(value, Mapping):
        return [path for inner in value.values() for path in _placeholders(inner)]
    if isinstance(value, (list, tuple)):
        return [path for inner in value for path in _placeholders(inner)]
    return []


def _filled(value: Any, values: Mapping[str, Any]) -> Any:
    if isinstance(value, str):
        alone = _PLACEHOLDER.fullmatch(value.strip())
        if alone is not None:
            return _look_up(alone.group(1), values)
        return _PLACEHOLDER.sub(lambda match: _as_text(_look_up(match.group(1), values)), value)
    if isinstance(value, Mapping):
        return {name: _filled(inner, values) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_filled(inner, values) for inner in value]
    return value


def _look_up(path: str, values: Mapping[str, Any]) -> Any:
    found: Any = values
    for name in path.split(".")[1:]:
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def _as_text(value: Any) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


CONVEX_TEMPLATE: Final = TokenTemplate(
    {
        "aud": "convex",
        "name": "{{user.full_name}}",
        "given_name": "{{user.first_name}}",
        "family_name": "{{user.last_name}}",
        "nickname": "{{user.username}}",
        "email": "{{user.primary_email_address}}",
        "email_verified": "{{user.email_verified}}",
        "picture": "{{user.image_url}}",
        "updated_at": "{{user.updated_at}}",
    }
)
"""What Clerk's own template of this name gives, with one audience: verifiers that follow Convex refuse several."""
