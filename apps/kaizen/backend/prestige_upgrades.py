"""The upgrades that a player buys with prestige cores."""

from __future__ import annotations

from typing import Any

from parabola import MutationCtx, QueryCtx, mutation, query

from .lib.upgrades import level_changes, list_upgrades, set_upgrade_levels


@query(args={})
async def get_prestige_upgrades(ctx: QueryCtx):
    """All of the caller's prestige upgrades, possibly none; None without a user."""
    return await list_upgrades(ctx, "prestigeUpgrades")


@mutation(args={"upgrades": level_changes})
async def update_prestige_upgrade_levels(ctx: MutationCtx, upgrades: list[dict[str, Any]]) -> None:
    """Sets the levels of several prestige upgrades in one transaction."""
    await set_upgrade_levels(ctx, "prestigeUpgrades", upgrades)
