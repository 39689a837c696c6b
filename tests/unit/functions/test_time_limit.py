"""A handler that runs too long is stopped, by name, and the server goes on (semantics 3.7, 22.3 items 21 and 30)."""

from __future__ import annotations

import asyncio
import json
import re
import threading
import time
from typing import Any

import pytest

from parabola import action, internal_mutation, mutation, query
from parabola.functions.outcome import Outcome
from parabola.limits import Limits
from tests.unit.functions.harness import Engine, message_of

# Long enough that a machine with other things to do does not make a well-behaved handler look like a runaway.
# No other limit may be met before it.
LIMITS = Limits(user_time_s=0.4, documents_written_max=10**9, bytes_written_max=10**12)
TEXT = "Function execution timed out (maximum duration: 0.4s)"


async def spin(ctx: Any):
    while True:
        pass


async def sleep(ctx: Any):
    time.sleep(60)


async def swallow_exceptions(ctx: Any):
    while True:
        try:
            while True:
                json.dumps({"a": 1})
        except Exception:
            pass


async def spin_through_the_engine(ctx: Any):
    while True:
        await ctx.db.insert("t", {"n": 1})


async def spin_in_a_helper_task(ctx: Any):
    await asyncio.sleep(0)
    await asyncio.gather(spin(ctx))


async def spin_in_a_predicate(ctx: Any):
    def forever(q: Any) -> Any:
        while True:
            pass

    await ctx.db.query("t").filter(forever).collect()


@internal_mutation
async def spin_after_waiting(ctx: Any):
    await ctx.db.insert("t", {})
    await asyncio.sleep(0)
    await spin(ctx)


async def spin_in_a_nested_call(ctx: Any):
    try:
        await ctx.run_mutation("m:nested")
    except Exception:
        await ctx.db.insert("t", {})


RUNAWAYS = [
    spin_in_a_nested_call,
    spin,
    sleep,
    swallow_exceptions,
    spin_through_the_engine,
    spin_in_a_helper_task,
    spin_in_a_predicate,
]


@mutation
async def well_behaved(ctx: Any):
    await ctx.db.insert("fine", {})
    return "ok"


def run_runaway(handler: Any) -> tuple[Outcome, Outcome, Engine, float]:
    engine = Engine(
        {"m:runaway": mutation(handler), "m:nested": spin_after_waiting, "m:ok": well_behaved}, limits=LIMITS
    )
    started = time.monotonic()
    outcome = asyncio.run(engine.mutation_async("m:runaway"))
    elapsed = time.monotonic() - started
    return outcome, engine.mutation("m:ok"), engine, elapsed


@pytest.mark.parametrize("handler", RUNAWAYS, ids=lambda handler: handler.__name__)
def test_a_runaway_handler_is_stopped_and_the_engine_goes_on(handler: Any) -> None:
    outcome, after, engine, elapsed = run_runaway(handler)
    assert message_of(outcome) == TEXT
    assert outcome.error is not None
    assert outcome.error.code == "FunctionTimeout"
    assert after.value == "ok"
    assert engine.rows("t") == []
    # One of them sleeps for a minute, the others never end.
    assert elapsed < 50


def test_the_place_where_it_was_stopped_is_shown() -> None:
    outcome, *_ = run_runaway(sleep)
    assert outcome.error is not None
    assert "at sleep (test_time_limit.py:" in outcome.error.traceback


@pytest.mark.parametrize("handler", [spin, swallow_exceptions], ids=lambda handler: handler.__name__)
def test_a_runaway_is_stopped_in_any_thread(handler: Any) -> None:
    results: list[tuple[Outcome, Outcome, Engine, float]] = []
    thread = threading.Thread(target=lambda: results.append(run_runaway(handler)))
    thread.start()
    thread.join(60)
    outcome, after, *_ = results[0]
    assert message_of(outcome) == TEXT
    assert after.value == "ok"


