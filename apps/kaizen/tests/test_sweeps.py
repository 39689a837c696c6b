"""The sweep of heroes whose players are away (kaizen 9.6): others see them get on; no absence is worth more by it."""

from __future__ import annotations

import contextlib
import random
from typing import Any

import pytest
from apps.kaizen.tests.heroes import Hero, new_game, start

from parabola import ConvexError, internal
from parabola.testing import FunctionCallError, TestBackend

FLAT, STRONGER, SPEED = "gold_strength_flat", "gold_strength_stronger", "attack_speed_boost"
STRONG = {"prestigeLevel": 2, "currentStage": 20, "currentWave": 4, "levels": {STRONGER: 12, SPEED: 3}}


async def sweep(game: TestBackend) -> int:
    moved: int = await game.action(internal.sweeps.sweep)
    return moved


async def fighter(game: TestBackend, subject: str = "u1", **placed: Any) -> Hero:
    """A hero who fights; damage 10 and the seed of the worked examples unless it is placed otherwise."""
    player = await (await start(game, subject)).put(run={"rngSeed": 12345}, **(placed or {"levels": {FLAT: 9}}))
    await player.call("combat:setFighting", fighting=True)
    return player


async def shown_score(game: TestBackend) -> float:
    page = await game.query("leaderboard:top", {"paginationOpts": {"numItems": 10, "cursor": None}})
    score: float = page["page"][0]["score"]
    return score


async def everything(player: Hero) -> tuple[Any, ...]:
    """All that a player has, without ids, and without how it was booked."""
    run = {name: value for name, value in (await player.state())["run"].items() if name[0] != "_" and name != "userId"}
    return await player.stored(), run


async def test_others_see_a_hero_get_on_while_the_player_is_away(game: TestBackend) -> None:
    ada = await fighter(game)
    before = await shown_score(game)
    scores = []
    for _ in range(10):
        game.clock.advance(minutes=1)
        await sweep(game)
        scores.append(await shown_score(game))
    assert scores == sorted(scores)
    assert scores[-1] > before
    state = await ada.state()
    assert state["character"]["gold"] > 0
    assert state["run"]["lastSimAt"] < state["run"]["absence"]["until"]


async def test_it_happens_by_itself_once_a_minute(game: TestBackend) -> None:
    await fighter(game)
    before = await shown_score(game)
    for _ in range(10):
        game.clock.advance(minutes=1)
        await game.finish_scheduled_functions()
    assert await shown_score(game) > before


