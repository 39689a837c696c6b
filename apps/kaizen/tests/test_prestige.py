"""`game:prestige` (kaizen 7.1, 9.4): one transaction, once."""

from __future__ import annotations

import asyncio

from apps.kaizen.tests.heroes import start

from parabola import ConvexError
from parabola.testing import TestBackend

LEVELS = {"gold_strength_flat": 7, "gold_strength_stronger": 2, "core_gain_boost": 1}


async def test_a_whole_prestige_is_the_worked_example(game: TestBackend) -> None:
    ada = await (await start(game)).put(
        currentStage=21, currentWave=7, gold=12345, prestigeCores=2, prestigeLevel=2, levels=LEVELS
    )
    before = await ada.state()
    assert before["coresOnPrestige"] == 5
    assert await ada.call("game:prestige") == {"cores": 7, "prestigeLevel": 3, "gained": 5}
    after = await ada.state()
    assert after["character"] == {
        **before["character"],
        "currentStage": 1,
        "currentWave": 1,
        "prestigeCores": 7,
        "prestigeLevel": 3,
    }
    assert (after["goldLevels"], after["prestigeLevels"]) == (before["goldLevels"], before["prestigeLevels"])
    assert (after["run"]["enemyHp"], after["run"]["epoch"]) == (100, before["run"]["epoch"] + 1)


async def test_below_stage_20_it_is_refused(game: TestBackend) -> None:
    ada = await (await start(game)).put(currentStage=19, currentWave=10)
    assert (await ada.refused("game:prestige"))["message"] == "Stage 20 required"
    assert await ada.place() == (19, 10)


async def test_a_double_click_is_one_prestige(game: TestBackend) -> None:
    ada = await (await start(game)).put(currentStage=40)
    clicks = (ada.call("game:prestige", expectedPrestigeLevel=1) for _ in range(2))
    results = await asyncio.gather(*clicks, return_exceptions=True)
    [refused] = [result for result in results if isinstance(result, ConvexError)]
    assert refused.data["message"] == "Prestige already done"
    assert (await ada.stored())["prestigeLevel"] == 2


async def test_a_request_sent_twice_is_one_prestige(game: TestBackend) -> None:
    ada = await (await start(game)).put(currentStage=40)
    first = await ada.call("game:prestige", requestId="p1")
    assert await ada.call("game:prestige", requestId="p1") == first
    assert (await ada.stored())["prestigeLevel"] == 2


async def test_two_prestiges_within_ten_seconds_are_too_many(game: TestBackend) -> None:
    ada = await (await start(game)).put(currentStage=40)
    await ada.call("game:prestige")
    await ada.put(currentStage=40)
    assert (await ada.refused("game:prestige"))["message"] == "Too many requests"
    game.clock.advance(seconds=10)
    assert (await ada.call("game:prestige"))["prestigeLevel"] == 3


async def test_stages_that_were_just_reached_count(game: TestBackend) -> None:
    ada = await (await start(game)).put(currentStage=19, currentWave=10, levels={"gold_strength_flat": 500}, gold=0)
    await ada.put(prestigeLevel=2**40, currentStage=19, currentWave=10)
    await ada.call("combat:setFighting", fighting=True)
    game.clock.advance(seconds=1)
    assert (await ada.call("game:prestige"))["gained"] == 5


async def test_purchases_and_a_prestige_at_once_all_happen(game: TestBackend) -> None:
    ada = await (await start(game)).put(currentStage=20, gold=38)
    buying = (ada.call("goldUpgrades:purchaseUpgrade", upgradeId="gold_strength_flat") for _ in range(10))
    await asyncio.gather(ada.call("game:prestige"), *buying)
    state = await ada.state()
    assert (state["goldLevels"]["gold_strength_flat"], state["character"]["gold"]) == (10, 0)
    assert state["character"]["prestigeCores"] == 5


async def test_a_save_from_before_the_prestige_brings_nothing_back(game: TestBackend) -> None:
    ada = await (await start(game)).put(currentStage=30, gold=500)
    old = await ada.stored()
    await ada.call("game:prestige")
    after = await ada.stored()
    game.clock.advance(minutes=5)
    await ada.call("character:updateCharacter", **{**old, "gold": 600})
    assert await ada.stored() == after
