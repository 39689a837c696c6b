"""Players and heroes that the tests share."""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from apps.kaizen.rules.stages import enemy_health

from parabola import ConvexError, MutationCtx
from parabola.functions.loader import Deployment, load_folder
from parabola.testing import TestBackend, TestCaller

ISSUER = "https://kaizen.example"
BACKEND = Path(__file__).parents[1] / "backend"


def new_game(**environment: str) -> TestBackend:
    """Kaizen's functions over an empty database.

    They are loaded once for all tests; `TestBackend(BACKEND)` would load them for each.
    """
    deployment = _loaded()
    modules: dict[str, dict[str, Any]] = defaultdict(dict)
    for path, function in deployment.functions.items():
        module, _, name = path.partition(":")
        modules[module][name] = function
    return TestBackend(modules, schema=deployment.schema, crons=deployment.crons, environment=environment)


@functools.cache
def _loaded() -> Deployment:
    return load_folder(BACKEND)


def sign_in(game: TestBackend, subject: str, **claims: Any) -> TestCaller:
    """A signed-in player whom `users:store` has not seen yet."""
    return game.with_identity(subject=subject, issuer=ISSUER, **claims)


async def store_player(game: TestBackend, subject: str, name: str = "Ada") -> TestCaller:
    """A signed-in player with a row in `users`."""
    player = sign_in(game, subject, name=name)
    await player.mutation("users:store")
    return player


def hero(**changes: Any) -> dict[str, Any]:
    """The arguments of `character:updateCharacter` for a fresh hero, with `changes`."""
    return {
        "id": "1",
        "prestigeLevel": 1,
        "prestigeMultipliers": {"strength": 1, "intelligence": 1, "endurance": 1},
        "prestigeCores": 0,
        "gold": 0,
        "currentStage": 1,
        "currentWave": 1,
        **changes,
    }


async def rows(game: TestBackend, table: str) -> list[dict[str, Any]]:
    """Everything that a table holds."""
    found: list[dict[str, Any]] = await game.run(lambda ctx: ctx.db.query(table).collect())
    return found


class Hero:
    """A player who has started the game, and whom a test may put anywhere."""

    def __init__(self, caller: TestCaller) -> None:
        self.caller = caller

    async def call(self, name: str, **args: Any) -> Any:
        """Runs a mutation."""
        return await self.caller.mutation(name, args)

    async def refused(self, name: str, **args: Any) -> dict[str, Any]:
        """Runs a mutation that must be refused; gives the data of the refusal."""
        with pytest.raises(ConvexError) as caught:
            await self.caller.mutation(name, args)
        data: dict[str, Any] = caught.value.data
        return data

    async def state(self) -> dict[str, Any]:
        found: dict[str, Any] = await self.caller.query("game:state")
        return found

    async def stored(self) -> dict[str, Any]:
        """The stored hero without ids, as the arguments of `updateCharacter` have it."""
        row = await self.caller.query("character:getCharacter")
        return {name: row[name] for name in hero()}

    async def place(self) -> tuple[float, float]:
        stored = await self.stored()
        return stored["currentStage"], stored["currentWave"]

    async def rows(self, table: str) -> list[dict[str, Any]]:
        """What the player owns in a table."""

        async def read(ctx: MutationCtx) -> list[dict[str, Any]]:
            owner = await self._user_id(ctx)
            return [row async for row in ctx.db.query(table) if row["userId"] == owner]

        return await self.caller.run(read)

    async def put(
        self, *, levels: Mapping[str, float] | None = None, run: dict[str, Any] | None = None, **character: Any
    ) -> Hero:
        """Puts the player somewhere, past all rules. What that changes of a balance is booked."""

        async def write(ctx: MutationCtx) -> None:
            owner = await self._user_id(ctx)
            row = await self._only(ctx, "character", owner)
            for field, currency in (("gold", "gold"), ("prestigeCores", "cores")):
                if field in character:
                    amount = character[field] - row[field]
                    entry = {"kind": f"{currency}.gift", "amount": amount, "balance": character[field], "at": 0}
                    await ctx.db.insert("ledger", {**entry, "userId": owner})
            await ctx.db.patch(row["_id"], character)
            state = await self._only(ctx, "runState", owner)
            health = enemy_health(character.get("currentStage", 1), character.get("currentWave", 1), 0)
            await ctx.db.patch(state["_id"], {"enemyHp": health, **(run or {})})
            for name, level in (levels or {}).items():
                table = "goldUpgrades" if name.startswith("gold") else "prestigeUpgrades"
                await ctx.db.insert(table, {"id": name, "currentLevel": level, "userId": owner})

        await self.caller.run(write)
        return self

    async def _user_id(self, ctx: MutationCtx) -> str:
        identity = await ctx.auth.get_user_identity()
        assert identity is not None
        token = identity["tokenIdentifier"]
        user = await ctx.db.query("users").with_index("by_token", lambda q: q.eq("tokenIdentifier", token)).unique()
        assert user is not None
        return str(user["_id"])

    async def _only(self, ctx: MutationCtx, table: str, owner: str) -> dict[str, Any]:
        row = await ctx.db.query(table).with_index("by_user", lambda q: q.eq("userId", owner)).unique()
        assert row is not None
        return row


async def start(game: TestBackend, subject: str = "u1", name: str = "Ada") -> Hero:
    """A player of strict mode, right after the first step."""
    player = Hero(sign_in(game, subject, name=name))
    await player.call("game:start")
    return player
