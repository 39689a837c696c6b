"""What CONTRIBUTING asks to run by hand, kept true: style, and types by two checkers, both strict."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def run(*command: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert done.returncode == 0, done.stdout[-4000:]


@pytest.mark.parametrize("command", [("check",), ("format", "--check")], ids=["check", "format"])
def test_ruff_has_nothing_to_say(command: tuple[str, ...]) -> None:
    run("ruff", *command, "--no-cache", ".")


@pytest.mark.timeout(600)
def test_mypy_has_nothing_to_say() -> None:
    run("mypy")


@pytest.mark.timeout(600)
def test_pyright_has_nothing_to_say() -> None:
    run("pyright")
