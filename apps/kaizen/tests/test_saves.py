"""Saves of the original client in strict mode (kaizen 9.3): believed as far as they can be true, never an error for a
fair one.
"""

from __future__ import annotations

from typing import Any

import pytest
from apps.kaizen.tests.heroes import Hero, hero, start

from parabola.testing import TestBackend

SAVE = "character:updateCharacter"
SAVE_GOLD, SAVE_CORES = "goldUpgrades:updateGoldUpgradeLevels", "prestigeUpgrades:updatePrestigeUpgradeLevels"
FLAT, STRONGER, SPEED = "gold_strength_flat", "gold_strength_stronger", "attack_speed_boost"
GREEDY = {"gold": 1e15, "currentStage": 1500, "currentWave": 10}


async def save_levels(player: Hero, name: str, *entries: tuple[str, float]) -> None:
    await player.call(name, upgrades=[{"id": id, "currentLevel": level} for id, level in entries])


def levels(state: dict[str, Any]) -> dict[str, float]:
    """What the player has bought."""
    everything = {**state["goldLevels"], **state["prestigeLevels"]}
    return {id: level for id, level in everything.items() if level}


# ---- what can be no hero at all


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf"), -1, -0.0], ids=str)
@pytest.mark.parametrize("field", ["prestigeLevel", "prestigeCores", "gold", "currentStage", "currentWave"])
async def test_a_number_that_no_hero_can_have_is_refused(game: TestBackend, field: str, value: float) -> None:
    ada = await start(game)
    game.clock.advance(minutes=5)
    refusal = await ada.refused(SAVE, **hero(**{"gold": 7, field: value}))
    assert refusal == {"code": "INVALID_VALUE", "message": f"Invalid value: {field}", "field": field}
    assert await ada.stored() == hero()


@pytest.mark.parametrize(
    ("field", "value"),
    [("prestigeLevel", 1.5), ("prestigeLevel", 0), ("prestigeCores", 0.5), ("currentStage", 0), ("currentStage", 1501),
     ("currentStage", 1.5), ("currentWave", 0), ("currentWave", 11), ("currentWave", 2.5)],
)  # fmt: skip
async def test_a_number_out_of_its_range_is_refused(game: TestBackend, field: str, value: float) -> None:
    ada = await start(game)
    assert (await ada.refused(SAVE, **hero(**{field: value})))["message"] == f"Invalid value: {field}"


async def test_multipliers_must_be_numbers_and_are_never_taken_over(game: TestBackend) -> None:
    ada = await start(game)
    wrong = {"strength": float("nan"), "intelligence": 1, "endurance": 1}
    assert (await ada.refused(SAVE, **hero(prestigeMultipliers=wrong)))["field"] == "prestigeMultipliers.strength"
    game.clock.advance(minutes=5)
    await ada.call(SAVE, **hero(gold=50, prestigeMultipliers={"strength": 1e6, "intelligence": 9, "endurance": 9}))
    assert await ada.stored() == hero(gold=50)


async def test_there_is_one_hero_and_its_id_is_1(game: TestBackend) -> None:
    ada = await start(game)
    assert (await ada.refused(SAVE, **hero(id="2")))["message"] == "Unknown character"
    assert len(await ada.rows("character")) == 1


# ---- progress


async def test_fair_progress_is_taken_over(game: TestBackend) -> None:
    ada = await start(game)
    game.clock.advance(minutes=5)
    # 300 plain attacks of damage 1: two kills.
    await ada.call(SAVE, **hero(gold=21, currentWave=3))
    assert await ada.stored() == hero(gold=21, currentWave=3)


async def test_the_best_case_of_five_minutes_is_the_most(game: TestBackend) -> None:
    ada = await start(game)
    game.clock.advance(minutes=5)
    await ada.call(SAVE, **hero(**GREEDY))
    # Nine kills for 225 gold reach wave 10; the kill of grace happens there.
    assert await ada.stored() == hero(gold=225 + 30, currentStage=2, currentWave=1)


