"""A hostile client (kaizen 8, 9.7): whatever it sends, it ends lawful, and never with more than play could give.

The defence is that a client sends intentions only; where the original's calls carry results, they are cut down to the
best case. So the bound is simple: what a hero in best luck could have done in the time that has passed.
"""

from __future__ import annotations

import contextlib
import itertools
from typing import Any

import pytest
from apps.kaizen.rules.combat import Fighter
from apps.kaizen.rules.heroes import unlawful_field
from apps.kaizen.rules.simulation import best_case
from apps.kaizen.rules.upgrades import UPGRADES, UPGRADES_BY_ID
from apps.kaizen.tests.heroes import Hero, hero, start

from parabola import ConvexError
from parabola.testing import FunctionCallError, TestBackend

SAVE = "character:updateCharacter"
WILD = [
    float("nan"),
    float("inf"),
    float("-inf"),
    -0.0,
    -1,
    0,
    0.5,
    99,
    1501,
    2**53,
    1e6,
    1e300,
    "1",
    None,
    True,
    [],
    {},
]
NUMBERS = ("prestigeLevel", "prestigeCores", "gold", "currentStage", "currentWave")


async def attack(player: Hero, name: str, args: dict[str, Any]) -> None:
    """Calls a mutation and does not care how it ends, as long as the server knows why it refuses."""
    # A wrong shape is refused before the game sees it. Any error but these two would be a hole in the game.
    with contextlib.suppress(ConvexError, ArgumentsRefused):
        try:
            await player.caller.mutation(name, args)
        except FunctionCallError as error:
            raise (ArgumentsRefused if "ArgumentValidationError" in str(error) else error) from error


class ArgumentsRefused(Exception):
    """The call did not reach the game."""


async def assert_lawful(player: Hero, seconds_of_play: float) -> None:
    """A hero that can be, who has no more than the best luck gives a fresh one in this time."""
    [row] = await player.rows("character")
    stored = await player.stored()
    assert unlawful_field(stored) is None
    best = best_case(1, 1, Fighter(), 1000 * seconds_of_play, 1)
    assert (stored["currentStage"], stored["currentWave"]) <= (best.stage, best.wave)
    spent = sum(
        UPGRADES_BY_ID[upgrade["id"]].cost_of_levels(0, int(upgrade["currentLevel"]))
        for upgrade in await player.rows("goldUpgrades")
    )
    assert stored["gold"] + spent <= best.gold
    assert (stored["prestigeLevel"], stored["prestigeCores"]) == (1, 0)
    assert set(stored["prestigeMultipliers"].values()) == {1}
    assert [
        upgrade["currentLevel"] for upgrade in await player.rows("prestigeUpgrades") if upgrade["currentLevel"]
    ] == []
    assert row["userId"] == (await player.caller.query("users:current"))["_id"]
    ledger = await player.rows("ledger")
    assert sum(entry["amount"] for entry in ledger if entry["kind"].startswith("gold.")) == stored["gold"]


@pytest.mark.parametrize("field", NUMBERS)
async def test_wild_numbers_in_a_save_gain_nothing(game: TestBackend, field: str) -> None:
    mallory = await start(game, "mallory")
    for value in WILD:
        await attack(mallory, SAVE, hero(**{field: value}))
    await assert_lawful(mallory, 1)


async def test_wild_multipliers_and_second_heroes_gain_nothing(game: TestBackend) -> None:
    mallory = await start(game, "mallory")
    for value in WILD:
        multipliers = {"strength": value, "intelligence": value, "endurance": value}
        await attack(mallory, SAVE, hero(prestigeMultipliers=multipliers))
        await attack(mallory, SAVE, hero(id=value))
    # The hero of a second id would lock the first one out.
    await attack(mallory, SAVE, hero(id="2", gold=1e9))
    assert await mallory.stored() == hero()
    await assert_lawful(mallory, 0)


async def test_levels_without_payment_gain_nothing(game: TestBackend) -> None:
    mallory = await start(game, "mallory")
    for name in ("goldUpgrades:updateGoldUpgradeLevels", "prestigeUpgrades:updatePrestigeUpgradeLevels"):
        for upgrade, level in itertools.product(UPGRADES, WILD):
            await attack(mallory, name, {"upgrades": [{"id": upgrade.id, "currentLevel": level}]})
        await attack(mallory, name, {"upgrades": [{"id": "x", "currentLevel": 1}] * 5000})
        await attack(mallory, name, {"upgrades": [{"id": "x" * 10_000, "currentLevel": 1}] * 100})
    # One kill of grace is 21 gold, and that is all.
    await assert_lawful(mallory, 0)


