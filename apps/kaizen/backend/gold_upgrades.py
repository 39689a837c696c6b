"""The upgrades that a player buys with gold."""

from __future__ import annotations

from typing import Any

from parabola import MutationCtx, QueryCtx, mutation, query

from .lib.purchases import purchase, purchase_args
from .lib.upgrades import level_changes, list_upgrades, set_upgrade_levels


@query(args={})
async def get_gold_upgrades(ctx: QueryCtx) -> Any:
    """All of the caller's gold upgrades, possibly none; None without a user."""
    return await list_upgrades(ctx, "gold")


@mutation(args={"upgrades": level_changes})
async def update_gold_upgrade_levels(ctx: MutationCtx, upgrades: list[dict[str, Any]]) -> None:
    """Saves the levels of several gold upgrades in one transaction, for the original client."""
    await set_upgrade_levels(ctx, "gold", upgrades)


@mutation(args=purchase_args)
async def purchase_upgrade(ctx: MutationCtx, args: dict[str, Any]) -> Any:
    """Buys levels of one upgrade with gold."""
    return await purchase(ctx, "gold", args)
