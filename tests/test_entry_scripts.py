"""The two commands of the README, as far as they can be tried without installing anything."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SHELL = "/bin/sh"


def find_python(path: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [SHELL, ROOT / "scripts" / "find-python", "./kaizen"],
        env={"PATH": str(path), **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )


def program(folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(text)
    (folder / name).chmod(0o755)


def test_the_readme_names_two_commands_of_one_line_each_that_can_be_executed() -> None:
    [block] = re.findall(r"```sh\n((?:\./.*\n)+)```", (ROOT / "README.md").read_text())
    commands = [line.split("#")[0].strip() for line in block.splitlines()]
    assert commands == ["./kaizen", "./test"]
    for command in commands:
        assert os.access(ROOT / command, os.X_OK)
        subprocess.run([SHELL, "-n", ROOT / command], check=True, timeout=60)


def test_without_options_every_folder_of_tests_is_run() -> None:
    folders = {
        folder.name
        for folder in ROOT.iterdir()
        if folder.is_dir() and not folder.name.startswith(".") and any(folder.rglob("test_*.py"))
    }
    [setting] = re.findall(r"^testpaths = \[(.*)\]$", (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert folders == set(re.findall(r'"([^"]+)"', setting))


def test_a_python_that_is_new_enough_is_found_behind_one_that_is_not(tmp_path: Path) -> None:
    program(tmp_path, "python3", "#!/bin/sh\nexit 1\n")
    program(tmp_path, "python", f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    assert find_python(tmp_path).stdout.strip() == str(tmp_path / "python")


def test_another_python_may_be_named(tmp_path: Path) -> None:
    assert find_python(tmp_path, PYTHON=sys.executable).stdout.strip() == sys.executable


def test_a_machine_without_python_is_told_what_to_do(tmp_path: Path) -> None:
    told = find_python(tmp_path)
    assert told.returncode == 1
    assert "Python 3.11 or newer" in told.stderr
    assert "PYTHON=/path/to/python3.12 ./kaizen" in told.stderr


@pytest.mark.parametrize("name", ["rutime", "--help"])
def test_an_unknown_set_of_packages_is_refused_with_the_known_ones(name: str) -> None:
    told = subprocess.run(
        [sys.executable, ROOT / "scripts" / "setup.py", name], capture_output=True, text=True, timeout=60
    )
    assert told.returncode == 2
    assert "runtime, dev, bench" in told.stderr
