"""A player's row on the leaderboard, kept in the transaction that changes what it shows."""

from __future__ import annotations

from typing import Any

from parabola import MutationCtx

from ...rules.stages import score
from .players import Player, change


async def record_standing(ctx: MutationCtx, player: Player, now_ms: float) -> None:
    """Brings the player's row up to date after a change of place or of prestige level."""
    hero = player.character
    row = await _standing_of(ctx, player.user["_id"])
    place = (hero["currentStage"], hero["currentWave"])
    if row is not None:
        place = max(place, (row["bestStage"], row["bestWave"]))
    shown = {
        "score": score(hero["prestigeLevel"], *place),
        "prestigeLevel": hero["prestigeLevel"],
        "bestStage": place[0],
        "bestWave": place[1],
    }
    if row is None:
        row = {"userId": player.user["_id"], "name": player.user["name"], "tieBreak": -now_ms, **shown}
        await ctx.db.insert("leaderboard", row)
    elif row["score"] != shown["score"]:
        await change(ctx, row, {**shown, "tieBreak": -now_ms})


async def rename_standing(ctx: MutationCtx, user_id: str, name: str) -> None:
    """Shows a player under another name, if they are shown at all."""
    row = await _standing_of(ctx, user_id)
    if row is not None:
        await change(ctx, row, {"name": name})


async def _standing_of(ctx: MutationCtx, user_id: str) -> dict[str, Any] | None:
    return await ctx.db.query("leaderboard").with_index("by_user", lambda q: q.eq("userId", user_id)).unique()
