"""What is left behind in a process in which handlers ran, or were stopped."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

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


STOPPED_IN_A_THREAD = """
import sys, threading, time
from parabola.functions.time_limit import HandlerStopped, TimeLimit

class Run:
    user_time = 0.0
    stop_requested = False

def run_away():
    limit, run = TimeLimit(0.05), Run()
    limit.begin(run)
    try:
        while not run.stop_requested:
            pass
    except HandlerStopped:
        pass
    limit.end()

thread = threading.Thread(target=run_away)
thread.start()
thread.join()
sys.settrace(lambda frame, event, argument: None)

def called():
    return "went on"

print(called())
"""


def test_a_handler_stopped_in_another_thread_leaves_nothing_to_be_raised(tmp_path: Path) -> None:
    # If something is, Python 3.11 does not get into any function while a debugger or a coverage tool looks on.
    program = tmp_path / "stopped.py"
    program.write_text(STOPPED_IN_A_THREAD)
    done = subprocess.run([sys.executable, str(program)], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.strip() == "went on", done.stderr
