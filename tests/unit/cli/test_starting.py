"""The first moment of a command: Ctrl-C while its modules are imported."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from parabola.cli.starting import EXIT_INTERRUPTED, importing, start

SLOW_TO_IMPORT = """
import time
print("importing", flush=True)
time.sleep(600)
"""


def test_ctrl_c_while_importing_ends_the_process_at_once_and_quietly(tmp_path: Path) -> None:
    (tmp_path / "slow_to_import.py").write_text(SLOW_TO_IMPORT)
    script = "import sys; from parabola.cli.starting import start; sys.exit(start('slow_to_import', 'main'))"
    process = subprocess.Popen(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "importing\n"
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
        assert errors == ""
        assert process.returncode == EXIT_INTERRUPTED
    finally:
        process.kill()
        process.communicate()


def test_the_command_s_exit_code_is_passed_on_and_ctrl_c_has_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "a_command_of_a_test.py").write_text(
        "def seven(n):\n    return n\n\ndef interrupted():\n    raise KeyboardInterrupt\n"
    )
    assert start("a_command_of_a_test", "seven", 7) == 7
    assert start("a_command_of_a_test", "interrupted") == EXIT_INTERRUPTED


def test_what_ctrl_c_means_to_others_is_left_and_given_back() -> None:
    usual = signal.getsignal(signal.SIGINT)
    with importing():
        pass
    assert signal.getsignal(signal.SIGINT) is usual
    try:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        with importing():
            assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, usual)
