"""Players as the rest of the game may take them for granted: all rows there, one hero each, every number lawful.

Whoever comes from the original brings none of that: its clients could store anything. Nothing has to be migrated by a
certain day, since a player is settled by the first thing they do; `migrations:settlePlayers` settles those who do
nothing.
"""

from __future__ import annotations

from typing import Any

from parabola import MutationCtx

from ...rules.heroes import CHARACTER_ID, is_plain, repairs, starting_hero
from ...rules.upgrades import UPGRADES_BY_ID
from .auth import get_current_user
from .ledger import open_accounts
from .names import name_in
from .players import Player, change, find_player, kept_character, rows_of_user, starting_run
from .refusals import refusal
from .standings import record_standing


async def require_player(ctx: MutationCtx) -> Player:
    """The caller, settled. Makes the rows that are missing; raises `Not authenticated` for a stranger."""
    user = await get_current_user(ctx)
    return await settle_or_begin(ctx, await _new_user(ctx) if user is None else user)


async def settle_or_begin(ctx: MutationCtx, user: dict[str, Any]) -> Player:
    """`user` as a player, settled; with a new hero if there is none."""
    player = await settle(ctx, user)
    if player is None:
        await ctx.db.insert("character", {**starting_hero(), "userId": user["_id"]})
        player = await settle(ctx, user)
    assert player is not None
    return player


async def settle(ctx: MutationCtx, user: dict[str, Any]) -> Player | None:
    """Brings the rows of `user` in order; None for a user without a hero."""
    await _settle_character(ctx, user)
    player = await find_player(ctx, user)
    if player is None:
        return None
    for rows in player.upgrades.values():
        for upgrade_id in rows.keys() & UPGRADES_BY_ID.keys():
            row = rows[upgrade_id]
            lawful = UPGRADES_BY_ID[upgrade_id].counted(row["currentLevel"])
            if lawful != row["currentLevel"] or not is_plain(row["currentLevel"]):
                await change(ctx, row, {"currentLevel": lawful})
    if "_id" not in player.run:
        now = int(ctx.now())
        run = starting_run(player, now_ms=now, seed=ctx.random.getrandbits(32))
        player.run = {**run, "_id": await ctx.db.insert("runState", run)}
        await open_accounts(ctx, player, now)
        await record_standing(ctx, player, now)
    full = player.full_enemy_health()
    if not 1 <= player.run["enemyHp"] <= full:
        await change(ctx, player.run, {"enemyHp": full})
    return player


async def _settle_character(ctx: MutationCtx, user: dict[str, Any]) -> None:
    characters = await rows_of_user(ctx, "character", user)
    if not characters:
        return
    kept = kept_character(characters)
    for row in characters:
        # A second hero locks its owner out of the original's `getCharacter`. Nothing of it is taken over: it could
        # have been made in order to be.
        if row is not kept:
            await ctx.db.delete(row["_id"])
    changes = repairs(kept)
    if kept["id"] != CHARACTER_ID:
        changes["id"] = CHARACTER_ID
    if changes:
        await change(ctx, kept, changes)


async def _new_user(ctx: MutationCtx) -> dict[str, Any]:
    identity = await ctx.auth.get_user_identity()
    if identity is None:
        raise refusal("Not authenticated")
    user = {"name": name_in(identity), "tokenIdentifier": identity["tokenIdentifier"]}
    return {**user, "_id": await ctx.db.insert("users", user)}
