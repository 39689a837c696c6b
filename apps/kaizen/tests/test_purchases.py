"""`purchaseUpgrade` of both lists (kaizen 9.4): all or nothing, paid in the same transaction, once for each request."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from apps.kaizen.tests.heroes import start

from parabola import ConvexError
from parabola.testing import FunctionCallError, TestBackend

BUY, BUY_CORES = "goldUpgrades:purchaseUpgrade", "prestigeUpgrades:purchaseUpgrade"
FLAT, STRONGER, SPEED = "gold_strength_flat", "gold_strength_stronger", "attack_speed_boost"


async def test_a_purchase_pays_and_says_where_that_leaves_the_player(game: TestBackend) -> None:
    ada = await (await start(game)).put(gold=50)
    bought = await ada.call(BUY, upgradeId=STRONGER)
    assert bought == {"currentLevel": 1, "spent": 10, "balance": 40, "nextCost": 15}
    refusal = await ada.refused(BUY, upgradeId=STRONGER, count=3)
    assert refusal == {"code": "NOT_ENOUGH_GOLD", "message": "Not enough gold", "cost": 70, "balance": 40}
    state = await ada.state()
    assert (state["character"]["gold"], state["goldLevels"][STRONGER], state["nextCosts"][STRONGER]) == (40, 1, 15)
    assert state["stats"]["damage"] == 11


async def test_ten_levels_at_once_for_exactly_all_the_gold(game: TestBackend) -> None:
    ada = await (await start(game)).put(gold=38)
    bought = await ada.call(BUY, upgradeId=FLAT, count=10)
    assert bought == {"currentLevel": 10, "spent": 38, "balance": 0, "nextCost": 13}
    assert [row["currentLevel"] for row in await ada.rows("goldUpgrades")] == [10]


async def test_a_purchase_with_cores(game: TestBackend) -> None:
    ada = await (await start(game)).put(prestigeCores=3)
    assert await ada.call(BUY_CORES, upgradeId=SPEED, count=2) == {
        "currentLevel": 2,
        "spent": 3,
        "balance": 0,
        "nextCost": 4,
    }
    refusal = await ada.refused(BUY_CORES, upgradeId=SPEED)
    assert refusal == {"code": "NOT_ENOUGH_CORES", "message": "Not enough cores", "cost": 4, "balance": 0}


async def test_a_price_that_nobody_can_own_is_told_as_a_number_like_any_other(game: TestBackend) -> None:
    ada = await (await start(game)).put(gold=2**53 - 1, levels={FLAT: 131})
    for count in (9, 100):
        refusal = await ada.refused(BUY, upgradeId=FLAT, count=count)
        assert refusal["message"] == "Not enough gold"
        assert isinstance(refusal["cost"], float)


async def test_an_upgrade_of_the_other_list_is_unknown(game: TestBackend) -> None:
    ada = await (await start(game)).put(gold=1000, prestigeCores=1000)
    for name, upgrade in ((BUY, SPEED), (BUY_CORES, FLAT), (BUY, "excalibur")):
        assert (await ada.refused(name, upgradeId=upgrade))["message"] == "Unknown upgrade"


async def test_the_cap_ends_buying_and_has_no_next_cost(game: TestBackend) -> None:
    ada = await (await start(game)).put(prestigeCores=2**40, levels={SPEED: 16})
    assert (await ada.refused(BUY_CORES, upgradeId=SPEED, count=3))["message"] == "Max level reached"
    assert (await ada.call(BUY_CORES, upgradeId=SPEED, count=2))["nextCost"] is None
    assert (await ada.refused(BUY_CORES, upgradeId=SPEED))["message"] == "Max level reached"
    assert (await ada.state())["nextCosts"][SPEED] is None


@pytest.mark.parametrize("count", [0, -1, 101, 1.5, float("nan"), float("inf"), "2", None], ids=str)
async def test_a_count_is_a_whole_number_from_1_to_100(game: TestBackend, count: Any) -> None:
    ada = await (await start(game)).put(gold=1000)
    with pytest.raises(FunctionCallError, match="ArgumentValidationError"):
        await ada.call(BUY, upgradeId=FLAT, count=count)
    assert (await ada.stored())["gold"] == 1000


async def test_a_request_sent_twice_is_carried_out_once(game: TestBackend) -> None:
    ada = await (await start(game)).put(gold=50)
    first = await ada.call(BUY, upgradeId=STRONGER, requestId="r1")
    await ada.call(BUY, upgradeId=FLAT)
    assert await ada.call(BUY, upgradeId=STRONGER, requestId="r1") == first
    assert (await ada.stored())["gold"] == 39
    assert (await ada.refused("game:prestige", requestId="r1"))["message"] == "Request already used"


async def test_request_ids_of_two_players_do_not_meet(game: TestBackend) -> None:
    ada, bob = await (await start(game)).put(gold=50), await (await start(game, "u2")).put(gold=20)
    await ada.call(BUY, upgradeId=STRONGER, requestId="r1")
    assert (await bob.call(BUY, upgradeId=STRONGER, requestId="r1"))["balance"] == 10


async def test_gold_that_was_just_earned_counts(game: TestBackend) -> None:
    ada = await (await start(game)).put(run={"rngSeed": 12345}, levels={FLAT: 9})
    await ada.call("combat:setFighting", fighting=True)
    game.clock.advance(seconds=60)
    # Sixty attacks of damage 10 earn 56 gold.
    assert await ada.call(BUY, upgradeId="gold_critical_chance_basic") == {
        "currentLevel": 1,
        "spent": 50,
        "balance": 6,
        "nextCost": 60,
    }


async def test_of_two_purchases_at_once_with_gold_for_one_exactly_one_succeeds(game: TestBackend) -> None:
    ada = await (await start(game)).put(gold=10)
    calls = (ada.call(BUY, upgradeId=STRONGER, requestId=f"r{n}") for n in range(2))
    results = await asyncio.gather(*calls, return_exceptions=True)
    assert sorted(isinstance(result, ConvexError) for result in results) == [False, True]
    stored = await ada.state()
    assert (stored["character"]["gold"], stored["goldLevels"][STRONGER]) == (0, 1)


async def test_more_than_ten_purchases_a_second_are_too_many(game: TestBackend) -> None:
    ada = await (await start(game)).put(gold=1000)
    for _ in range(10):
        await ada.call(BUY, upgradeId=FLAT)
    assert (await ada.refused(BUY, upgradeId=FLAT))["message"] == "Too many requests"
    assert (await ada.state())["goldLevels"][FLAT] == 10
    game.clock.advance(seconds=1)
    await ada.call(BUY, upgradeId=FLAT)


async def test_the_limit_holds_for_purchases_at_once_from_several_devices(game: TestBackend) -> None:
    ada = await (await start(game)).put(gold=1000)
    calls = (ada.call(BUY, upgradeId=FLAT, requestId=f"r{n}") for n in range(15))
    results = await asyncio.gather(*calls, return_exceptions=True)
    refused = [result.data["code"] for result in results if isinstance(result, ConvexError)]
    assert refused == ["TOO_MANY_REQUESTS"] * 5
    assert (await ada.state())["goldLevels"][FLAT] == 10


async def test_a_request_sent_again_with_other_arguments_is_still_the_first_one(game: TestBackend) -> None:
    ada = await (await start(game)).put(gold=50, prestigeCores=5)
    first = await ada.call(BUY, upgradeId=STRONGER, requestId="r1")
    assert await ada.call(BUY, upgradeId=FLAT, count=5, requestId="r1") == first
    assert await ada.call(BUY, upgradeId="excalibur", requestId="r1") == first
    assert (await ada.refused(BUY_CORES, upgradeId=SPEED, requestId="r1"))["code"] == "REQUEST_ALREADY_USED"
    stored = await ada.stored()
    assert (stored["gold"], stored["prestigeCores"]) == (40, 5)


async def test_a_request_that_was_refused_may_be_sent_again(game: TestBackend) -> None:
    ada = await start(game)
    await ada.refused(BUY, upgradeId=STRONGER, requestId="r1")
    await ada.put(gold=10)
    assert (await ada.call(BUY, upgradeId=STRONGER, requestId="r1"))["balance"] == 0


async def test_a_weaker_kind_of_enemy_is_weaker_at_once(game: TestBackend) -> None:
    ada = await (await start(game)).put(prestigeCores=1)
    await ada.call(BUY_CORES, upgradeId="enemy_health_reduction")
    state = await ada.state()
    assert state["run"]["enemyHp"] == state["stats"]["enemyHpMax"] == 95
