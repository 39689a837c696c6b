"""Stepping handlers without tasks, and what must look the same as within one."""

from __future__ import annotations

import asyncio
import contextvars
from typing import Any

import anyio

from parabola import query
from tests.unit.functions.harness import Engine, value_of

VARIABLE: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="unset")


def engine_with(handler: Any) -> Engine:
    return Engine({"q:it": query(handler)})


async def test_a_handler_that_does_not_wait_makes_no_task() -> None:
    made: list[Any] = []
    loop = asyncio.get_running_loop()

    def factory(loop: asyncio.AbstractEventLoop, coroutine: Any, **options: Any) -> asyncio.Task[Any]:
        made.append(coroutine)
        return asyncio.Task(coroutine, loop=loop, **options)

    async def it(ctx: Any):
        await ctx.db.query("t").collect()
        await ctx.db.query("t").first()
        return "done"

    loop.set_task_factory(factory)
    before = asyncio.all_tasks()
    assert engine_with(it).query("q:it").value == "done"
    assert made == []
    assert asyncio.all_tasks() == before
    assert loop.get_task_factory() is factory


async def test_a_handler_that_waits_goes_on_in_one_task() -> None:
    async def it(ctx: Any):
        for _ in range(3):
            await asyncio.sleep(0)
        return len(asyncio.all_tasks())

    before = len(asyncio.all_tasks())
    assert (await engine_with(it).query_async("q:it")).value == before + 1


async def test_the_current_task_is_the_handlers_own() -> None:
    outer = asyncio.current_task()

    async def it(ctx: Any):
        first = asyncio.current_task()
        assert first is not None
        assert first is not outer
        assert first.cancelling() == 0
        await asyncio.sleep(0)
        return asyncio.current_task() is not outer

    assert value_of(await engine_with(it).query_async("q:it")) is True
    assert asyncio.current_task() is outer


async def test_context_variables_of_a_handler_stay_its_own_and_last_over_waits() -> None:
    async def it(ctx: Any):
        token = VARIABLE.set("inside")
        await asyncio.sleep(0)
        seen = VARIABLE.get()
        VARIABLE.reset(token)
        return [seen, VARIABLE.get()]

    assert value_of(await engine_with(it).query_async("q:it")) == ["inside", "unset"]
    assert VARIABLE.get() == "unset"


async def test_cancelling_itself_ends_the_handler_with_an_error() -> None:
    async def it(ctx: Any):
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        await asyncio.sleep(1)

    outcome = await engine_with(it).query_async("q:it")
    assert outcome.error is not None


def test_waiting_without_a_loop_is_explained() -> None:
    async def it(ctx: Any):
        await asyncio.sleep(0)

    outcome = engine_with(it).query("q:it")
    assert outcome.error is not None
    assert "no event loop is running" in outcome.error.message


async def test_what_compares_the_current_task_sees_one_task_from_start_to_end() -> None:
    async def it(ctx: Any):
        before = asyncio.current_task()
        with anyio.fail_after(30):  # raises if the task that leaves it is not the one that entered it
            await asyncio.sleep(0.001)
        async with anyio.create_task_group() as group:
            group.start_soon(anyio.sleep, 0.001)
        with anyio.move_on_after(0.001) as scope:
            await anyio.sleep(30)
        return [scope.cancelled_caught, asyncio.current_task() is before]

    assert value_of(await engine_with(it).query_async("q:it")) == [True, True]
