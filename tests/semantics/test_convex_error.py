"""Semantics 21, "ConvexError"."""

from __future__ import annotations

from typing import Any

import pytest

from parabola import ActionCtx, ConvexError, MutationCtx, QueryCtx, action, mutation, query
from parabola.testing import TestBackend

from .support import all_rows, backend_of

DATA = {"code": "NO_GOLD", "missing": 3, "tags": ["a", None]}


@query
async def throw_query(ctx: QueryCtx, args):
    raise ConvexError(args["data"])


@mutation
async def throw_mutation(ctx: MutationCtx, args):
    await ctx.db.insert("marks", {})
    raise ConvexError(args["data"])


@action
async def throw_action(ctx: ActionCtx, args):
    raise ConvexError(args["data"])


@action
async def catch_in_action(ctx: ActionCtx, args):
    call = {"query": ctx.run_query, "mutation": ctx.run_mutation, "action": ctx.run_action}[args["kind"]]
    try:
        await call(f"m:throw_{args['kind']}", {"data": args["data"]})
    except ConvexError as error:
        return {"caught": error.data}
    return None


@mutation
async def catch_in_mutation(ctx: MutationCtx, args):
    try:
        await ctx.run_mutation("m:throw_mutation", args)
    except ConvexError as error:
        return {"caught": error.data}
    return None


@pytest.fixture
def t() -> TestBackend:
    return backend_of(
        throw_query=throw_query,
        throw_mutation=throw_mutation,
        throw_action=throw_action,
        catch_in_action=catch_in_action,
        catch_in_mutation=catch_in_mutation,
    )


every_data = pytest.mark.parametrize("data", [DATA, "plain text", 7, None, [1, 2]], ids=str)


@every_data
@pytest.mark.parametrize("kind", ["query", "mutation", "action"])
async def test_an_action_catches_the_error_with_its_data(t: TestBackend, kind: str, data: Any) -> None:
    assert await t.action("m:catch_in_action", {"kind": kind, "data": data}) == {"caught": data}


@every_data
async def test_a_mutation_catches_the_error_of_a_nested_mutation_with_its_data(t: TestBackend, data: Any) -> None:
    assert await t.mutation("m:catch_in_mutation", {"data": data}) == {"caught": data}
    assert await all_rows(t, "marks") == []


@every_data
@pytest.mark.parametrize("kind", ["query", "mutation", "action"])
async def test_at_the_outer_boundary_the_rejection_has_the_data(t: TestBackend, kind: str, data: Any) -> None:
    call = {"query": t.query, "mutation": t.mutation, "action": t.action}[kind]
    with pytest.raises(ConvexError) as failure:
        await call(f"m:throw_{kind}", {"data": data})
    assert failure.value.data == data


async def test_an_error_thrown_in_a_transaction_body_has_its_data(t: TestBackend) -> None:
    async def body(ctx: MutationCtx) -> None:
        raise ConvexError(DATA)

    with pytest.raises(ConvexError) as failure:
        await t.run(body)
    assert failure.value.data == DATA


async def test_a_thrown_error_rolls_the_mutation_back(t: TestBackend) -> None:
    with pytest.raises(ConvexError):
        await t.mutation("m:throw_mutation", {"data": 1})
    assert await all_rows(t, "marks") == []


async def test_subclasses_count() -> None:
    class OutOfGold(ConvexError):
        pass

    @mutation
    async def buy(ctx: MutationCtx):
        raise OutOfGold({"left": 0})

    with pytest.raises(ConvexError) as failure:
        await backend_of(buy=buy).mutation("m:buy")
    assert failure.value.data == {"left": 0}
