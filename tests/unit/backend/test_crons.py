"""Cron jobs in one process: their turns, deploys of another set, restarts, and what is kept of their runs."""

from __future__ import annotations

import asyncio
import logging
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from parabola import ActionCtx, Crons, MutationCtx, QueryCtx, internal_action, internal_mutation, query
from parabola.auth import AdminIdentity
from parabola.backend import Backend
from parabola.backend.crons import RUNS_KEPT
from parabola.functions.loader import Deployment
from parabola.seams import ManualClock
from parabola.testing import TestBackend


@internal_mutation
async def note(ctx: MutationCtx, text: str = "ran"):
    print("noting", text)
    await ctx.db.insert("notes", {"text": text, "job": (await ctx.meta.get_request_metadata())["scheduledFunctionId"]})
    return text


@internal_mutation
async def fail(ctx: MutationCtx):
    await ctx.db.insert("notes", {"text": "never"})
    raise ValueError("no luck")


@query
async def notes(ctx: QueryCtx):
    return [row["text"] for row in await ctx.db.query("notes").collect()]


FUNCTIONS: dict[str, Any] = {"note": note, "fail": fail, "notes": notes}


def crons_of(**seconds: float) -> Crons:
    """One job for each name, which notes its name every so many seconds."""
    crons = Crons()
    for name, every in seconds.items():
        crons.interval(name, "m:note", {"text": name}, seconds=every)
    return crons


def deployment(crons: Crons | None, **more: Any) -> Deployment:
    return Deployment({f"m:{name}": function for name, function in {**FUNCTIONS, **more}.items()}, crons=crons)


def rows(backend: Backend) -> dict[str, dict[str, Any]]:
    with closing(backend.database.begin_query()) as tx:
        return {row["name"]: row for row in tx.system_query("_cron_jobs").collect()}


def backend_of(t: TestBackend) -> Backend:
    return t._engine._backend


async def until(backend: Backend, wanted: list[str]) -> None:
    async with asyncio.timeout(20):
        while await backend.query("m:notes") != wanted:
            await asyncio.sleep(0.001)


async def settle_down() -> None:
    for _ in range(50):
        await asyncio.sleep(0)


async def test_an_interval_runs_when_it_is_deployed_and_then_at_every_interval_from_there() -> None:
    clock = ManualClock()
    async with Backend(deployment(crons_of(tick=60)), storage="memory", clock=clock) as backend:
        await until(backend, ["tick"])
        clock.advance(59)
        await settle_down()
        assert await backend.query("m:notes") == ["tick"]
        for count in range(2, 5):
            clock.advance(60)
            await until(backend, ["tick"] * count)


async def test_a_cron_job_runs_as_nobody_and_is_no_scheduled_function() -> None:
    async with TestBackend({"m": FUNCTIONS}, crons=crons_of(tick=60)) as t:
        await t.finish_scheduled_functions()
        (row,) = await t.run(lambda ctx: ctx.db.query("notes").collect())
        assert row["job"] is None
        assert await t.run(lambda ctx: ctx.db.system.query("_scheduled_functions").collect()) == []


async def test_crons_of_a_module_of_that_name_are_found_too() -> None:
    async with TestBackend({"m": FUNCTIONS, "crons": {"crons": crons_of(tick=60)}}) as t:
        await t.finish_scheduled_functions()
        assert await t.query("m:notes") == ["tick"]


async def test_missed_times_are_skipped_with_a_line_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    async with TestBackend({"m": FUNCTIONS}, crons=crons_of(tick=60)) as t:
        await t.finish_scheduled_functions()
        t.clock.advance(minutes=10, seconds=1)
        with caplog.at_level(logging.WARNING, logger="parabola.backend"):
            await t.finish_scheduled_functions()
        assert await t.query("m:notes") == ["tick"] * 2
        assert "Skipping 9 run(s) of the cron job tick" in caplog.text
        t.clock.advance(58)
        await t.finish_scheduled_functions()
        assert len(await t.query("m:notes")) == 2
        t.clock.advance(1)
        await t.finish_scheduled_functions()
        assert len(await t.query("m:notes")) == 3