async def test_the_best_case_of_a_strong_hero(game: TestBackend) -> None:
    ada = await start(game)
    await ada.put(prestigeLevel=2, currentStage=20, currentWave=4, levels={STRONGER: 12, SPEED: 3})
    game.clock.advance(minutes=5)
    await ada.call(SAVE, **hero(**GREEDY, prestigeLevel=2))
    assert await ada.stored() == hero(gold=480 + 500, currentStage=20, currentWave=6, prestigeLevel=2)


async def test_the_kill_of_grace_is_not_granted_with_every_save(game: TestBackend) -> None:
    ada = await start(game)
    for _ in range(50):
        await ada.call(SAVE, **hero(**GREEDY))
    assert await ada.stored() == hero(gold=21, currentWave=2)
    game.clock.advance(minutes=5)
    await ada.call(SAVE, **hero(**GREEDY))
    assert (await ada.stored())["gold"] == 21 + 234 + 42


async def test_time_is_used_once(game: TestBackend) -> None:
    ada = await start(game)
    game.clock.advance(minutes=5)
    for _ in range(5):
        await ada.call(SAVE, **hero(**GREEDY))
    assert (await ada.stored())["gold"] == 255


async def test_a_day_is_the_most_that_counts(game: TestBackend) -> None:
    ada, bob = await start(game, "u1"), await start(game, "u2")
    game.clock.advance(days=1)
    await ada.call(SAVE, **hero(**GREEDY))
    game.clock.advance(days=100)
    await bob.call(SAVE, **hero(**GREEDY))
    assert await ada.stored() == await bob.stored()


async def test_a_hero_who_fights_on_the_server_has_no_time_left_for_claims(game: TestBackend) -> None:
    ada = await (await start(game)).put(run={"rngSeed": 12345}, levels={FLAT: 9})
    await ada.call("combat:setFighting", fighting=True)
    await ada.call(SAVE, **hero(**GREEDY))
    granted = (await ada.stored())["gold"]
    await ada.put(currentWave=1, run={"rngSeed": 12345})
    game.clock.advance(seconds=60)
    await ada.call(SAVE, **hero(**GREEDY))
    assert (await ada.stored())["gold"] == granted + 56


# ---- what knows less than the server


async def test_a_stale_device_takes_nothing_back(game: TestBackend) -> None:
    ada = await (await start(game)).put(gold=500, currentStage=7, currentWave=3)
    before = await ada.stored()
    for stale in (hero(gold=400, currentStage=6, currentWave=9), hero(gold=400, currentStage=7, currentWave=2), before):
        game.clock.advance(minutes=5)
        await ada.call(SAVE, **stale)
        assert await ada.stored() == before


async def test_an_old_state_once_more_does_not_use_up_the_time(game: TestBackend) -> None:
    ada = await start(game)
    game.clock.advance(minutes=4)
    await ada.call(SAVE, **hero())
    game.clock.advance(minutes=1)
    await ada.call(SAVE, **hero(gold=225, currentWave=10))
    assert await ada.stored() == hero(gold=225, currentWave=10)


async def test_an_earlier_save_once_more_does_not_bring_back_the_gold_that_was_spent_since(game: TestBackend) -> None:
    ada = await start(game)
    game.clock.advance(minutes=5)
    earlier = hero(gold=50, currentWave=4)
    await ada.call(SAVE, **earlier)
    await ada.call("goldUpgrades:purchaseUpgrade", upgradeId=STRONGER)
    for _ in range(3):
        await ada.call(SAVE, **earlier)
        game.clock.advance(minutes=5)
    assert (await ada.stored())["gold"] == 40
    # Earned again, on the way to somewhere else, it is not an old state.
    await ada.call(SAVE, **hero(gold=50, currentWave=5))
    assert await ada.stored() == hero(gold=50, currentWave=5)


