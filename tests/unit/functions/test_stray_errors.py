"""Whatever a handler raises is that handler's failure: nobody else's, and never the server's (semantics 18.1)."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import pytest

from parabola import action, mutation, query
from tests.unit.functions.harness import Engine, message_of, value_of


class Unprintable(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")


class NotAnException(BaseException):
    pass


@query
async def exits(ctx: Any):
    sys.exit(3)


@query
async def exits_after_waiting(ctx: Any):
    await asyncio.sleep(0)
    sys.exit(3)


@query
async def exits_in_a_task(ctx: Any):
    async def leave() -> None:
        sys.exit(3)

    await asyncio.gather(leave())


@mutation
async def writes_and_exits(ctx: Any):
    await ctx.db.insert("t", {})
    raise SystemExit


@mutation
async def writes_and_interrupts(ctx: Any):
    await ctx.db.insert("t", {})
    raise KeyboardInterrupt


@action
async def action_exits(ctx: Any):
    sys.exit(3)


@action
async def action_exits_after_waiting(ctx: Any):
    await asyncio.sleep(0)
    sys.exit(3)


@query
async def cancels_itself(ctx: Any):
    raise asyncio.CancelledError


@query
async def closes_itself(ctx: Any):
    raise GeneratorExit


@query
async def base_exception(ctx: Any):
    raise NotAnException("odd")


@query
async def unprintable(ctx: Any):
    raise Unprintable


@query
async def lone_surrogate(ctx: Any):
    raise ValueError("\ud800 bad")


@query
async def count(ctx: Any):
    return len(await ctx.db.query("t").collect())


FUNCTIONS = {
    f"m:{definition.handler.__name__}": definition
    for definition in (
        exits,
        exits_after_waiting,
        exits_in_a_task,
        writes_and_exits,
        writes_and_interrupts,
        action_exits,
        action_exits_after_waiting,
        cancels_itself,
        closes_itself,
        base_exception,
        unprintable,
        lone_surrogate,
        count,
    )
}


@pytest.fixture
def engine() -> Engine:
    return Engine(FUNCTIONS)


@pytest.mark.parametrize("name", ["exits", "exits_after_waiting", "exits_in_a_task"])
async def test_a_query_that_calls_sys_exit_fails_and_ends_nothing_else(engine: Engine, name: str) -> None:
    outcome = await engine.query_async(f"m:{name}")
    assert message_of(outcome).startswith("Uncaught InvalidFunctionCall: SystemExit(3) was raised in a function")


def test_a_mutation_that_raises_system_exit_is_answered_and_writes_nothing(engine: Engine) -> None:
    assert "SystemExit(None) was raised in a function" in message_of(engine.mutation("m:writes_and_exits"))
    assert value_of(engine.query("m:count")) == 0


def test_a_mutation_that_raises_keyboard_interrupt_is_answered_and_writes_nothing(engine: Engine) -> None:
    assert "KeyboardInterrupt was raised in a function" in message_of(engine.mutation("m:writes_and_interrupts"))
    assert value_of(engine.query("m:count")) == 0


@pytest.mark.parametrize("name", ["action_exits", "action_exits_after_waiting"])
async def test_an_action_that_calls_sys_exit_fails_and_ends_nothing_else(engine: Engine, name: str) -> None:
    outcome = await engine.action(f"m:{name}")
    assert "SystemExit(3) was raised in a function" in message_of(outcome)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("cancels_itself", "Uncaught CancelledError"),
        ("closes_itself", "Uncaught GeneratorExit"),
        ("base_exception", "Uncaught NotAnException: odd"),
    ],
)
def test_what_is_no_exception_is_the_handlers_failure_all_the_same(engine: Engine, name: str, text: str) -> None:
    outcome = engine.query(f"m:{name}")
    assert message_of(outcome) == text
    assert outcome.error is not None
    assert not outcome.error.is_system


def test_an_exception_without_a_text_is_reported_by_its_name(engine: Engine) -> None:
    expected = "Uncaught Unprintable: (its text is unknown, since str() of it raised RuntimeError)"
    assert message_of(engine.query("m:unprintable")) == expected


def test_a_text_that_is_not_valid_unicode_is_reported_with_question_marks(engine: Engine) -> None:
    assert message_of(engine.query("m:lone_surrogate")) == "Uncaught ValueError: ? bad"
