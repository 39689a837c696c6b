"""The identity server's settings as a project's file says them."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from parabola.cli.identity_settings import GIVEN_ELSEWHERE, SETTINGS, identity_settings
from parabola.identity.failures import IdentityRefused
from parabola.identity.settings import IdentitySettings, RateLimits

ORIGIN = "http://127.0.0.1:3210"


def settings(root: Path, text: str = "", *, environment: dict[str, str] | None = None, **more: Any) -> IdentitySettings:
    if text:
        (root / "pyproject.toml").write_text(f"[tool.parabola.identity]\n{text}", encoding="utf-8")
    given: dict[str, Any] = {"origin": ORIGIN, "bind_host": "127.0.0.1", "data_dir": root / "data", **more}
    return identity_settings(root, environment=environment or {}, **given)


def test_every_setting_of_the_server_can_be_given_in_one_way() -> None:
    assert SETTINGS.keys() | GIVEN_ELSEWHERE == {field.name for field in dataclasses.fields(IdentitySettings)}
    assert not SETTINGS.keys() & GIVEN_ELSEWHERE


def test_without_a_file_the_defaults_hold(tmp_path: Path) -> None:
    found = settings(tmp_path)
    assert (found.public_url, found.data_dir, found.secret_key) == (ORIGIN, tmp_path / "data", None)
    assert found == IdentitySettings(public_url=ORIGIN, data_dir=tmp_path / "data")


def test_the_file_says_what_differs(tmp_path: Path) -> None:
    found = settings(
        tmp_path,
        """
        public_url = "http://dev.localhost:3210/"
        app_origins = ["http://dev.localhost:4200"]
        verify_email_at_sign_up = true
        single_session = false
        token_lifetime_s = 30
        session_token_audience = "convex"
        rate_limits = "relaxed"
        packages_dir = "node_modules"

        [tool.parabola.identity.templates.hasura]
        role = "{{user.public_metadata.role}}"

        [tool.parabola.identity.smtp]
        host = "mail.example.com"
        port = 465
        security = "tls"
        """,
        environment={"CLERK_SECRET_KEY": "sk_test_" + "a" * 32, "PARABOLA_SMTP_PASSWORD": "secret"},
    )
    assert found.public_url == "http://dev.localhost:3210"
    assert found.app_origins == ("http://dev.localhost:4200",)
    assert found.verify_email_at_sign_up
    assert not found.single_session
    assert found.token_lifetime_s == 30
    assert found.session_token_audience == "convex"
    assert found.rate_limits == RateLimits.relaxed()
    assert found.packages_dir == tmp_path / "node_modules"
    assert set(found.token_templates) == {"convex", "hasura"}
    assert found.secret_key == "sk_test_" + "a" * 32
    assert found.smtp is not None
    assert (found.smtp.host, found.smtp.port, found.smtp.security) == ("mail.example.com", 465, "tls")
    assert found.smtp.password == "secret"


def test_an_option_of_the_command_line_wins_over_the_file(tmp_path: Path) -> None:
    found = settings(tmp_path, 'public_url = "http://a.localhost:1"', public_url="http://b.localhost:2")
    assert found.public_url == "http://b.localhost:2"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('colour = "red"', "'colour', which is no setting"),
        ('single_session = "no"', "single_session in .* is 'no'. Give true or false"),
        ("token_lifetime_s = true", "token_lifetime_s in .* Give a whole number of seconds"),
        ('mode = "production"', "Choose 'development' or 'self-hosted'"),
        ('rate_limits = "none"', "Choose 'standard' or 'relaxed'"),
        ('secret_key = "sk_test_x"', "CLERK_SECRET_KEY"),
        ('data_dir = "x"', "the command line says it"),
        ("smtp = { port = 25 }", "needs a host"),
        ('smtp = { host = "m", password = "p" }', "PARABOLA_SMTP_PASSWORD"),
        ('smtp = { host = "m", security = "ssl" }', "starttls, tls, none"),
        ("token_lifetime_s = 5", "10 to 3600"),
        ('app_origins = ["*"]', "not an origin"),
    ],
)
def test_what_cannot_be_is_refused_with_what_can(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(IdentityRefused, match=words):
        settings(tmp_path, text)


def test_a_live_secret_key_is_refused(tmp_path: Path) -> None:
    with pytest.raises(IdentityRefused, match="live Clerk key"):
        settings(tmp_path, environment={"CLERK_SECRET_KEY": "sk_live_" + "a" * 32})


def test_a_public_address_is_refused_unless_it_is_allowed(tmp_path: Path) -> None:
    with pytest.raises(IdentityRefused, match=r"will not listen on 0\.0\.0\.0"):
        settings(tmp_path, bind_host="0.0.0.0")
    assert settings(tmp_path, "allow_public_bind = true", bind_host="0.0.0.0").bind_host == "0.0.0.0"


def test_production_is_refused_outside_the_mode_self_hosted(tmp_path: Path) -> None:
    with pytest.raises(IdentityRefused, match="self-hosted"):
        settings(tmp_path, production=True)
    text = 'mode = "self-hosted"\npublic_url = "https://www.example.org"'
    assert settings(tmp_path, text, production=True).is_https


def test_a_file_that_is_no_toml_is_named(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.parabola", encoding="utf-8")
    with pytest.raises(IdentityRefused, match=r"pyproject\.toml cannot be read"):
        settings(tmp_path)


@pytest.mark.parametrize("text", ["tool = 5\n", '[tool]\nparabola = "x"\n', "[tool.parabola]\nidentity = 1\n"])
def test_a_value_where_the_table_should_be_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "pyproject.toml").write_text(text)
    with pytest.raises(IdentityRefused, match="must be a table"):
        settings(tmp_path)
