"""What gold upgrades and prestige upgrades have in common: they differ in their table and currency only."""

from __future__ import annotations

from typing import Any

from parabola import MutationCtx, QueryCtx, v

from ...rules.upgrades import Currency
from .auth import get_current_user, require_current_user
from .fair_saves import buy_levels
from .mode import is_strict
from .placing import placing
from .players import UPGRADE_TABLES, rows_of_user

level_changes = v.array(v.object({"id": v.string(), "currentLevel": v.number()}))


async def list_upgrades(ctx: QueryCtx, currency: Currency) -> list[dict[str, Any]] | None:
    """All of the caller's rows, or None without a user."""
    user = await get_current_user(ctx)
    if user is None:
        return None
    return await rows_of_user(ctx, UPGRADE_TABLES[currency], user)


async def set_upgrade_levels(ctx: MutationCtx, currency: Currency, upgrades: list[dict[str, Any]]) -> None:
    """What a client says its levels are: bought as far as the player can pay, or in parity mode believed."""
    if await is_strict(ctx):
        await buy_levels(ctx, currency, upgrades)
        return
    table = UPGRADE_TABLES[currency]
    user = await require_current_user(ctx)
    async with placing(ctx, user):
        for upgrade in upgrades:
            row = await _row_of(ctx, table, user["_id"], upgrade["id"])
            # Names without a row are passed over.
            if row is not None:
                await ctx.db.patch(row["_id"], {"currentLevel": upgrade["currentLevel"]})


async def _row_of(ctx: MutationCtx, table: str, user_id: str, upgrade_id: str) -> dict[str, Any] | None:
    owned = ctx.db.query(table).with_index("by_user_and_id", lambda q: q.eq("userId", user_id).eq("id", upgrade_id))
    return await owned.first()
