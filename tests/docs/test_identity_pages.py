"""The pages about the identity server follow its settings, and every way that they tell of is driven by a browser."""

from __future__ import annotations

import re
import tomllib

import pytest

from parabola.cli.identity_settings import SECRET_KEY_VARIABLE, SETTINGS, SMTP_PASSWORD_VARIABLE
from parabola.cli.issuer import ISSUER_VARIABLE, OTHER_NAME
from parabola.identity.settings import IdentitySettings
from tests.docs.pages import DOCS, code_blocks, section

PAGE = DOCS / "reference" / "identity.md"
WAYS = sorted((DOCS / "how-to").glob("sign-in-*.md"))


def test_every_setting_is_in_the_reference_and_no_other() -> None:
    table = section(PAGE, "## Settings")
    listed = re.findall(r"^\| `([a-z_]+)` \|", table, re.MULTILINE)
    assert sorted(listed) == sorted(SETTINGS)


@pytest.mark.parametrize(
    "name",
    ["token_lifetime_s", "session_lifetime_s", "session_idle_s", "mode", "sign_up_mode", "application_name"],
)
def test_defaults_are_as_the_reference_says(name: str) -> None:
    row = re.search(rf"^\| `{name}` \| `?([^|`]+)`? \|", PAGE.read_text(), re.MULTILINE)
    assert row is not None
    assert row.group(1).strip() == str(getattr(IdentitySettings(), name))


def test_the_variables_are_those_that_are_read() -> None:
    text = PAGE.read_text()
    for name in (SECRET_KEY_VARIABLE, SMTP_PASSWORD_VARIABLE, ISSUER_VARIABLE, OTHER_NAME):
        assert f"`{name}`" in text


@pytest.mark.parametrize("page", WAYS, ids=lambda page: page.stem)
def test_settings_that_a_page_shows_exist(page: object) -> None:
    for block in code_blocks(page):  # type: ignore[arg-type]
        if block.language == "toml":
            shown = tomllib.loads(block.text)["tool"]["parabola"]["identity"]
            assert shown.keys() <= SETTINGS.keys()
