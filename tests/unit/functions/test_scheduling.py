"""`ctx.scheduler`: what is checked when a call is asked for, and what asking and canceling write."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from parabola import (
    ActionCtx,
    HttpRouter,
    Limits,
    MutationCtx,
    QueryCtx,
    Request,
    Response,
    action,
    http_action,
    internal_action,
    internal_mutation,
    mutation,
    query,
)
from parabola.testing import FunctionCallError, TestBackend

JOBS = "_scheduled_functions"
YEAR_MS = 365 * 86_400_000.0


@internal_mutation
async def note_it(ctx: MutationCtx, args: dict[str, Any]):
    await ctx.db.insert("notes", args)


@query
async def read(ctx: QueryCtx):
    return await ctx.db.query("notes").collect()


async def jobs_of(t: TestBackend) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = await t.run(lambda ctx: ctx.db.system.query(JOBS).collect())
    return rows


def backend(limits: Limits | None = None, **functions: Any) -> TestBackend:
    modules = {"folder/my_jobs": {"note_it": note_it, "read": read}, "m": functions}
    return TestBackend(modules, limits=limits or Limits())


async def refused(body: Callable[[MutationCtx], Awaitable[Any]], text: str, code: str = "InvalidArgument") -> None:
    """The same refusal from a mutation and from an action; nothing is written."""

    @action
    async def act(ctx: ActionCtx):
        await body(ctx)  # type: ignore[arg-type]

    async with backend(act=act) as t:
        for call in (lambda: t.run(body), lambda: t.action("m:act")):
            with pytest.raises(FunctionCallError) as caught:
                await call()
            assert str(caught.value) == f"Uncaught {type(caught.value.__cause__).__name__}: {text}"
            assert caught.value.code == code
        assert await jobs_of(t) == []


@pytest.mark.parametrize(
    ("delay", "text"),
    [
        ("1", "`delayMs` must be a number"),
        (None, "`delayMs` must be a number"),
        (True, "`delayMs` must be a number"),
        (float("nan"), "`delayMs` must be a finite number"),
        (float("inf"), "`delayMs` must be a finite number"),
        (10**400, "`delayMs` must be a finite number"),
        (-1, "`delayMs` must be non-negative"),
        (timedelta(seconds=-1), "`delayMs` must be non-negative"),
    ],
    ids=repr,
)
async def test_a_delay_that_is_none_is_refused(delay: Any, text: str) -> None:
    await refused(lambda ctx: ctx.scheduler.run_after(delay, "folder/my_jobs:note_it"), text)


@pytest.mark.parametrize("time", ["2030-01-01", None, True, float("nan"), 10**400], ids=lambda time: repr(time)[:20])
async def test_a_time_that_is_none_is_refused(time: Any) -> None:
    text = "The invoke time must a Date or a timestamp"
    await refused(lambda ctx: ctx.scheduler.run_at(time, "folder/my_jobs:note_it"), text)


async def test_a_datetime_without_a_time_zone_is_refused_with_the_way_out() -> None:
    await refused(
        lambda ctx: ctx.scheduler.run_at(datetime(2030, 1, 1), "folder/my_jobs:note_it"),
        "The invoke time must a Date or a timestamp: this datetime has no time zone. "
        "Write datetime.now(UTC), or give milliseconds since 1970.",
    )


@pytest.mark.parametrize(("offset", "where"), [(5.01, "future"), (-5.01, "past")])
async def test_a_time_more_than_five_years_away_is_refused(offset: float, where: str) -> None:
    time = round(1_767_225_600_000 + offset * YEAR_MS)
    await refused(
        lambda ctx: ctx.scheduler.run_at(time, "folder/my_jobs:note_it"),
        f"{time} is more than 5 years in the {where}",
        "InvalidScheduledFunctionDelay",
    )


@pytest.mark.parametrize(
    ("reference", "text"),
    [
        ("nowhere:f", "Attempted to schedule function at nonexistent path: nowhere"),
        (
            "jobs.work",
            "Attempted to schedule function at nonexistent path: jobs.work. "
            "Names have a colon before the function: write 'jobs:work'.",
        ),
        ("folder/nowhere", "Attempted to schedule function at nonexistent path: folder/nowhere"),
        ("..:", "Attempted to schedule function at nonexistent path: ..:"),
        (
            "folder/myJobs:noteThat",
            "Attempted to schedule function, but no exported function noteThat found in the file: folder/myJobs. "
            "Did you forget to export it?",
        ),
    ],
)
async def test_a_function_that_does_not_exist_cannot_be_scheduled(reference: str, text: str) -> None:
    await refused(lambda ctx: ctx.scheduler.run_after(0, reference), text, "InvalidScheduledFunction")


async def test_what_is_no_reference_is_refused() -> None:
    await refused(
        lambda ctx: ctx.scheduler.run_after(0, 7),
        "7 is not a functionReference. Pass api.module.function, its name as a string "
        '("module:function"), or the function itself.',
    )


@pytest.mark.parametrize("job_id", ["", "nonsense", None, 3], ids=repr)
async def test_canceling_what_is_no_job_is_refused(job_id: Any) -> None:
    await refused(
        lambda ctx: ctx.scheduler.cancel(job_id),
        "Invalid scheduled function ID. The ID must be an ID on the '_scheduled_functions' table.",
    )


async def test_canceling_a_document_of_another_table_is_refused() -> None:
    async with backend() as t:
        document_id = await t.run(lambda ctx: ctx.db.insert("notes", {}))
        with pytest.raises(FunctionCallError, match="Invalid scheduled function ID"):
            await t.run(lambda ctx: ctx.scheduler.cancel(document_id))


async def test_times_may_be_given_in_every_form() -> None:
    async with backend() as t:

        async def plan(ctx: MutationCtx) -> float:
            ref = "folder/my_jobs:note_it"
            await ctx.scheduler.run_after(1500, ref)
            await ctx.scheduler.run_after(timedelta(seconds=1, milliseconds=500), ref)
            await ctx.scheduler.run_at(1_767_225_700_000, ref)
            await ctx.scheduler.run_at(datetime(2026, 1, 1, 1, 1, 40, tzinfo=timezone(timedelta(hours=1))), ref)
            await ctx.scheduler.run_at(datetime(2025, 12, 31, tzinfo=UTC), ref)
            return ctx.now()

        now = await t.run(plan)
        times = [job["scheduledTime"] for job in await jobs_of(t)]
        assert times[:2] == [now + 1500, now + 1500]
        assert times[2:4] == [1_767_225_700_000, 1_767_225_700_000]
        assert times[4] < now
        await t.finish_scheduled_functions()
        assert [job["state"]["kind"] for job in await jobs_of(t)] == ["pending"] * 4 + ["success"]


async def test_a_delay_counts_from_the_frozen_time_of_a_mutation_and_from_now_in_an_action() -> None:
    @action
    async def act(ctx: ActionCtx):
        t.clock.advance(60)
        await ctx.scheduler.run_after(0, "folder/my_jobs:note_it")

    async with backend(act=act) as t:

        async def plan(ctx: MutationCtx) -> float:
            now = ctx.now()
            t.clock.advance(60)
            await ctx.scheduler.run_after(0, "folder/my_jobs:note_it")
            return now

        before = t.clock.now().timestamp() * 1000
        now = await t.run(plan)
        await t.action("m:act")
        first, second = [job["scheduledTime"] for job in await jobs_of(t)]
        assert first == now
        assert second == pytest.approx(before + 120_000, abs=1)


async def test_a_name_is_stored_in_its_canonical_form_whatever_its_spelling() -> None:
    async with backend() as t:
        for spelling in ("folder/myJobs:noteIt", "folder/my_jobs.js:note_it", note_it):
            await t.run(lambda ctx, spelling=spelling: ctx.scheduler.run_after(0, spelling))  # type: ignore[misc]
        assert {job["name"] for job in await jobs_of(t)} == {"folder/my_jobs:note_it"}


async def test_arguments_are_copied_when_the_call_is_asked_for() -> None:
    async with backend() as t:

        async def plan(ctx: MutationCtx) -> None:
            args = {"list": [1]}
            pending = ctx.scheduler.run_after(0, "folder/my_jobs:note_it", args)
            args["list"].append(2)
            await pending

        await t.run(plan)
        assert (await jobs_of(t))[0]["args"] == [{"list": [1]}]


async def test_arguments_that_are_no_values_are_refused_at_once_and_those_that_do_not_fit_later() -> None:
    @internal_mutation
    async def strict(ctx: MutationCtx, n: float): ...

    async with backend(strict=strict) as t:
        with pytest.raises(FunctionCallError, match="not a supported"):
            await t.run(lambda ctx: ctx.scheduler.run_after(0, "m:strict", {"n": {1, 2}}))
        await t.run(lambda ctx: ctx.scheduler.run_after(0, "m:strict", {"n": "three"}))
        await t.finish_scheduled_functions()
        (job,) = await jobs_of(t)
        assert job["state"]["error"].startswith("ArgumentValidationError: Value does not match validator.")


async def test_arguments_may_be_larger_and_deeper_than_a_document() -> None:
    deep: Any = "bottom"
    for _ in range(60):
        deep = [deep]
    args = {"large": "x" * 3_000_000, "deep": deep}

    @internal_mutation
    async def measure(ctx: MutationCtx, args: dict[str, Any]):
        await ctx.db.insert("notes", {"size": len(args["large"])})

    async with backend(measure=measure) as t:
        job_id = await t.run(lambda ctx: ctx.scheduler.run_after(0, "m:measure", args))
        await t.finish_scheduled_functions()
        assert [row["size"] for row in await t.query("folder/my_jobs:read")] == [3_000_000]
        assert (await t.run(lambda ctx: ctx.db.system.get(job_id)))["state"] == {"kind": "success"}


async def test_the_limits_on_what_one_mutation_schedules_hold_and_are_undone_with_a_nested_one() -> None:
    @mutation
    async def plan(ctx: MutationCtx, count: float, size: float = 0.0, fail: bool = False):
        for _ in range(int(count)):
            await ctx.scheduler.run_after(0, "folder/my_jobs:note_it", {"x": "x" * int(size)})
        if fail:
            raise ValueError("undone")

    async def twice(ctx: MutationCtx) -> dict[str, Any]:
        with pytest.raises(ValueError, match="undone"):
            await ctx.run_mutation("m:plan", {"count": 3, "size": 10, "fail": True})
        await ctx.run_mutation("m:plan", {"count": 3, "size": 10})
        metrics = await ctx.meta.get_transaction_metrics()
        return {name: metrics[name]["used"] for name in ("functionsScheduled", "scheduledFunctionArgsBytes")}

    limits = Limits(functions_scheduled_max=4, scheduled_arguments_bytes_max=100)
    async with backend(limits, plan=plan) as t:
        # An object, a field of one character, a string of ten: 2 + 2 + 12.
        assert await t.run(twice) == {"functionsScheduled": 3, "scheduledFunctionArgsBytes": 48}
        with pytest.raises(FunctionCallError, match=r"Too many functions scheduled by this mutation \(limit: 4\)"):
            await t.mutation("m:plan", {"count": 5})
        with pytest.raises(
            FunctionCallError,
            match="Too large total size of the arguments of scheduled functions from this mutation "
            r"\(limit: 100 bytes\)",
        ):
            await t.mutation("m:plan", {"count": 2, "size": 60})
        assert len(await jobs_of(t)) == 3


async def test_coming_close_to_these_limits_is_warned_about() -> None:
    @mutation
    async def plan(ctx: MutationCtx):
        await ctx.scheduler.run_after(0, "folder/my_jobs:note_it", {"x": "x" * 80})

    async with backend(Limits(functions_scheduled_max=1, scheduled_arguments_bytes_max=100), plan=plan) as t:
        outcome = await t._engine._backend.run_mutation("m:plan", {})
        assert outcome.log_lines == [
            "[WARN] 'Many functions scheduled in a single function execution (actual: 1, limit: 1).'",
            "[WARN] 'Many bytes in the arguments of scheduled functions in a single function execution "
            "(actual: 86 bytes, limit: 100 bytes).'",
        ]


async def test_an_action_schedules_at_once_whatever_becomes_of_it() -> None:
    @action
    async def act(ctx: ActionCtx):
        await asyncio.gather(*(ctx.scheduler.run_after(0, "folder/my_jobs:note_it", {"n": n}) for n in range(3)))
        raise ValueError("too late")

    async with backend(act=act) as t:
        with pytest.raises(FunctionCallError, match="too late"):
            await t.action("m:act")
        await t.finish_scheduled_functions()
        assert [row["n"] for row in await t.query("folder/my_jobs:read")] == [0, 1, 2]


async def test_an_http_action_schedules_at_once() -> None:
    http = HttpRouter()

    @http.route(path="/hook", method="POST")
    @http_action
    async def hook(ctx: ActionCtx, request: Request) -> Response:
        return Response(await ctx.scheduler.run_after(0, "m:note_it", {"body": await request.text()}))

    async with TestBackend({"m": {"note_it": note_it, "read": read}}, http=http) as t:
        job_id = (await t.fetch("/hook", method="POST", body="hi")).text
        await t.finish_scheduled_functions()
        assert [row["body"] for row in await t.query("m:read")] == ["hi"]
        assert (await t.run(lambda ctx: ctx.db.system.get(job_id)))["state"] == {"kind": "success"}


async def test_a_call_that_is_not_awaited_is_reported() -> None:
    @mutation
    async def forgets(ctx: MutationCtx):
        ctx.scheduler.run_after(0, "folder/my_jobs:note_it")

    async with backend(forgets=forgets) as t:
        with pytest.raises(FunctionCallError, match=r"await ctx\.scheduler\.run_after"):
            await t.mutation("m:forgets")
        assert await jobs_of(t) == []


async def test_a_scheduled_mutation_cannot_cancel_itself_nor_can_one_that_it_calls() -> None:
    @internal_mutation
    async def cancel(ctx: MutationCtx, args: dict[str, Any]):
        own = (await ctx.meta.get_request_metadata())["scheduledFunctionId"]
        await ctx.scheduler.cancel(own)

    @internal_mutation
    async def outer(ctx: MutationCtx):
        await ctx.run_mutation("m:cancel")

    async with backend(cancel=cancel, outer=outer) as t:
        for name in ("m:cancel", "m:outer"):
            job_id = await t.run(lambda ctx, name=name: ctx.scheduler.run_after(0, name))  # type: ignore[misc]
            await t.finish_scheduled_functions()
            job = await t.run(lambda ctx, job_id=job_id: ctx.db.system.get(job_id))  # type: ignore[misc]
            assert job["state"] == {
                "kind": "failed",
                "error": "Uncaught InvalidArgument: A mutation cannot cancel itself",
            }


async def test_what_a_canceled_action_schedules_is_canceled_from_the_start_however_it_does_so() -> None:
    go_on = asyncio.Event()

    @internal_action
    async def act(ctx: ActionCtx):
        await ctx.scheduler.run_after(0, "folder/my_jobs:note_it", {"by": "action, before"})
        await go_on.wait()
        await ctx.scheduler.run_after(0, "folder/my_jobs:note_it", {"by": "action"})
        await ctx.run_mutation("m:plan", {"by": "mutation"})
        await ctx.run_action("m:inner")

    @internal_action
    async def inner(ctx: ActionCtx):
        await ctx.scheduler.run_after(0, "folder/my_jobs:note_it", {"by": "inner action"})
        await ctx.run_mutation("m:plan", {"by": "mutation of the inner action"})

    @internal_mutation
    async def plan(ctx: MutationCtx, by: str):
        await ctx.scheduler.run_after(0, "folder/my_jobs:note_it", {"by": by})

    async with backend(act=act, inner=inner, plan=plan) as t:
        job_id = await t.run(lambda ctx: ctx.scheduler.run_after(0, "m:act"))
        finishing = asyncio.ensure_future(t.finish_scheduled_functions())
        async with asyncio.timeout(10):
            while len(await jobs_of(t)) < 2:
                await asyncio.sleep(0)
        assert (await t.run(lambda ctx: ctx.db.system.get(job_id)))["state"] == {"kind": "inProgress"}
        await t.run(lambda ctx: ctx.scheduler.cancel(job_id))
        go_on.set()
        await finishing

        states = [(job["args"][0].get("by"), job["state"]["kind"]) for job in await jobs_of(t)]
        assert states == [
            (None, "canceled"),
            ("action, before", "success"),
            ("action", "canceled"),
            ("mutation", "canceled"),
            ("inner action", "canceled"),
            ("mutation of the inner action", "canceled"),
        ]
        assert [row["by"] for row in await t.query("folder/my_jobs:read")] == ["action, before"]


async def test_canceling_what_has_ended_or_is_gone_changes_nothing() -> None:
    async with backend() as t:
        job_id = await t.run(lambda ctx: ctx.scheduler.run_after(0, "folder/my_jobs:note_it"))
        await t.finish_scheduled_functions()
        await t.run(lambda ctx: ctx.scheduler.cancel(job_id))
        assert (await t.run(lambda ctx: ctx.db.system.get(job_id)))["state"] == {"kind": "success"}
        t.clock.advance(days=7, seconds=1)
        await t.finish_scheduled_functions()
        assert await t.run(lambda ctx: ctx.db.system.get(job_id)) is None
        await t.run(lambda ctx: ctx.scheduler.cancel(job_id))


async def test_a_query_has_no_scheduler() -> None:
    @query
    async def plans(ctx: QueryCtx):
        ctx.scheduler  # type: ignore[attr-defined]  # noqa: B018

    async with backend(plans=plans) as t:
        with pytest.raises(FunctionCallError, match="ctx of a query has no 'scheduler'"):
            await t.query("m:plans")


async def test_jobs_can_be_paginated_and_read_by_id() -> None:
    async with backend() as t:
        planned = [await t.run(lambda ctx: ctx.scheduler.run_after(1000, "folder/my_jobs:note_it")) for _ in range(5)]

        async def pages(ctx: MutationCtx) -> list[list[str]]:
            page = await ctx.db.system.query(JOBS).paginate(num_items=3, cursor=await_cursor)
            return [[job["_id"] for job in page["page"]], page["continueCursor"], page["isDone"]]

        await_cursor: str | None = None
        first, await_cursor, done = await t.run(pages)  # type: ignore[assignment]
        second, _, done_then = await t.run(pages)
        assert first + second == planned
        assert (done, done_then) == (False, True)
        by_id = await t.run(
            lambda ctx: ctx.db.system.query(JOBS).with_index("by_id", lambda q: q.eq("_id", planned[2])).unique()
        )
        assert by_id is not None
        assert by_id["_id"] == planned[2]
        assert await t.run(lambda ctx: ctx.db.system.get(JOBS, planned[2])) == by_id


async def test_the_table_cannot_be_written_to() -> None:
    async with backend() as t:
        job_id = await t.run(lambda ctx: ctx.scheduler.run_after(1000, "folder/my_jobs:note_it"))
        for body in (
            lambda ctx: ctx.db.insert(JOBS, {}),
            lambda ctx: ctx.db.patch(job_id, {"name": "x"}),
            lambda ctx: ctx.db.delete(job_id),
        ):
            with pytest.raises(FunctionCallError, match="are read-only"):
                await t.run(body)