def test_waiting_is_not_running() -> None:
    @query
    async def patient(ctx: Any):
        await asyncio.sleep(0.8)
        return "done"

    engine = Engine({"q:patient": patient}, limits=LIMITS)
    assert asyncio.run(engine.query_async("q:patient")).value == "done"


def test_time_adds_up_over_the_steps_of_a_handler() -> None:
    @query
    async def in_pieces(ctx: Any):
        for _ in range(60):
            until = time.monotonic() + 0.03
            while time.monotonic() < until:
                pass
            await asyncio.sleep(0)

    engine = Engine({"q:in_pieces": in_pieces}, limits=LIMITS)
    assert message_of(asyncio.run(engine.query_async("q:in_pieces"))) == TEXT


def test_a_handler_that_swallows_even_the_stop_is_still_reported_as_timed_out() -> None:
    @query
    async def stubborn(ctx: Any):
        try:
            while True:
                pass
        except BaseException:
            return "I am fine"

    assert message_of(Engine({"q:stubborn": stubborn}, limits=LIMITS).query("q:stubborn")) == TEXT


def test_a_call_into_c_that_lets_no_other_thread_run_is_stopped_too() -> None:
    @query
    async def backtracking(ctx: Any):
        re.match(r"(a+)+$", "a" * 60 + "b")

    assert message_of(Engine({"q:backtracking": backtracking}, limits=LIMITS).query("q:backtracking")) == TEXT


async def wait_forever(ctx: Any):
    await ctx.db.insert("t", {})
    await asyncio.get_running_loop().create_future()


async def wait_forever_and_swallow_cancellation(ctx: Any):
    while True:
        try:
            await asyncio.get_running_loop().create_future()
        except asyncio.CancelledError:
            await asyncio.sleep(0.01)
            # The rest must not be heard of: the run has been given up.
            await ctx.db.insert("t", {})


@pytest.mark.parametrize("handler", [wait_forever, wait_forever_and_swallow_cancellation])
def test_a_mutation_that_waits_without_end_is_given_up(handler: Any) -> None:
    engine = Engine({"m:patient": mutation(handler)}, limits=Limits(total_time_s=0.4))
    outcome = asyncio.run(engine.mutation_async("m:patient"))
    assert message_of(outcome) == TEXT
    assert engine.rows("t") == []


def test_a_query_that_waits_without_end_is_given_up() -> None:
    @query
    async def patient(ctx: Any):
        await asyncio.get_running_loop().create_future()

    engine = Engine({"q:patient": patient}, limits=Limits(total_time_s=0.4))
    assert message_of(asyncio.run(engine.query_async("q:patient"))) == TEXT


def compute(ctx: Any):
    while True:
        pass


async def compute_after_waiting(ctx: Any):
    await asyncio.sleep(0)
    compute(ctx)


async def compute_and_swallow(ctx: Any):
    try:
        compute(ctx)
    except BaseException:
        return "I am fine"


@pytest.mark.parametrize("handler", [compute, compute_after_waiting, compute_and_swallow])
def test_an_action_that_holds_the_thread_is_stopped(handler: Any) -> None:
    engine = Engine({"a:busy": action(handler)}, limits=Limits(action_step_time_s=0.1))
    outcome = asyncio.run(engine.action("a:busy"))
    assert message_of(outcome).startswith("The action computed or blocked for more than 0.1s without awaiting anything")


def test_an_action_may_compute_for_longer_when_it_lets_others_run_in_between() -> None:
    @action
    async def in_pieces(ctx: Any):
        for _ in range(12):
            until = time.monotonic() + 0.1
            while time.monotonic() < until:
                pass
            await asyncio.sleep(0)
        return "done"

    engine = Engine({"a:in_pieces": in_pieces}, limits=Limits(action_step_time_s=1.0))
    assert asyncio.run(engine.action("a:in_pieces")).value == "done"
