"""Which provider configurations are possible (wire 5.1)."""

from __future__ import annotations

import pytest

from parabola.auth import CustomJWTProvider, OIDCProvider
from parabola.auth.providers import comparable_issuer
from parabola.errors import BadRequest


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ("clerk.example.com", "https://clerk.example.com"),
        ("localhost", "https://localhost"),
        ("https://clerk.example.com/", "https://clerk.example.com/"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("http://localhost:3000/auth", "http://localhost:3000/auth"),
    ],
)
def test_a_domain_without_scheme_gets_https(given: str, url: str) -> None:
    assert OIDCProvider(given, "app").domain == url


@pytest.mark.parametrize(
    "domain",
    [
        '"https://example.com"',
        "ftp://example.com",
        "https://",
        "just-a-word",
        "exa mple.com",
        "https://a b",
        "127.0.0.1",
        "",
    ],
)
def test_a_domain_that_cannot_be_one_is_refused(domain: str) -> None:
    for make in (lambda: OIDCProvider(domain, "app"), lambda: CustomJWTProvider(domain, "https://k", "RS256")):
        with pytest.raises(BadRequest) as refused:
            make()
        assert refused.value.code == "InvalidProviderDomainUrl"


def test_an_algorithm_or_key_set_that_cannot_be_used_is_refused() -> None:
    with pytest.raises(BadRequest, match="Use 'RS256' or 'ES256'"):
        CustomJWTProvider("https://i.example", "https://k", "HS256")  # type: ignore[arg-type]
    with pytest.raises(BadRequest, match="neither an http"):
        CustomJWTProvider("https://i.example", "file:///keys", "RS256")
    with pytest.raises(BadRequest, match="empty application_id"):
        OIDCProvider("https://i.example", "")


def test_issuers_compare_without_scheme_and_trailing_slashes() -> None:
    assert comparable_issuer("i.example") == comparable_issuer("https://i.example//")
    assert comparable_issuer("http://i.example") != comparable_issuer("https://i.example")
