"""The settings of the identity server, from `[tool.parabola.identity]` of a project's `pyproject.toml`.

Secrets are not in that file, which people commit: the secret key comes from `CLERK_SECRET_KEY`, a mail server's
password from `PARABOLA_SMTP_PASSWORD`.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from parabola.identity.failures import IdentityRefused
from parabola.identity.settings import IdentitySettings, RateLimits, SmtpSettings

SECRET_KEY_VARIABLE: Final = "CLERK_SECRET_KEY"
SMTP_PASSWORD_VARIABLE: Final = "PARABOLA_SMTP_PASSWORD"
TABLE: Final = "[tool.parabola.identity]"

# What the command line knows by itself, or what belongs into the environment.
GIVEN_ELSEWHERE: Final = {"data_dir", "production", "bind_host", "secret_key"}
SETTINGS: Final[dict[str, tuple[type, str]]] = {
    "public_url": (str, "a text"),
    "mode": (str, "a text"),
    "allow_public_bind": (bool, "true or false"),
    "app_origins": (list, "a list of texts"),
    "application_name": (str, "a text"),
    "verify_email_at_sign_up": (bool, "true or false"),
    "single_session": (bool, "true or false"),
    "sign_up_mode": (str, "a text"),
    "delete_self": (bool, "true or false"),
    "enumeration_protection": (bool, "true or false"),
    "token_lifetime_s": (int, "a whole number of seconds"),
    "session_lifetime_s": (int, "a whole number of seconds"),
    "session_idle_s": (int, "a whole number of seconds"),
    "session_token_audience": (str, "a text"),
    "templates": (dict, "a table of tables of claims"),
    "publishable_key_host": (str, "a text"),
    "smtp": (dict, "a table"),
    "packages_dir": (str, "a path"),
    "rate_limits": (str, '"standard" or "relaxed"'),
}
_CHOICES: Final = {
    "mode": ("development", "self-hosted"),
    "sign_up_mode": ("public", "restricted"),
    "rate_limits": ("standard", "relaxed"),
}
_SMTP_KINDS: Final = {"host": str, "port": int, "username": str, "security": str, "sender": str}
_SMTP_SECURITY: Final = ("starttls", "tls", "none")


def identity_settings(
    root: Path,
    *,
    origin: str,
    bind_host: str,
    data_dir: Path,
    production: bool = False,
    environment: Mapping[str, str] | None = None,
    **overrides: Any,
) -> IdentitySettings:
    """The settings for a server that listens at `origin`, as the project at `root` wants them.

    `overrides` are settings that the command line was given; None means not given. Raises `IdentityRefused` for a
    setting that does not exist or has the wrong form, and whatever `IdentitySettings` refuses.
    """
    variables = os.environ if environment is None else environment
    chosen = _checked(_table(root / "pyproject.toml"))
    chosen |= {name: value for name, value in overrides.items() if value is not None}
    if "app_origins" in chosen:
        chosen["app_origins"] = tuple(chosen["app_origins"])
    if "packages_dir" in chosen:
        chosen["packages_dir"] = root / chosen["packages_dir"]
    if "smtp" in chosen:
        chosen["smtp"] = _smtp(chosen["smtp"], variables)
    relaxed = chosen.pop("rate_limits", "standard") == "relaxed"
    given: dict[str, Any] = {
        "public_url": origin,
        "bind_host": bind_host,
        "data_dir": data_dir,
        "production": production,
        "secret_key": variables.get(SECRET_KEY_VARIABLE) or None,
        "rate_limits": RateLimits.relaxed() if relaxed else RateLimits(),
    }
    return IdentitySettings(**given | chosen)


def _table(pyproject: Path) -> dict[str, Any]:
    try:
        document = tomllib.loads(pyproject.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise IdentityRefused(f"{pyproject} cannot be read: {error}. Correct it.") from error
    table: Any = document
    for name in ("tool", "parabola", "identity"):
        table = table.get(name, {}) if isinstance(table, dict) else table
    if not isinstance(table, dict):
        raise IdentityRefused(f"identity in {pyproject} must be a table: {TABLE}, then one setting in each line.")
    return table


def _checked(table: dict[str, Any]) -> dict[str, Any]:
    for name, value in table.items():
        if name in GIVEN_ELSEWHERE:
            raise IdentityRefused(
                f"{name} does not belong into {TABLE}: the command line says it, and the secret key comes from "
                f"{SECRET_KEY_VARIABLE}. Take it out."
            )
        if name not in SETTINGS:
            raise IdentityRefused(
                f"{TABLE} has {name!r}, which is no setting. There are {', '.join(sorted(SETTINGS))}."
            )
        kind, expected = SETTINGS[name]
        # In Python, True is a number; in TOML it is not.
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise IdentityRefused(f"{name} in {TABLE} is {value!r}. Give {expected}.")
        if name in _CHOICES and value not in _CHOICES[name]:
            raise IdentityRefused(f"{name} in {TABLE} is {value!r}. Choose {' or '.join(map(repr, _CHOICES[name]))}.")
    return dict(table)


def _smtp(table: dict[str, Any], variables: Mapping[str, str]) -> SmtpSettings:
    for name, value in table.items():
        if name not in _SMTP_KINDS or not isinstance(value, _SMTP_KINDS[name]):
            raise IdentityRefused(
                f"smtp in {TABLE} cannot have {name} = {value!r}. It has {', '.join(_SMTP_KINDS)}; the password comes "
                f"from {SMTP_PASSWORD_VARIABLE}."
            )
    if "host" not in table or table.get("security", "starttls") not in _SMTP_SECURITY:
        raise IdentityRefused(f"smtp in {TABLE} needs a host, and security is one of {', '.join(_SMTP_SECURITY)}.")
    return SmtpSettings(**table, password=variables.get(SMTP_PASSWORD_VARIABLE))
