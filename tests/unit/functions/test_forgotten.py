"""A call of the user's own async function whose `await` was forgotten is heard of, and is blamed on its run alone."""

from __future__ import annotations

import asyncio
import gc
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from parabola import action, internal_mutation, mutation, query
from parabola.functions.forgotten import install_forgotten_calls
from parabola.functions.loader import load_folder
from parabola.functions.outcome import Outcome
from tests.unit.functions.harness import Engine, message_of, value_of, write_folder


async def helper(ctx: Any, body: str) -> None:
    await ctx.db.insert("t", {"body": body})


async def without_ctx(body: str) -> str:
    return body


async def with_db(db: Any) -> None:
    await db.insert("t", {})


@internal_mutation
async def send(ctx: Any, body: str) -> None:
    await helper(ctx, body)


class Notes:
    def __init__(self, db: Any) -> None:
        self.db = db

    async def add(self, body: str) -> None:
        await self.db.insert("t", {"body": body})


def engine_with(it: Any) -> Engine:
    return Engine({"m:it": it if hasattr(it, "kind") else mutation(it), "m:send": send})


def run(it: Any) -> Outcome:
    return engine_with(it).mutation("m:it")


def refused(it: Any) -> str:
    """The text of the failure, which is that of a forgotten `await`, and nothing was written."""
    engine = engine_with(it)
    outcome = engine.mutation("m:it")
    assert outcome.error is not None
    assert outcome.error.code == "UnawaitedOperation", outcome.error.message
    assert engine.rows("t") == []
    return outcome.error.message


@pytest.fixture(autouse=True)
def _nothing_stray() -> Iterator[None]:
    """Warnings are errors, also those of coroutines that a later collection would find."""
    yield
    gc.collect()


def test_a_helper_that_is_not_awaited_fails_the_mutation_with_the_wrong_line_and_the_right_one() -> None:
    async def it(ctx: Any):
        await ctx.db.insert("t", {})
        helper(ctx, "x")

    text = refused(it)
    assert text.startswith("m:it ended without waiting for helper(...), so nobody would hear if it had failed.")
    assert f"test_forgotten.py:{it.__code__.co_firstlineno + 2}\n" in text
    assert 'wrong:  helper(ctx, "x")\n    right:  await helper(ctx, "x")' in text


def test_a_registered_function_that_is_called_directly_and_not_awaited_fails_the_mutation() -> None:
    async def it(ctx: Any):
        send(ctx, body="x")

    assert 'right:  await send(ctx, body="x")' in refused(it)


def test_a_coroutine_that_is_kept_in_a_variable_is_found_when_the_handler_ends() -> None:
    async def it(ctx: Any):
        kept = helper(ctx, "x")
        await ctx.db.query("t").collect()
        del ctx
        assert kept is not None

    assert 'right:  kept = await helper(ctx, "x")' in refused(it)


def test_a_plain_handler_forgets_as_well() -> None:
    def it(ctx: Any):
        helper(ctx, "x")

    assert 'right:  await helper(ctx, "x")' in refused(it)


def test_methods_closures_and_helpers_that_take_only_the_database_are_known() -> None:
    async def it(ctx: Any):
        async def inner() -> None:
            await ctx.db.insert("t", {})

        inner()
        with_db(ctx.db)
        Notes(ctx.db).add("x")
        without_ctx("x")

    text = refused(it)
    assert "for add(...) and inner(...) and with_db(...) and without_ctx(...)," in text
    assert 'right:  await Notes(ctx.db).add("x")' in text


def test_a_call_deep_inside_of_helpers_is_shown_where_it_was_made() -> None:
    async def deeper(ctx: Any) -> None:
        helper(ctx, "x")

    async def it(ctx: Any):
        await deeper(ctx)

    text = refused(it)
    assert f"test_forgotten.py:{deeper.__code__.co_firstlineno + 1}\n" in text


def test_a_call_that_cannot_be_found_is_named_with_the_place_of_its_function() -> None:
    async def it(ctx: Any):
        [helper(ctx, each) for each in ("a", "b")]

    text = refused(it)
    assert "Write `await helper(...)` instead of `helper(...)`." in text
    assert f"helper is the function at test_forgotten.py:{helper.__code__.co_firstlineno}." in text


async def test_a_handler_that_waited_and_forgot_fails_too() -> None:
    async def it(ctx: Any):
        await asyncio.sleep(0)
        kept = helper(ctx, "x")
        await asyncio.sleep(0)
        assert kept

    outcome = await engine_with(it).mutation_async("m:it")
    assert outcome.error is not None
    assert outcome.error.code == "UnawaitedOperation"


async def test_a_query_that_forgets_fails_as_well() -> None:
    @query
    async def it(ctx: Any):
        without_ctx("x")

    outcome = await engine_with(it).query_async("m:it")
    assert "ended without waiting for without_ctx(...)" in message_of(outcome)


async def test_coroutines_that_are_gathered_or_made_tasks_are_not_forgotten() -> None:
    async def it(ctx: Any):
        await asyncio.gather(helper(ctx, "a"), helper(ctx, "b"))
        task = asyncio.create_task(helper(ctx, "c"))
        await task
        async with asyncio.TaskGroup() as group:
            group.create_task(helper(ctx, "d"))
        await asyncio.wait_for(helper(ctx, "e"), 10)

    engine = engine_with(it)
    value_of(await engine.mutation_async("m:it"))
    assert [row["body"] for row in engine.rows("t")] == ["a", "b", "c", "d", "e"]


