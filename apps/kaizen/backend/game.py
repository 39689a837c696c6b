"""The game as a whole: its rules, a player's first step, the state that pages show, and starting over."""

from __future__ import annotations

from typing import Any

from parabola import MutationCtx, QueryCtx, mutation, query, v

from ..rules.numbers import BALANCE_MAX
from ..rules.prestige import PRESTIGE_STAGE_MIN
from .lib.auth import get_current_user
from .lib.battles import catch_up, start_over
from .lib.histories import points_of
from .lib.ledger import book, earlier_result
from .lib.names import keep_name
from .lib.players import find_player
from .lib.purchases import request_id_validator
from .lib.rate_limits import count_against_limit
from .lib.refusals import refusal
from .lib.settling import require_player
from .lib.views import definitions_view, state_view


@query(args={})
async def definitions(ctx: QueryCtx) -> dict[str, Any]:
    """What there is to buy and to reach, and the constants of the rules. For everybody."""
    return definitions_view()


@mutation(args={})
async def start(ctx: MutationCtx) -> dict[str, str]:
    """Makes whatever a player needs and does not have yet, takes over a new name, and returns the ids. To be called
    after signing in.
    """
    player = await require_player(ctx)
    await keep_name(ctx, player.user, await ctx.auth.get_user_identity() or {})
    return {
        "userId": player.user["_id"],
        "characterId": player.character["_id"],
        "runStateId": player.run["_id"],
    }


@query(args={})
async def state(ctx: QueryCtx) -> Any:
    """Everything about the caller's game; None for a stranger and for somebody without a hero."""
    user = await get_current_user(ctx)
    player = None if user is None else await find_player(ctx, user)
    return None if player is None else state_view(player)


@query(args={})
async def history(ctx: QueryCtx) -> list[dict[str, Any]] | None:
    """The caller's gold and place over time, at most 200 points, oldest first; None for a stranger."""
    user = await get_current_user(ctx)
    return None if user is None else await points_of(ctx, user)


@mutation(args={"expectedPrestigeLevel": v.optional(v.number()), "requestId": request_id_validator})
async def prestige(ctx: MutationCtx, args: dict[str, Any]) -> dict[str, float]:
    """Starts over at stage 1 for cores. `expectedPrestigeLevel` keeps a second click from being a second prestige."""
    player = await require_player(ctx)
    now = int(ctx.now())
    answered = await earlier_result(ctx, player, "cores.prestige", args.get("requestId"))
    if answered is not None:
        return answered
    await catch_up(ctx, player, now)
    hero = player.character
    if args.get("expectedPrestigeLevel", hero["prestigeLevel"]) != hero["prestigeLevel"]:
        raise refusal("Prestige already done", prestigeLevel=hero["prestigeLevel"])
    if hero["currentStage"] < PRESTIGE_STAGE_MIN:
        raise refusal(f"Stage {PRESTIGE_STAGE_MIN} required", stage=hero["currentStage"])
    await count_against_limit(ctx, player, "prestige", now)
    gained = min(player.cores_of_prestige(), BALANCE_MAX - player.balance("cores"))
    result = {
        "cores": player.balance("cores") + gained,
        "prestigeLevel": hero["prestigeLevel"] + 1,
        "gained": gained,
    }
    await book(ctx, player, "cores", "prestige", gained, now, request_id=args.get("requestId"), result=result)
    await start_over(ctx, player, now)
    return result
