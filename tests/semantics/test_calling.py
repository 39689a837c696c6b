"""Semantics 21, "Calling and actions"."""

from __future__ import annotations

import asyncio

import pytest

from parabola import (
    ActionCtx,
    MutationCtx,
    QueryCtx,
    action,
    internal_mutation,
    internal_query,
    mutation,
    query,
)
from parabola.testing import FunctionCallError

from .support import all_rows, backend_of


@query
async def bodies(ctx: QueryCtx):
    return [row["body"] for row in await ctx.db.query("messages").collect()]


@internal_query
async def secret_count(ctx: QueryCtx):
    return len(await ctx.db.query("messages").collect())


@mutation
async def send(ctx: MutationCtx, args):
    return await ctx.db.insert("messages", {"body": args["body"]})


@internal_mutation
async def secret_send(ctx: MutationCtx, args):
    return await ctx.db.insert("messages", {"body": args["body"]})


async def test_an_action_gets_the_value_of_an_internal_query() -> None:
    @action
    async def count(ctx: ActionCtx):
        return await ctx.run_query("m:secret_count", {})

    t = backend_of(count=count, secret_count=secret_count, send=send)
    await t.mutation("m:send", {"body": "hi"})
    assert await t.action("m:count") == 1


async def test_a_mutation_run_by_an_action_is_visible_to_a_later_query() -> None:
    @action
    async def post(ctx: ActionCtx):
        await ctx.run_mutation("m:secret_send", {"body": "from an action"})

    t = backend_of(post=post, secret_send=secret_send, bodies=bodies)
    await t.action("m:post")
    assert await t.query("m:bodies") == ["from an action"]


async def test_an_action_uses_the_result_of_another_action() -> None:
    @action
    async def double(ctx: ActionCtx, n: float):
        return 2 * n

    @action
    async def quadruple(ctx: ActionCtx, n: float):
        return await ctx.run_action("m:double", {"n": await ctx.run_action("m:double", {"n": n})})

    t = backend_of(double=double, quadruple=quadruple)
    assert await t.action("m:quadruple", {"n": 3}) == 12


async def test_a_plain_helper_with_the_actions_context_behaves_like_the_action() -> None:
    async def helper(ctx: ActionCtx):
        await ctx.run_mutation("m:send", {"body": "helped"})
        return await ctx.run_query("m:bodies", {})

    @action
    async def through_helper(ctx: ActionCtx):
        return await helper(ctx)

    t = backend_of(through_helper=through_helper, send=send, bodies=bodies)
    assert await t.action("m:through_helper") == ["helped"]


async def test_mutations_started_concurrently_from_one_action_all_commit_in_start_order() -> None:
    @action
    async def post_three(ctx: ActionCtx):
        await asyncio.gather(*(ctx.run_mutation("m:send", {"body": body}) for body in "abc"))

    t = backend_of(post_three=post_three, send=send, bodies=bodies)
    await t.action("m:post_three")
    assert await t.query("m:bodies") == ["a", "b", "c"]


async def test_functions_without_declared_arguments_accept_any_object() -> None:
    @query
    async def a_query(ctx: QueryCtx, args):
        return args

    @mutation
    async def a_mutation(ctx: MutationCtx, args):
        return args

    @action
    async def an_action(ctx: ActionCtx, args):
        return args

    t = backend_of(a_query=a_query, a_mutation=a_mutation, an_action=an_action)
    args = {"anything": [1, {"goes": None}]}
    assert await t.query("m:a_query", args) == args
    assert await t.mutation("m:a_mutation", args) == args
    assert await t.action("m:an_action", args) == args


async def test_a_default_export_is_callable_by_the_module_path_alone() -> None:
    @query
    async def answer(ctx: QueryCtx):
        return 42

    t = backend_of(default=answer)
    assert await t.query("m") == 42
    assert await t.query("m:default") == 42


async def test_a_query_cannot_insert() -> None:
    @query
    async def sneak(ctx: QueryCtx):
        return await ctx.db.insert("messages", {"body": "no"})  # type: ignore[attr-defined]

    t = backend_of(sneak=sneak)
    with pytest.raises(FunctionCallError, match="insert"):
        await t.query("m:sneak")
    assert await all_rows(t, "messages") == []


async def test_an_exception_in_a_mutation_rejects_the_call_and_writes_nothing() -> None:
    @mutation
    async def fail_late(ctx: MutationCtx):
        await ctx.db.insert("messages", {"body": "half done"})
        raise ValueError("too late")

    t = backend_of(fail_late=fail_late)
    with pytest.raises(FunctionCallError, match="too late"):
        await t.mutation("m:fail_late")
    assert await all_rows(t, "messages") == []


async def test_the_same_data_is_visible_with_and_without_identity() -> None:
    t = backend_of(send=send, bodies=bodies)
    await t.with_identity(name="Ada").mutation("m:send", {"body": "hi"})
    assert await t.query("m:bodies") == await t.with_identity(name="Bob").query("m:bodies") == ["hi"]


async def test_an_internal_function_is_as_unknown_as_one_that_does_not_exist() -> None:
    t = backend_of(secret_count=secret_count)
    with pytest.raises(FunctionCallError, match=r"Could not find public function for 'm:secret_count'\."):
        await t.query("m:secret_count")
    with pytest.raises(FunctionCallError, match=r"Could not find public function for 'm:nothing'\."):
        await t.query("m:nothing")


async def test_calling_a_function_as_another_kind_names_both_kinds() -> None:
    t = backend_of(bodies=bodies)
    with pytest.raises(FunctionCallError, match=r"Trying to execute m\.js:bodies as Mutation, but it is"):
        await t.mutation("m:bodies")


async def test_two_backends_in_one_process_are_isolated() -> None:
    @mutation
    async def insert(ctx: MutationCtx) -> str:
        return await ctx.db.insert("rows", {})

    one, other = backend_of(insert=insert), backend_of(insert=insert)
    await one.mutation("m:insert")
    assert len(await all_rows(one, "rows")) == 1
    assert await all_rows(other, "rows") == []
