"""Players and heroes that the tests share."""

from __future__ import annotations

from typing import Any

from parabola.testing import TestBackend, TestCaller

ISSUER = "https://kaizen.example"


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
