"""The first moment of a command: what it needs is imported, which takes longer than many a command itself.

Kept free of imports that take time, so that Ctrl-C during all the others ends as quietly as later on.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Generator
from contextlib import contextmanager
from importlib import import_module
from typing import Any, Final

# As shells say it: 128 and the number of SIGINT. `failure.py` has the other exit codes.
EXIT_INTERRUPTED: Final = 130


def start(module: str, function: str, *arguments: object) -> int:
    """Imports `module`, calls its `function` with `arguments` and returns the exit code that it gives."""
    with importing():
        run: Any = getattr(import_module(module), function)
    try:
        exit_code: int = run(*arguments)
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    return exit_code


@contextmanager
def importing() -> Generator[None]:
    """While nothing is done but importing, Ctrl-C ends the process there and then.

    Nothing has been begun that would have to be ended in order, and an exception in the middle of importing a module
    written in C is more than some of them bear.
    """
    usual = signal.getsignal(signal.SIGINT)
    if usual is not signal.default_int_handler or threading.current_thread() is not threading.main_thread():
        # Somebody else decides what Ctrl-C means, such as a shell that has it ignored.
        yield
        return
    signal.signal(signal.SIGINT, lambda number, frame: os._exit(EXIT_INTERRUPTED))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, usual)
