"""Real-life goals. Nobody can check them, so each is granted once, in order, and one a day."""

from __future__ import annotations

from typing import Any

from parabola import MutationCtx, QueryCtx, mutation, query, v

from ..rules.milestones import DAY_MS, MILESTONES_BY_ID, next_milestone
from .lib.auth import get_current_user
from .lib.battles import catch_up
from .lib.players import first_by_id, rows_of_user
from .lib.refusals import refusal
from .lib.settling import require_player
from .lib.views import milestone_views


@query(args={})
async def list(ctx: QueryCtx) -> Any:
    """All milestones, with what the caller has achieved. The list without that is in `game:definitions`."""
    if await ctx.auth.get_user_identity() is None:
        raise refusal("Not authenticated")
    user = await get_current_user(ctx)
    achieved = {} if user is None else first_by_id(await rows_of_user(ctx, "milestones", user))
    return milestone_views(achieved)


@mutation(args={"id": v.string()})
async def unlock(ctx: MutationCtx, id: str) -> dict[str, Any]:
    """Marks the next milestone of its type as achieved; its reward makes the hero stronger from now on."""
    player = await require_player(ctx)
    now = int(ctx.now())
    milestone = MILESTONES_BY_ID.get(id)
    if milestone is None:
        raise refusal("Unknown milestone", id=id)
    if id in player.milestones:
        raise refusal("Already achieved", id=id)
    if milestone != next_milestone(milestone.type, player.milestones.keys()):
        raise refusal("Milestone locked", id=id)
    for achieved_id, row in player.milestones.items():
        earlier = MILESTONES_BY_ID.get(achieved_id)
        if earlier is not None and earlier.type == milestone.type and now - row["achievedAt"] < DAY_MS:
            raise refusal("Come back tomorrow", at=row["achievedAt"] + DAY_MS)
    # Up to now the hero fought with the strength of before.
    await catch_up(ctx, player, now)
    row = {"userId": player.user["_id"], "id": id, "achievedAt": now}
    player.milestones[id] = {**row, "_id": await ctx.db.insert("milestones", row)}
    return next(view for view in milestone_views(player.milestones) if view["id"] == id)
