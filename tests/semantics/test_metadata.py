"""Semantics 21, "Metadata"."""

from __future__ import annotations

from parabola import ActionCtx, MutationCtx, QueryCtx, action, internal_query, mutation, query

from .support import backend_of


async def test_deployment_metadata_is_available_in_every_kind() -> None:
    @query
    async def in_query(ctx: QueryCtx):
        return await ctx.meta.get_deployment_metadata()

    @mutation
    async def in_mutation(ctx: MutationCtx):
        return await ctx.meta.get_deployment_metadata()

    @action
    async def in_action(ctx: ActionCtx):
        return await ctx.meta.get_deployment_metadata()

    t = backend_of(in_query=in_query, in_mutation=in_mutation, in_action=in_action)
    seen = [await t.query("m:in_query"), await t.mutation("m:in_mutation"), await t.action("m:in_action")]
    assert seen[0] == seen[1] == seen[2]
    assert seen[0]["region"] is None
    assert isinstance(seen[0]["name"], str)
    assert isinstance(seen[0]["class"], str)


async def test_function_metadata_names_the_function_that_runs() -> None:
    @internal_query
    async def inner(ctx: QueryCtx):
        return await ctx.meta.get_function_metadata()

    @query
    async def outer(ctx: QueryCtx):
        return [await ctx.meta.get_function_metadata(), await ctx.run_query("m:inner", {})]

    assert await backend_of(inner=inner, outer=outer).query("m:outer") == [
        {"name": "m:outer", "componentPath": "", "type": "query", "visibility": "public"},
        {"name": "m:inner", "componentPath": "", "type": "query", "visibility": "internal"},
    ]


async def test_a_default_export_is_named_by_its_module() -> None:
    @action
    async def default(ctx: ActionCtx):
        return await ctx.meta.get_function_metadata()

    assert await backend_of(default=default).action("m") == {
        "name": "m",
        "componentPath": "",
        "type": "action",
        "visibility": "public",
    }
