"""Who may vouch for users, and which of them speaks for a given token (wire 5.1, 5.2).

A provider is chosen by what an unchecked token says about itself, so choosing proves nothing; it only decides whose
keys the signature must match. The rest of the checks are in `tokens.py`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal
from urllib.parse import urlsplit

from parabola.errors import BadRequest, Unauthenticated

CustomAlgorithm = Literal["RS256", "ES256"]
OIDC_ALGORITHMS: Final = ("RS256", "EdDSA")
CUSTOM_ALGORITHMS: Final = ("RS256", "ES256")

_BARE_HOST: Final = re.compile(
    r"^(localhost|([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+([a-z]{2,63}|xn--[a-z0-9-]+))$", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class OIDCProvider:
    """An OpenID Connect issuer at `domain`, whose tokens for `application_id` (their `aud`) are accepted."""

    domain: str
    application_id: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "domain", checked_issuer_url(self.domain))
        if not self.application_id:
            raise BadRequest(
                f"The provider {self.domain} has an empty application_id. Give the value that its tokens carry as "
                "`aud`.",
                code="InvalidProviderApplicationId",
            )

    @property
    def issuer(self) -> str:
        """The same name as for a custom provider: what `iss` must equal."""
        return self.domain

    def describe(self) -> str:
        return f"OIDC(domain={self.domain}, app_id={self.application_id})"


@dataclass(frozen=True, slots=True)
class CustomJWTProvider:
    """An issuer without discovery: keys from `jwks` (a URL or a `data:` URI), one signature `algorithm`.

    Without `application_id` the audience of its tokens is not checked, which is safe only if it issues tokens for
    nobody else.
    """

    issuer: str
    jwks: str
    algorithm: CustomAlgorithm
    application_id: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "issuer", checked_issuer_url(self.issuer))
        if self.algorithm not in CUSTOM_ALGORITHMS:
            raise BadRequest(
                f"The provider {self.issuer} has the algorithm {self.algorithm!r}. Use 'RS256' or 'ES256'.",
                code="InvalidProviderAlgorithm",
            )
        if not self.jwks.startswith(("http://", "https://", "data:")):
            raise BadRequest(
                f"The provider {self.issuer} has jwks {self.jwks!r}, which is neither an http(s) URL nor a data: URI.",
                code="InvalidProviderJwksUrl",
            )

    def describe(self) -> str:
        return f"CustomJWT(issuer={self.issuer}, app_id={self.application_id or 'none'})"


Provider = OIDCProvider | CustomJWTProvider


def checked_issuer_url(text: str) -> str:
    """`text` as a URL with its scheme (`https://` where it has none). Raises `BadRequest`, code
    `InvalidProviderDomainUrl`.
    """
    if text.startswith('"'):
        raise _bad_domain(text, "it starts with a quotation mark; remove the quotes from the environment variable")
    has_scheme = "://" in text
    url = text if has_scheme else f"https://{text}"
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname, parts.port
    except ValueError as error:
        raise _bad_domain(text, str(error)) from None
    if parts.scheme not in ("http", "https"):
        raise _bad_domain(text, "the scheme must be http or https")
    if not host or any(character.isspace() for character in url):
        raise _bad_domain(text, "it has no host")
    if not has_scheme and not _BARE_HOST.match(host):
        raise _bad_domain(text, "without a scheme it must be a host name with a top-level domain, or localhost")
    return url


def _bad_domain(text: str, why: str) -> BadRequest:
    return BadRequest(
        f"Invalid provider domain URL {text!r}: {why}. It should look like https://example.com.",
        code="InvalidProviderDomainUrl",
    )


def comparable_issuer(text: str) -> str:
    """The form in which an `iss` and a configured issuer are compared."""
    return (text if "://" in text else f"https://{text}").rstrip("/")


def choose_provider(providers: Sequence[Provider], issuer: str, audiences: Sequence[str], *, redact: bool) -> int:
    """The position of the first provider for such a token. Raises `Unauthenticated`, code `NoAuthProvider`."""
    wanted = comparable_issuer(issuer)
    for position, provider in enumerate(providers):
        if comparable_issuer(provider.issuer) == wanted and (
            provider.application_id is None or provider.application_id in audiences
        ):
            return position
    raise Unauthenticated(_no_provider_text(providers, redact=redact), code="NoAuthProvider")


def _no_provider_text(providers: Sequence[Provider], *, redact: bool) -> str:
    text = "No auth provider found matching the given token"
    if redact:
        return text
    if not providers:
        return f"{text} (no providers configured). Check convex/auth.config.ts."
    configured = ", ".join(provider.describe() for provider in providers)
    return f"{text}. Check that your JWT's issuer and audience match one of your configured providers: [{configured}]"
