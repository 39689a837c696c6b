"""The fight. The server reckons it from the clock when somebody asks; a client says when to begin and when to stop."""

from __future__ import annotations

from typing import Any

from parabola import MutationCtx, mutation, v

from ..rules.combat import SWIFT_DURATION_MS
from .lib.battles import catch_up, take_away_report
from .lib.players import change
from .lib.rate_limits import count_against_limit
from .lib.settling import require_player


@mutation(args={"fighting": v.boolean()})
async def set_fighting(ctx: MutationCtx, fighting: bool) -> dict[str, Any]:
    """Begins the fight or stops it; returns the run state. Saying it twice changes nothing."""
    player = await require_player(ctx)
    now = int(ctx.now())
    await catch_up(ctx, player, now)
    run = player.run
    if fighting != run["fighting"]:
        # Time before the fight is no time of the fight.
        await change(ctx, run, {"fighting": fighting, "lastSimAt": max(now, run["lastSimAt"])})
    return run


@mutation(args={})
async def sync(ctx: MutationCtx) -> dict[str, Any]:
    """Fights up to now and tells what that brought. After an absence it tells once what happened meanwhile."""
    player = await require_player(ctx)
    now = int(ctx.now())
    await count_against_limit(ctx, player, "sync", now)
    progress = await catch_up(ctx, player, now)
    told = await take_away_report(ctx, player) or progress
    return {
        "elapsedMs": told.elapsed_ms,
        "kills": told.kills,
        "gold": told.gold,
        "stage": player.character["currentStage"],
        "wave": player.character["currentWave"],
        "enemyHp": player.run["enemyHp"],
        "offline": told.offline,
    }


@mutation(args={})
async def use_swift_attack(ctx: MutationCtx) -> dict[str, float]:
    """Halves the time between attacks for five seconds from now."""
    player = await require_player(ctx)
    now = int(ctx.now())
    await catch_up(ctx, player, now)
    await change(ctx, player.run, {"swiftUntil": now + SWIFT_DURATION_MS})
    return {"swiftUntil": now + SWIFT_DURATION_MS}
