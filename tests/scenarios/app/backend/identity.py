"""Who the server thinks is asking."""

from typing import Any

from parabola import ActionCtx, MutationCtx, QueryCtx, action, mutation, query


@query
async def who(ctx: QueryCtx) -> Any:
    return await ctx.auth.get_user_identity()


@query
async def subject(ctx: QueryCtx) -> str | None:
    identity = await ctx.auth.get_user_identity()
    return None if identity is None else identity["subject"]


@mutation
async def subject_of_mutation(ctx: MutationCtx) -> str | None:
    identity = await ctx.auth.get_user_identity()
    return None if identity is None else identity["subject"]


@action
async def subject_of_action(ctx: ActionCtx) -> str | None:
    identity = await ctx.auth.get_user_identity()
    return None if identity is None else identity["subject"]
