"""What ends a process, raised by a function: it must end that call only, and Ctrl-C must still end the server.

A task lets SystemExit and KeyboardInterrupt out of the event loop, so they are turned into an ordinary error before
one sees them. SystemExit is only ever raised by code. KeyboardInterrupt is also how the interpreter tells the main
thread of Ctrl-C, wherever that thread is just then, so it matters where it began: at a `raise` of the function's, or
between two instructions, or in a signal handler.
"""

from __future__ import annotations

import dis
import signal
from types import TracebackType
from typing import Final

from parabola.errors import InvalidFunctionCall
from parabola.functions.time_limit import LOADED_MODULE_PREFIX, is_engine_file, is_library_file

_RAISE: Final = dis.opmap["RAISE_VARARGS"]


def refused_exit(error: BaseException) -> BaseException:
    """What a function fails with that tried to end the process, as `sys.exit()` does.

    Any other error, Ctrl-C too, is given back as it is.
    """
    if isinstance(error, SystemExit):
        shown = f"SystemExit({error.code!r})"
    elif isinstance(error, KeyboardInterrupt) and _was_raised_by_code(error.__traceback__):
        shown = "KeyboardInterrupt"
    else:
        return error
    return InvalidFunctionCall(
        f"{shown} was raised in a function, which cannot end the server. Raise an ordinary exception, or return."
    ).with_traceback(error.__traceback__)


def _was_raised_by_code(places: TracebackType | None) -> bool:
    """Whether an error began at a `raise` of the user's that is no signal handler's."""
    on_signal = getattr(signal.getsignal(signal.SIGINT), "__code__", None)
    began: TracebackType | None = None
    while places is not None:
        if places.tb_frame.f_code is on_signal:
            return False
        began, places = places, places.tb_next
    if began is None or began.tb_lasti < 0:
        return False
    code = began.tb_frame.f_code
    if code.co_code[began.tb_lasti] != _RAISE:
        return False
    if str(began.tb_frame.f_globals.get("__name__", "")).startswith(LOADED_MODULE_PREFIX):
        return True
    return not is_engine_file(code.co_filename) and not is_library_file(code.co_filename)
