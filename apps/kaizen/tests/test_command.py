"""The command that starts the game, where it cannot start."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

APPS = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--data", "taken"], 1, "Error: taken cannot be used: "),
        (["--mode", "easy"], 2, "'easy' is no mode. Choose strict or parity."),
        (["--host", "no.such.host.invalid"], 1, "is not an address of this machine"),
    ],
    ids=["data", "mode", "host"],
)
def test_a_start_that_cannot_be_says_why_and_what_to_do(
    arguments: list[str], code: int, said: str, tmp_path: Path
) -> None:
    (tmp_path / "taken").write_text("a file, not a folder")
    without_clerk = {name: value for name, value in os.environ.items() if not name.startswith("CLERK_")}
    ended = subprocess.run(
        [sys.executable, "-m", "kaizen", "--port", "0", *arguments],
        cwd=tmp_path,
        env={**without_clerk, "PYTHONPATH": str(APPS), "NO_COLOR": "1", "COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ended.returncode == code
    assert said in ended.stderr
    assert "Traceback" not in ended.stderr