async def test_a_task_that_was_cancelled_before_it_began_is_not_forgotten() -> None:
    async def it(ctx: Any):
        task = asyncio.create_task(helper(ctx, "a"))
        task.cancel()
        await asyncio.wait([task])

    value_of(await engine_with(it).mutation_async("m:it"))


async def test_a_task_of_the_handler_that_forgets_fails_the_handler() -> None:
    async def it(ctx: Any):
        async def forgetful() -> None:
            helper(ctx, "x")

        await asyncio.create_task(forgetful())

    outcome = await engine_with(it).mutation_async("m:it")
    assert "ended without waiting for helper(...)" in message_of(outcome)


async def test_a_thread_of_the_handler_that_forgets_fails_the_handler() -> None:
    async def it(ctx: Any):
        def forgetful() -> None:
            without_ctx("x")

        await asyncio.to_thread(forgetful)

    outcome = await engine_with(it).mutation_async("m:it")
    assert "ended without waiting for without_ctx(...)" in message_of(outcome)


def test_the_error_of_a_handler_that_raised_wins() -> None:
    async def it(ctx: Any):
        helper(ctx, "dropped")
        kept = [helper(ctx, "kept"), without_ctx("kept")]
        raise ValueError(f"own, with {len(kept)} waiting")

    assert message_of(run(it)) == "Uncaught ValueError: own, with 2 waiting"


def test_a_returned_list_of_coroutines_is_refused_as_such() -> None:
    async def it(ctx: Any):
        return {"all": [helper(ctx, each) for each in ("a", "b")]}

    assert "return value invalid: coroutine <coroutine object helper" in message_of(run(it))


def test_a_nested_call_that_forgets_fails_alone() -> None:
    @mutation
    async def forgetful(ctx: Any):
        helper(ctx, "lost")

    async def it(ctx: Any):
        try:
            await ctx.run_mutation("m:forgetful")
        except Exception as error:
            await ctx.db.insert("t", {"body": str(error).splitlines()[0]})

    engine = Engine({"m:it": mutation(it), "m:forgetful": forgetful})
    value_of(engine.mutation("m:it"))
    assert [row["body"][:47] for row in engine.rows("t")] == [
        "m:forgetful ended without waiting for helper(...), so nobody"[:47]
    ]


async def test_what_the_caller_forgets_while_a_nested_call_waits_is_the_callers() -> None:
    @mutation
    async def slow(ctx: Any):
        await asyncio.sleep(0.001)

    async def it(ctx: Any):
        waiting = ctx.run_mutation("m:slow")
        helper(ctx, "x")
        await waiting

    engine = Engine({"m:it": mutation(it), "m:slow": slow})
    assert message_of(await engine.mutation_async("m:it")).startswith("m:it ended without waiting for helper(...)")


def test_what_the_garbage_collector_finds_is_blamed_on_nobody() -> None:
    left: list[Any] = []

    async def leaves(ctx: Any):
        cycle: list[Any] = [without_ctx("x")]
        cycle.append(cycle)

    async def collects(ctx: Any):
        gc.collect()
        left.append("collected")

    engine = Engine({"m:leaves": mutation(leaves), "m:collects": mutation(collects)})
    gc.disable()
    try:
        value_of(engine.mutation("m:leaves"))
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            value_of(engine.mutation("m:collects"))
    finally:
        gc.enable()
    assert left == ["collected"]
    assert ["without_ctx" in str(warning.message) for warning in caught] == [True]


async def test_an_action_that_forgets_is_warned_with_the_line_that_was_meant() -> None:
    @action
    async def it(ctx: Any):
        without_ctx("x")
        return "done"

    engine = engine_with(it)
    outcome = await engine.action("m:it")
    assert value_of(outcome) == "done"
    assert len(outcome.log_lines) == 1
    line = outcome.log_lines[0]
    assert "1 unawaited operation: [without_ctx]. Async operations should be awaited or they might not run." in line
    assert 'Write `await without_ctx("x")` in test_forgotten.py:' in line


def test_outside_of_runs_python_warns_as_it_always_did() -> None:
    engine_with(helper)
    with pytest.warns(RuntimeWarning, match="coroutine 'without_ctx' was never awaited"):
        without_ctx("x")


def test_a_coroutine_of_a_library_is_left_to_python() -> None:
    async def it(ctx: Any):
        asyncio.sleep(0)

    with pytest.warns(RuntimeWarning, match="coroutine 'sleep' was never awaited"):
        value_of(run(it))


def test_without_the_function_that_python_calls_everything_is_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(warnings, "_warn_unawaited_coroutine")
    install_forgotten_calls()
    assert not hasattr(warnings, "_warn_unawaited_coroutine")


def test_installing_twice_does_nothing() -> None:
    install_forgotten_calls()
    before = getattr(warnings, "_warn_unawaited_coroutine")  # noqa: B009
    install_forgotten_calls()
    assert getattr(warnings, "_warn_unawaited_coroutine") is before  # noqa: B009


def test_a_loaded_module_is_named_from_the_functions_folder_on(tmp_path: Path) -> None:
    folder = write_folder(
        tmp_path / "backend",
        {
            "lib/notes.py": """
                async def add(ctx, body):
                    await ctx.db.insert("t", {"body": body})
            """,
            "m.py": """
                from parabola import mutation
                from .lib import notes

                @mutation
                async def it(ctx):
                    notes.add(ctx, "x")
            """,
        },
    )
    engine = Engine(load_folder(folder))
    text = message_of(engine.mutation("m:it"))
    assert 'backend/m.py:7\n    wrong:  notes.add(ctx, "x")\n    right:  await notes.add(ctx, "x")' in text
    assert "_parabola_functions_" not in text
