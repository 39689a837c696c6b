"""Where the stored fight meets the clock. Nothing ticks: whoever needs the present computes it from the last look.

One time, `runState.lastSimAt`, says up to when a player's time has been used, by a fight or by a save of the original
client. Time before it is spent, so that no two devices can use the same second twice.

A player who looks again within a minute is online, and the minute is fought blow by blow; after a longer gap they were
away, and all of it is reckoned by averages, at half the pace. Once a minute a sweep moves on the heroes of those who
are away, for others to see, and it must not change what an absence is worth: moving the fight on a minute at a time
would make every absence a row of online minutes. So a sweep

- leaves alone who was there within the last minute: it cannot be known yet by which rule that minute will count;
- leaves `lastSimAt` where it is, and keeps the fight as it stood then (`runState.absence`), so that each sweep reckons
  the absence anew and as a whole, and books what is more than the sweep before it had found;
- adds what it finds to `runState.away`, which waits to be told.

When the player comes back, the whole absence is reckoned in the same way once more. What comes out is therefore the
same, to the blow and the millisecond, however many sweeps there were, including none.
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
from .players import Player, Row, change, set_level
from .standings import record_standing


@dataclass(frozen=True, slots=True)
class Progress:
    """What a stretch of time brought."""

    elapsed_ms: float = 0
    kills: float = 0
    gold: float = 0
    offline: bool = False


async def catch_up(ctx: MutationCtx, player: Player, now_ms: int) -> Progress:
    """Fights up to now, if the hero fights at all. The player is there: an absence ends."""
    run = player.run
    present_ms = _present(run, now_ms)
    if not run["fighting"] or present_ms == run["lastSimAt"]:
        return Progress()
    ends: dict[str, Any] = {"lastSimAt": present_ms}
    if "absence" in run:
        ends["absence"] = UNDEFINED
    after, progress = _reckon(player, present_ms)
    await _enter(ctx, player, after, progress, present_ms, ends)
    return progress


async def move_on_absent(ctx: MutationCtx, player: Player, now_ms: int) -> Progress:
    """Shows how a hero gets on whose player is away. For one who was there a moment ago it does nothing."""
    run = player.run
    present_ms = _present(run, now_ms)
    if not run["fighting"] or not is_offline(present_ms - run["lastSimAt"]) or is_reckoned_up(run):
        return Progress()
    base = _fight_at_last_look(player)
    after, progress = _reckon(player, present_ms)
    absence = {
        "until": present_ms,
        "gold": after.gold,
        "stage": base.stage,
        "wave": base.wave,
        "enemyHp": base.enemy_hp,
        "attackCount": base.attacks,
        "killCount": base.kills,
        "leftoverMs": base.leftover_ms,
    }
    await _enter(ctx, player, after, progress, present_ms, {"absence": absence})
    return progress


def is_reckoned_up(run: Row) -> bool:
    """Whether the sweep has nothing more to find in this absence, because no more of it counts."""
    absence = run.get("absence")
    return absence is not None and absence["until"] - run["lastSimAt"] >= OFFLINE_GAP_MS_MAX


async def take_away_report(ctx: MutationCtx, player: Player) -> Progress | None:
    """What happened while nobody looked, if it has not been told yet. Telling it is once only."""
    away = player.run.get("away")
    if away is None:
        return None
    await change(ctx, player.run, {"away": UNDEFINED})
    return Progress(away["elapsedMs"], away["kills"], away["gold"], offline=True)


async def move(ctx: MutationCtx, player: Player, stage: float, wave: float, now_ms: float) -> None:
    """Puts the hero at a place, and on the leaderboard."""
    if (stage, wave) != (player.character["currentStage"], player.character["currentWave"]):
        await change(ctx, player.character, {"currentStage": stage, "currentWave": wave})
        await record_standing(ctx, player, now_ms)


async def begin_here(ctx: MutationCtx, player: Player, now_ms: float) -> None:
    """The fight of a hero who was put somewhere from outside: a fresh enemy, and no time behind it."""
    run = player.run
    changes = {"enemyHp": player.full_enemy_health(), "leftoverMs": 0, "lastSimAt": max(now_ms, run["lastSimAt"])}
    if "absence" in run:
        changes["absence"] = UNDEFINED
    await change(ctx, run, changes)


async def start_over(ctx: MutationCtx, player: Player, now_ms: float) -> None:
    """The new life after a prestige, whose cores have been booked: everything before belongs to an older epoch."""
    hero, run = player.character, player.run
    if RESET_GOLD_UPGRADES:
        for row in player.upgrades["gold"].values():
            await change(ctx, row, {"currentLevel": 0})
    await change(
        ctx, hero, {"prestigeLevel": saturated(hero["prestigeLevel"] + 1), "currentStage": 1, "currentWave": 1}
    )
    await begin_here(ctx, player, now_ms)
    await change(ctx, run, {"epoch": run["epoch"] + 1, "runStartedAt": now_ms})
    await record_standing(ctx, player, now_ms)
    await note(ctx, player, now_ms, is_turning_point=True)


async def raise_level(ctx: MutationCtx, player: Player, currency: Currency, upgrade_id: str, level: float) -> None:
    """Stores a bought level. An enemy that would be weaker if it came now is weaker at once."""
    await set_level(ctx, player, currency, upgrade_id, level)
    if UPGRADES_BY_ID[upgrade_id].effect == "enemy_health_reduction":
        await change(ctx, player.run, {"enemyHp": min(player.run["enemyHp"], player.full_enemy_health())})


def _present(run: Row, now_ms: int) -> int:
    """Now, for this fight. A clock that went backwards has not moved: time that was used stays used."""
    used_ms = run["absence"]["until"] if "absence" in run else run["lastSimAt"]
    return int(max(now_ms, used_ms))


def _fight_as_stored(player: Player, gold: float) -> Fight:
    """The fight as it was stored last, by a look of the player or by a sweep."""
    run, hero = player.run, player.character
    return Fight(
        hero["currentStage"],
        hero["currentWave"],
        run["enemyHp"],
        attacks=int(run["attackCount"]),
        kills=int(run["killCount"]),
        gold=gold,
        leftover_ms=int(run["leftoverMs"]),
    )


def _fight_at_last_look(player: Player) -> Fight:
    """The fight as it stood at `lastSimAt`."""
    absence = player.run.get("absence")
    if absence is None:
        return _fight_as_stored(player, 0)
    return Fight(
        absence["stage"],
        absence["wave"],
        absence["enemyHp"],
        attacks=int(absence["attackCount"]),
        kills=int(absence["killCount"]),
        leftover_ms=int(absence["leftoverMs"]),
    )


def _reckon(player: Player, present_ms: int) -> tuple[Fight, Progress]:
    """The fight now, and what is new about it since it was stored."""
    run = player.run
    absence = run.get("absence", {"until": run["lastSimAt"], "gold": 0})
    gap_ms = int(present_ms - run["lastSimAt"])
    swift_ms = run["swiftUntil"] - run["lastSimAt"]
    after = advance(_fight_at_last_look(player), player.fighter(), int(run["rngSeed"]), gap_ms, swift_ms)
    if after.kills < run["killCount"] or after.gold < absence["gold"]:
        # The rules have changed since the last sweep. What somebody has been seen to have is theirs.
        after = _fight_as_stored(player, absence["gold"])
    counted_ms = min(absence["until"] - run["lastSimAt"], OFFLINE_GAP_MS_MAX)
    return after, Progress(
        elapsed_ms=min(gap_ms, OFFLINE_GAP_MS_MAX) - counted_ms,
        kills=after.kills - run["killCount"],
        gold=after.gold - absence["gold"],
        offline=is_offline(gap_ms),
    )


async def _enter(
    ctx: MutationCtx, player: Player, after: Fight, progress: Progress, now_ms: float, changes: dict[str, Any]
) -> None:
    """Stores the fight as it stands, with `changes` of the run state besides, and what it has brought."""
    run = player.run
    changes = {
        **changes,
        "enemyHp": after.enemy_hp,
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


def _added(earlier: dict[str, Any] | None, progress: Progress) -> dict[str, Any]:
    so_far = earlier or {"elapsedMs": 0, "kills": 0, "gold": 0}
    return {
        "elapsedMs": so_far["elapsedMs"] + progress.elapsed_ms,
        "kills": so_far["kills"] + progress.kills,
        "gold": so_far["gold"] + progress.gold,
    }
