"""Everything that can be set about the identity server, and what it refuses to start with (clerk spec, 14 and 16)."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal
from urllib.parse import urlsplit

from parabola.identity.failures import IdentityRefused
from parabola.identity.templates import CONVEX_TEMPLATE, TokenTemplate

DAY_S: Final = 86_400
TOKEN_LIFETIME_S_MIN: Final = 10
TOKEN_LIFETIME_S_MAX: Final = 3600


@dataclass(frozen=True, slots=True)
class RateLimits:
    """How often things may be tried: `(how many, in how many seconds)`. In memory, per client address unless said."""

    sign_ins: tuple[int, int] = (10, 60)
    sign_ups: tuple[int, int] = (5, 60)
    # Asking whether an account exists, without a password. Slows down whoever walks through a list of addresses.
    identifier_lookups: tuple[int, int] = (30, 60)
    new_clients: tuple[int, int] = (60, 60)
    # Per e-mail address: each one is a real e-mail to somebody.
    codes_sent: tuple[int, int] = (3, 600)
    # Per session.
    tokens: tuple[int, int] = (60, 60)
    # Per account, and kept over restarts.
    failures_until_locked: int = 10
    locked_s: int = 900

    @classmethod
    def relaxed(cls) -> RateLimits:
        """For test suites that sign up many users from one machine. The lock-out stays."""
        many = (100_000, 60)
        return cls(
            sign_ins=many, sign_ups=many, identifier_lookups=many, new_clients=many, codes_sent=many, tokens=many
        )


@dataclass(frozen=True, slots=True)
class SmtpSettings:
    """A mail server for codes. `security`: `starttls` (port 587), `tls` (465) or `none` (a relay on this machine)."""

    host: str
    port: int = 587
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    security: Literal["starttls", "tls", "none"] = "starttls"
    sender: str = "no-reply@localhost"
    timeout_s: float = 10.0


@dataclass(frozen=True, slots=True)
class IdentitySettings:
    """Settings of one identity server. All have a default that suits a developer's own machine.

    `public_url` is where browsers reach it, the `iss` of its tokens: one origin without a trailing slash. Pages must be
    opened under the same host name, since `localhost` and `127.0.0.1` are different sites to a browser.
    `data_dir` keeps `identity.sqlite3`; None keeps everything in memory (tests).
    `mode` "self-hosted" is for a small site without a third party: no inbox, no fixed codes, https only.
    """

    public_url: str = "http://127.0.0.1:3210"
    data_dir: Path | None = None
    mode: Literal["development", "self-hosted"] = "development"
    production: bool = False
    bind_host: str = "127.0.0.1"
    allow_public_bind: bool = False
    app_origins: tuple[str, ...] = ()
    application_name: str = "Parabola"
    verify_email_at_sign_up: bool = False
    single_session: bool = True
    sign_up_mode: Literal["public", "restricted"] = "public"
    delete_self: bool = True
    enumeration_protection: bool = False
    token_lifetime_s: int = 60
    session_lifetime_s: int = 7 * DAY_S
    session_idle_s: int = 30 * DAY_S
    session_token_audience: str | None = None
    templates: Mapping[str, Mapping[str, Any] | TokenTemplate] = field(default_factory=dict[str, Any])
    secret_key: str | None = field(default=None, repr=False)
    publishable_key_host: str | None = None
    smtp: SmtpSettings | None = None
    packages_dir: Path | None = None
    rate_limits: RateLimits = RateLimits()

    def __post_init__(self) -> None:
        object.__setattr__(self, "public_url", self.public_url.rstrip("/"))
        _check_url(self.public_url)
        for origin in self.app_origins:
            _check_origin(origin)
        _check_secret_key(self.secret_key)
        _check_reach(self)
        for name, seconds in (("token_lifetime_s", self.token_lifetime_s), *self._template_lifetimes()):
            if not TOKEN_LIFETIME_S_MIN <= seconds <= TOKEN_LIFETIME_S_MAX:
                raise IdentityRefused(
                    f"{name} is {seconds}. Use {TOKEN_LIFETIME_S_MIN} to {TOKEN_LIFETIME_S_MAX} seconds; clerk-js "
                    "expects 60 and fetches all the time below 20."
                )

    @property
    def is_development(self) -> bool:
        return self.mode == "development"

    @property
    def is_https(self) -> bool:
        return self.public_url.startswith("https://")

    @property
    def token_templates(self) -> dict[str, TokenTemplate]:
        """The template named `convex`, then the configured ones, which may replace it."""
        chosen = {"convex": CONVEX_TEMPLATE}
        for name, template in self.templates.items():
            chosen[name] = template if isinstance(template, TokenTemplate) else TokenTemplate(template)
        return chosen

    @property
    def longest_token_s(self) -> int:
        """How long any token can be valid: after a rotation the old key stays published that long."""
        return max(self.token_lifetime_s, *(seconds for _, seconds in self._template_lifetimes()), 0)

    def _template_lifetimes(self) -> list[tuple[str, int]]:
        return [
            (f"the lifetime of template {name!r}", template.lifetime_s or self.token_lifetime_s)
            for name, template in self.token_templates.items()
        ]


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches `host`."""
    name = host.strip("[]").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _check_url(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path or parts.query or parts.fragment:
        raise IdentityRefused(
            f"public_url is {url!r}. Give an origin like http://localhost:3210: a scheme, a host, and nothing after it."
        )


def _check_origin(origin: str) -> None:
    parts = urlsplit(origin)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path or parts.query or "*" in origin:
        raise IdentityRefused(
            f"The app origin {origin!r} is not an origin. Give it as a browser sends it, like http://localhost:4200: "
            "no path, no trailing slash, no wildcard."
        )


def _check_secret_key(key: str | None) -> None:
    if key is None:
        return
    if key.startswith("sk_live_"):
        raise IdentityRefused(
            "The secret key is a live Clerk key (sk_live_…). The embedded identity server only takes sk_test_ keys: "
            "leave it out when you use real Clerk, or unset CLERK_SECRET_KEY to have a key made."
        )
    if not key.startswith("sk_test_") or len(key) < len("sk_test_") + 24:
        raise IdentityRefused(
            "The secret key must start with sk_test_ and have at least 24 characters after it. Unset it to have one "
            "made."
        )


def _check_reach(settings: IdentitySettings) -> None:
    """What would put a development server in front of strangers."""
    if settings.production and settings.is_development:
        raise IdentityRefused(
            "The identity server is a development tool, and this is a production server: its inbox would show sign-in "
            "codes to anybody. Use real Clerk (set CLERK_JWT_ISSUER_DOMAIN and leave --identity out), or choose the "
            "mode 'self-hosted'."
        )
    if not is_loopback(settings.bind_host) and not settings.allow_public_bind:
        raise IdentityRefused(
            f"The identity server will not listen on {settings.bind_host}: it hands out accounts, and its inbox shows "
            "sign-in codes to everybody who can reach it. Bind to 127.0.0.1, or allow it explicitly "
            "(allow_public_bind) on a network that you trust."
        )
    if settings.mode == "self-hosted":
        if not settings.is_https:
            raise IdentityRefused(
                f"In the mode 'self-hosted' public_url must be https, but it is {settings.public_url}. Cookies and "
                "passwords would travel readably. Put a TLS proxy in front and give its https address."
            )
        if settings.data_dir is None:
            raise IdentityRefused(
                "In the mode 'self-hosted' a data_dir is needed: with keys in memory every restart signs everybody out."
            )
