"""For operators: bringing old data in order ahead of time, rather than when its owner comes back."""

from __future__ import annotations

from typing import Any

from parabola import MutationCtx, internal_mutation, pagination_opts_validator

from .lib.settling import settle


@internal_mutation(args={"paginationOpts": pagination_opts_validator})
async def settle_players(ctx: MutationCtx, args: dict[str, Any]) -> dict[str, Any]:
    """Settles one page of the players. Call it with `continueCursor` until `isDone`; doing it again changes nothing."""
    result = await ctx.db.query("users").paginate(args["paginationOpts"])
    players = [await settle(ctx, user) for user in result["page"]]
    return {
        "settled": sum(player is not None for player in players),
        "isDone": result["isDone"],
        "continueCursor": result["continueCursor"],
    }
