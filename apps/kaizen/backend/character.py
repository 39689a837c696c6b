"""The hero as the server keeps it: what a player would miss after closing the page."""

from __future__ import annotations

from typing import Any

from parabola import MutationCtx, QueryCtx, mutation, pagination_opts_validator, query, v

from .lib.auth import get_current_user, require_current_user
from .lib.fair_saves import save_hero
from .lib.mode import is_strict
from .lib.placing import placing


@query(args={})
async def get_character(ctx: QueryCtx) -> Any:
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
    """Saves the hero of an original client: what it claims as far as it can be true, or in parity mode as it is."""
    if await is_strict(ctx):
        await save_hero(ctx, args)
        return
    user = await require_current_user(ctx)
    existing = await (
        ctx.db.query("character")
        .with_index("by_user_and_id", lambda q: q.eq("userId", user["_id"]).eq("id", args["id"]))
        .first()
    )
    async with placing(ctx, user):
        if existing is None:
            await ctx.db.insert("character", {**args, "userId": user["_id"]})
        else:
            await ctx.db.patch(existing["_id"], {name: value for name, value in args.items() if name != "id"})


@query(args={"paginationOpts": pagination_opts_validator})
async def list_characters(ctx: QueryCtx, args: dict[str, Any]) -> Any:
    """One page of all heroes, oldest first. Whose they are is nobody else's business; in parity mode all is told."""
    result = await ctx.db.query("character").paginate(args["paginationOpts"])
    if not await is_strict(ctx):
        return result
    caller = await get_current_user(ctx)
    own_id = None if caller is None else caller["_id"]
    return {**result, "page": [row if row["userId"] == own_id else _without_owner(row) for row in result["page"]]}


def _without_owner(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != "userId"}
