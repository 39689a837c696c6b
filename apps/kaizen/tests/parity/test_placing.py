"""What the server keeps beside the original's rows follows a save of parity mode (kaizen 9.1, 9.7)."""

from __future__ import annotations

from typing import Any

import pytest
from apps.kaizen.rules.stages import enemy_health
from apps.kaizen.tests.heroes import Hero, hero, start

from parabola import internal
from parabola.testing import TestBackend

SAVE = "character:updateCharacter"


async def booked(player: Hero, currency: str) -> float:
    """The sum of a player's ledger."""
    rows = await player.rows("ledger")
    total: float = sum(row["amount"] for row in rows if row["kind"].startswith(f"{currency}."))
    return total


async def test_the_ledger_adds_up_to_what_a_save_claims(game: TestBackend) -> None:
    ada = await start(game)
    for gold, cores in ((500, 7), (20, 7), (20, 0)):
        await ada.call(SAVE, **hero(gold=gold, prestigeCores=cores))
        assert (await booked(ada, "gold"), await booked(ada, "cores")) == (gold, cores)
    await ada.call("goldUpgrades:purchaseUpgrade", upgradeId="gold_strength_stronger")
    assert await booked(ada, "gold") == (await ada.stored())["gold"] == 10


@pytest.mark.parametrize("gold", [float("nan"), float("inf"), -5, 1e300], ids=str)
async def test_the_ledger_adds_up_to_what_an_unlawful_save_is_repaired_to(game: TestBackend, gold: float) -> None:
    ada = await start(game)
    await ada.call(SAVE, **hero(gold=7))
    await ada.call(SAVE, **hero(gold=gold))
    await ada.call("game:start")
    assert await booked(ada, "gold") == (await ada.stored())["gold"]


async def test_a_hero_who_is_put_elsewhere_meets_the_enemy_of_that_place_and_is_on_the_leaderboard(
    game: TestBackend,
) -> None:
    ada = await start(game)
    await ada.call(SAVE, **hero(currentStage=20, currentWave=4, prestigeLevel=3))
    assert (await ada.state())["run"]["enemyHp"] == enemy_health(20, 4, 0)
    page = await game.query("leaderboard:top", {"paginationOpts": {"numItems": 10, "cursor": None}})
    assert page["page"] == [{"rank": 1, "name": "Ada", "score": 20_204, "bestStage": 20, "prestigeLevel": 3}]


async def test_a_hero_who_is_put_elsewhere_while_away_fights_on_from_there(game: TestBackend) -> None:
    ada = await start(game)
    await ada.call("combat:setFighting", fighting=True)
    game.clock.advance(minutes=30)
    await game.action(internal.sweeps.sweep)
    await ada.call(SAVE, **hero(currentStage=20))
    game.clock.advance(minutes=2)
    await game.action(internal.sweeps.sweep)
    assert await ada.place() == (20, 1)
    await ada.call("combat:sync")
    assert await ada.place() == (20, 1)


async def test_whoever_has_not_played_here_has_the_originals_rows_only(game: TestBackend) -> None:
    ada = Hero(game.with_identity(subject="u1", issuer="https://kaizen.example", name="Ada"))
    await ada.call("users:store")
    await ada.call(SAVE, **hero(gold=5))
    for table in ("runState", "ledger", "leaderboard"):
        found: list[Any] = await ada.rows(table)
        assert found == []