# ---- prestige


async def test_a_save_that_is_exactly_a_prestige_is_one(game: TestBackend) -> None:
    ada = await (await start(game)).put(currentStage=32, gold=700, prestigeCores=2)
    epoch = (await ada.state())["run"]["epoch"]
    game.clock.advance(minutes=5)
    await ada.call(SAVE, **hero(gold=700, prestigeCores=8, prestigeLevel=2))
    assert await ada.stored() == hero(gold=700, prestigeCores=8, prestigeLevel=2)
    assert (await ada.state())["run"]["epoch"] == epoch + 1


async def test_progress_after_a_prestige_begins_at_the_beginning(game: TestBackend) -> None:
    ada = await (await start(game)).put(currentStage=32)
    game.clock.advance(minutes=5)
    await ada.call(SAVE, **hero(gold=1e9, prestigeCores=6, prestigeLevel=2, currentStage=31))
    assert await ada.place() == (2, 1)


@pytest.mark.parametrize(
    ("stage", "claim"),
    [
        (19, {"prestigeLevel": 2, "prestigeCores": 5}),
        (19, {"prestigeLevel": 2, "prestigeCores": 0}),
        (20, {"prestigeLevel": 2, "prestigeCores": 6}),
        (20, {"prestigeLevel": 3, "prestigeCores": 5}),
        (20, {"prestigeLevel": 1, "prestigeCores": 5}),
        (20, {"prestigeLevel": 2, "prestigeCores": 5, "currentStage": 20}),
    ],
    ids=str,
)
async def test_what_is_not_exactly_a_prestige_raises_neither_level_nor_cores(
    game: TestBackend, stage: int, claim: dict[str, float]
) -> None:
    ada = await (await start(game)).put(currentStage=stage)
    game.clock.advance(minutes=5)
    await ada.call(SAVE, **hero(**claim))
    stored = await ada.stored()
    assert (stored["prestigeLevel"], stored["prestigeCores"], stored["currentStage"]) == (1, 0, stage)


async def test_cores_do_not_fall_by_a_save(game: TestBackend) -> None:
    ada = await (await start(game)).put(prestigeCores=9)
    game.clock.advance(minutes=5)
    await ada.call(SAVE, **hero(gold=11, prestigeCores=2))
    assert (await ada.stored())["prestigeCores"] == 9


# ---- levels


async def test_levels_are_bought_and_missing_rows_inserted(game: TestBackend) -> None:
    ada = await (await start(game)).put(gold=60, prestigeCores=3)
    await save_levels(ada, SAVE_GOLD, (FLAT, 10), (STRONGER, 1), ("gold_critical_damage_basic", 0))
    await save_levels(ada, SAVE_CORES, (SPEED, 2))
    state = await ada.state()
    assert levels(state) == {FLAT: 10, STRONGER: 1, SPEED: 2}
    assert (state["character"]["gold"], state["character"]["prestigeCores"]) == (60 - 38 - 10, 0)
    assert len(await ada.caller.query("goldUpgrades:getGoldUpgrades")) == 3


async def test_levels_beyond_the_money_are_passed_over_step_by_step(game: TestBackend) -> None:
    ada = await (await start(game)).put(prestigeCores=6)
    await save_levels(ada, SAVE_CORES, (SPEED, 18))
    # 1 + 2 cores; the third level would cost 4.
    state = await ada.state()
    assert (levels(state), state["character"]["prestigeCores"]) == ({SPEED: 2}, 3)


async def test_gold_that_may_have_been_earned_pays_for_levels_and_cannot_be_claimed_again(game: TestBackend) -> None:
    ada = await start(game)
    game.clock.advance(minutes=5)
    # A fair client: 54 gold earned, 50 of it spent on luck, which leaves the damage as it is.
    await save_levels(ada, SAVE_GOLD, ("gold_critical_chance_basic", 1))
    assert (await ada.stored())["gold"] == 0
    await ada.call(SAVE, **hero(**GREEDY))
    assert (await ada.stored())["gold"] == 255 - 50