async def test_wild_purchases_gain_nothing(game: TestBackend) -> None:
    mallory = await start(game, "mallory")
    for name in ("goldUpgrades:purchaseUpgrade", "prestigeUpgrades:purchaseUpgrade"):
        for upgrade, count in itertools.product([*(u.id for u in UPGRADES), "x", "", "__proto__"], WILD):
            await attack(mallory, name, {"upgradeId": upgrade, "count": count})
        await attack(mallory, name, {"upgradeId": "gold_strength_flat", "requestId": "x" * 10_000})
        await attack(mallory, name, {"upgradeId": "gold_strength_flat", "price": 0})
    assert await mallory.stored() == hero()
    assert await mallory.rows("goldUpgrades") == []


async def test_prestige_out_of_nothing_gains_nothing(game: TestBackend) -> None:
    mallory = await start(game, "mallory")
    for value in WILD:
        await attack(mallory, "game:prestige", {"expectedPrestigeLevel": value})
    # The original's shortcut to stage 21, and the prestige after it.
    await attack(mallory, SAVE, hero(currentStage=21))
    await attack(mallory, SAVE, hero(prestigeLevel=2, prestigeCores=5))
    await attack(mallory, "game:prestige", {})
    await assert_lawful(mallory, 0)


async def test_milestones_give_their_reward_once(game: TestBackend) -> None:
    mallory = await start(game, "mallory")
    for milestone in ("str-2", "str-1", "str-1", "str-2", "str-3", "", "__proto__"):
        for _ in range(3):
            await attack(mallory, "milestones:unlock", {"id": milestone})
    assert (await mallory.state())["stats"]["strength"] == 6


async def test_switching_the_fight_and_the_skill_all_the_time_is_no_faster_than_the_skill(game: TestBackend) -> None:
    mallory = await (await start(game, "mallory")).put(run={"rngSeed": 12345})
    for _ in range(100):
        await mallory.call("combat:useSwiftAttack")
        await mallory.call("combat:setFighting", fighting=True)
        game.clock.advance(seconds=0.3)
        await mallory.call("combat:setFighting", fighting=False)
    # 30 s at most, at two attacks a second.
    assert (await mallory.state())["run"]["attackCount"] <= 60
    await assert_lawful(mallory, 30)


async def test_an_hour_of_greedy_saves_every_second_is_no_more_than_an_hour_of_best_luck_and_grace(
    game: TestBackend,
) -> None:
    mallory = await start(game, "mallory")
    for _ in range(360):
        game.clock.advance(seconds=10)
        await attack(mallory, SAVE, hero(gold=1e15, currentStage=1500, currentWave=10))
    stored = await mallory.stored()
    best = best_case(1, 1, Fighter(), 3_600_000, 1)
    # One kill of grace in every four minutes.
    most = best_case(1, 1, Fighter(), 3_600_000, 1 + 3600 // 240)
    assert stored["gold"] <= most.gold
    assert await mallory.place() <= (most.stage, most.wave)
    assert best.kills <= most.kills == best.kills + 15


async def test_a_list_of_heroes_does_not_tell_whose_they_are(game: TestBackend) -> None:
    ada, mallory = await start(game, "ada"), await start(game, "mallory")
    first_page = {"paginationOpts": {"numItems": 10, "cursor": None}}
    [adas, own] = (await mallory.caller.query("character:listCharacters", first_page))["page"]
    assert own == await mallory.caller.query("character:getCharacter")
    whole = await ada.caller.query("character:getCharacter")
    assert adas == {name: value for name, value in whole.items() if name != "userId"}
    strangers = (await game.query("character:listCharacters", first_page))["page"]
    assert [row["_id"] for row in strangers] == [whole["_id"], own["_id"]]
    assert all("userId" not in row for row in strangers)


async def test_nobody_reaches_what_belongs_to_another(game: TestBackend) -> None:
    ada, mallory = await (await start(game, "ada")).put(gold=500), await start(game, "mallory")
    before = [await ada.stored(), await ada.rows("runState"), await ada.rows("ledger")]
    for args in (hero(gold=0), {**hero(), "userId": (await ada.caller.query("users:current"))["_id"]}):
        await attack(mallory, SAVE, args)
    await attack(mallory, "goldUpgrades:purchaseUpgrade", {"upgradeId": "gold_strength_flat", "userId": "x"})
    assert [await ada.stored(), await ada.rows("runState"), await ada.rows("ledger")] == before
    shown = await mallory.caller.query("leaderboard:top", {"paginationOpts": {"numItems": 10, "cursor": None}})
    assert {name for row in shown["page"] for name in row} == {"rank", "name", "score", "bestStage", "prestigeLevel"}
