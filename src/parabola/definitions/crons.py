"""Repeating calls: what `crons.py` declares (semantics 12).

    crons = Crons()
    crons.interval("sweep the idle", internal.game.sweep, minutes=1)
    crons.daily("report", internal.reports.send, {"to": "ops"}, hour_utc=6, minute_utc=30)
    crons.cron("on weekdays", internal.reports.short, expression="0 9 * * MON-FRI")

All times are UTC. What is declared is checked here as far as it can be by itself; whether the functions exist, and
what a cron expression means, is found out when the folder is loaded (`functions.cron_jobs`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from parabola.values.model import normalize

DAYS_OF_WEEK: Final = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")

# What a schedule may hold where it is given as one dict, as in TypeScript, and our keyword for it.
_KEYS: Final = {
    "seconds": "seconds",
    "minutes": "minutes",
    "hours": "hours",
    "minuteUTC": "minute_utc",
    "hourUTC": "hour_utc",
    "dayOfWeek": "day_of_week",
    "day": "day",
}
_NOT_GIVEN: Final[Any] = object()


class CronError(ValueError):
    """A repeating call that cannot be."""


class CronJob(NamedTuple):
    """One repeating call. `schedule` is `{"type": "interval", "seconds": 60}` and the like, as Convex exports it.

    `function` is the reference as it was given: a function that is passed itself has no name before its module is
    loaded.
    """

    identifier: str
    function: Any
    args: dict[str, Any]
    schedule: dict[str, Any]


class Crons:
    """The repeating calls of a backend: `crons = Crons()` in `crons.py`, then one call for each of them.

    Every method takes the job's identifier, the function (public or internal, a mutation or an action), and its
    arguments; the schedule is given by keywords, or, as in TypeScript, by a dict between identifier and function.
    Raises CronError for what cannot be.
    """

    def __init__(self) -> None:
        self.jobs: dict[str, CronJob] = {}
        """By identifier."""

    def interval(
        self,
        identifier: str,
        /,
        *call: Any,
        seconds: Any = _NOT_GIVEN,
        minutes: Any = _NOT_GIVEN,
        hours: Any = _NOT_GIVEN,
    ) -> None:
        """Every so many seconds, minutes or hours, the first time when it is deployed."""
        function, args, given = _taken_apart(call, {"seconds": seconds, "minutes": minutes, "hours": hours})
        if len(given) != 1:
            raise CronError("Must specify one of seconds, minutes, or hours")
        ((unit, count),) = given.items()
        if not _is_integer(count) or count <= 0:
            raise CronError("Interval must be an integer greater than 0")
        factor = {"seconds": 1, "minutes": 60, "hours": 3600}[unit]
        self._add(identifier, function, args, {"type": "interval", "seconds": int(count) * factor})

    def hourly(self, identifier: str, /, *call: Any, minute_utc: Any = _NOT_GIVEN) -> None:
        """Every hour, at that minute; without one, at a minute that is drawn once."""
        function, args, given = _taken_apart(call, {"minute_utc": minute_utc})
        self._add(identifier, function, args, {"type": "hourly", **_minute(given)})

    def daily(self, identifier: str, /, *call: Any, hour_utc: Any = _NOT_GIVEN, minute_utc: Any = _NOT_GIVEN) -> None:
        """Every day at that time; without a minute, at one of the hour that is drawn once."""
        function, args, given = _taken_apart(call, {"hour_utc": hour_utc, "minute_utc": minute_utc})
        self._add(identifier, function, args, {"type": "daily", **_hour(given), **_minute(given)})

    def weekly(
        self,
        identifier: str,
        /,
        *call: Any,
        day_of_week: Any = _NOT_GIVEN,
        hour_utc: Any = _NOT_GIVEN,
        minute_utc: Any = _NOT_GIVEN,
    ) -> None:
        """Every week on that day ("sunday" … "saturday") at that time."""
        function, args, given = _taken_apart(
            call, {"day_of_week": day_of_week, "hour_utc": hour_utc, "minute_utc": minute_utc}
        )
        day = given.get("day_of_week")
        if not isinstance(day, str) or day not in DAYS_OF_WEEK:
            raise CronError('Day of week must be a string like "monday".')
        self._add(identifier, function, args, {"type": "weekly", "dayOfWeek": day, **_hour(given), **_minute(given)})

    def monthly(
        self,
        identifier: str,
        /,
        *call: Any,
        day: Any = _NOT_GIVEN,
        hour_utc: Any = _NOT_GIVEN,
        minute_utc: Any = _NOT_GIVEN,
    ) -> None:
        """Every month on that day (1–31) at that time. A month that has no such day is left out."""
        function, args, given = _taken_apart(call, {"day": day, "hour_utc": hour_utc, "minute_utc": minute_utc})
        number: Any = given.get("day")
        if not _is_integer(number) or not 1 <= number <= 31:
            raise CronError("Day of month must be an integer from 1 to 31")
        self._add(identifier, function, args, {"type": "monthly", "day": int(number), **_hour(given), **_minute(given)})

    def cron(self, identifier: str, /, *call: Any, expression: str | None = None) -> None:
        """By a cron expression of five fields: minute, hour, day of the month, month, day of the week."""
        if expression is None and call and isinstance(call[0], str) and len(call[0].split()) > 1:
            # As in TypeScript: crons.cron("id", "0 9 * * *", function, args).
            expression, call = call[0], call[1:]
        function, args, _ = _taken_apart(call, {})
        if not isinstance(expression, str):
            raise CronError('A cron expression must be a string like "0 9 * * MON-FRI".')
        self._add(identifier, function, args, {"type": "cron", "cronExpr": expression})

    def _add(self, identifier: Any, function: Any, args: Any, schedule: dict[str, Any]) -> None:
        if not isinstance(identifier, str) or not identifier or not (identifier.isascii() and identifier.isprintable()):
            raise CronError(f"Invalid cron identifier {identifier}: use ASCII letters that are not control characters")
        if identifier in self.jobs:
            raise CronError(f"Cron identifier registered twice: {identifier}")
        if not isinstance(args, Mapping):
            raise CronError(f"The arguments of the cron job {identifier!r} must be a dict, not {args!r}.")
        self.jobs[identifier] = CronJob(identifier, function, normalize(dict(args)), schedule)

    def __repr__(self) -> str:
        return f"<crons: {', '.join(self.jobs)}>"


def _taken_apart(call: tuple[Any, ...], keywords: dict[str, Any]) -> tuple[Any, Any, dict[str, Any]]:
    """(function, arguments, what was given of the schedule), from what stands behind the identifier."""
    given = {name: value for name, value in keywords.items() if value is not _NOT_GIVEN and value is not None}
    if call and isinstance(call[0], Mapping):
        for key, value in call[0].items():
            name = _KEYS.get(key, key)
            if name not in keywords:
                raise CronError(f"A schedule of this kind has no {key!r}. It takes {', '.join(keywords)}.")
            given[name] = value
        call = call[1:]
    if len(call) not in (1, 2):
        raise CronError(
            "A cron job takes its identifier, the function, and perhaps its arguments: "
            'crons.interval("clean up", internal.jobs.clean_up, {"days": 7}, hours=1).'
        )
    return call[0], call[1] if len(call) == 2 and call[1] is not None else {}, given


def _minute(given: dict[str, Any]) -> dict[str, int]:
    minute: Any = given.get("minute_utc")
    if minute is None:
        return {}
    if not _is_integer(minute) or not 0 <= minute <= 59:
        raise CronError("Minute of hour must be an integer from 0 to 59")
    return {"minuteUTC": int(minute)}


def _hour(given: dict[str, Any]) -> dict[str, int]:
    hour: Any = given.get("hour_utc")
    if not _is_integer(hour) or not 0 <= hour <= 23:
        raise CronError("Hour of day must be an integer from 0 to 23")
    return {"hourUTC": int(hour)}


def _is_integer(value: Any) -> bool:
    return not isinstance(value, bool) and (isinstance(value, int) or (isinstance(value, float) and value.is_integer()))
