"""The command that starts the game, where it cannot start."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest
from apps.kaizen.operators_log import concerns_the_operator

APPS = Path(__file__).parents[2]
CLERK = {"CLERK_JWT_ISSUER_DOMAIN": "https://clerk.example", "CLERK_PUBLISHABLE_KEY": "pk_test_Y2xlcmsuZXhhbXBsZSQ"}


@pytest.mark.parametrize(
    ("arguments", "environment", "code", "said"),
    [
        (["--data", "taken"], {}, 1, "Error: taken cannot be used: "),
        (["--mode", "easy"], {}, 2, "'easy' is no mode. Choose strict or parity."),
        ([], {"KAIZEN_MODE": "easy"}, 2, "'easy' is no mode. Choose strict or parity."),
        (["--host", "no.such.host.invalid"], {}, 1, "is not an address of this machine"),
        (["--demo"], CLERK, 2, "with Clerk there are none"),
        (["--veteran"], CLERK, 2, "with Clerk there are none"),
        ([], {"CLERK_JWT_ISSUER_DOMAIN": "https://clerk.example"}, 2, "set CLERK_PUBLISHABLE_KEY too"),
    ],
    ids=["data", "mode", "mode of the environment", "host", "demo", "veteran", "key"],
)
def test_a_start_that_cannot_be_says_why_and_what_to_do(
    arguments: list[str], environment: dict[str, str], code: int, said: str, tmp_path: Path
) -> None:
    (tmp_path / "taken").write_text("a file, not a folder")
    path = os.pathsep.join(filter(None, [str(APPS), os.environ.get("PYTHONPATH")]))
    without_clerk = {name: value for name, value in os.environ.items() if not name.startswith("CLERK_")}
    ended = subprocess.run(
        [sys.executable, "-m", "kaizen", "--port", "0", *arguments],
        cwd=tmp_path,
        env={**without_clerk, "PYTHONPATH": path, "NO_COLOR": "1", "COLUMNS": "200", **environment},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ended.returncode == code
    assert said in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    ("level", "code", "is_logged"),
    [
        (logging.INFO, "ConvexError", False),
        (logging.INFO, None, True),
        (logging.WARNING, "ArgumentValidation", True),
        (logging.ERROR, "Uncaught", True),
    ],
    ids=["refused", "said", "misused", "broken"],
)
def test_what_players_are_refused_does_not_fill_the_log(level: int, code: str | None, is_logged: bool) -> None:
    extra = {} if code is None else {"code": code}
    record = logging.makeLogRecord({"name": "parabola.functions", "levelno": level, **extra})
    assert concerns_the_operator(record) is is_logged
