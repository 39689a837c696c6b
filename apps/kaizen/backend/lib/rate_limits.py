"""How often a player may do a thing: so many times within a window that slides.

The record is written in the transaction of the deed, so two deeds at once cannot both be the last one allowed, and
a deed that fails for another reason is not counted.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from parabola import MutationCtx

from .players import Player
from .refusals import refusal

Action = Literal["purchase", "prestige", "sync"]

# How many, in how many ms.
RATES: Mapping[Action, tuple[int, int]] = {"purchase": (10, 1_000), "prestige": (1, 10_000), "sync": (2, 1_000)}


async def count_against_limit(ctx: MutationCtx, player: Player, action: Action, now_ms: float) -> None:
    """Counts one deed. Raises `Too many requests` when it is one too many."""
    times_max, window_ms = RATES[action]
    row = await (
        ctx.db.query("rateLimits")
        .with_index("by_user_and_action", lambda q: q.eq("userId", player.user["_id"]).eq("action", action))
        .unique()
    )
    if row is None:
        await ctx.db.insert("rateLimits", {"userId": player.user["_id"], "action": action, "times": [now_ms]})
        return
    recent = [time for time in row["times"] if now_ms - window_ms < time]
    if len(recent) >= times_max:
        raise refusal("Too many requests", retryAfterMs=min(recent) + window_ms - now_ms)
    await ctx.db.patch(row["_id"], {"times": [*recent, now_ms]})
