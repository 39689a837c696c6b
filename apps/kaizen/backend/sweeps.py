"""The sweep of heroes who fight while their players are away, once a minute: so that others see them get on.

Nothing depends on it. What a player finds on coming back is the same without; see `lib/battles.py`.
"""

from __future__ import annotations

import logging
from typing import Any

from parabola import ActionCtx, MutationCtx, QueryCtx, internal, internal_action, internal_mutation, internal_query, v

from ..rules.simulation import OFFLINE_GAP_MS_MAX, ONLINE_GAP_MS_MAX
from .lib.battles import is_reckoned_up, move_on_absent
from .lib.settling import settle

log = logging.getLogger("kaizen.sweeps")

# So few in one transaction that nobody's click waits for it.
BATCH_SIZE = 5
# An absence may be reckoned to its end by a sweep that comes late by this much; after that the player's return does it.
LATE_MS_MAX = 3_600_000


@internal_action(args={})
async def sweep(ctx: ActionCtx) -> int:
    """Moves on the heroes of all players who are away; returns how many."""
    moved, page = 0, None
    while page is None or not page["isDone"]:
        where = {} if page is None else {"asOf": page["asOf"], "cursor": page["continueCursor"]}
        page = await ctx.run_query(internal.sweeps.absent_fighters, where)
        if page["runs"]:
            try:
                moved += await ctx.run_mutation(internal.sweeps.move_on, {"runs": page["runs"]})
            except Exception:
                # Whatever is wrong with one of them, the others go on; so will these at the next sweep, or when the
                # player comes back.
                log.exception("The heroes of %s could not be moved on", ", ".join(page["runs"]))
    return moved


@internal_query(args={"asOf": v.optional(v.number()), "cursor": v.optional(v.string())})
async def absent_fighters(ctx: QueryCtx, args: dict[str, Any]) -> dict[str, Any]:
    """One page of the run states that a sweep at the time `asOf` has to move on: only those of absences that still
    count, so players who never came back cost nothing.
    """
    as_of = args.get("asOf", ctx.now())
    result = await (
        ctx.db.query("runState")
        .with_index(
            "by_fighting",
            lambda q: (
                q.eq("fighting", True)
                .gte("lastSimAt", as_of - OFFLINE_GAP_MS_MAX - LATE_MS_MAX)
                .lt("lastSimAt", as_of - ONLINE_GAP_MS_MAX)
            ),
        )
        .paginate({"numItems": BATCH_SIZE, "cursor": args.get("cursor")})
    )
    return {
        "runs": [run["_id"] for run in result["page"] if not is_reckoned_up(run)],
        "asOf": as_of,
        "isDone": result["isDone"],
        "continueCursor": result["continueCursor"],
    }


@internal_mutation(args={"runs": v.array(v.id("runState"))})
async def move_on(ctx: MutationCtx, runs: list[str]) -> int:
    """Moves on a few heroes, except for those whose players have come back meanwhile; returns how many."""
    now, moved = int(ctx.now()), 0
    for run_id in runs:
        run = await ctx.db.get(run_id)
        user = None if run is None else await ctx.db.get(run["userId"])
        player = None if user is None else await settle(ctx, user)
        if player is not None:
            moved += (await move_on_absent(ctx, player, now)).offline
    return moved
