"""The hero as the server keeps it: what a player would miss after closing the page."""

from __future__ import annotations

from typing import Any

from parabola import MutationCtx, QueryCtx, mutation, pagination_opts_validator, query, v

from .lib.auth import get_current_user, require_current_user


@query(args={})
async def get_character(ctx: QueryCtx):
    """The caller's hero, or None for whoever has none."""
    user = await get_current_user(ctx)
    if user is None:
        return None
    return await ctx.db.query("character").with_index("by_user", lambda q: q.eq("userId", user["_id"])).unique()


@mutation(
    args={
        "id": v.string(),
        "prestigeLevel": v.number(),
        "prestigeMultipliers": v.object({"strength": v.number(), "intelligence": v.number(), "endurance": v.number()}),
        "prestigeCores": v.number(),
        "gold": v.number(),
        "currentStage": v.number(),
        "currentWave": v.number(),
    }
)
async def update_character(ctx: MutationCtx, args: dict[str, Any]) -> None:
    """Saves the hero: patches the one with this id, or makes it."""
    user = await require_current_user(ctx)
    existing = await (
        ctx.db.query("character")
        .with_index("by_user_and_id", lambda q: q.eq("userId", user["_id"]).eq("id", args["id"]))
        .first()
    )
    if existing is None:
        await ctx.db.insert("character", {**args, "userId": user["_id"]})
    else:
        await ctx.db.patch(existing["_id"], {name: value for name, value in args.items() if name != "id"})


@query(args={"paginationOpts": pagination_opts_validator})
async def list_characters(ctx: QueryCtx, args: dict[str, Any]):
    """One page of all heroes, oldest first."""
    return await ctx.db.query("character").paginate(args["paginationOpts"])
