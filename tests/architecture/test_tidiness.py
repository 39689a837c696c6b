"""The repository keeps to its own habits: short files, no stubs, nothing of the machine it was written on."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LINES_MAX = 600


def tracked(*suffixes: str) -> list[Path]:
    """The files under version control, or all of them where there is no git."""
    git = shutil.which("git")
    listing = (
        "" if git is None else subprocess.run([git, "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True).stdout
    )
    if listing:
        files = [ROOT / name for name in listing.split("\0") if name]
    else:
        files = [
            path
            for folder in ("src", "tests", "apps", "docs")
            for path in (ROOT / folder).rglob("*")
            if path.is_file() and "node_modules" not in path.parts
        ]
    return [file for file in files if file.suffix in suffixes and file.is_file()]


SOURCES = [file for file in tracked(".py") if "src" in file.relative_to(ROOT).parts]


def shown(file: Path) -> str:
    return file.relative_to(ROOT).as_posix()


def test_there_is_something_to_check() -> None:
    assert len(SOURCES) > 50


@pytest.mark.parametrize("file", tracked(".py"), ids=shown)
def test_no_file_is_longer_than_a_reader_can_hold(file: Path) -> None:
    lines = file.read_text().count("\n")
    assert lines <= LINES_MAX, f"{shown(file)} has {lines} lines. Split it where its second idea begins."


@pytest.mark.parametrize("file", [file for file in SOURCES if file.stat().st_size], ids=shown)
def test_every_source_file_says_what_it_is_for(file: Path) -> None:
    first = next(line for line in file.read_text().splitlines() if line.strip() and not line.startswith("#"))
    assert first.startswith(('"""', 'r"""')), f"{shown(file)} has no docstring at its top."


@pytest.mark.parametrize("file", SOURCES, ids=shown)
def test_no_source_file_is_unfinished(file: Path) -> None:
    words = ("TO" + "DO", "FIX" + "ME", "NotImplemented" + "Error")
    assert [word for word in words if word in file.read_text()] == []


def test_nothing_of_the_build_machine_is_in_the_tree() -> None:
    home = re.compile(r"(?<![\w.])(/wo" + r"rk/(main|shared)|/ro" + r"ot/|/home/[a-z]+/)")
    found = [
        f"{shown(file)}: {match.group()}"
        for file in tracked(".py", ".md", ".toml", ".yml", ".yaml", ".sh", ".json", ".sql", "")
        for match in home.finditer(file.read_text(errors="replace"))
    ]
    assert found == []


def test_every_source_package_has_its_init() -> None:
    folders = {file.parent for file in SOURCES}
    assert [shown(folder) for folder in folders if not (folder / "__init__.py").exists() and os.listdir(folder)] == []
