"""Whose tokens a backend believes (semantics 16)."""

from __future__ import annotations

from typing import Any

import pytest

import parabola.auth
from parabola.definitions.auth_config import CustomJWTProviderConfig, OIDCProviderConfig, custom_jwt, oidc


def test_providers_are_values() -> None:
    assert oidc(domain="https://a.b", application_id="convex") == OIDCProviderConfig("https://a.b", "convex")
    assert custom_jwt(issuer="https://a.b", jwks="data:x", algorithm="ES256") == CustomJWTProviderConfig(
        "https://a.b", "data:x", "ES256", None
    )


def test_the_name_auth_means_the_same_after_the_package_of_that_name_is_loaded() -> None:
    assert parabola.auth.oidc is oidc
    assert parabola.auth.custom_jwt is custom_jwt


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: oidc(domain="", application_id="convex"), "domain must be a text that is not empty"),
        (lambda: oidc(domain=None, application_id="convex"), "check that the variable is set"),  # type: ignore[arg-type]
        (lambda: oidc(domain='"https://a"', application_id="x"), "Remove the quotes"),
        (lambda: custom_jwt(issuer="https://a", jwks="x", algorithm="none"), "only 'RS256' and 'ES256'"),  # type: ignore[arg-type]
    ],
)
def test_a_provider_that_cannot_work_is_refused(make: Any, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        make()
