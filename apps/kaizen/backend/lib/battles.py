"""Where the stored fight meets the clock. Nothing ticks: whoever needs the present computes it from the last look.

One time, `runState.lastSimAt`, says up to when a player's time has been used, by a fight or by a save of the original
client. Time before it is spent, so that no two devices can use the same second twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from parabola import UNDEFINED, MutationCtx

from ...rules.numbers import saturated
from ...rules.prestige import RESET_GOLD_UPGRADES
from ...rules.simulation import OFFLINE_GAP_MS_MAX, Fight, advance, is_offline
from ...rules.upgrades import UPGRADES_BY_ID, Currency
from .histories import note
from .ledger import book
from .players import Player, change, set_level
from .standings import record_standing


@dataclass(frozen=True, slots=True)
class Progress:
    """What a stretch of time brought."""

    elapsed_ms: float = 0
    kills: float = 0
    gold: float = 0
    offline: bool = False


async def catch_up(ctx: MutationCtx, player: Player, now_ms: int) -> Progress:
    """Fights up to now, if the hero fights at all."""
    run, hero = player.run, player.character
    # A clock that went backwards has not moved: time that was used stays used.
    gap_ms = int(max(0, now_ms - run["lastSimAt"]))
    if not run["fighting"] or gap_ms == 0:
        return Progress()
    before = Fight(
        hero["currentStage"],
        hero["currentWave"],
        run["enemyHp"],
        attacks=int(run["attackCount"]),
        kills=int(run["killCount"]),
        leftover_ms=int(run["leftoverMs"]),
    )
    swift_ms = run["swiftUntil"] - run["lastSimAt"]
    after = advance(before, player.fighter(), int(run["rngSeed"]), gap_ms, swift_ms)
    progress = Progress(
        elapsed_ms=min(gap_ms, OFFLINE_GAP_MS_MAX),
        kills=after.kills - before.kills,
        gold=after.gold,
        offline=is_offline(gap_ms),
    )
    changes: dict[str, Any] = {
        "enemyHp": after.enemy_hp,
        "lastSimAt": now_ms,
        "leftoverMs": after.leftover_ms,
        "attackCount": after.attacks,
        "killCount": after.kills,
    }
    if progress.offline:
        changes["away"] = _added(run.get("away"), progress)
    await change(ctx, run, changes)
    if progress.kills:
        await book(ctx, player, "gold", "kills", progress.gold, now_ms)
        await move(ctx, player, after.stage, after.wave, now_ms)
        await note(ctx, player, now_ms)
    return progress


async def take_away_report(ctx: MutationCtx, player: Player) -> Progress | None:
    """What happened while nobody looked, if it has not been told yet. Telling it is once only."""
    away = player.run.pop("away", None)
    if away is None:
        return None
    await ctx.db.patch(player.run["_id"], {"away": UNDEFINED})
    return Progress(away["elapsedMs"], away["kills"], away["gold"], offline=True)


async def move(ctx: MutationCtx, player: Player, stage: float, wave: float, now_ms: float) -> None:
    """Puts the hero at a place, and on the leaderboard."""
    if (stage, wave) != (player.character["currentStage"], player.character["currentWave"]):
        await change(ctx, player.character, {"currentStage": stage, "currentWave": wave})
        await record_standing(ctx, player, now_ms)


async def start_over(ctx: MutationCtx, player: Player, now_ms: float) -> None:
    """The new life after a prestige, whose cores have been booked: everything before belongs to an older epoch."""
    hero, run = player.character, player.run
    if RESET_GOLD_UPGRADES:
        for row in player.upgrades["gold"].values():
            await change(ctx, row, {"currentLevel": 0})
    await change(
        ctx, hero, {"prestigeLevel": saturated(hero["prestigeLevel"] + 1), "currentStage": 1, "currentWave": 1}
    )
    await change(
        ctx,
        run,
        {
            "enemyHp": player.full_enemy_health(),
            "epoch": run["epoch"] + 1,
            "runStartedAt": now_ms,
            "lastSimAt": max(now_ms, run["lastSimAt"]),
            "leftoverMs": 0,
        },
    )
    await record_standing(ctx, player, now_ms)
    await note(ctx, player, now_ms, is_turning_point=True)


async def raise_level(ctx: MutationCtx, player: Player, currency: Currency, upgrade_id: str, level: float) -> None:
    """Stores a bought level. An enemy that would be weaker if it came now is weaker at once."""
    await set_level(ctx, player, currency, upgrade_id, level)
    if UPGRADES_BY_ID[upgrade_id].effect == "enemy_health_reduction":
        await change(ctx, player.run, {"enemyHp": min(player.run["enemyHp"], player.full_enemy_health())})


def _added(earlier: dict[str, Any] | None, progress: Progress) -> dict[str, Any]:
    so_far = earlier or {"elapsedMs": 0, "kills": 0, "gold": 0}
    return {
        "elapsedMs": so_far["elapsedMs"] + progress.elapsed_ms,
        "kills": so_far["kills"] + progress.kills,
        "gold": so_far["gold"] + progress.gold,
    }
