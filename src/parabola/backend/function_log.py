"""The function log: every run that failed or printed something, whole, in the server's own log (semantics 18.3).

Clients may see less (production hides texts), so this is where an error is found by the request id that the client
was given. Arguments and documents are not logged, except where an error's own text names one.
"""

from __future__ import annotations

import logging
from typing import Any, Final

from parabola.functions.logs import current_log
from parabola.functions.outcome import Call, FunctionError, Outcome

_log: Final = logging.getLogger("parabola.functions")


def log_run(call: Call, outcome: Outcome) -> None:
    """Logs one run: its lines at INFO, its failure at the level that `level_of` gives."""
    # The run may have been made by an action, whose own log would take what is logged while it runs.
    token = current_log.set(None)
    try:
        extra: dict[str, Any] = {
            "function": outcome.function,
            "kind": outcome.kind,
            "request_id": call.request_id,
            "caller": call.caller,
            "duration_ms": round(1000 * outcome.duration, 3),
        }
        if outcome.log_lines:
            text = "\n".join(f"{outcome.function} {line}" for line in outcome.log_lines)
            _log.info("%s", text, extra={**extra, "log_lines": outcome.log_lines})
        if outcome.error is not None:
            _log.log(
                level_of(outcome.error),
                "%s",
                failure_text(call, outcome, outcome.error),
                extra={**extra, "code": outcome.error.code},
            )
    finally:
        current_log.reset(token)


def log_shared_failure(request_id: str, outcome: Outcome) -> None:
    """Logs which run answered a request that failed, where it is another request's: one run serves all who ask."""
    error = outcome.error
    if error is None or not request_id or error.request_id in ("", request_id):
        return
    extra = {"function": outcome.function, "request_id": request_id, "answered_by": error.request_id}
    # An action may have asked, and this is none of its own lines.
    token = current_log.set(None)
    try:
        _log.info("request %s was answered by the run of request %s", request_id, error.request_id, extra=extra)
    finally:
        current_log.reset(token)


def level_of(error: FunctionError) -> int:
    """How much a failure concerns the operator.

    What the application raised on purpose is information; a call that was refused, or lost against others, is a
    warning; an exception in user code is an error.
    """
    if error.has_data():
        return logging.INFO
    return logging.ERROR if error.traceback else logging.WARNING


def failure_text(call: Call, outcome: Outcome, error: FunctionError) -> str:
    """`mutation messages:send failed (request 5f…): Uncaught ValueError: boom`, and below it the places in the code."""
    request = f" (request {call.request_id})" if call.request_id else ""
    text = f"{outcome.kind} {outcome.function} failed{request}: {error.message}"
    if error.is_system and error.exception is not None:
        text += f" [{type(error.exception).__name__}: {error.exception}]"
    return f"{text}\n{error.traceback}".rstrip()
