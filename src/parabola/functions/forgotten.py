"""Hearing of calls whose `await` was forgotten: `helper(ctx)` on an async function of the user's does nothing at all.

Theory of operation
-------------------
A call on `ctx` is an operation, which its level keeps a note of until it is awaited (`functions.operations`). A helper
of the user's, or a registered function that is called directly, gives a native coroutine, of which nobody knows until
Python destroys it and finds that it never began: then it calls `warnings._warn_unawaited_coroutine`. That function is
replaced here, once for the process. A coroutine of user code that belongs to a run under way becomes a note beside the
operations that were not awaited, and the run ends as it does with one of those; any other is warned about as always.
Where Python has no function of that name, all are. A call that is awaited costs nothing more than before.

A coroutine is destroyed at the call, or, if it was kept in a variable, when the frame is cleared, which is before the
step that ends the handler returns to the engine. Whose it is, the `ctx` or `ctx.db` says that it was called with; one
without belongs to the run of its context. Two cases must not be blamed on somebody else: what the garbage collector
destroys was perhaps left behind by another run, and what the frames of a failed run held is of no interest, since the
run has its error (`errors_text.is_cutting_off`).
"""

from __future__ import annotations

import gc
import sys
import warnings
import weakref
from collections.abc import Callable
from types import CoroutineType
from typing import Any, Final

from parabola.definitions.environment import current_run
from parabola.functions.actions import ActionContext, ActionRun
from parabola.functions.contexts import DatabaseReader, MutationContext, QueryContext
from parabola.functions.errors_text import is_cutting_off
from parabola.functions.levels import Level, TransactionRun
from parabola.functions.time_limit import LOADED_MODULE_PREFIX, is_engine_file, is_library_file
from parabola.functions.unawaited import ForgottenCall

_HOOK: Final = "_warn_unawaited_coroutine"
_UNKNOWN: Final = object()


def install_forgotten_calls() -> None:
    """Makes forgotten calls notes of the runs that they belong to. Does nothing the second time."""
    original = getattr(warnings, _HOOK, None)
    if original is not None and not isinstance(original, _Hook):
        setattr(warnings, _HOOK, _Hook(original))


class _Hook:
    """Called by Python with a coroutine that is being destroyed and never began."""

    def __init__(self, original: Callable[[Any], None]) -> None:
        self._original = original

    def __call__(self, coroutine: CoroutineType[Any, Any, Any]) -> None:
        frame = coroutine.cr_frame
        if frame is None or not _is_of_the_user(frame):
            self._original(coroutine)
            return
        if is_cutting_off.get():
            return
        issuer = _issuer_among(frame.f_locals)
        if issuer is _UNKNOWN:
            issuer = _issuer_here()
        if issuer is None:
            self._original(coroutine)
            return
        code = coroutine.cr_code
        dropped = sys._getframe().f_back  # pyright: ignore[reportPrivateUsage]
        where = ("", 0)
        if dropped is not None and _is_of_the_user(dropped):
            where = (dropped.f_code.co_filename, dropped.f_lineno)
        issuer.unawaited.add(ForgottenCall(coroutine.__name__, code.co_filename, code.co_firstlineno, *where))


def _is_of_the_user(frame: Any) -> bool:
    if str(frame.f_globals.get("__name__", "")).startswith(LOADED_MODULE_PREFIX):
        return True
    file = frame.f_code.co_filename
    return not is_engine_file(file) and not is_library_file(file)


def _issuer_among(values: dict[str, Any]) -> Any:
    """Whose `ctx` or `ctx.db` is among the arguments of a call: None if that one is over, `_UNKNOWN` without any."""
    for value in values.values():
        kind = type(value)
        if issubclass(kind, (QueryContext, MutationContext, DatabaseReader)):
            level: Level = value._level
            return None if level.finished or level.run.active is None else level
        if kind is ActionContext:
            run: ActionRun = value._run
            return None if run.finished else run
    return _UNKNOWN


def _issuer_here() -> Level | ActionRun | None:
    """Who runs in the present context, unless it is the garbage collector that does."""
    run = current_run.get()
    if isinstance(run, TransactionRun):
        issuer: Level | ActionRun | None = run.active
    elif isinstance(run, ActionRun) and not run.finished:
        issuer = run
    else:
        issuer = None
    return None if issuer is None or _is_collecting() else issuer


class _Cycle:
    me: _Cycle


def _is_collecting() -> bool:
    """Whether the garbage collector is at work: it does not begin again meanwhile, whoever asks."""
    cycle = _Cycle()
    cycle.me = cycle
    seen = weakref.ref(cycle)
    del cycle
    gc.collect(0)
    return seen() is not None
