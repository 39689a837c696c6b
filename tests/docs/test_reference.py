"""The reference pages list what there is: every option, limit, error code, address, validator and public name."""

from __future__ import annotations

import ast
import dataclasses
import re
from collections.abc import Iterator
from typing import Any

import pytest
import typer

import parabola
from parabola import v
from parabola.cli.commands import COMMANDS, build_app
from parabola.limits import DEFAULT_LIMITS, Limits
from parabola.server.http_api import FORMATS
from tests.docs.pages import DOCS, ROOT, section

REFERENCE = DOCS / "reference"
# The identity server answers in the shapes of the API that it stands in for; its codes are that API's.
SOURCES = [
    path for path in sorted((ROOT / "src" / "parabola").rglob("*.py")) if "identity" not in path.relative_to(ROOT).parts
]


def commands() -> dict[str, Any]:
    return dict(typer.main.get_command(build_app(COMMANDS)).commands)  # type: ignore[attr-defined]


def parameters(command: Any) -> Iterator[Any]:
    """The parameters of a command, or of all the commands below it."""
    yield from command.params
    for below in getattr(command, "commands", {}).values():
        yield from parameters(below)


@pytest.mark.parametrize("name", sorted(commands()))
def test_every_option_of_a_command_is_in_the_reference(name: str) -> None:
    text = section(REFERENCE / "cli.md", f"## parabola {name}")
    options = {
        option
        for parameter in parameters(commands()[name])
        if parameter.param_type_name == "option"
        for option in [*parameter.opts, *parameter.secondary_opts]
        if option.startswith("--") and option != "--help"
    }
    documented = set(re.findall(r"`(--[a-z-]+)", text))
    assert options <= documented | {"--install-completion", "--show-completion"}, (
        f"not in cli.md: {options - documented}"
    )


def test_the_reference_invents_no_command_and_no_option() -> None:
    page = (REFERENCE / "cli.md").read_text()
    assert set(re.findall(r"^## parabola (\S+)", page, re.MULTILINE)) == set(commands())
    known = {"--version", "--help", "--install-completion", "--show-completion"}
    for command in commands().values():
        for parameter in parameters(command):
            known |= {*parameter.opts, *parameter.secondary_opts}
    assert set(re.findall(r"`(--[a-z-]+)", page)) <= known


def test_command_line_defaults_are_as_the_reference_says() -> None:
    for name in ("dev", "serve"):
        defaults = {parameter.name: parameter.default for parameter in commands()[name].params}
        text = section(REFERENCE / "cli.md", f"## parabola {name}")
        assert f"| `--host` | {defaults['host']} |" in text
        assert f"| `--port` | {defaults['port']} |" in text


@pytest.mark.parametrize("field", dataclasses.fields(Limits), ids=lambda field: field.name)
def test_every_limit_is_in_the_reference_with_its_default(field: dataclasses.Field[Any]) -> None:
    default = getattr(DEFAULT_LIMITS, field.name)
    shown = f"{int(default):,}" if default == int(default) else f"{default:,}"
    assert f"| `{field.name}` | {shown} |" in (REFERENCE / "limits.md").read_text()


def test_the_reference_invents_no_limit() -> None:
    listed = re.findall(r"^\| `(\w+)` \|", (REFERENCE / "limits.md").read_text(), re.MULTILINE)
    assert sorted(listed) == sorted(field.name for field in dataclasses.fields(Limits))


def _text_of(node: ast.expr | None) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def error_codes() -> Iterator[tuple[str, str]]:
    """Every code that the source gives to an error, and where."""
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            found: list[str | None] = []
            if isinstance(node, ast.Call):
                found += [_text_of(keyword.value) for keyword in node.keywords if keyword.arg == "code"]
                if isinstance(node.func, ast.Attribute) and node.func.attr == "fail" and len(node.args) == 2:
                    found.append(_text_of(node.args[1]))
            elif isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == "default_code":
                found.append(_text_of(node.value))
            for code in found:
                if code and re.fullmatch(r"[A-Z][A-Za-z]+", code):
                    yield code, f"{path.relative_to(ROOT)}:{node.lineno}"


def test_every_error_code_is_in_the_reference() -> None:
    documented = set(re.findall(r"`([A-Z]\w+)`", section(REFERENCE / "errors.md", "## Codes")))
    missing = {code: where for code, where in error_codes() if code not in documented}
    assert not missing, f"not in errors.md: {missing}"


def test_the_reference_invents_no_error_code() -> None:
    everything = "".join(path.read_text() for path in SOURCES)
    documented = set(re.findall(r"`([A-Z]\w+)`", section(REFERENCE / "errors.md", "## Codes")))
    assert {code for code in documented if f'"{code}"' not in everything} == set()


def test_every_address_of_the_server_is_in_the_reference() -> None:
    source = (ROOT / "src" / "parabola" / "server" / "app.py").read_text()
    addresses = set(re.findall(r'^\s+"(/[a-z_/]*)": \{', source, re.MULTILINE))
    assert len(addresses) > 10
    page = (REFERENCE / "http-api.md").read_text()
    assert {address for address in addresses if f"`{address}`" not in page} == set()


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_every_format_is_in_the_reference(name: str) -> None:
    assert f"`{name}`" in section(REFERENCE / "http-api.md", "## Formats")


@pytest.mark.parametrize("name", sorted(name for name in dir(v) if not name.startswith("_")))
def test_every_validator_and_check_is_in_the_reference(name: str) -> None:
    assert f"`v.{name}(" in (REFERENCE / "validators.md").read_text()


@pytest.mark.parametrize("name", sorted(parabola.__all__))
def test_every_public_name_is_in_the_reference(name: str) -> None:
    pages = "".join(path.read_text() for path in REFERENCE.glob("*.md"))
    assert re.search(rf"\b{re.escape(name)}\b", pages)
