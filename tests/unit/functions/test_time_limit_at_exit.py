"""The end of a process in which handlers ran."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import atexit, signal
atexit.register(lambda: print(signal.getitimer(signal.ITIMER_VIRTUAL)))  # registered first, it runs last
from parabola.functions.time_limit import _signal_handler
_signal_handler.install()
assert signal.getitimer(signal.ITIMER_VIRTUAL) != (0.0, 0.0)
"""


def test_no_timer_is_left_running_when_the_interpreter_ends() -> None:
    # It would fire after the interpreter has taken its signal handlers away, and kill the process with a bad exit code.
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.strip() == "(0.0, 0.0)", done.stderr
