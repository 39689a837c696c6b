"""`Crons`: what may be declared, and how (semantics 12)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from parabola import Crons, Int64, internal
from parabola.definitions.crons import CronError

REF = internal.jobs.sweep


def declared(declare: Callable[[Crons], None]) -> dict[str, Any]:
    """The schedule of the one job that `declare` declares."""
    crons = Crons()
    declare(crons)
    (job,) = crons.jobs.values()
    return job.schedule


@pytest.mark.parametrize(
    ("declare", "schedule"),
    [
        (lambda c: c.interval("x", REF, seconds=90), {"type": "interval", "seconds": 90}),
        (lambda c: c.interval("x", REF, minutes=5), {"type": "interval", "seconds": 300}),
        (lambda c: c.interval("x", REF, hours=2.0), {"type": "interval", "seconds": 7200}),
        (lambda c: c.hourly("x", REF), {"type": "hourly"}),
        (lambda c: c.hourly("x", REF, minute_utc=59), {"type": "hourly", "minuteUTC": 59}),
        (lambda c: c.daily("x", REF, hour_utc=0), {"type": "daily", "hourUTC": 0}),
        (lambda c: c.daily("x", REF, hour_utc=23, minute_utc=0), {"type": "daily", "hourUTC": 23, "minuteUTC": 0}),
        (
            lambda c: c.weekly("x", REF, day_of_week="sunday", hour_utc=4),
            {"type": "weekly", "dayOfWeek": "sunday", "hourUTC": 4},
        ),
        (
            lambda c: c.monthly("x", REF, day=31, hour_utc=4, minute_utc=5),
            {"type": "monthly", "day": 31, "hourUTC": 4, "minuteUTC": 5},
        ),
        (lambda c: c.cron("x", REF, expression="0 9 * * MON"), {"type": "cron", "cronExpr": "0 9 * * MON"}),
        # As it is written in TypeScript.
        (lambda c: c.interval("x", {"minutes": 5}, REF, {"a": 1}), {"type": "interval", "seconds": 300}),
        (lambda c: c.hourly("x", {"minuteUTC": 5}, REF), {"type": "hourly", "minuteUTC": 5}),
        (
            lambda c: c.weekly("x", {"dayOfWeek": "monday", "hourUTC": 1, "minuteUTC": 2}, REF),
            {"type": "weekly", "dayOfWeek": "monday", "hourUTC": 1, "minuteUTC": 2},
        ),
        (lambda c: c.cron("x", "0 9 * * *", REF), {"type": "cron", "cronExpr": "0 9 * * *"}),
    ],
)
def test_every_schedule_can_be_declared(declare: Callable[[Crons], None], schedule: dict[str, Any]) -> None:
    assert declared(declare) == schedule


MINUTE = "Minute of hour must be an integer from 0 to 59"
HOUR = "Hour of day must be an integer from 0 to 23"
DAY = "Day of month must be an integer from 1 to 31"
WEEKDAY = 'Day of week must be a string like "monday".'
UNIT = "Must specify one of seconds, minutes, or hours"
INTERVAL = "Interval must be an integer greater than 0"


@pytest.mark.parametrize(
    ("declare", "text"),
    [
        (lambda c: c.interval("x", REF), UNIT),
        (lambda c: c.interval("x", REF, seconds=1, minutes=1), UNIT),
        (lambda c: c.interval("x", REF, seconds=0), INTERVAL),
        (lambda c: c.interval("x", REF, seconds=-5), INTERVAL),
        (lambda c: c.interval("x", REF, minutes=0.5), INTERVAL),
        (lambda c: c.interval("x", REF, minutes="5"), INTERVAL),
        (lambda c: c.interval("x", REF, minutes=True), INTERVAL),
        (lambda c: c.hourly("x", REF, minute_utc=60), MINUTE),
        (lambda c: c.hourly("x", REF, minute_utc=-1), MINUTE),
        (lambda c: c.hourly("x", REF, minute_utc="5"), MINUTE),
        (lambda c: c.daily("x", REF), HOUR),
        (lambda c: c.daily("x", REF, hour_utc=24), HOUR),
        (lambda c: c.daily("x", REF, hour_utc=1, minute_utc=1.5), MINUTE),
        (lambda c: c.weekly("x", REF, hour_utc=1), WEEKDAY),
        (lambda c: c.weekly("x", REF, day_of_week="Monday", hour_utc=1), WEEKDAY),
        (lambda c: c.weekly("x", REF, day_of_week=1, hour_utc=1), WEEKDAY),
        (lambda c: c.monthly("x", REF, hour_utc=1), DAY),
        (lambda c: c.monthly("x", REF, day=0, hour_utc=1), DAY),
        (lambda c: c.monthly("x", REF, day=32, hour_utc=1), DAY),
        (lambda c: c.cron("x", REF), 'A cron expression must be a string like "0 9 * * MON-FRI".'),
        (
            lambda c: c.interval("caf\u00e9", REF, seconds=1),
            "Invalid cron identifier caf\u00e9: use ASCII letters that are not control characters",
        ),
        (
            lambda c: c.interval("a\nb", REF, seconds=1),
            "Invalid cron identifier a\nb: use ASCII letters that are not control characters",
        ),
        (
            lambda c: c.hourly("x", {"hourUTC": 1}, REF),
            "A schedule of this kind has no 'hourUTC'. It takes minute_utc.",
        ),
        (lambda c: c.interval("x", REF, [1], seconds=1), "The arguments of the cron job 'x' must be a dict, not [1]."),
        (
            lambda c: c.interval("x", seconds=1),
            "A cron job takes its identifier, the function, and perhaps its arguments: "
            'crons.interval("clean up", internal.jobs.clean_up, {"days": 7}, hours=1).',
        ),
    ],
)
def test_what_cannot_be_is_refused_where_it_is_written(declare: Callable[[Crons], None], text: str) -> None:
    crons = Crons()
    with pytest.raises(CronError) as caught:
        declare(crons)
    assert str(caught.value) == text
    assert crons.jobs == {}


def test_an_identifier_can_be_used_once() -> None:
    crons = Crons()
    crons.interval("x y!", REF, seconds=1)
    with pytest.raises(CronError, match=r"^Cron identifier registered twice: x y!$"):
        crons.hourly("x y!", REF)


def test_arguments_are_copied_and_must_be_values() -> None:
    crons = Crons()
    args = {"n": Int64(1), "list": [1]}
    crons.interval("x", REF, args, seconds=1)
    args["list"].append(2)  # type: ignore[attr-defined]
    assert crons.jobs["x"].args == {"n": Int64(1), "list": [1]}
    with pytest.raises(Exception, match="not a supported"):
        crons.interval("y", REF, {"n": {1}}, seconds=1)
