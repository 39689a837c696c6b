"""From an exception to what people read of it (wire 4.2, semantics 18).

`describe` turns an exception into a `FunctionError`: one line, and below it the places in user code that it passed
through, innermost first. The engine's own frames are left out, and file names start at the functions folder, so that
nothing of the machine shows. `error_text` puts the line that clients see together: everything in development, the
request id alone in production.
"""

from __future__ import annotations

import traceback
from contextvars import ContextVar
from types import TracebackType
from typing import Any, Final

from parabola.database.conflict import Conflict
from parabola.database.cursors import InvalidCursor
from parabola.errors import ConvexError, DeveloperError, FunctionTimeout, InvalidValue, ParabolaError, SystemFault
from parabola.functions.outcome import INTERNAL_ERROR_TEXT, FunctionError
from parabola.functions.places import shown_file, without_loaded_names
from parabola.functions.time_limit import HandlerStopped, is_engine_file, is_library_file
from parabola.values.model import UNDEFINED, normalize
from parabola.values.wire import encode_wire

MESSAGE_LENGTH_MAX: Final = 65_536
_FRAMES_MAX: Final = 30

is_cutting_off: Final[ContextVar[bool]] = ContextVar("parabola_is_cutting_off", default=False)
"""Whether the frames of a failed run are being let go of. What they held and nobody awaited is no mistake."""


def error_text(error: FunctionError, request_id: str, *, redact: bool) -> str:
    """What a client gets as the message of a failed call.

    With `redact` (production) only the request id, by which the whole error is found in the server's log.
    """
    head = f"[Request ID: {request_id}] Server Error"
    return head if redact else f"{head}\n{error.message}\n{error.traceback}"


def describe(error: BaseException, *, folder: str, from_user_code: bool, time_limit_s: float = 0.0) -> FunctionError:
    """The `FunctionError` for an exception. Its traceback is cut off afterwards: frames would keep documents alive.

    `from_user_code` says whether it passed through a handler, or was raised by a check around it: only then is it
    "Uncaught".
    """
    error = _only_one_in(error)
    places = _user_places(error.__traceback__, folder)
    described = _describe(error, places, from_user_code, time_limit_s)
    cutting = is_cutting_off.set(True)
    _cut_off(error)
    is_cutting_off.reset(cutting)
    return described


def _describe(error: BaseException, places: str, from_user_code: bool, time_limit_s: float) -> FunctionError:
    if isinstance(error, HandlerStopped):
        text = timeout_text(time_limit_s)
        return FunctionError(
            text, code="FunctionTimeout", traceback=places, exception=DeveloperError(text, code="FunctionTimeout")
        )
    if isinstance(error, ConvexError):
        return _describe_convex_error(error, places)
    if isinstance(error, SystemFault):
        text = error.message if error.code == "OptimisticConcurrencyControlFailure" else INTERNAL_ERROR_TEXT
        return FunctionError(text, code=error.code, is_system=True, exception=error)
    if isinstance(error, Exception) or (from_user_code and not isinstance(error, Conflict)):
        # Also what is no Exception, such as CancelledError: a handler that let it out will do so again, so nobody must
        # be told to try again.
        is_ours = isinstance(error, ParabolaError)
        # What is none of our errors was thrown by code of the user's, perhaps by a check of a validator.
        thrown = (from_user_code or not is_ours) and not isinstance(error, FunctionTimeout)
        line = _uncaught_line(error) if thrown else str(error)
        code = error.code if isinstance(error, ParabolaError) else "DeveloperError"
        shows_places = from_user_code or not is_ours
        line = without_loaded_names(line)
        return FunctionError(_shortened(line), code=code, traceback=places if shows_places else "", exception=error)
    return FunctionError(INTERNAL_ERROR_TEXT, code="InternalServerError", is_system=True, exception=error)


def as_it_crosses(error: BaseException) -> BaseException:
    """An error as whoever called gets it: the data of a ConvexError is theirs alone then, or, where it is no value, the
    error is an ordinary one about that (semantics 18.2).
    """
    error = _only_one_in(error)
    if not isinstance(error, ConvexError):
        return error
    try:
        error.data = None if error.data is UNDEFINED else normalize(error.data)
    except InvalidValue as failure:
        return DeveloperError(f"ConvexError: its data is not a value: {failure.message}")
    return error


def _only_one_in(error: BaseException) -> BaseException:
    """The error that a group was made around, if it is the only one: `asyncio.TaskGroup` always makes a group."""
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error


def _describe_convex_error(error: ConvexError, places: str) -> FunctionError:
    crossed = as_it_crosses(error)
    if not isinstance(crossed, ConvexError):
        return FunctionError(
            _shortened(f"Uncaught {crossed}"), code="DeveloperError", traceback=places, exception=crossed
        )
    data = error.data
    if isinstance(error, InvalidCursor):
        # Its data is for the clients, which start over from the first page; its text is for people.
        line = _uncaught_line(error)
    else:
        line = f"Uncaught ConvexError: {data if isinstance(data, str) else encode_wire(data).decode()}"
    return FunctionError(_shortened(line), code=error.code, data=data, traceback=places, exception=error)


def timeout_text(limit_s: float) -> str:
    """What a function that ran for too long is reported as."""
    return f"Function execution timed out (maximum duration: {limit_s:g}s)"


def _uncaught_line(error: BaseException) -> str:
    name = type(error).__name__
    try:
        text = repr(error.args[0]) if type(error) is KeyError and error.args else str(error)
    except Exception as failure:
        text = f"(its text is unknown, since str() of it raised {type(failure).__name__})"
    if isinstance(error, BaseExceptionGroup):
        text = "\n  ".join([text, *(_uncaught_line(inner).removeprefix("Uncaught ") for inner in error.exceptions)])
    if text.startswith(f"{name}:"):
        return f"Uncaught {text}"
    return f"Uncaught {name}: {text}" if text else f"Uncaught {name}"


def _shortened(text: str) -> str:
    """At most so long, and valid Unicode, since it goes into messages."""
    if len(text) > MESSAGE_LENGTH_MAX:
        text = text[:MESSAGE_LENGTH_MAX] + "…"
    return text.encode("utf-8", "replace").decode()


def _user_places(frames: TracebackType | None, folder: str) -> str:
    """`    at send (backend/messages.py:5)` for each frame of the user's, innermost first."""
    places: list[str] = []
    for frame, line in traceback.walk_tb(frames):
        file = frame.f_code.co_filename
        if is_engine_file(file):
            continue
        shown = shown_file(file, folder)
        if "/" not in shown and is_library_file(file):
            continue
        name = getattr(frame.f_code, "co_qualname", frame.f_code.co_name)
        places.append(f"    at {name} ({shown}:{line})\n")
    return "".join(reversed(places[-_FRAMES_MAX:]))


def _cut_off(error: BaseException) -> None:
    """Removes the frames from an exception and from those that it names."""
    seen: set[int] = set()
    waiting: list[Any] = [error]
    while waiting:
        current = waiting.pop()
        if current is None or id(current) in seen:
            continue
        seen.add(id(current))
        current.__traceback__ = None
        waiting += [current.__cause__, current.__context__]
        if isinstance(current, BaseExceptionGroup):
            waiting += current.exceptions
