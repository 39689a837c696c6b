"""A player's way so far, in at most 200 points: gold and place over time.

A point is written in the transaction that changed what it shows, though not more often than every ten seconds, so an
hour of fighting is a few hundred small writes. When there are too many, some go: the ones that are least missed, which
stand close together compared with how long ago they were. What is left is fine for the last minutes and coarser for
weeks ago, and the first point stays for ever.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from parabola import MutationCtx, QueryCtx

from .players import Player, Row

POINTS_MAX = 200
POINTS_KEPT = 150
SPACING_MS = 10_000


async def note(ctx: MutationCtx, player: Player, now_ms: float, *, is_turning_point: bool = False) -> None:
    """Writes down where the player stands, unless that was done a moment ago. A turning point is always written."""
    last = await _points(ctx, player.user["_id"], "desc").first()
    if last is not None and now_ms - last["at"] < SPACING_MS and not is_turning_point:
        return
    hero = player.character
    point = {
        "userId": player.user["_id"],
        "at": now_ms,
        "gold": hero["gold"],
        "stage": hero["currentStage"],
        "wave": hero["currentWave"],
        "prestigeLevel": hero["prestigeLevel"],
        # How many there are with this one, so that nobody has to count.
        "count": 1 if last is None else last["count"] + 1,
    }
    if point["count"] > POINTS_MAX:
        point["count"] = await _thin(ctx, player.user["_id"], now_ms) + 1
    await ctx.db.insert("history", point)


async def points_of(ctx: QueryCtx, user: Row) -> list[dict[str, Any]]:
    """The points of a player, oldest first."""
    rows = await _points(ctx, user["_id"], "asc").take(POINTS_MAX)
    return [{name: row[name] for name in ("at", "gold", "stage", "wave", "prestigeLevel")} for row in rows]


def least_missed(times: Sequence[float], now_ms: float, keep: int) -> set[int]:
    """Which of these points in time, by index, to drop so that `keep` are left. The first and the last are kept."""
    left = list(range(len(times)))
    while len(left) > max(keep, 2):
        span = now_ms - times[0]

        def missed(position: int, span: float = span) -> float:
            gap = times[left[position + 1]] - times[left[position - 1]]
            # The share of the whole keeps a long life from being only its first and its last hour.
            return gap / (now_ms - times[left[position]] + span / 4 + 1)

        del left[min(range(1, len(left) - 1), key=missed)]
    return set(range(len(times))) - set(left)


async def _thin(ctx: MutationCtx, user_id: str, now_ms: float) -> int:
    """Drops points until `POINTS_KEPT` are left; returns how many are."""
    rows = await _points(ctx, user_id, "asc").collect()
    dropped = least_missed([row["at"] for row in rows], now_ms, POINTS_KEPT)
    for index in sorted(dropped):
        await ctx.db.delete(rows[index]["_id"])
    return len(rows) - len(dropped)


def _points(ctx: QueryCtx | MutationCtx, user_id: str, order: str) -> Any:
    return ctx.db.query("history").with_index("by_user_at", lambda q: q.eq("userId", user_id)).order(order)
