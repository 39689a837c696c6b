"""From a mutation's call to its commit: conflicts, retries, and happening once (semantics 7.3, 7.4)."""

from __future__ import annotations

import asyncio
from typing import Any

from parabola import mutation
from parabola.functions.outcome import Outcome
from tests.unit.functions.harness import Engine, message_of, value_of


@mutation
async def start_counter(ctx: Any):
    await ctx.db.insert("counters", {"n": 0})


@mutation
async def increment(ctx: Any):
    counter = await ctx.db.query("counters").first()
    await ctx.db.patch(counter["_id"], {"n": counter["n"] + 1})
    return counter["n"] + 1


class Waiting:
    """A mutation that increments, and waits between its read and its write until it is told."""

    def __init__(self) -> None:
        self.attempts: list[tuple[float, float]] = []
        self.go = asyncio.Event()

    def definition(self) -> Any:
        @mutation
        async def slow(ctx: Any, args: dict[str, Any]):
            print("attempt", len(self.attempts) + 1)
            args["seen"] = args.get("seen", 0) + 1
            self.attempts.append((ctx.now(), ctx.random.random()))
            counter = await ctx.db.query("counters").first()
            await self.go.wait()
            await asyncio.sleep(0)
            await ctx.db.patch(counter["_id"], {"n": counter["n"] + 1})
            return args["seen"]

        return slow


def counting_engine(waiting: Waiting) -> Engine:
    engine = Engine({"c:start": start_counter, "c:increment": increment, "c:slow": waiting.definition()})
    engine.mutation("c:start")
    return engine


async def test_a_conflict_runs_the_whole_mutation_again_on_a_newer_snapshot() -> None:
    waiting = Waiting()
    engine = counting_engine(waiting)
    slow = asyncio.create_task(engine.mutation_async("c:slow"))
    await asyncio.sleep(0)
    engine.mutation("c:increment")
    waiting.go.set()
    outcome = await slow
    assert engine.rows("counters") == [{"n": 2}]
    assert (outcome.retries, engine.delays) == (1, [])
    assert outcome.value == 1, "each attempt has arguments of its own"
    assert outcome.log_lines == ["[LOG] 'attempt' 2"], "lines of a thrown-away attempt are not returned"
    assert len({chance for _, chance in waiting.attempts}) == 2, "each attempt has chance of its own"


async def test_retries_end_after_four_more_attempts_with_growing_pauses() -> None:
    waiting = Waiting()
    engine = counting_engine(waiting)
    waiting.go.set()

    async def interfere() -> None:
        seen = 0
        while seen < 5:
            if len(waiting.attempts) > seen:
                seen = len(waiting.attempts)
                engine.mutation("c:increment")
            await asyncio.sleep(0)

    outcome, _ = await asyncio.gather(engine.mutation_async("c:slow"), interfere())
    assert outcome.error is not None
    assert outcome.error.code == "OptimisticConcurrencyControlFailure"
    assert outcome.error.is_system
    assert message_of(outcome).startswith(
        'Documents read from or written to the "counters" table changed while this mutation was being run and on every '
        "subsequent retry."
    )
    assert engine.rows("counters") == [{"n": 5}]
    assert len(waiting.attempts) == 5
    own_turn, *pauses = engine.delays
    assert own_turn == 0, "nobody else was in line"
    assert len(pauses) == 2
    for pause, longest in zip(pauses, (0.1, 0.2), strict=True):
        assert longest / 2 <= pause <= longest


async def test_ten_concurrent_read_modify_writes_all_take_effect() -> None:
    engine = counting_engine(Waiting())
    await asyncio.gather(*(engine.mutation_async("c:increment") for _ in range(10)))
    assert engine.rows("counters") == [{"n": 10}]