@pytest.mark.parametrize("every_s", [None, 60, 61, 97, 1800])
async def test_an_absence_is_worth_the_same_however_often_it_was_swept(game: TestBackend, every_s: int | None) -> None:
    """Two hours away are the worked example of 3600 s."""
    player = await fighter(game, **STRONG)
    away_s = 7200
    for _ in range(away_s // every_s if every_s else 0):
        assert every_s is not None
        game.clock.advance(seconds=every_s)
        await sweep(game)
    game.clock.advance(seconds=away_s % every_s if every_s else away_s)
    expected = {"elapsedMs": 7_200_000, "kills": 4, "gold": 1122, "stage": 20, "wave": 8, "enemyHp": 291167}
    assert await player.call("combat:sync") == {**expected, "offline": True}
    state = await player.state()
    assert (state["run"]["leftoverMs"], state["character"]["gold"]) == (250, 1122)
    assert "absence" not in state["run"]
    again = await player.call("combat:sync")
    assert (again["kills"], again["gold"], again["offline"]) == (0, 0, False)


@pytest.mark.parametrize("seed", range(5))
async def test_a_life_with_sweeps_is_the_same_as_one_without(seed: int) -> None:
    """Looks, purchases and skills after pauses of all lengths: swept between, or not."""
    ends = []
    for is_swept in (True, False):
        chance, game = random.Random(seed), new_game()
        player = await fighter(game, levels={STRONGER: 4, SPEED: 7}, gold=40)
        told = []
        for _ in range(12):
            pause_s = chance.choice([5, 30, 59, 61, 100, 400, 1000])
            action = chance.choice(["sync", "buy", "swift", "stop"])
            for _ in range(pause_s // 30):
                game.clock.advance(seconds=30)
                if is_swept:
                    await sweep(game)
            game.clock.advance(seconds=pause_s % 30)
            if action == "sync":
                told.append(await player.call("combat:sync"))
            elif action == "buy":
                # A refused purchase undoes its look at the clock, too.
                with contextlib.suppress(ConvexError):
                    told.append(await player.call("goldUpgrades:purchaseUpgrade", upgradeId=STRONGER))
            elif action == "swift":
                await player.call("combat:useSwiftAttack")
            else:
                await player.call("combat:setFighting", fighting=False)
                await player.call("combat:setFighting", fighting=True)
        told.append(await player.call("combat:sync"))
        ends.append((told, await everything(player)))
        ledger = [row["amount"] for row in await player.rows("ledger") if row["kind"].startswith("gold.")]
        assert sum(ledger) == (await player.stored())["gold"]
    assert ends[0] == ends[1]


async def test_whoever_was_there_within_the_last_minute_is_left_alone(game: TestBackend) -> None:
    ada = await fighter(game)
    game.clock.advance(seconds=60)
    before = await everything(ada)
    assert await sweep(game) == 0
    assert await everything(ada) == before
    # So the minute is still fought blow by blow: the worked example of sixty attacks.
    assert (await ada.call("combat:sync"))["gold"] == 56


async def test_what_a_purchase_cut_short_is_told_with_what_the_sweep_had_found(game: TestBackend) -> None:
    ada = await fighter(game)
    for _ in range(30):
        game.clock.advance(minutes=1)
        await sweep(game)
    earned = (await ada.stored())["gold"]
    await ada.call("goldUpgrades:purchaseUpgrade", upgradeId=FLAT)
    told = await ada.call("combat:sync")
    assert (told["offline"], told["gold"], told["elapsedMs"]) == (True, earned, 1_800_000)


async def test_a_prestige_after_an_absence_leaves_nothing_of_it(game: TestBackend) -> None:
    player = await fighter(game, **STRONG)
    game.clock.advance(minutes=10)
    await sweep(game)
    await player.call("game:prestige")
    game.clock.advance(minutes=10)
    await sweep(game)
    stage, _ = await player.place()
    assert stage < 20


async def test_heroes_who_do_not_fight_are_not_swept(game: TestBackend) -> None:
    ada = await fighter(game)
    await ada.call("combat:setFighting", fighting=False)
    before = await everything(ada)
    game.clock.advance(hours=1)
    assert await sweep(game) == 0
    assert await everything(ada) == before


async def test_an_absence_is_swept_to_its_eighth_hour_and_then_costs_nothing(game: TestBackend) -> None:
    player = await fighter(game, **STRONG)
    for hours in (7, 1, 0.25):
        game.clock.advance(hours=hours)
        swept = await sweep(game)
    assert swept == 0
    assert ((await player.stored())["gold"], await player.place()) == (3705, (21, 7))
    game.clock.advance(days=30)
    assert await sweep(game) == 0
    result = await player.call("combat:sync")
    assert (result["kills"], result["gold"], result["elapsedMs"]) == (13, 3705, 8 * 3_600_000)
    assert (await player.state())["run"]["leftoverMs"] == 150


async def test_a_sweep_takes_all_of_many_players_in_small_transactions(game: TestBackend) -> None:
    players = [await fighter(game, f"u{number}") for number in range(25)]
    game.clock.advance(minutes=10)
    assert await sweep(game) == 25
    # All have done the same, so all have got as far.
    places = {await player.place() for player in players}
    assert len(places) == 1
    assert places.pop() > (1, 1)


async def test_a_clock_that_went_backwards_after_a_sweep_takes_nothing_back(game: TestBackend) -> None:
    ada = await fighter(game)
    game.clock.advance(minutes=30)
    await sweep(game)
    before = await ada.stored()
    run = (await ada.state())["run"]
    # As if the clock had been an hour ahead until now.
    ahead = {**run["absence"], "until": run["absence"]["until"] + 3_600_000}
    await ada.put(run={"enemyHp": run["enemyHp"], "lastSimAt": run["lastSimAt"] + 3_600_000, "absence": ahead})
    assert await sweep(game) == 0
    await ada.call("combat:sync")
    assert await ada.stored() == before
    assert (await ada.state())["run"]["lastSimAt"] == ahead["until"]


async def test_sweeping_is_nothing_that_a_client_can_ask_for(game: TestBackend) -> None:
    ada = await fighter(game)
    for name in ("sweeps:sweep", "sweeps:moveOn", "sweeps:absentFighters"):
        for call in (ada.caller.query, ada.caller.mutation, ada.caller.action):
            with pytest.raises(FunctionCallError, match="Could not find public function"):
                await call(name)
