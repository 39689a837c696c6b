"""`ctx.scheduler`: asking for a call at a later time, and taking that back (semantics 11.1, 11.4).

In a mutation the request is a row that the mutation writes: it commits, rolls back and conflicts with the rest of it.
In an action each request is a small transaction of its own, made at once. Checked now: the time, that the function
exists, and that the arguments are values; its kind and its arguments' fit are found out when it runs.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from parabola.database import scheduled_jobs
from parabola.database.committer import CommitResult
from parabola.database.system_tables import SCHEDULED_FUNCTIONS
from parabola.database.transaction import Transaction
from parabola.definitions.paths import InvalidFunctionPath, canonical_path, colon_advice, split_path, wire_name
from parabola.definitions.references import get_function_name
from parabola.errors import InvalidArgument
from parabola.functions.calls import copied_arguments
from parabola.functions.operations import Operation, PendingOperation
from parabola.functions.registry import Registry
from parabola.limits import Limits
from parabola.values.ids import table_number_of
from parabola.values.size import value_size

if TYPE_CHECKING:
    from parabola.functions.actions import ActionRun
    from parabola.functions.levels import Level
    from parabola.functions.outcome import Call

SCHEDULER: Final = "scheduler"
"""`Call.caller` of a scheduled mutation or action itself, and of nothing that it calls."""

_BAD_ID_TEXT: Final = "Invalid scheduled function ID. The ID must be an ID on the '_scheduled_functions' table."


class Request(NamedTuple):
    """A call that is asked for, checked."""

    name: str
    args: dict[str, Any]
    scheduled_ms: float


class _Scheduler(ABC):
    """What both kinds have in common: `run_after`, `run_at` and `cancel`."""

    __slots__ = ()

    def run_after(self, delay: Any, reference: Any, args: Mapping[str, Any] | None = None, /) -> Operation:
        return self._request("run_after", lambda now_ms: now_ms + _delay_ms(delay), reference, args)

    def run_at(self, time: Any, reference: Any, args: Mapping[str, Any] | None = None, /) -> Operation:
        return self._request("run_at", lambda now_ms: _time_ms(time), reference, args)

    @abstractmethod
    def _request(self, name: str, scheduled_ms: Callable[[float], float], reference: Any, args: Any) -> Operation:
        """Issues the request; `scheduled_ms` gives its time from the time now."""


class MutationScheduler(_Scheduler):
    """`ctx.scheduler` of a mutation."""

    __slots__ = ("_level",)

    def __init__(self, level: Level) -> None:
        self._level = level

    def cancel(self, job_id: str, /) -> Operation:
        return self._level.perform("ctx.scheduler.cancel", self._cancel, job_id)

    def _cancel(self, job_id: Any) -> None:
        level = self._level
        check_job_id(job_id)
        call = level.run.call
        if call.caller == SCHEDULER and job_id == scheduled_id(call):
            raise InvalidArgument("A mutation cannot cancel itself")
        scheduled_jobs.cancel_job(level.tx, job_id, level.tx.now_ns / 1_000_000)

    def _request(self, name: str, scheduled_ms: Callable[[float], float], reference: Any, args: Any) -> Operation:
        level = self._level
        level.check_usable()
        run = level.run
        try:
            now_ms = level.tx.now_ns / 1_000_000
            request = checked_request(
                run.deployment.registry, scheduled_ms(now_ms), now_ms, reference, args, run.services.limits
            )
        except Exception as error:
            return Operation(level, f"ctx.scheduler.{name}", None, error)
        return level.perform(f"ctx.scheduler.{name}", insert_request, level.tx, request, run.call)


class ActionScheduler(_Scheduler):
    """`ctx.scheduler` of an action and of an HTTP action."""

    __slots__ = ("_run",)

    def __init__(self, run: ActionRun) -> None:
        self._run = run

    def cancel(self, job_id: str, /) -> Operation:
        def start(operation: PendingOperation) -> None:
            check_job_id(job_id)
            self._commit(operation, lambda tx: scheduled_jobs.cancel_job(tx, job_id, tx.now_ns / 1_000_000))

        return self._run.issue("ctx.scheduler.cancel", start)

    def _request(self, name: str, scheduled_ms: Callable[[float], float], reference: Any, args: Any) -> Operation:
        run = self._run

        def start(operation: PendingOperation) -> None:
            services = run.runner.services
            now_ms = services.clock.now_ns() / 1_000_000
            request = checked_request(
                run.deployment.registry, scheduled_ms(now_ms), now_ms, reference, args, services.limits
            )
            self._commit(operation, lambda tx: insert_request(tx, request, run.call))

        return run.issue(f"ctx.scheduler.{name}", start)

    def _commit(self, operation: PendingOperation, write: Callable[[Transaction], Any]) -> None:
        database = self._run.runner.services.database
        tx = database.begin_mutation()
        value = write(tx)

        def done(result: CommitResult) -> None:
            if result.conflict is not None:
                self._commit(operation, write)
            else:
                operation.settle(value, result.error)

        database.commit(tx, done)


def checked_request(
    registry: Registry,
    scheduled_ms: float,
    now_ms: float,
    reference: Any,
    args: Any,
    limits: Limits,
) -> Request:
    """Checks what can be checked now. Raises `InvalidArgument`, and what `copied_arguments` raises."""
    name = _existing(registry, get_function_name(reference))
    given: Any = {} if args is None else dict(args) if isinstance(args, Mapping) else args
    copy = copied_arguments(given, limits)
    ahead_s = (scheduled_ms - now_ms) / 1000
    if abs(ahead_s) > limits.scheduled_horizon_s:
        years = limits.scheduled_horizon_s / (365 * 86_400)
        raise InvalidArgument(
            f"{scheduled_ms:.0f} is more than {years:g} years in the {'future' if ahead_s > 0 else 'past'}",
            code="InvalidScheduledFunctionDelay",
        )
    return Request(name, copy, scheduled_ms)


def insert_request(tx: Transaction, request: Request, call: Call) -> str:
    """Writes the row. Raises `LimitExceeded`."""
    tx.count_scheduled(value_size(request.args))
    return scheduled_jobs.insert_job(
        tx, request.name, request.args, request.scheduled_ms, tx.now_ns / 1_000_000, scheduled_id(call)
    )


def scheduled_id(call: Call) -> str | None:
    """The scheduled function that a call is, or is made by."""
    metadata = call.request_metadata
    return None if metadata is None else metadata.get("scheduledFunctionId")


def check_job_id(job_id: Any) -> None:
    """Raises unless `job_id` is the id of a scheduled function, be it one that is gone."""
    if not isinstance(job_id, str) or table_number_of(job_id) != SCHEDULED_FUNCTIONS.number:
        raise InvalidArgument(_BAD_ID_TEXT)


def _existing(registry: Registry, name: str) -> str:
    """The canonical path of a function that exists."""
    found = registry.find(name)
    if found is not None:
        return found.path
    try:
        path = canonical_path(name)
    except InvalidFunctionPath:
        raise _nonexistent(_nowhere(name, name)) from None
    module, function = split_path(path)
    on_the_wire = split_path(wire_name(path))[0]
    if any(split_path(wire_name(known.path))[0] == on_the_wire for known in registry):
        raise _nonexistent(
            f"Attempted to schedule function, but no exported function {function} found in the file: {module}. "
            "Did you forget to export it?"
        )
    raise _nonexistent(_nowhere(module, name))


def _nowhere(path: str, name: str) -> str:
    advice = colon_advice(name)
    return f"Attempted to schedule function at nonexistent path: {path}{f'.{advice}' if advice else ''}"


def _nonexistent(text: str) -> InvalidArgument:
    return InvalidArgument(text, code="InvalidScheduledFunction")


def _delay_ms(delay: Any) -> float:
    if isinstance(delay, timedelta):
        delay = delay / timedelta(milliseconds=1)
    if isinstance(delay, bool) or not isinstance(delay, (int, float)):
        raise InvalidArgument("`delayMs` must be a number")
    if not _is_finite(delay):
        raise InvalidArgument("`delayMs` must be a finite number")
    if delay < 0:
        raise InvalidArgument("`delayMs` must be non-negative")
    return float(delay)


def _time_ms(time: Any) -> float:
    if isinstance(time, datetime):
        if time.tzinfo is None:
            raise InvalidArgument(
                "The invoke time must a Date or a timestamp: this datetime has no time zone. "
                "Write datetime.now(UTC), or give milliseconds since 1970."
            )
        time = time.timestamp() * 1000
    if isinstance(time, bool) or not isinstance(time, (int, float)) or not _is_finite(time):
        raise InvalidArgument("The invoke time must a Date or a timestamp")
    return float(time)


def _is_finite(number: float) -> bool:
    try:
        return math.isfinite(number)
    except OverflowError:
        # An int that no float can hold.
        return False
