"""Who is calling. Exports no function of its own, so it is no part of the API."""

from __future__ import annotations

from typing import Any

from parabola import MutationCtx, QueryCtx


async def get_current_user(ctx: QueryCtx | MutationCtx) -> dict[str, Any] | None:
    """The caller's row in `users`, or None for a stranger and for someone who has not been stored yet."""
    identity = await ctx.auth.get_user_identity()
    if identity is None:
        return None
    token = identity["tokenIdentifier"]
    user: dict[str, Any] | None = (
        await ctx.db.query("users").with_index("by_token", lambda q: q.eq("tokenIdentifier", token)).first()
    )
    return user


async def require_current_user(ctx: MutationCtx) -> dict[str, Any]:
    """The caller's row in `users`; raises for everybody who has none."""
    user = await get_current_user(ctx)
    if user is None:
        raise PermissionError("Not authenticated")
    return user
