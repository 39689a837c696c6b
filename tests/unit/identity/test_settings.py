"""What the identity server refuses to start with, and the keys that it derives."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest

from parabola.identity import IdentityRefused, IdentitySettings, TokenTemplate
from parabola.identity.instance_keys import cookie_suffix, publishable_key
from parabola.identity.settings import is_loopback

HTTPS: dict[str, Any] = {"mode": "self-hosted", "public_url": "https://id.example.com"}


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "example.com", ""])
def test_a_public_bind_needs_to_be_asked_for_and_the_refusal_says_why(host: str) -> None:
    with pytest.raises(IdentityRefused, match=r"inbox shows\s+sign-in codes to everybody"):
        IdentitySettings(bind_host=host)
    assert IdentitySettings(bind_host=host, allow_public_bind=True).bind_host == host


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "[::1]", "127.9.9.9", "app.localhost"])
def test_loopback_names_are_this_machine(host: str) -> None:
    assert is_loopback(host)
    assert IdentitySettings(bind_host=host).bind_host == host


def test_a_production_server_refuses_the_development_mode() -> None:
    with pytest.raises(IdentityRefused, match="Use real Clerk"):
        IdentitySettings(production=True)


def test_the_self_hosted_mode_needs_https_and_a_folder(tmp_path: Path) -> None:
    with pytest.raises(IdentityRefused, match="public_url must be https"):
        IdentitySettings(**{**HTTPS, "public_url": "http://id.example.com"}, data_dir=tmp_path)
    with pytest.raises(IdentityRefused, match="data_dir"):
        IdentitySettings(**HTTPS)
    assert IdentitySettings(**HTTPS, data_dir=tmp_path, production=True).is_https


@pytest.mark.parametrize(
    ("key", "why"),
    [
        ("sk_live_" + "x" * 40, "live Clerk key"),
        ("sk_test_short", "at least 24 characters"),
        ("hunter2", "must start with sk_test_"),
    ],
)
def test_only_test_keys_are_taken(key: str, why: str) -> None:
    with pytest.raises(IdentityRefused, match=why) as refused:
        IdentitySettings(secret_key=key)
    assert key not in str(refused.value)


@pytest.mark.parametrize(
    "url", ["localhost:3210", "ftp://localhost", "http://", "http://localhost:3210/path", "http://localhost?x=1"]
)
def test_the_public_url_is_an_origin(url: str) -> None:
    with pytest.raises(IdentityRefused, match="public_url"):
        IdentitySettings(public_url=url)


def test_a_trailing_slash_of_the_public_url_is_dropped() -> None:
    assert IdentitySettings(public_url="http://localhost:3210/").public_url == "http://localhost:3210"


@pytest.mark.parametrize("origin", ["*", "https://*.example.com", "https://a.example/", "app.example.com", "null"])
def test_app_origins_are_exact(origin: str) -> None:
    with pytest.raises(IdentityRefused, match="is not an origin"):
        IdentitySettings(app_origins=(origin,))


@pytest.mark.parametrize("seconds", [0, 9, 3601])
def test_lifetimes_that_make_no_sense_are_refused(seconds: int) -> None:
    with pytest.raises(IdentityRefused, match="10 to 3600 seconds"):
        IdentitySettings(token_lifetime_s=seconds)
    with pytest.raises(IdentityRefused, match="template 'x'"):
        IdentitySettings(templates={"x": TokenTemplate({}, lifetime_s=seconds or -1)})


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("http://localhost:3210", "clerk.localhost:3210"),
        ("http://127.0.0.1:3210", "127.0.0.1:3210"),
        ("http://[::1]:3210", "clerk.localhost:3210"),
        ("https://id.example.com", "id.example.com"),
    ],
)
def test_the_publishable_key_names_a_host_with_a_dot(url: str, host: str) -> None:
    key = publishable_key(IdentitySettings(public_url=url))
    prefix, kind, encoded = key.split("_")
    assert (prefix, kind) == ("pk", "test")
    assert base64.b64decode(encoded + "=" * (-len(encoded) % 4)).decode() == f"{host}$"


def test_the_publishable_keys_host_can_be_chosen() -> None:
    settings = IdentitySettings(publishable_key_host="quiet-owl-7.clerk.accounts.dev")
    assert publishable_key(settings) == "pk_test_cXVpZXQtb3dsLTcuY2xlcmsuYWNjb3VudHMuZGV2JA"


def test_the_cookie_suffix_is_clerk_jss() -> None:
    # base64(sha1("pk_test_Y2xlcmsubG9jYWxob3N0OjMyMTAk"))[:8], worked out apart.
    assert cookie_suffix("pk_test_Y2xlcmsubG9jYWxob3N0OjMyMTAk") == "MZBafP5V"
