"""The players."""

from __future__ import annotations

from typing import Any

from parabola import MutationCtx, QueryCtx, mutation, query, v

from .lib.auth import get_current_user
from .lib.names import keep_name, name_in


@mutation(args={}, returns=v.id("users"))
async def store(ctx: MutationCtx) -> Any:
    """Makes sure that the caller has a row in `users` under their present name; returns its id."""
    identity = await ctx.auth.get_user_identity()
    if identity is None:
        raise PermissionError("No user identity found")
    token = identity["tokenIdentifier"]
    user = await ctx.db.query("users").with_index("by_token", lambda q: q.eq("tokenIdentifier", token)).unique()
    if user is None:
        return await ctx.db.insert("users", {"name": name_in(identity), "tokenIdentifier": token})
    await keep_name(ctx, user, identity)
    return user["_id"]


@query(args={})
async def current(ctx: QueryCtx) -> Any:
    """The caller's row in `users`, or None."""
    return await get_current_user(ctx)
