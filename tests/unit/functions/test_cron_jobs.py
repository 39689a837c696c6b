"""The times of cron jobs, and what is found out about them when a folder is loaded."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from parabola import Crons, MutationCtx, QueryCtx, internal, mutation, query
from parabola.errors import LoadError
from parabola.functions.cron_jobs import SKIPPED_COUNTED_MAX, Times, resolve_crons, splay_range_s
from parabola.functions.loader import Deployment
from parabola.functions.registry import Registry


@mutation
async def sweep(ctx: MutationCtx): ...


@query
async def look(ctx: QueryCtx): ...


REGISTRY = Registry({"my_jobs:sweep": sweep, "my_jobs:look": look})


def ms(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000


def shown(time_ms: float) -> str:
    return datetime.fromtimestamp(time_ms / 1000, UTC).isoformat(" ")[:19]


def times_from(schedule: dict[str, Any], start: str, count: int = 3, splay: float = 0) -> list[str]:
    """The first times of a job that is deployed at `start`, each run taking no time."""
    times = Times(schedule, splay)
    found = [times.first(ms(start))]
    while len(found) < count:
        found.append(times.after(found[-1], found[-1])[0])
    return [shown(time) for time in found]


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ({"type": "interval", "seconds": 90}, ["2026-01-30 10:30:15", "2026-01-30 10:31:45", "2026-01-30 10:33:15"]),
        ({"type": "hourly"}, ["2026-01-30 11:00:00", "2026-01-30 12:00:00", "2026-01-30 13:00:00"]),
        ({"type": "hourly", "minuteUTC": 45}, ["2026-01-30 10:45:00", "2026-01-30 11:45:00", "2026-01-30 12:45:00"]),
        (
            {"type": "daily", "hourUTC": 10, "minuteUTC": 30},
            ["2026-01-31 10:30:00", "2026-02-01 10:30:00", "2026-02-02 10:30:00"],
        ),
        (
            {"type": "weekly", "dayOfWeek": "sunday", "hourUTC": 3},
            ["2026-02-01 03:00:00", "2026-02-08 03:00:00", "2026-02-15 03:00:00"],
        ),
        (
            {"type": "monthly", "day": 31, "hourUTC": 0, "minuteUTC": 5},
            ["2026-01-31 00:05:00", "2026-03-31 00:05:00", "2026-05-31 00:05:00"],
        ),
        (
            {"type": "cron", "cronExpr": "*/20 9-10 * * MON,FRI"},
            ["2026-01-30 10:40:00", "2026-02-02 09:00:00", "2026-02-02 09:20:00"],
        ),
        ({"type": "cron", "cronExpr": "0 0 29 feb *"}, ["2028-02-29 00:00:00", "2032-02-29 00:00:00"]),
    ],
)
def test_the_times_of_each_schedule(schedule: dict[str, Any], expected: list[str]) -> None:
    assert times_from(schedule, "2026-01-30 10:30:15", len(expected)) == expected


def test_the_splay_is_added_to_every_time_and_does_not_skip_one() -> None:
    schedule = {"type": "cron", "cronExpr": "* * * * *"}
    assert times_from(schedule, "2026-01-30 10:30:15", 3, splay=42) == [
        "2026-01-30 10:30:42",
        "2026-01-30 10:31:42",
        "2026-01-30 10:32:42",
    ]
    assert times_from({"type": "hourly"}, "2026-01-30 10:30:15", 2, splay=3599) == [
        "2026-01-30 10:59:59",
        "2026-01-30 11:59:59",
    ]


@pytest.mark.parametrize(
    ("schedule", "previous", "now", "following", "missed"),
    [
        ({"type": "interval", "seconds": 60}, "10:00:00", "10:00:59", "10:01:00", 0),
        ({"type": "interval", "seconds": 60}, "10:00:00", "10:01:00", "10:02:00", 1),
        ({"type": "interval", "seconds": 60}, "10:00:00", "10:05:30", "10:06:00", 5),
        ({"type": "cron", "cronExpr": "* * * * *"}, "10:00:00", "10:00:59", "10:01:00", 0),
        ({"type": "cron", "cronExpr": "* * * * *"}, "10:00:00", "10:05:30", "10:06:00", 5),
        ({"type": "hourly", "minuteUTC": 0}, "10:00:00", "13:00:00", "14:00:00", 3),
    ],
)
def test_times_that_have_passed_are_skipped_and_counted(
    schedule: dict[str, Any], previous: str, now: str, following: str, missed: int
) -> None:
    day = "2026-01-30 "
    found = Times(schedule, 0).after(ms(day + previous), ms(day + now))
    assert (shown(found[0]), found[1]) == (day + following, missed)


def test_a_server_that_was_off_for_years_does_not_count_every_minute() -> None:
    following, missed = Times({"type": "cron", "cronExpr": "* * * * *"}, 7).after(
        ms("2016-01-30 10:00:07"), ms("2026-01-30 10:00:30")
    )
    assert (shown(following), missed) == ("2026-01-30 10:01:07", SKIPPED_COUNTED_MAX)


@pytest.mark.parametrize(
    ("schedule", "seconds"),
    [
        ({"type": "interval", "seconds": 60}, 1),
        ({"type": "cron", "cronExpr": "* * * * *"}, 60),
        ({"type": "daily", "hourUTC": 1, "minuteUTC": 0}, 60),
        ({"type": "daily", "hourUTC": 1}, 3600),
        ({"type": "hourly"}, 3600),
    ],
)
def test_the_splay_is_drawn_from_the_minute_or_from_the_hour(schedule: dict[str, Any], seconds: int) -> None:
    assert splay_range_s(schedule) == seconds


def test_a_job_is_resolved_to_the_canonical_path_whatever_the_reference() -> None:
    crons = Crons()
    sweep.path = "my_jobs:sweep"
    crons.interval("a", internal.myJobs.sweep, seconds=1)
    crons.interval("b", "my_jobs.js:sweep", seconds=1)
    crons.interval("c", sweep, seconds=1)
    assert [job.path for job in resolve_crons(crons, REGISTRY)] == ["my_jobs:sweep"] * 3


@pytest.mark.parametrize(
    ("function", "schedule", "text"),
    [
        ("my_jobs:gone", "* * * * *", "calls my_jobs:gone, which does not exist. Name a mutation or an action."),
        (
            "my_jobs:look",
            "* * * * *",
            "calls my_jobs:look, which is a Query. Only Mutation and Action can be scheduled.",
        ),
        ("my_jobs:sweep", "* * * *", r"has the cron expression '* * * *', which cannot be read: Wrong number of"),
        ("my_jobs:sweep", "0 * * * * *", r"which cannot be read: Wrong number of fields"),
        ("my_jobs:sweep", "61 * * * *", "which cannot be read: Bad minute. Write five fields"),
        ("my_jobs:sweep", "0 0 31 4 *", "which cannot be read: Bad day-of-month"),
        ("my_jobs:sweep", "0 0 * * someday", "which cannot be read: Bad day-of-week"),
        (7, "* * * * *", "cannot be: 7 is not a functionReference"),
    ],
)
def test_a_job_that_could_never_run_is_refused_when_the_folder_is_loaded(
    function: Any, schedule: str, text: str
) -> None:
    crons = Crons()
    crons.cron("job", function, expression=schedule)
    with pytest.raises(LoadError) as caught:
        Deployment({"my_jobs:sweep": sweep, "my_jobs:look": look}, crons=crons)
    assert str(caught.value).startswith("crons.py: the cron job 'job' ")
    assert text in str(caught.value)
