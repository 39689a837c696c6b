"""What the cron jobs of a deployment mean: which function each one calls, and when.

`resolve_crons` checks, when code is loaded, what `definitions.crons` could not: that the function is there and may be
scheduled, and that a cron expression can be read. `Times` counts: the first time of a job and the one after a run, in
milliseconds since 1970, UTC. Every schedule but an interval is a cron expression; the splay is added to its times.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from cronsim import CronSim, CronSimError

from parabola.definitions.crons import DAYS_OF_WEEK, Crons
from parabola.definitions.paths import colon_advice
from parabola.definitions.references import get_function_name
from parabola.errors import InvalidArgument, LoadError
from parabola.functions.calls import KIND_NAMES
from parabola.functions.places import module_file
from parabola.functions.registry import Registry

PINNED_SPLAY_S: Final = 60
"""A job at a certain minute begins up to so many seconds into it, so that not all begin at once."""
UNPINNED_SPLAY_S: Final = 3600
"""A job at a certain hour only begins somewhere in it."""

SKIPPED_COUNTED_MAX: Final = 1000
"""So many missed times of a cron expression are counted; of more it is only said that there were more."""

_FIELDS: Final = 5


class ResolvedCron(NamedTuple):
    """One cron job of a deployment, with the canonical path of what it calls."""

    identifier: str
    path: str
    args: dict[str, Any]
    schedule: dict[str, Any]


def resolve_crons(crons: Crons | None, registry: Registry, folder: str = "") -> tuple[ResolvedCron, ...]:
    """The jobs of the functions in `folder`, checked. Raises LoadError for one that could never run."""
    if crons is None:
        return ()
    resolved: list[ResolvedCron] = []
    for job in crons.jobs.values():
        where = f"{module_file('crons', folder)}: the cron job {job.identifier!r}"
        try:
            name = get_function_name(job.function)
        except InvalidArgument as error:
            raise LoadError(f"{where} cannot be: {error}") from None
        function = registry.find(name)
        if function is None:
            raise LoadError(
                f"{where} calls {name}, which does not exist. Name a mutation or an action.{colon_advice(name)}"
            )
        if function.kind not in ("mutation", "action"):
            raise LoadError(
                f"{where} calls {function.name}, which is a {KIND_NAMES[function.kind]}. "
                "Only Mutation and Action can be scheduled."
            )
        try:
            Times(job.schedule, 0.0)
        except CronSimError as error:
            raise LoadError(
                f"{where} has the cron expression {job.schedule['cronExpr']!r}, which cannot be read: {error}. "
                'Write five fields: minute, hour, day of the month, month, day of the week, as in "0 9 * * MON-FRI".'
            ) from None
        resolved.append(ResolvedCron(job.identifier, function.path, job.args, job.schedule))
    return tuple(resolved)


def splay_range_s(schedule: Mapping[str, Any]) -> int:
    """The splay of a job with this schedule is drawn from 0 up to, but without, so many seconds."""
    if schedule["type"] == "interval":
        return 1
    return PINNED_SPLAY_S if schedule["type"] == "cron" or "minuteUTC" in schedule else UNPINNED_SPLAY_S


class Times:
    """The times of one job. Raises CronSimError for an expression that cannot be read or that no day fits."""

    def __init__(self, schedule: Mapping[str, Any], splay_s: float) -> None:
        self._interval_ms: float | None = None
        self._expression = ""
        self._splay_ms = splay_s * 1000
        if schedule["type"] == "interval":
            self._interval_ms = schedule["seconds"] * 1000.0
            return
        self._expression = _expression(schedule)
        # Also finds out what has five good fields and no day, such as 31 April.
        if next(CronSim(self._expression, datetime(2000, 1, 1, tzinfo=UTC)), None) is None:
            raise CronSimError("no day fits")

    def first(self, now_ms: float) -> float:
        """When a job that is deployed now runs first: an interval at once, all others at their next time."""
        return now_ms if self._interval_ms is not None else self._next_after(now_ms)

    def after(self, previous_ms: float, now_ms: float) -> tuple[float, int]:
        """The time after the run that was due at `previous_ms` and has ended now, and how many times were missed
        meanwhile, which are never made up for.
        """
        if self._interval_ms is not None:
            following = previous_ms + self._interval_ms
            missed = max(0, int((now_ms - following) // self._interval_ms) + 1)
            return following + missed * self._interval_ms, missed
        following, missed = self._next_after(previous_ms), 0
        while following <= now_ms:
            missed += 1
            following = self._next_after(following if missed < SKIPPED_COUNTED_MAX else now_ms)
        return following, missed

    def _next_after(self, time_ms: float) -> float:
        """The first time after `time_ms`."""
        # Whole seconds, rounded down: the time that it was is not found again, since cronsim looks strictly later.
        base = datetime.fromtimestamp((time_ms - self._splay_ms) // 1000, UTC)
        return next(CronSim(self._expression, base)).timestamp() * 1000 + self._splay_ms


def _expression(schedule: Mapping[str, Any]) -> str:
    minute, hour = schedule.get("minuteUTC", 0), schedule.get("hourUTC", "*")
    kind = schedule["type"]
    if kind == "cron":
        expression: str = schedule["cronExpr"]
        if len(expression.split()) != _FIELDS:
            raise CronSimError("Wrong number of fields")
        return expression
    day = schedule["day"] if kind == "monthly" else "*"
    weekday = DAYS_OF_WEEK.index(schedule["dayOfWeek"]) if kind == "weekly" else "*"
    return f"{minute} {hour} {day} * {weekday}"
