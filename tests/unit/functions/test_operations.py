"""An operation that is used as though it were its result is answered with the `await` that is missing."""

from __future__ import annotations

from typing import Any

import pytest

from parabola import mutation
from parabola.functions.outcome import Outcome
from tests.unit.functions.harness import Engine, message_of


def run(it: Any) -> Outcome:
    return Engine({"m:it": mutation(it)}).mutation("m:it")


@pytest.mark.parametrize(
    "use",
    [
        lambda ctx, operation: ctx.db.get(operation),
        lambda ctx, operation: ctx.db.patch(operation, {}),
        lambda ctx, operation: ctx.db.insert("t", {"a": [operation]}),
        lambda ctx, operation: ctx.run_query("t:names", {"a": operation}),
        lambda ctx, operation: ctx.db.query("t").with_index("by_creation_time", lambda q: q.eq("a", operation)).first(),
        lambda ctx, operation: ctx.db.query("t").filter(lambda q: q.eq(q.field("a"), operation)).first(),
        lambda ctx, operation: operation + 1,
        lambda ctx, operation: operation < 1,
    ],
)
def test_passing_an_operation_on_as_its_result_says_what_to_write(use: Any) -> None:
    async def it(ctx: Any):
        await use(ctx, ctx.db.query("t").first())

    text = message_of(run(it))
    assert "The result of ctx.db.query(...).first(...) was used without waiting for it. Write `await ctx.db" in text


def test_passing_on_a_coroutine_or_a_query_says_what_to_write() -> None:
    async def found() -> str:
        return "a"

    async def stores_a_coroutine(ctx: Any):
        await ctx.db.insert("t", {"a": found()})

    async def gets_a_coroutine(ctx: Any):
        await ctx.db.get(found())

    async def stores_a_query(ctx: Any):
        await ctx.db.insert("t", {"a": ctx.db.query("t")})

    assert "Write `await found(...)` instead of `found(...)`." in message_of(run(stores_a_coroutine))
    assert "Write `await found(...)` instead of `found(...)`." in message_of(run(gets_a_coroutine))
    assert "Results must be retrieved with `await query.collect()`" in message_of(run(stores_a_query))
