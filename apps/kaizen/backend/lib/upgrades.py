"""What gold upgrades and prestige upgrades have in common: they differ in their table only."""

from __future__ import annotations

from typing import Any, Literal

from parabola import MutationCtx, QueryCtx, v

from .auth import get_current_user, require_current_user

UpgradeTable = Literal["goldUpgrades", "prestigeUpgrades"]

level_changes = v.array(v.object({"id": v.string(), "currentLevel": v.number()}))


async def list_upgrades(ctx: QueryCtx, table: UpgradeTable) -> list[dict[str, Any]] | None:
    """All of the caller's rows in `table`, or None without a user."""
    user = await get_current_user(ctx)
    if user is None:
        return None
    rows: list[dict[str, Any]] = (
        await ctx.db.query(table).with_index("by_user", lambda q: q.eq("userId", user["_id"])).collect()
    )
    return rows


async def set_upgrade_levels(ctx: MutationCtx, table: UpgradeTable, upgrades: list[dict[str, Any]]) -> None:
    """Sets the level of each named upgrade that the caller owns; names without a row are passed over."""
    user = await require_current_user(ctx)
    for upgrade in upgrades:
        row = await (
            ctx.db.query(table)
            .with_index("by_user_and_id", lambda q, id=upgrade["id"]: q.eq("userId", user["_id"]).eq("id", id))
            .first()
        )
        if row is not None:
            await ctx.db.patch(row["_id"], {"currentLevel": upgrade["currentLevel"]})
