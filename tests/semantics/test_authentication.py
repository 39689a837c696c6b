"""Semantics 21, "Authentication"."""

from __future__ import annotations

import pytest

from parabola import ActionCtx, MutationCtx, QueryCtx, action, mutation, query

from .support import backend_of


@query
async def who_query(ctx: QueryCtx):
    return await ctx.auth.get_user_identity()


@mutation
async def who_mutation(ctx: MutationCtx):
    return await ctx.auth.get_user_identity()


@action
async def who_action(ctx: ActionCtx):
    return await ctx.auth.get_user_identity()


@query
async def query_query(ctx: QueryCtx):
    return await ctx.run_query("m:who_query", {})


@mutation
async def mutation_query(ctx: MutationCtx):
    return await ctx.run_query("m:who_query", {})


@mutation
async def mutation_mutation(ctx: MutationCtx):
    return await ctx.run_mutation("m:who_mutation", {})


@mutation
async def mutation_mutation_query(ctx: MutationCtx):
    return await ctx.run_mutation("m:mutation_query", {})


@action
async def action_query(ctx: ActionCtx):
    return await ctx.run_query("m:who_query", {})


@action
async def action_mutation(ctx: ActionCtx):
    return await ctx.run_mutation("m:who_mutation", {})


@action
async def action_action(ctx: ActionCtx):
    return await ctx.run_action("m:who_action", {})


@action
async def action_action_query(ctx: ActionCtx):
    return await ctx.run_action("m:action_query", {})


FUNCTIONS = {
    function.__name__: function
    for function in (
        who_query,
        who_mutation,
        who_action,
        query_query,
        mutation_query,
        mutation_mutation,
        mutation_mutation_query,
        action_query,
        action_mutation,
        action_action,
        action_action_query,
    )
}


async def test_an_identity_given_only_a_name_has_generated_strings_for_the_rest() -> None:
    identity = await backend_of(**FUNCTIONS).with_identity(name="Ada").query("m:who_query")
    assert identity["name"] == "Ada"
    for generated in ("subject", "issuer", "tokenIdentifier"):
        assert isinstance(identity[generated], str)
        assert identity[generated]
    assert identity["tokenIdentifier"] == f"{identity['issuer']}|{identity['subject']}"


@pytest.mark.parametrize("name", FUNCTIONS)
async def test_identity_is_visible_directly_and_through_every_chain_of_calls(name: str) -> None:
    t = backend_of(**FUNCTIONS)
    ada = t.with_identity(name="Ada")
    kind = FUNCTIONS[name].kind
    call = {"query": ada.query, "mutation": ada.mutation, "action": ada.action}[kind]
    assert (await call(f"m:{name}"))["name"] == "Ada"
    anonymous = {"query": t.query, "mutation": t.mutation, "action": t.action}[kind]
    assert await anonymous(f"m:{name}") is None


async def test_two_identities_are_separate_and_do_not_leak() -> None:
    t = backend_of(**FUNCTIONS)
    ada, bob = t.with_identity(name="Ada"), t.with_identity(name="Bob")
    seen = [await caller.query("m:who_query") for caller in (ada, bob, t, ada)]
    assert [identity and identity["name"] for identity in seen] == ["Ada", "Bob", None, "Ada"]
    assert seen[0]["tokenIdentifier"] != seen[1]["tokenIdentifier"]
    assert seen[0] == seen[3]


async def test_given_attributes_are_kept() -> None:
    t = backend_of(**FUNCTIONS)
    ada = t.with_identity(subject="s", issuer="https://i", email="a@b.c", emailVerified=True)
    assert await ada.query("m:who_query") == {
        "subject": "s",
        "issuer": "https://i",
        "tokenIdentifier": "https://i|s",
        "email": "a@b.c",
        "emailVerified": True,
    }
