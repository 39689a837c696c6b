"""Semantics 21, "Scheduler"."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from parabola import (
    ActionCtx,
    Int64,
    MutationCtx,
    QueryCtx,
    action,
    internal_action,
    internal_mutation,
    mutation,
    query,
)
from parabola.testing import EndlessScheduling, FunctionCallError, TestBackend
from tests.semantics.support import all_rows, user_fields


@internal_mutation
async def note(ctx: MutationCtx, text: str):
    await ctx.db.insert("notes", {"text": text})


@internal_action
async def note_by_action(ctx: ActionCtx, text: str):
    await ctx.run_mutation("m:note", {"text": text})


@internal_action
async def fail(ctx: ActionCtx, args: dict[str, Any]):
    raise ValueError("no luck")


@mutation
async def plan(ctx: MutationCtx, function: str, args: dict[str, Any], delay: float = 0.0) -> str:
    return await ctx.scheduler.run_after(delay, function, args)


@action
async def plan_by_action(ctx: ActionCtx, function: str, args: dict[str, Any], delay: float = 0.0) -> str:
    return await ctx.scheduler.run_after(delay, function, args)


@mutation
async def cancel(ctx: MutationCtx, id: str):
    await ctx.scheduler.cancel(id)


@action
async def cancel_by_action(ctx: ActionCtx, id: str):
    await ctx.scheduler.cancel(id)


@query
async def job(ctx: QueryCtx, id: str):
    return await ctx.db.system.get(id)


@mutation
async def again(ctx: MutationCtx):
    await ctx.scheduler.run_after(0, "m:again")


@internal_action
async def countdown(ctx: ActionCtx, n: float):
    await ctx.run_mutation("m:note", {"text": f"{n:g}"})
    if n > 1:
        await ctx.scheduler.run_after(0, "m:countdown", {"n": n - 1})


FUNCTIONS: dict[str, Any] = {
    "note": note,
    "note_by_action": note_by_action,
    "fail": fail,
    "plan": plan,
    "plan_by_action": plan_by_action,
    "cancel": cancel,
    "cancel_by_action": cancel_by_action,
    "job": job,
    "again": again,
    "countdown": countdown,
}


def backend(**more: Any) -> TestBackend:
    return TestBackend({"m": {**FUNCTIONS, **more}})


async def notes(t: TestBackend) -> list[str]:
    return [row["text"] for row in await all_rows(t, "notes")]


async def state(t: TestBackend, job_id: str) -> str:
    return str((await t.query("m:job", {"id": job_id}))["state"]["kind"])


async def test_a_scheduled_action_is_pending_with_its_arguments_until_due_and_then_success() -> None:
    async with backend() as t:
        job_id = await t.mutation("m:plan", {"function": "m:note_by_action", "args": {"text": "hi"}, "delay": 10_000})
        (row,) = await t.run(lambda ctx: ctx.db.system.query("_scheduled_functions").collect())
        asked_ms = row["_creationTime"]
        assert user_fields(row) == {
            "name": "m:note_by_action",
            "args": [{"text": "hi"}],
            "scheduledTime": pytest.approx(asked_ms + 10_000, abs=1),
            "state": {"kind": "pending"},
        }
        await t.finish_scheduled_functions()
        assert await state(t, job_id) == "pending"
        assert await notes(t) == []

        t.clock.advance(10)
        await t.finish_scheduled_functions()

        done = await t.query("m:job", {"id": job_id})
        assert done["state"] == {"kind": "success"}
        assert done["completedTime"] >= done["scheduledTime"]
        assert done["args"] == [{"text": "hi"}]
        assert await notes(t) == ["hi"]


async def test_a_later_failure_does_not_change_the_status_of_finished_jobs() -> None:
    async with backend() as t:
        first = await t.mutation("m:plan", {"function": "m:note", "args": {"text": "hi"}})
        await t.finish_scheduled_functions()
        second = await t.mutation("m:plan", {"function": "m:fail", "args": {}})
        await t.finish_scheduled_functions()
        assert await state(t, first) == "success"
        assert await state(t, second) == "failed"


@pytest.mark.parametrize("by", ["cancel", "cancel_by_action"])
async def test_a_canceled_job_never_runs(by: str) -> None:
    async with backend() as t:
        job_id = await t.mutation("m:plan", {"function": "m:note", "args": {"text": "hi"}, "delay": 5000})
        call = t.mutation if by == "cancel" else t.action
        await call(f"m:{by}", {"id": job_id})
        row = await t.query("m:job", {"id": job_id})
        assert row["state"] == {"kind": "canceled"}
        assert "completedTime" in row
        t.clock.advance(10)
        await t.finish_scheduled_functions()
        assert await state(t, job_id) == "canceled"
        assert await notes(t) == []


async def test_an_action_can_schedule_an_action_without_delay() -> None:
    async with backend() as t:
        job_id = await t.action("m:plan_by_action", {"function": "m:note_by_action", "args": {"text": "hi"}})
        assert await state(t, job_id) == "pending"
        await t.finish_in_progress_scheduled_functions()
        assert await state(t, job_id) == "success"
        assert await notes(t) == ["hi"]


async def test_ten_actions_that_schedule_one_another_all_run() -> None:
    async with backend() as t:
        await t.mutation("m:plan", {"function": "m:countdown", "args": {"n": 10}})
        await t.finish_scheduled_functions()
        assert await notes(t) == [f"{n}" for n in range(10, 0, -1)]


async def test_a_scheduled_function_that_throws_is_failed_and_keeps_its_arguments() -> None:
    async with backend() as t:
        job_id = await t.mutation("m:plan", {"function": "m:fail", "args": {"a": 1}})
        await t.finish_scheduled_functions()
        row = await t.query("m:job", {"id": job_id})
        assert row["state"] == {"kind": "failed", "error": "Uncaught ValueError: no luck"}
        assert row["args"] == [{"a": 1}]


@pytest.mark.parametrize("helper", ["finish_scheduled_functions", "finish_all_scheduled_functions"])
async def test_a_mutation_that_reschedules_itself_for_ever_is_detected(helper: str) -> None:
    async with backend() as t:
        await t.mutation("m:again")
        with pytest.raises(EndlessScheduling, match="m:again is next"):
            await getattr(t, helper)(runs_max=50)


async def test_a_mutation_that_reschedules_itself_later_and_later_is_detected_when_all_are_waited_for() -> None:
    @internal_mutation
    async def daily(ctx: MutationCtx):
        await ctx.scheduler.run_after(86_400_000, "m:daily")

    async with backend(daily=daily) as t:
        await t.mutation("m:plan", {"function": "m:daily", "args": {}})
        await t.finish_scheduled_functions()
        with pytest.raises(EndlessScheduling):
            await t.finish_all_scheduled_functions(runs_max=50)


async def test_only_jobs_whose_time_has_come_run_when_the_clock_advances() -> None:
    async with backend() as t:
        for seconds in (30, 10, 20):
            args = {"function": "m:note", "args": {"text": f"{seconds}"}, "delay": seconds * 1000}
            await t.mutation("m:plan", args)
        t.clock.advance(20)
        await t.finish_scheduled_functions()
        assert await notes(t) == ["10", "20"]
        states = [row["state"]["kind"] for row in await t.run(lambda ctx: ctx.db.system.query(JOBS).collect())]
        assert states == ["pending", "success", "success"]
        await t.finish_all_scheduled_functions()
        assert await notes(t) == ["10", "20", "30"]


async def test_a_job_without_delay_runs_after_its_parent_committed() -> None:
    @mutation
    async def parent(ctx: MutationCtx):
        await ctx.scheduler.run_after(0, "m:note", {"text": "child"})
        # It really waits, so that a job that did not would have had its chance.
        await asyncio.sleep(0.05)
        await ctx.db.insert("notes", {"text": "parent"})

    async with backend(parent=parent) as t:
        await t.mutation("m:parent")
        await t.finish_scheduled_functions()
        assert await notes(t) == ["parent", "child"]
        first, second = await all_rows(t, "notes")
        assert first["_creationTime"] < second["_creationTime"]


async def test_a_mutation_that_is_rolled_back_leaves_no_job_and_no_row() -> None:
    @mutation
    async def fails(ctx: MutationCtx):
        await ctx.scheduler.run_after(0, "m:note", {"text": "no"})
        raise ValueError("changed my mind")

    @mutation
    async def caught(ctx: MutationCtx):
        with pytest.raises(ValueError):
            await ctx.run_mutation("m:fails")
        await ctx.scheduler.run_after(0, "m:note", {"text": "yes"})
        return (await ctx.meta.get_transaction_metrics())["functionsScheduled"]["used"]

    async with backend(fails=fails, caught=caught) as t:
        with pytest.raises(FunctionCallError, match="changed my mind"):
            await t.mutation("m:fails")
        assert await t.run(lambda ctx: ctx.db.system.query(JOBS).collect()) == []
        assert await t.mutation("m:caught") == 1
        await t.finish_scheduled_functions()
        assert await notes(t) == ["yes"]
        assert len(await t.run(lambda ctx: ctx.db.system.query(JOBS).collect())) == 1


async def test_a_nested_mutation_can_schedule_and_the_job_runs_on_its_own() -> None:
    @mutation
    async def outer(ctx: MutationCtx):
        return await ctx.run_mutation("m:plan", {"function": "m:note", "args": {"text": "nested"}})

    async with backend(outer=outer) as t:
        job_id = await t.mutation("m:outer")
        await t.finish_scheduled_functions()
        assert await state(t, job_id) == "success"
        assert await notes(t) == ["nested"]


async def test_an_int64_argument_is_stored_and_delivered_as_one() -> None:
    @internal_mutation
    async def keep(ctx: MutationCtx, n: Int64):
        await ctx.db.insert("numbers", {"n": n})

    async with backend(keep=keep) as t:
        job_id = await t.mutation("m:plan", {"function": "m:keep", "args": {"n": Int64(2**62)}})
        (args,) = (await t.query("m:job", {"id": job_id}))["args"]
        assert type(args["n"]) is Int64
        await t.finish_scheduled_functions()
        (row,) = await all_rows(t, "numbers")
        assert (type(row["n"]), row["n"]) == (Int64, 2**62)


async def test_an_action_may_schedule_a_mutation_and_poll_until_it_sees_its_effect() -> None:
    @query
    async def read(ctx: QueryCtx):
        return [row["text"] for row in await ctx.db.query("notes").collect()]

    @action
    async def polls(ctx: ActionCtx):
        await ctx.scheduler.run_after(0, "m:note", {"text": "seen"})
        async with asyncio.timeout(30):
            while True:
                found = await ctx.run_query("m:read")
                if found:
                    return found
                await asyncio.sleep(0.001)

    async with backend(read=read, polls=polls) as t:
        assert await t.action("m:polls") == ["seen"]
    # Also where it was scheduled itself.
    for finish in ("finish_scheduled_functions", "finish_in_progress_scheduled_functions"):
        async with backend(read=read, polls=polls) as t:
            job_id = await t.mutation("m:plan", {"function": "m:polls", "args": {}})
            await getattr(t, finish)()
            assert await state(t, job_id) == "success"


async def test_a_scheduled_function_has_no_identity() -> None:
    @internal_mutation
    async def who(ctx: MutationCtx):
        await ctx.db.insert("notes", {"text": repr(await ctx.auth.get_user_identity())})

    async with backend(who=who) as t:
        await t.with_identity(name="Ann").mutation("m:plan", {"function": "m:who", "args": {}})
        await t.finish_scheduled_functions()
        assert await notes(t) == ["None"]


JOBS = "_scheduled_functions"
