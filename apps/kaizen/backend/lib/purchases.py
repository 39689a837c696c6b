"""Buying, with gold or with cores."""

from __future__ import annotations

from typing import Any

from parabola import MutationCtx, v

from ...rules.upgrades import Currency, upgrades_for
from .battles import catch_up, raise_level
from .histories import note
from .ledger import book, earlier_result
from .rate_limits import count_against_limit
from .refusals import refusal
from .settling import require_player

PURCHASES_MAX = 100

# Chosen by the client, so that a purchase sent twice happens once.
request_id_validator = v.optional(v.pipe(v.string(), v.length(1, 100)))

purchase_args = {
    "upgradeId": v.string(),
    "count": v.optional(v.pipe(v.number(), v.integer(), v.min(1), v.max(PURCHASES_MAX))),
    "requestId": request_id_validator,
}


async def purchase(ctx: MutationCtx, currency: Currency, args: dict[str, Any]) -> dict[str, Any]:
    """Buys `count` levels of one upgrade, all or none, and says where that leaves the player."""
    upgrade_id, count, request_id = args["upgradeId"], int(args.get("count", 1)), args.get("requestId")
    player = await require_player(ctx)
    now = int(ctx.now())
    answered = await earlier_result(ctx, player, f"{currency}.purchase", request_id)
    if answered is not None:
        return answered
    upgrade = upgrades_for(currency).get(upgrade_id)
    if upgrade is None:
        raise refusal("Unknown upgrade", upgradeId=upgrade_id)
    await count_against_limit(ctx, player, "purchase", now)
    # Gold that has been earned by now counts.
    await catch_up(ctx, player, now)
    level = player.levels(currency)[upgrade_id]
    if level + count > upgrade.level_max:
        raise refusal("Max level reached", level=level, levelMax=upgrade.level_max)
    cost, balance = upgrade.cost_of_levels(level, count), player.balance(currency)
    if balance < cost:
        raise refusal(f"Not enough {currency}", cost=cost, balance=balance)
    result = {
        "currentLevel": level + count,
        "spent": cost,
        "balance": balance - cost,
        "nextCost": upgrade.next_cost(level + count),
    }
    await book(ctx, player, currency, "purchase", -cost, now, request_id=request_id, result=result)
    await raise_level(ctx, player, currency, upgrade_id, level + count)
    await note(ctx, player, now)
    return result