async def test_repeated_level_saves_borrow_once(game: TestBackend) -> None:
    ada = await start(game)
    game.clock.advance(minutes=5)
    for _ in range(20):
        await save_levels(ada, SAVE_GOLD, ("gold_critical_chance_basic", 90))
    # 50 + 60 + 72; the fourth level would exceed the 255 gold of the best case.
    assert levels(await ada.state()) == {"gold_critical_chance_basic": 3}


async def test_unknown_ids_and_lower_levels_are_passed_over_and_duplicates_count_once(game: TestBackend) -> None:
    ada = await (await start(game)).put(gold=100, levels={STRONGER: 3})
    await save_levels(ada, SAVE_GOLD, ("excalibur", 5), (SPEED, 1), (STRONGER, 1), (FLAT, 2), (FLAT, 3), (FLAT, 1))
    state = await ada.state()
    assert (levels(state), state["character"]["gold"]) == ({STRONGER: 3, FLAT: 3}, 97)
    assert await ada.caller.query("prestigeUpgrades:getPrestigeUpgrades") == []


async def test_levels_end_at_their_caps(game: TestBackend) -> None:
    ada = await (await start(game)).put(prestigeCores=2**50)
    await save_levels(ada, SAVE_CORES, (SPEED, 1e6))
    assert levels(await ada.state()) == {SPEED: 18}
    assert (await ada.stored())["prestigeCores"] == 2**50 - 262143


@pytest.mark.parametrize("level", [float("nan"), float("inf"), -1, 1.5, -0.0], ids=str)
async def test_a_level_that_is_none_is_refused_and_nothing_is_written(game: TestBackend, level: float) -> None:
    ada = await (await start(game)).put(gold=100)
    upgrades = [{"id": FLAT, "currentLevel": 1}, {"id": STRONGER, "currentLevel": level}]
    assert (await ada.refused(SAVE_GOLD, upgrades=upgrades))["message"] == "Invalid value: currentLevel"
    assert levels(await ada.state()) == {}


async def test_more_than_a_hundred_levels_at_once_are_refused(game: TestBackend) -> None:
    ada = await (await start(game)).put(gold=100)
    entries = [{"id": f"u{number}", "currentLevel": 1} for number in range(101)]
    assert (await ada.refused(SAVE_GOLD, upgrades=entries))["limit"] == 100
    await ada.call(SAVE_GOLD, upgrades=entries[:100])


# ---- a fair client, start to end


async def test_a_fair_original_client_plays_for_two_hours_and_loses_nothing(game: TestBackend) -> None:
    """Its own simulation: damage 1 + flat level, no luck; saves every five minutes as the original does."""
    ada = await start(game)
    gold, stage, wave, hp, flat = 0.0, 1, 1, 100.0, 0
    for _ in range(24):
        for _ in range(300):
            hp -= 1 + flat
            if hp <= 0:
                gold += 10 * stage * (20 + wave) // 20 - 1
                stage, wave = (stage, wave + 1) if wave < 10 else (stage + 1, 1)
                hp = int(100 * 1.5 ** (stage - 1) * 1.05 ** (wave - 1))
            while gold >= (cost := int(1.3**flat)):
                gold, flat = gold - cost, flat + 1
        game.clock.advance(minutes=5)
        await save_levels(ada, SAVE_GOLD, (FLAT, flat), (STRONGER, 0))
        await save_levels(ada, SAVE_CORES, (SPEED, 0))
        await ada.call(SAVE, **hero(gold=gold, currentStage=stage, currentWave=wave))
        state = await ada.state()
        assert state["goldLevels"][FLAT] == flat
        assert await ada.place() == (stage, wave)
        # Never less than the client has; what it paid may have been less than what it could have earned.
        assert state["character"]["gold"] == gold
