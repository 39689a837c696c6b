"""The fight by the server's clock (kaizen 9.6): online blow by blow, offline by averages, each second once."""

from __future__ import annotations

from apps.kaizen.tests.heroes import Hero, start

from parabola.testing import TestBackend

FLAT, STRONGER, SPEED = "gold_strength_flat", "gold_strength_stronger", "attack_speed_boost"


async def fighter(game: TestBackend) -> Hero:
    """Damage 10, the seed of the worked examples, and fighting."""
    player = await (await start(game)).put(run={"rngSeed": 12345}, levels={FLAT: 9})
    await player.call("combat:setFighting", fighting=True)
    return player


async def test_a_minute_of_fighting_is_the_worked_example(game: TestBackend) -> None:
    ada = await fighter(game)
    game.clock.advance(seconds=60)
    expected = {"elapsedMs": 60_000, "kills": 5, "gold": 56, "stage": 1, "wave": 6, "enemyHp": 57, "offline": False}
    assert await ada.call("combat:sync") == expected
    stored = await ada.stored()
    assert (stored["gold"], stored["currentStage"], stored["currentWave"]) == (56, 1, 6)
    run = (await ada.state())["run"]
    assert (run["attackCount"], run["killCount"], run["leftoverMs"]) == (60, 5, 0)


async def test_many_small_steps_are_the_same_fight_as_one_large_step(game: TestBackend) -> None:
    ada = await fighter(game)
    for _ in range(60):
        game.clock.advance(seconds=1)
        await ada.call("combat:sync")
    stored = await ada.stored()
    assert (stored["gold"], await ada.place(), (await ada.state())["run"]["enemyHp"]) == (56, (1, 6), 57)


async def test_time_too_short_for_an_attack_is_kept_for_the_next(game: TestBackend) -> None:
    ada = await fighter(game)
    for expected in (700, 400, 100, 800):
        game.clock.advance(seconds=0.7)
        await ada.call("combat:sync")
        assert (await ada.state())["run"]["leftoverMs"] == expected % 1000
    assert (await ada.state())["run"]["attackCount"] == 2


async def test_a_hero_who_does_not_fight_earns_nothing(game: TestBackend) -> None:
    ada = await fighter(game)
    assert (await ada.call("combat:setFighting", fighting=False))["fighting"] is False
    game.clock.advance(hours=3)
    assert (await ada.call("combat:sync"))["kills"] == 0
    await ada.call("combat:setFighting", fighting=True)
    assert (await ada.call("combat:sync"))["kills"] == 0


async def test_beginning_twice_and_stopping_and_beginning_again_is_no_gain(game: TestBackend) -> None:
    ada = await fighter(game)
    for _ in range(20):
        await ada.call("combat:setFighting", fighting=True)
        await ada.call("combat:setFighting", fighting=False)
        await ada.call("combat:setFighting", fighting=True)
    game.clock.advance(seconds=60)
    assert (await ada.call("combat:sync"))["gold"] == 56


async def test_two_devices_share_one_clock(game: TestBackend) -> None:
    ada = await fighter(game)
    other = Hero(ada.caller)
    game.clock.advance(seconds=60)
    results = [await device.call("combat:sync") for device in (ada, other)]
    assert [result["gold"] for result in results] == [56, 0]


async def test_an_hour_away_is_half_an_hour_by_averages_and_is_told_once(game: TestBackend) -> None:
    player = await (await start(game)).put(
        prestigeLevel=2, currentStage=20, currentWave=4, levels={STRONGER: 12, SPEED: 3}
    )
    await player.call("combat:setFighting", fighting=True)
    game.clock.advance(hours=2)
    # Two hours away are the worked example of 3600 s.
    expected = {"elapsedMs": 7_200_000, "kills": 4, "gold": 1122, "stage": 20, "wave": 8, "enemyHp": 291167}
    assert await player.call("combat:sync") == {**expected, "offline": True}
    assert (await player.state())["run"]["leftoverMs"] == 250
    again = await player.call("combat:sync")
    assert (again["kills"], again["gold"], again["offline"]) == (0, 0, False)


async def test_eight_hours_are_the_most_that_an_absence_counts(game: TestBackend) -> None:
    player = await (await start(game)).put(
        prestigeLevel=2, currentStage=20, currentWave=4, levels={STRONGER: 12, SPEED: 3}
    )
    await player.call("combat:setFighting", fighting=True)
    game.clock.advance(days=30)
    result = await player.call("combat:sync")
    assert (result["kills"], result["gold"], result["stage"], result["wave"]) == (13, 3705, 21, 7)
    assert (result["enemyHp"], result["elapsedMs"]) == (289090, 8 * 3_600_000)


async def test_an_absence_that_a_purchase_ended_is_still_told_by_the_next_sync(game: TestBackend) -> None:
    ada = await fighter(game)
    game.clock.advance(hours=1)
    await ada.call("goldUpgrades:purchaseUpgrade", upgradeId=FLAT)
    told = await ada.call("combat:sync")
    assert told["offline"] is True
    assert told["gold"] == (await ada.stored())["gold"] + 10
    assert (await ada.call("combat:sync"))["offline"] is False


async def test_sixty_seconds_are_online_and_a_moment_more_is_offline(game: TestBackend) -> None:
    ada = await fighter(game)
    game.clock.advance(seconds=60)
    assert (await ada.call("combat:sync"))["offline"] is False
    game.clock.advance(seconds=60.01)
    assert (await ada.call("combat:sync"))["offline"] is True


async def test_the_swift_skill_halves_the_intervals_that_begin_in_its_five_seconds(game: TestBackend) -> None:
    ada = await fighter(game)
    used = await ada.call("combat:useSwiftAttack")
    assert used["swiftUntil"] == (await ada.state())["run"]["lastSimAt"] + 5000
    game.clock.advance(seconds=10)
    await ada.call("combat:sync")
    # Ten attacks in the first five seconds, five in the others.
    assert (await ada.state())["run"]["attackCount"] == 15


async def test_using_the_skill_again_restarts_its_five_seconds(game: TestBackend) -> None:
    ada = await fighter(game)
    for _ in range(3):
        await ada.call("combat:useSwiftAttack")
        game.clock.advance(seconds=3)
    game.clock.advance(seconds=3)
    await ada.call("combat:sync")
    # Swift for 11 of the 12 seconds.
    assert (await ada.state())["run"]["attackCount"] == 23


async def test_a_clock_that_went_backwards_counts_as_standing_still(game: TestBackend) -> None:
    ada = await fighter(game)
    now = (await ada.state())["run"]["lastSimAt"]
    await ada.put(run={"lastSimAt": now + 600_000, "rngSeed": 12345})
    game.clock.advance(seconds=30)
    assert (await ada.call("combat:sync"))["kills"] == 0
    assert (await ada.state())["run"]["lastSimAt"] == now + 600_000


async def test_more_than_two_syncs_a_second_are_too_many(game: TestBackend) -> None:
    ada = await fighter(game)
    for _ in range(2):
        await ada.call("combat:sync")
    refusal = await ada.refused("combat:sync")
    assert (refusal["code"], refusal["message"]) == ("TOO_MANY_REQUESTS", "Too many requests")
    assert 0 < refusal["retryAfterMs"] <= 1000
    game.clock.advance(seconds=1)
    await ada.call("combat:sync")
