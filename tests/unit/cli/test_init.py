"""`parabola init`: what it writes, and what it leaves alone."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from parabola.cli.failure import CommandFailed
from parabola.cli.init import init, project_files


def test_the_project_has_functions_a_schema_and_a_test(tmp_path: Path) -> None:
    init(tmp_path / "My Chat!")
    written = {str(path.relative_to(tmp_path / "My Chat!")) for path in tmp_path.rglob("*") if path.is_file()}
    assert {"backend/schema.py", "backend/messages.py", "tests/test_messages.py", "pyproject.toml"} <= written
    assert ".gitignore" in written


def test_the_project_is_named_after_its_directory() -> None:
    settings = tomllib.loads(project_files("My Chat!")["pyproject.toml"])
    assert settings["project"]["name"] == "my-chat"
    assert settings["tool"]["parabola"]["functions"] == "backend"


def test_a_directory_without_usable_letters_gets_a_name() -> None:
    assert tomllib.loads(project_files("…")["pyproject.toml"])["project"]["name"] == "my-app"


def test_nothing_that_exists_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("mine")
    with pytest.raises(CommandFailed, match=r"already has README\.md; nothing was changed"):
        init(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["README.md"]
    assert (tmp_path / "README.md").read_text() == "mine"


def test_the_template_is_valid_python() -> None:
    for name, text in project_files("app").items():
        if name.endswith(".py"):
            compile(text, name, "exec")