async def test_mutations_that_wait_and_meet_at_one_document_take_turns_until_each_has_its_effect() -> None:
    waiting = Waiting()
    engine = counting_engine(waiting)
    waiting.go.set()
    outcomes = await asyncio.gather(*(engine.mutation_async("c:slow") for _ in range(50)))
    assert engine.rows("counters") == [{"n": 50}]
    assert all(outcome.error is None for outcome in outcomes)
    assert max(outcome.retries for outcome in outcomes) == 2, "in their turn they meet nobody"


def test_a_mutation_that_waits_for_nothing_makes_no_task_and_needs_no_loop() -> None:
    engine = counting_engine(Waiting())
    assert value_of(engine.mutation("c:increment")) == 1


async def test_giving_up_waiting_does_not_take_back_the_mutation() -> None:
    waiting = Waiting()
    engine = counting_engine(waiting)
    caller = asyncio.create_task(engine.mutation_async("c:slow"))
    await asyncio.sleep(0)
    caller.cancel()
    waiting.go.set()
    for _ in range(5):
        await asyncio.sleep(0)
    assert engine.rows("counters") == [{"n": 1}]


def test_a_mutation_sent_twice_takes_effect_once_and_answers_alike() -> None:
    @mutation
    async def send(ctx: Any, body: str):
        print("sending", body)
        await ctx.db.insert("messages", {"body": body})
        return {"sent": body, "n": 1}

    engine = Engine({"m:send": send})
    first = engine.mutation("m:send", {"body": "hi"}, session_request=("session", 7))
    again = engine.mutation("m:send", {"body": "hi"}, session_request=("session", 7))
    assert (again.value, again.value_json, again.log_lines) == (first.value, first.value_json, first.log_lines)
    assert again.ts >= first.ts
    engine.mutation("m:send", {"body": "hi"}, session_request=("session", 8))
    engine.mutation("m:send", {"body": "hi"}, session_request=("other", 7))
    assert len(engine.rows("messages")) == 3


def test_a_failed_mutation_leaves_no_record_and_runs_again() -> None:
    fail = [True]

    @mutation
    async def flaky(ctx: Any):
        await ctx.db.insert("messages", {})
        if fail.pop() if fail else False:
            raise ValueError("first time")
        return "done"

    engine = Engine({"m:flaky": flaky})
    assert message_of(engine.mutation("m:flaky", session_request=("s", 1))) == "Uncaught ValueError: first time"
    assert engine.mutation("m:flaky", session_request=("s", 1)).value == "done"
    assert len(engine.rows("messages")) == 1


async def test_two_sendings_that_race_take_effect_once() -> None:
    go = asyncio.Event()

    @mutation
    async def send(ctx: Any):
        await go.wait()
        await ctx.db.insert("messages", {})
        return "sent"

    engine = Engine({"m:send": send})
    outcomes: list[Outcome] = []
    for _ in range(2):
        engine.runner.run_mutation(engine.call("m:send"), outcomes.append, session_request=("s", 1))
    go.set()
    while len(outcomes) < 2:
        await asyncio.sleep(0)
    assert [outcome.value for outcome in outcomes] == ["sent", "sent"]
    assert len(engine.rows("messages")) == 1


def test_the_hook_before_the_commit_writes_in_the_same_transaction() -> None:
    engine = counting_engine(Waiting())
    outcomes: list[Outcome] = []
    engine.runner.run_mutation(
        engine.call("c:increment"),
        outcomes.append,
        before_commit=lambda tx, value: tx.insert("audit", {"value": value}),
    )
    assert engine.rows("audit") == [{"value": 1}]


def test_a_large_result_is_recorded_too() -> None:
    @mutation
    async def big(ctx: Any):
        await ctx.db.insert("messages", {})
        return "x" * (2 << 20)

    engine = Engine({"m:big": big})
    first = engine.mutation("m:big", session_request=("s", 1))
    again = engine.mutation("m:big", session_request=("s", 1))
    assert value_of(first) == value_of(again) == "x" * (2 << 20)
    assert len(engine.rows("messages")) == 1