async def test_a_failing_run_writes_nothing_and_does_not_stop_the_job() -> None:
    crons = Crons()
    crons.interval("bad", "m:fail", minutes=1)
    async with TestBackend({"m": FUNCTIONS}, crons=crons) as t:
        for _ in range(3):
            await t.finish_scheduled_functions()
            t.clock.advance(minutes=1)
        runs = rows(backend_of(t))["bad"]["runs"]
        assert [(run["status"], run["result"]) for run in runs] == [("failed", "Uncaught ValueError: no luck")] * 3
        assert await t.query("m:notes") == []


async def test_the_last_runs_are_kept_with_their_results_and_lines() -> None:
    async with TestBackend({"m": FUNCTIONS}, crons=crons_of(tick=60)) as t:
        for _ in range(RUNS_KEPT + 3):
            await t.finish_scheduled_functions()
            t.clock.advance(minutes=1)
        runs = rows(backend_of(t))["tick"]["runs"]
        assert len(runs) == RUNS_KEPT
        assert {run["status"] for run in runs} == {"success"}
        assert {run["result"] for run in runs} == {'"tick"'}
        assert {run["logLines"] for run in runs} == {"[LOG] 'noting' 'tick'"}


async def test_an_administrator_can_look_at_the_jobs() -> None:
    clock = ManualClock()
    async with Backend(deployment(crons_of(tick=60)), storage="memory", clock=clock) as backend:
        await until(backend, ["tick"])
        await settle_down()
        args = {"table": "_cron_jobs", "paginationOpts": {"numItems": 10, "cursor": None}}
        outcome = await backend.run_query("_system/cli/tableData:default", args, AdminIdentity())
        assert outcome.error is None
        (row,) = outcome.value["page"]
        assert (row["name"], row["path"], row["args"]) == ("tick", "m:note", [{"text": "tick"}])
        assert [run["status"] for run in row["runs"]] == ["success"]


async def test_a_run_that_takes_long_is_not_overlapped_by_the_next() -> None:
    running, most, go_on = 0, 0, asyncio.Event()

    @internal_action
    async def slow(ctx: ActionCtx):
        nonlocal running, most
        running += 1
        most = max(most, running)
        await go_on.wait()
        running -= 1
        await ctx.run_mutation("m:note", {"text": "slow"})

    crons = Crons()
    crons.interval("slow", "m:slow", seconds=10)
    clock = ManualClock()
    async with Backend(deployment(crons, slow=slow), storage="memory", clock=clock) as backend:
        for _ in range(5):
            await settle_down()
            clock.advance(10)
        assert (running, most) == (1, 1)
        go_on.set()
        await until(backend, ["slow"])
        await settle_down()
        clock.advance(10)
        await until(backend, ["slow", "slow"])
        assert most == 1


async def test_a_deploy_replaces_the_set_and_leaves_unchanged_jobs_their_time() -> None:
    crons = crons_of(kept=3600, changed=3600, gone=3600)
    crons.daily("splayed", "m:note", hour_utc=12)
    clock = ManualClock()
    async with Backend(deployment(crons), storage="memory", clock=clock) as backend:
        async with asyncio.timeout(20):
            while len(await backend.query("m:notes")) < 3:
                await asyncio.sleep(0.001)
        before = rows(backend)
        clock.advance(600)
        crons = crons_of(kept=3600, changed=1800, new=3600)
        crons.daily("splayed", "m:note", hour_utc=12)
        await backend.deploy(deployment(crons))
        after = rows(backend)
        assert after.keys() == {"kept", "changed", "new", "splayed"}
        for name in ("kept", "splayed"):
            assert (after[name]["nextTime"], after[name]["splay"]) == (before[name]["nextTime"], before[name]["splay"])
        assert after["changed"]["schedule"] == {"type": "interval", "seconds": 1800}
        await settle_down()
        assert sorted(await backend.query("m:notes")) == ["changed", "changed", "gone", "kept", "new"]


