"""A player as one transaction sees them: all their rows, read once, and changed together with what is stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from parabola import UNDEFINED, MutationCtx, QueryCtx

from ...rules.combat import Fighter, fighter_of
from ...rules.heroes import CHARACTER_ID, repairs
from ...rules.milestones import base_strength
from ...rules.prestige import prestige_cores
from ...rules.stages import enemy_health
from ...rules.upgrades import Currency, Levels, upgrades_for

Row = dict[str, Any]

UPGRADE_TABLES: Mapping[Currency, str] = {"gold": "goldUpgrades", "cores": "prestigeUpgrades"}
BALANCE_FIELDS: Mapping[Currency, str] = {"gold": "gold", "cores": "prestigeCores"}


@dataclass(slots=True)
class Player:
    """The rows of one player. `upgrades` and `milestones` are by id; `run` has no `_id` before it is stored."""

    user: Row
    character: Row
    run: Row
    upgrades: dict[Currency, dict[str, Row]]
    milestones: dict[str, Row]

    def balance(self, currency: Currency) -> float:
        """What is left to spend."""
        amount: float = self.character[BALANCE_FIELDS[currency]]
        return amount

    def levels(self, currency: Currency) -> Levels:
        """The level of each upgrade that `currency` buys, 0 where none was bought, as it is counted."""
        rows = self.upgrades[currency]
        return {
            id: upgrade.counted(rows[id]["currentLevel"]) if id in rows else 0
            for id, upgrade in upgrades_for(currency).items()
        }

    def fighter(self) -> Fighter:
        """The hero as a fighter."""
        hero = self.character
        return fighter_of(
            self.levels("gold"),
            self.levels("cores"),
            base_strength=base_strength(self.milestones.keys()),
            strength_multiplier=hero["prestigeMultipliers"]["strength"],
            prestige_level=hero["prestigeLevel"],
            cores=hero["prestigeCores"],
        )

    def full_enemy_health(self) -> float:
        """The health that the present enemy began with."""
        hero = self.character
        return enemy_health(hero["currentStage"], hero["currentWave"], self.fighter().foes_level)

    def cores_of_prestige(self) -> float:
        """The cores that a prestige would give now."""
        return prestige_cores(self.character["currentStage"], self.levels("cores")["core_gain_boost"])


async def find_player(ctx: QueryCtx | MutationCtx, user: Row) -> Player | None:
    """The player who is `user`, or None without a hero. Numbers that cannot be are shown as the nearest that can."""
    characters = await rows_of_user(ctx, "character", user)
    if not characters:
        return None
    character = kept_character(characters)
    character.update(repairs(character))
    player = Player(
        user=user,
        character=character,
        run={},
        upgrades={
            currency: first_by_id(await rows_of_user(ctx, table, user)) for currency, table in UPGRADE_TABLES.items()
        },
        milestones=first_by_id(await rows_of_user(ctx, "milestones", user)),
    )
    runs = await rows_of_user(ctx, "runState", user)
    player.run = runs[0] if runs else starting_run(player, now_ms=0, seed=0)
    return player


async def rows_of_user(ctx: QueryCtx | MutationCtx, table: str, user: Row) -> list[Row]:
    """Everything that `user` owns in a table with an index `by_user`, oldest first."""
    return await ctx.db.query(table).with_index("by_user", lambda q: q.eq("userId", user["_id"])).collect()


async def change(ctx: MutationCtx, row: Row, changes: Mapping[str, Any]) -> None:
    """Changes fields of a stored row, and of `row` itself, so that what follows sees them. `UNDEFINED` removes one."""
    await ctx.db.patch(row["_id"], changes)
    row.update(changes)
    for name, value in changes.items():
        if value is UNDEFINED:
            del row[name]


async def set_level(ctx: MutationCtx, player: Player, currency: Currency, upgrade_id: str, level: float) -> None:
    """Stores the level of an upgrade, in a new row if it has none yet."""
    row = player.upgrades[currency].get(upgrade_id)
    if row is not None:
        await change(ctx, row, {"currentLevel": level})
        return
    row = {"id": upgrade_id, "currentLevel": level, "userId": player.user["_id"]}
    player.upgrades[currency][upgrade_id] = {**row, "_id": await ctx.db.insert(UPGRADE_TABLES[currency], row)}


def starting_run(player: Player, *, now_ms: float, seed: int) -> Row:
    """The fields of `runState` for a hero who has not fought yet."""
    return {
        "userId": player.user["_id"],
        "enemyHp": player.full_enemy_health(),
        "fighting": False,
        "lastSimAt": now_ms,
        "leftoverMs": 0,
        "rngSeed": seed,
        "attackCount": 0,
        "killCount": 0,
        "swiftUntil": 0,
        "runStartedAt": now_ms,
        "epoch": 0,
    }


def kept_character(characters: list[Row]) -> Row:
    """The one that counts, of several: the one with id "1", else the oldest."""
    return next((row for row in characters if row["id"] == CHARACTER_ID), characters[0])


def place_of(hero: Row) -> tuple[float, float]:
    """The stage and the wave where a hero is."""
    return hero["currentStage"], hero["currentWave"]


def first_by_id(rows: list[Row]) -> dict[str, Row]:
    """The oldest row of each `id`."""
    found: dict[str, Row] = {}
    for row in rows:
        found.setdefault(row["id"], row)
    return found
