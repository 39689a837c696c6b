"""Running scheduled functions in one process: races, retries, restarts, and what is due when."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from contextvars import ContextVar
from pathlib import Path
from typing import Any, TypeVar

import pytest

from parabola import (
    ActionCtx,
    Limits,
    MutationCtx,
    QueryCtx,
    action,
    internal_action,
    internal_mutation,
    mutation,
    query,
)
from parabola.backend import Backend
from parabola.database.flusher import InlineFlusher, ManualFlusher
from parabola.functions.loader import Deployment
from parabola.seams import ManualClock, SeededEntropy
from parabola.storage.memory import MemoryStorage
from parabola.testing import TestBackend

JOBS = "_scheduled_functions"
T = TypeVar("T")


@internal_mutation
async def note(ctx: MutationCtx, text: str):
    await ctx.db.insert("notes", {"text": text})


@mutation
async def plan(ctx: MutationCtx, function: str, args: dict[str, Any], delay: float = 0.0) -> str:
    return await ctx.scheduler.run_after(delay, function, args)


@mutation
async def write(ctx: MutationCtx):
    await ctx.db.insert("other", {})


@mutation
async def cancel(ctx: MutationCtx, id: str):
    await ctx.scheduler.cancel(id)


@query
async def notes(ctx: QueryCtx):
    return [row["text"] for row in await ctx.db.query("notes").collect()]


@query
async def states(ctx: QueryCtx):
    return [row["state"]["kind"] for row in await ctx.db.system.query(JOBS).collect()]


@query
async def errors(ctx: QueryCtx):
    return [row["state"].get("error") for row in await ctx.db.system.query(JOBS).collect()]


FUNCTIONS: dict[str, Any] = {
    "note": note,
    "plan": plan,
    "write": write,
    "cancel": cancel,
    "notes": notes,
    "states": states,
    "errors": errors,
}


def deployment(**more: Any) -> Deployment:
    return Deployment({f"m:{name}": function for name, function in {**FUNCTIONS, **more}.items()})


class World:
    """A backend in memory, with a clock that is moved by hand."""

    def __init__(self, *, limits: Limits | None = None, **functions: Any) -> None:
        self.clock = ManualClock()
        storage = MemoryStorage()
        self.backend = Backend(
            deployment(**functions),
            storage=storage,
            flusher=InlineFlusher(storage),
            clock=self.clock,
            entropy=SeededEntropy(1),
            limits=limits or Limits(),
        )

    async def plan(self, function: str, args: dict[str, Any] | None = None, delay: float = 0.0) -> str:
        given = {"function": function, "args": args or {}, "delay": delay}
        return str(await self.backend.mutation("m:plan", given))

    async def until(self, path: str, wanted: Any) -> None:
        async with asyncio.timeout(20):
            while (found := await self.backend.query(path)) != wanted:
                await asyncio.sleep(0.001)
        assert found == wanted


async def test_a_job_runs_by_itself_when_its_time_has_come_and_not_before() -> None:
    world = World()
    async with world.backend:
        await world.plan("m:note", {"text": "now"})
        await world.plan("m:note", {"text": "later"}, 60_000)
        await world.until("m:states", ["success", "pending"])
        world.clock.advance(59.9)
        await settle_down()
        assert await world.backend.query("m:states") == ["success", "pending"]
        world.clock.advance(0.2)
        await world.until("m:states", ["success", "success"])
        assert await world.backend.query("m:notes") == ["now", "later"]


async def settle_down() -> None:
    """Lets everything happen that can happen without time passing."""
    for _ in range(50):
        await asyncio.sleep(0)


async def test_an_earlier_job_moves_the_alarm_forward_and_a_canceled_one_takes_it_back() -> None:
    world = World()
    async with world.backend:
        late = await world.plan("m:note", {"text": "late"}, 60_000)
        await world.plan("m:note", {"text": "early"}, 30_000)
        await settle_down()
        world.clock.advance(30)
        await world.until("m:notes", ["early"])
        await world.backend.mutation("m:cancel", {"id": late})
        await settle_down()
        assert world.clock.timers_waiting == 0
        world.clock.advance(60)
        await settle_down()
        assert await world.backend.query("m:notes") == ["early"]


async def test_with_nothing_pending_there_is_no_timer_and_no_work() -> None:
    world = World()
    async with world.backend:
        await world.plan("m:note", {"text": "x"})
        await world.until("m:states", ["success"])
        await settle_down()
        assert world.clock.timers_waiting == 0
        looks: list[Any] = []
        world.backend.scheduler.calls._find_first = lambda *args: looks.append(args)  # type: ignore[method-assign,assignment]
        for _ in range(5):
            await world.backend.mutation("m:write")
        assert looks == []


async def test_jobs_start_in_the_order_of_their_times() -> None:
    world = World(limits=Limits(scheduled_functions_parallel_max=1))
    async with world.backend:
        for delay in (5000, 1000, 3000, 1000.5):
            await world.plan("m:note", {"text": f"{delay:g}"}, delay)
        world.clock.advance(10)
        await world.until("m:notes", ["1000", "1000.5", "3000", "5000"])


async def test_no_more_jobs_run_at_once_than_the_limit_says() -> None:
    running, most = 0, 0
    go_on = asyncio.Event()

    @internal_action
    async def wait(ctx: ActionCtx):
        nonlocal running, most
        running += 1
        most = max(most, running)
        await go_on.wait()
        running -= 1

    world = World(limits=Limits(scheduled_functions_parallel_max=3), wait=wait)
    async with world.backend:
        for _ in range(7):
            await world.plan("m:wait")
        await world.until("m:states", ["inProgress"] * 3 + ["pending"] * 4)
        await settle_down()
        assert running == 3
        go_on.set()
        await world.until("m:states", ["success"] * 7)
        assert most == 3


async def test_a_mutation_that_is_canceled_while_it_runs_leaves_nothing_behind() -> None:
    started, go_on = asyncio.Event(), asyncio.Event()

    @internal_mutation
    async def slow(ctx: MutationCtx):
        await ctx.db.insert("notes", {"text": "never"})
        started.set()
        await go_on.wait()

    world = World(slow=slow)
    async with world.backend:
        job_id = await world.plan("m:slow")
        await started.wait()
        assert await world.backend.query("m:states") == ["pending"]
        await world.backend.mutation("m:cancel", {"id": job_id})
        go_on.set()
        await settle_down()
        assert await world.backend.query("m:states") == ["canceled"]
        assert await world.backend.query("m:notes") == []
        # Its place is free again.
        await world.plan("m:note", {"text": "next"})
        await world.until("m:notes", ["next"])


async def test_a_mutation_that_fails_after_it_was_canceled_stays_canceled() -> None:
    started, go_on = asyncio.Event(), asyncio.Event()

    @internal_mutation
    async def fails(ctx: MutationCtx):
        started.set()
        await go_on.wait()
        raise ValueError("too late to matter")

    world = World(fails=fails)
    async with world.backend:
        job_id = await world.plan("m:fails")
        await started.wait()
        await world.backend.mutation("m:cancel", {"id": job_id})
        go_on.set()
        await settle_down()
        assert await world.backend.query("m:states") == ["canceled"]
        assert not world.backend.scheduler.calls.running


async def test_an_action_that_is_canceled_goes_on_and_stays_canceled() -> None:
    started, go_on = asyncio.Event(), asyncio.Event()

    @internal_action
    async def slow(ctx: ActionCtx):
        started.set()
        await go_on.wait()
        await ctx.run_mutation("m:note", {"text": "went on"})

    world = World(slow=slow)
    async with world.backend:
        job_id = await world.plan("m:slow")
        await started.wait()
        await world.backend.mutation("m:cancel", {"id": job_id})
        go_on.set()
        await world.until("m:notes", ["went on"])
        await settle_down()
        assert await world.backend.query("m:states") == ["canceled"]


async def test_a_mutation_that_keeps_losing_is_tried_again_beyond_the_limit_of_others() -> None:
    attempts = 0

    @internal_mutation
    async def loses(ctx: MutationCtx):
        nonlocal attempts
        attempts += 1
        await ctx.db.query("contended").collect()
        await asyncio.sleep(0)
        if attempts <= 4:
            await world.backend.mutation("m:win")
        await ctx.db.insert("notes", {"text": f"attempt {attempts}"})

    @mutation
    async def win(ctx: MutationCtx):
        await ctx.db.insert("contended", {})

    world = World(limits=Limits(mutation_retries_max=1), loses=loses, win=win)
    async with world.backend:
        await world.plan("m:loses")
        await world.until("m:notes", ["attempt 5"])
        assert await world.backend.query("m:states") == ["success"]


async def test_the_code_that_runs_is_the_code_that_is_deployed_by_then() -> None:
    @internal_mutation
    async def changed(ctx: MutationCtx, text: str):
        await ctx.db.insert("notes", {"text": f"new {text}"})

    world = World()
    async with world.backend:
        await world.plan("m:note", {"text": "x"}, 1000)
        await world.backend.deploy(deployment(note=changed))
        world.clock.advance(2)
        await world.until("m:notes", ["new x"])


async def test_a_function_that_is_gone_or_is_a_query_by_then_fails(caplog: pytest.LogCaptureFixture) -> None:
    @query
    async def turned(ctx: QueryCtx): ...

    @internal_mutation
    async def gone(ctx: MutationCtx): ...

    world = World(gone=gone)
    async with world.backend:
        await world.plan("m:gone", {}, 1000)
        await world.plan("m:note", {"text": ""}, 1000)
        await world.backend.deploy(deployment(note=turned))
        with caplog.at_level(logging.WARNING, logger="parabola.functions"):
            world.clock.advance(2)
            await world.until("m:states", ["failed", "failed"])
        assert await world.backend.query("m:errors") == [
            "Could not find public function for 'm:gone'.",
            "Unsupported function type. m:note is defined as a Query. Only Mutation and Action can be scheduled.",
        ]
        records = [record for record in caplog.records if record.name == "parabola.functions"]
        assert [(record.caller, bool(record.request_id)) for record in records] == [("scheduler", True)] * 2  # type: ignore[attr-defined]


async def test_jobs_of_one_request_each_have_a_request_id_of_their_own_and_know_their_job() -> None:
    seen: list[dict[str, Any]] = []

    @internal_mutation
    async def look(ctx: MutationCtx):
        seen.append(await ctx.meta.get_request_metadata())
        return await ctx.db.system.query(JOBS).collect()

    @internal_action
    async def look_too(ctx: ActionCtx):
        seen.append(await ctx.meta.get_request_metadata())
        await ctx.run_mutation("m:look")

    world = World(look=look, look_too=look_too)
    async with world.backend:
        first, second = await world.plan("m:look"), await world.plan("m:look_too")
        await world.until("m:states", ["success"] * 2)
        assert sorted((metadata["scheduledFunctionId"] for metadata in seen), key=[first, second].index) == [
            first,
            second,
            second,
        ]
        assert len({metadata["requestId"] for metadata in seen}) == 2


async def test_an_action_that_was_in_progress_when_the_process_ended_is_not_run_again(tmp_path: Path) -> None:
    runs: list[str] = []

    @internal_action
    async def forever(ctx: ActionCtx, name: str):
        runs.append(name)
        await asyncio.Event().wait()

    world = World(forever=forever)
    world.backend = Backend(deployment(forever=forever), data_dir=tmp_path, clock=world.clock)
    async with world.backend:
        await world.plan("m:forever", {"name": "cut off"})
        await world.plan("m:note", {"text": "later"}, 1000)
        await world.until("m:states", ["inProgress", "pending"])
        await settle_down()
    world.backend = Backend(deployment(forever=forever), data_dir=tmp_path, clock=world.clock)
    world.clock.advance(5)
    async with world.backend:
        await world.until("m:states", ["failed", "success"])
        assert (await world.backend.query("m:errors"))[0] == "Transient error while executing action"
        assert runs == ["cut off"]


class SlowDisk:
    """A backend whose commits become durable when the test says so."""

    def __init__(self, **functions: Any) -> None:
        storage = MemoryStorage()
        self.flusher = ManualFlusher(storage)
        self.clock = ManualClock()
        self.backend = Backend(
            deployment(**functions),
            storage=storage,
            flusher=self.flusher,
            clock=self.clock,
            entropy=SeededEntropy(1),
        )

    async def flushed(self, call: Coroutine[Any, Any, T]) -> T:
        """The result of a call that waits for the disk."""
        task = asyncio.ensure_future(call)
        while not task.done():
            await asyncio.sleep(0)
            if self.flusher.requests:
                self.flusher.flush()
        return task.result()

    async def written(self, call: Coroutine[Any, Any, T]) -> T:
        """The result of a mutation, with exactly one flush."""
        task = asyncio.ensure_future(call)
        await settle_down()
        self.flusher.flush()
        return await task

    async def flush(self) -> None:
        self.flusher.flush()
        await settle_down()


async def test_an_action_begins_only_when_its_mark_is_durable() -> None:
    begun: list[str] = []

    @internal_action
    async def act(ctx: ActionCtx):
        begun.append("begun")

    world = SlowDisk(act=act)
    await world.flushed(world.backend.start())
    await world.written(world.backend.mutation("m:plan", {"function": "m:act", "args": {}}))
    await settle_down()
    assert world.flusher.requests
    assert begun == []
    await world.flush()
    assert begun == ["begun"]
    assert await world.backend.query("m:states") == ["inProgress"]
    await world.flush()
    assert await world.backend.query("m:states") == ["success"]
    await world.flushed(world.backend.stop())


async def test_a_job_whose_commit_is_not_durable_yet_is_not_started_twice() -> None:
    runs: list[int] = []

    @internal_mutation
    async def once(ctx: MutationCtx):
        runs.append(1)

    world = SlowDisk(once=once)
    await world.flushed(world.backend.start())
    await world.written(world.backend.mutation("m:plan", {"function": "m:once", "args": {}}))
    await settle_down()
    assert runs == [1]
    world.backend.scheduler.calls.wake()
    await settle_down()
    assert runs == [1]
    assert await world.backend.query("m:states") == ["pending"]
    await world.flush()
    assert runs == [1]
    assert await world.backend.query("m:states") == ["success"]
    await world.flushed(world.backend.stop())


async def test_a_cancel_that_is_not_durable_yet_does_not_make_the_scheduler_spin() -> None:
    world = SlowDisk()
    backend = world.backend
    await world.flushed(backend.start())
    job = {"function": "m:note", "args": {"text": "x"}, "delay": 1000}
    job_id = await world.written(backend.mutation("m:plan", job))
    canceling = asyncio.ensure_future(backend.mutation("m:cancel", {"id": job_id}))
    await settle_down()
    world.clock.advance(2)
    await settle_down()
    # It was due by what is durable, and found to be canceled by what is not.
    assert backend.scheduler.calls.started == 1
    await world.flush()
    await canceling
    assert await backend.query("m:states") == ["canceled"]
    assert backend.scheduler.calls.started == 1
    assert not backend.scheduler.calls.running
    await world.flushed(backend.stop())


async def test_rows_are_removed_a_week_after_they_ended_and_pending_ones_stay() -> None:
    world = World()
    async with world.backend:
        await world.plan("m:note", {"text": "x"})
        await world.plan("m:note", {"text": "y"}, 30 * 86_400_000)
        await world.until("m:states", ["success", "pending"])
        world.clock.advance(7 * 86_400 - 10)
        world.backend.maintenance.look()
        assert await world.backend.query("m:states") == ["success", "pending"]
        world.clock.advance(20)
        world.backend.maintenance.look()
        assert await world.backend.query("m:states") == ["pending"]


async def test_the_scheduler_looks_again_when_a_look_failed(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("parabola.backend.due_calls.AFTER_FAILURE_S", 0.001)
    world = World()
    async with world.backend:
        calls = world.backend.scheduler.calls
        find: Callable[..., Any] = calls._find_first

        def fail_once(*args: Any) -> Any:
            calls._find_first = find  # type: ignore[method-assign]
            raise OSError("the disk is away")

        calls._find_first = fail_once  # type: ignore[method-assign]
        await world.plan("m:note", {"text": "in the end"})
        await world.until("m:notes", ["in the end"])
    assert "It is not known what is due" in caplog.text


async def test_jobs_survive_a_restart_over_sqlite(tmp_path: Path) -> None:
    clock = ManualClock()
    async with Backend(deployment(), data_dir=tmp_path, clock=clock) as backend:
        await backend.mutation("m:plan", {"function": "m:note", "args": {"text": "kept"}, "delay": 1000})
    clock.advance(3600)
    async with Backend(deployment(), data_dir=tmp_path, clock=clock) as backend:
        async with asyncio.timeout(20):
            while await backend.query("m:notes") != ["kept"]:
                await asyncio.sleep(0.01)
        assert await backend.query("m:states") == ["success"]


async def test_the_functions_of_a_test_backend_wait_for_their_turn() -> None:
    @action
    async def act(ctx: ActionCtx): ...

    async with TestBackend({"m": {**FUNCTIONS, "act": act}}) as t:
        await t.mutation("m:plan", {"function": "m:note", "args": {"text": "x"}})
        await settle_down()
        assert await t.query("m:states") == ["pending"]
        await t.finish_scheduled_functions()
        assert await t.query("m:states") == ["success"]


async def test_a_job_sees_nothing_of_the_context_that_asked_for_it() -> None:
    here: ContextVar[str] = ContextVar("here", default="nowhere")
    seen: list[str] = []

    @internal_mutation
    async def look(ctx: MutationCtx):
        seen.append(here.get())

    @action
    async def asks(ctx: ActionCtx):
        here.set("in the action")
        await ctx.scheduler.run_after(0, "m:look")

    world = World(look=look, asks=asks)
    async with world.backend:
        await world.backend.action("m:asks")
        await world.until("m:states", ["success"])
    assert seen == ["nowhere"]
