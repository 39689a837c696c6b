"""Saves of the original client in strict mode: it sends results, and is believed as far as they can be true.

That client plays by itself and says every five minutes where it has come to. A fair one must never see an error, so
what it claims is cut down to the *best case*: what a hero with the stored levels could have done since the last save
with nothing but luck. A save is three mutations, levels before the hero. Levels may therefore be paid with gold that
has been earned but not yet claimed; such gold is booked as an advance, and taken off what the hero may claim.

What a claim never does: take something back. A device that knows less than the server is a stale one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from parabola import MutationCtx

from ...rules.heroes import CHARACTER_ID, is_plain, unlawful_field
from ...rules.numbers import floor, is_whole, saturated
from ...rules.prestige import PRESTIGE_STAGE_MIN
from ...rules.simulation import Fight, best_case
from ...rules.upgrades import Currency, upgrades_for
from .battles import catch_up, move, raise_level, start_over
from .histories import note
from .ledger import book
from .players import Player, change, place_of
from .refusals import refusal
from .settling import require_player

LEVEL_CHANGES_MAX = 100
# The best case begins with a full enemy, and the real one may have been nearly dead: one kill more is granted. Not
# with every save, or a client that saves all the time would live on it; the original saves every five minutes.
GRACE_PERIOD_MS = 240_000
GRACE_KILLS = 1
# How many changes of the balances are looked through for an earlier save.
OLD_STATES_MAX = 200

Claim = dict[str, Any]
Place = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Allowance:
    """The most that a client may claim. The `plain` ones are those without a kill of grace."""

    gold: float
    plain_gold: float
    place: Place
    plain_place: Place


async def save_hero(ctx: MutationCtx, claim: Claim) -> None:
    """Takes over what is possible of the hero that a client claims to have."""
    player = await require_player(ctx)
    if claim["id"] != CHARACTER_ID:
        raise refusal("Unknown character", id=claim["id"])
    field = unlawful_field(claim)
    if field is not None:
        raise refusal(f"Invalid value: {field}", field=field)
    now = int(ctx.now())
    await catch_up(ctx, player, now)
    hero = player.character
    if _is_prestige(player, claim):
        await _save_prestige(ctx, player, claim, now)
    elif claim["prestigeLevel"] >= hero["prestigeLevel"] and claim["currentStage"] >= hero["currentStage"]:
        await _save_progress(ctx, player, claim, await _allowance(ctx, player, [place_of(hero)], now), now)


async def buy_levels(ctx: MutationCtx, currency: Currency, upgrades: list[dict[str, Any]]) -> None:
    """Buys the levels that a client claims to have, step by step while the money lasts; the rest is passed over."""
    player = await require_player(ctx)
    if len(upgrades) > LEVEL_CHANGES_MAX:
        raise refusal(f"Too many upgrades: at most {LEVEL_CHANGES_MAX} at once", limit=LEVEL_CHANGES_MAX)
    wanted: dict[str, float] = {}
    for entry in upgrades:
        level = entry["currentLevel"]
        if not (is_plain(level) and is_whole(level) and level >= 0):
            raise refusal("Invalid value: currentLevel", field="currentLevel")
        wanted[entry["id"]] = max(level, wanted.get(entry["id"], 0))
    now = int(ctx.now())
    await catch_up(ctx, player, now)

    stored = player.balance(currency)
    allowance = await _allowance(ctx, player, [place_of(player.character)], now) if currency == "gold" else None
    funds = stored if allowance is None else allowance.gold
    levels, bought = player.levels(currency), {}
    spent: float = 0
    for upgrade in upgrades_for(currency).values():
        if upgrade.id not in wanted:
            continue
        level = levels[upgrade.id]
        while level < min(wanted[upgrade.id], upgrade.level_max) and spent + upgrade.cost(level) <= funds:
            spent += upgrade.cost(level)
            level += 1
        bought[upgrade.id] = level

    if allowance is not None and spent > stored:
        await book(ctx, player, "gold", "advance", spent - stored, now)
        await _note_grace(ctx, player, spent > allowance.plain_gold, now)
    if spent:
        await book(ctx, player, currency, "purchase", -spent, now)
    for upgrade_id, level in bought.items():
        # Also at level 0: a row that is missing is what lost the levels of the original's new players.
        if level > levels[upgrade_id] or upgrade_id not in player.upgrades[currency]:
            await raise_level(ctx, player, currency, upgrade_id, level)


def _is_prestige(player: Player, claim: Claim) -> bool:
    hero = player.character
    return bool(
        claim["currentStage"] < hero["currentStage"]
        and hero["currentStage"] >= PRESTIGE_STAGE_MIN
        and claim["prestigeLevel"] == hero["prestigeLevel"] + 1
        and claim["prestigeCores"] == saturated(hero["prestigeCores"] + player.cores_of_prestige())
    )


async def _save_prestige(ctx: MutationCtx, player: Player, claim: Claim, now_ms: int) -> None:
    # The time since the last save was fought before the prestige or after it; either may have been all of it.
    allowance = await _allowance(ctx, player, [place_of(player.character), (1, 1)], now_ms)
    await book(ctx, player, "cores", "prestige", player.cores_of_prestige(), now_ms)
    await start_over(ctx, player, now_ms)
    await _save_progress(ctx, player, claim, allowance, now_ms)


async def _save_progress(ctx: MutationCtx, player: Player, claim: Claim, allowance: Allowance, now_ms: int) -> None:
    here, stored = place_of(player.character), player.balance("gold")
    place = max(here, min(place_of(claim), allowance.place))
    gold = max(stored, floor(min(claim["gold"], allowance.gold)))
    if place == here and (gold == stored or await _is_old(ctx, player, claim)):
        # An old state once more. The time stays unused, for the save that brings something.
        return
    if gold > stored:
        await book(ctx, player, "gold", "save", gold - stored, now_ms)
    await _note_grace(ctx, player, place > allowance.plain_place or gold > allowance.plain_gold, now_ms)
    if place > here:
        await move(ctx, player, *place, now_ms)
    changes = {"lastSimAt": max(now_ms, player.run["lastSimAt"])}
    if place > here:
        changes["enemyHp"] = player.full_enemy_health()
    await change(ctx, player.run, changes)
    await note(ctx, player, now_ms)


async def _allowance(ctx: MutationCtx, player: Player, starts: list[Place], now_ms: int) -> Allowance:
    """What may be claimed now by a hero who began at one of `starts`; the place is reckoned from the last of them."""
    since_ms, fighter = player.run["lastSimAt"], player.fighter()

    def best(start: Place, grace: int) -> Fight:
        return best_case(*start, fighter, now_ms - since_ms, grace)

    grace = 0 if await _booked(ctx, player, "gold.grace", now_ms - GRACE_PERIOD_MS) else GRACE_KILLS
    advanced = sum(row["amount"] for row in await _booked(ctx, player, "gold.advance", since_ms + 1))
    available = player.balance("gold") - advanced
    plain, graced = best(starts[-1], 0), best(starts[-1], grace)
    return Allowance(
        gold=available + max(best(start, grace).gold for start in starts),
        plain_gold=available + max(best(start, 0).gold for start in starts),
        place=(graced.stage, graced.wave),
        plain_place=(plain.stage, plain.wave),
    )


async def _is_old(ctx: MutationCtx, player: Player, claim: Claim) -> bool:
    """Whether a save brought exactly this gold before, and it has been spent since: a device that has not heard of that
    would undo the payment. Whoever has earned the same sum again has also moved on.
    """
    recent = ctx.db.query("ledger").with_index("by_user_at", lambda q: q.eq("userId", player.user["_id"])).order("desc")
    rows = await recent.take(OLD_STATES_MAX)
    return any(row["kind"] == "gold.save" and row["balance"] == claim["gold"] for row in rows)


async def _note_grace(ctx: MutationCtx, player: Player, is_used: bool, now_ms: int) -> None:
    if is_used:
        await book(ctx, player, "gold", "grace", 0, now_ms)


async def _booked(ctx: MutationCtx, player: Player, kind: str, since_ms: float) -> list[dict[str, Any]]:
    """The rows of one kind that were booked at `since_ms` or later."""
    return await (
        ctx.db.query("ledger")
        .with_index("by_user_at", lambda q: q.eq("userId", player.user["_id"]).gte("at", since_ms))
        .filter(lambda q: q.eq(q.field("kind"), kind))
        .collect()
    )