async def test_a_deploy_that_changes_nothing_about_crons_commits_nothing() -> None:
    clock = ManualClock()
    async with Backend(deployment(crons_of(tick=60)), storage="memory", clock=clock) as backend:
        await until(backend, ["tick"])
        await settle_down()
        commits = backend.database.committer.commits
        await backend.deploy(deployment(crons_of(tick=60)))
        assert backend.database.committer.commits == commits


@pytest.mark.parametrize("is_gone", [True, False], ids=["removed", "changed"])
async def test_a_job_that_is_deployed_away_or_changed_while_it_runs_ends_its_run_in_peace(is_gone: bool) -> None:
    started, go_on = asyncio.Event(), asyncio.Event()

    @internal_action
    async def slow(ctx: ActionCtx):
        started.set()
        await go_on.wait()
        await ctx.run_mutation("m:note", {"text": "slow"})

    def crons(every: int) -> Crons:
        made = Crons()
        made.interval("slow", "m:slow", seconds=every)
        return made

    clock = ManualClock()
    async with Backend(deployment(crons(60), slow=slow), storage="memory", clock=clock) as backend:
        await started.wait()
        clock.advance(5)
        await backend.deploy(deployment(None if is_gone else crons(90), slow=slow))
        await settle_down()
        go_on.set()
        # The changed job is due at its deploy, and begins when the run that was under way has ended.
        await until(backend, ["slow"] if is_gone else ["slow", "slow"])
        await settle_down()
        assert [row["isRunning"] for row in rows(backend).values()] == ([] if is_gone else [False])
        clock.advance(89)
        await settle_down()
        assert len(await backend.query("m:notes")) == (1 if is_gone else 2)


async def test_a_deploy_that_is_refused_leaves_the_old_set_running() -> None:
    clock = ManualClock()
    async with Backend(deployment(crons_of(tick=60)), storage="memory", clock=clock) as backend:
        await until(backend, ["tick"])
        bad = Crons()
        bad.interval("tick", "m:nothing", seconds=1)
        with pytest.raises(Exception, match="m:nothing, which does not exist"):
            await backend.deploy(deployment(bad))
        clock.advance(60)
        await until(backend, ["tick", "tick"])


async def test_jobs_keep_their_time_over_a_restart_and_run_once_if_it_has_passed(tmp_path: Path) -> None:
    clock = ManualClock()
    for wanted in (1, 1, 2):
        async with Backend(deployment(crons_of(tick=3600)), data_dir=tmp_path, clock=clock) as backend:
            await until(backend, ["tick"] * wanted)
            await settle_down()
            assert len(await backend.query("m:notes")) == wanted
        clock.advance(1000 if wanted == 1 and not clock.monotonic() else 9000)


async def test_an_action_that_was_cut_off_is_noted_as_failed_and_runs_at_its_next_time(tmp_path: Path) -> None:
    runs: list[int] = []

    @internal_action
    async def forever(ctx: ActionCtx):
        runs.append(1)
        await asyncio.Event().wait()

    crons = Crons()
    crons.interval("forever", "m:forever", hours=1)
    clock = ManualClock()
    async with Backend(deployment(crons, forever=forever), data_dir=tmp_path, clock=clock) as backend:
        async with asyncio.timeout(20):
            while not runs:
                await asyncio.sleep(0.001)
    clock.advance(60)
    async with Backend(deployment(crons, forever=forever), data_dir=tmp_path, clock=clock) as backend:
        await settle_down()
        row = rows(backend)["forever"]
        assert (row["isRunning"], runs) == (False, [1])
        assert [(run["status"], run["result"]) for run in row["runs"]] == [
            ("failed", "Transient error while executing action")
        ]
        clock.advance(3600)
        async with asyncio.timeout(20):
            while len(runs) < 2:
                await asyncio.sleep(0.001)
