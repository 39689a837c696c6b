"""The way so far: points written with what they show, seldom, and never too many of them."""

from __future__ import annotations

import itertools

import pytest
from apps.kaizen.backend.lib.histories import POINTS_MAX, SPACING_MS, least_missed
from apps.kaizen.tests.heroes import Hero, sign_in, start
from hypothesis import given
from hypothesis import strategies as st

from parabola.testing import TestBackend


async def points(player: Hero) -> list[dict[str, float]]:
    found: list[dict[str, float]] = await player.caller.query("game:history")
    return found


async def fighter(game: TestBackend, **run: int) -> Hero:
    """Kills with every blow, for a while."""
    player = await (await start(game)).put(run={"rngSeed": 1, **run}, levels={"gold_strength_stronger": 500})
    await player.call("combat:setFighting", fighting=True)
    return player


async def test_a_stranger_has_no_history_and_a_beginner_an_empty_one(game: TestBackend) -> None:
    assert await game.query("game:history") is None
    assert await sign_in(game, "u1").query("game:history") is None
    assert await points(await start(game)) == []


async def test_a_kill_writes_a_point_that_shows_what_is_stored(game: TestBackend) -> None:
    ada = await fighter(game)
    game.clock.advance(seconds=3)
    await ada.call("combat:sync")
    [point] = await points(ada)
    stored = await ada.stored()
    assert point == {
        "at": (await ada.state())["run"]["lastSimAt"],
        "gold": stored["gold"],
        "stage": 1,
        "wave": 4,
        "prestigeLevel": 1,
    }
    assert point["gold"] > 0


async def test_points_are_ten_seconds_apart_at_least(game: TestBackend) -> None:
    ada = await fighter(game)
    for _ in range(40):
        game.clock.advance(seconds=1)
        await ada.call("combat:sync")
    times = [point["at"] for point in await points(ada)]
    assert len(times) == 4
    assert all(later - earlier >= SPACING_MS for earlier, later in itertools.pairwise(times))


async def test_a_purchase_and_a_save_are_part_of_the_history(game: TestBackend) -> None:
    ada = await (await start(game)).put(gold=100)
    await ada.call("goldUpgrades:purchaseUpgrade", upgradeId="gold_strength_stronger")
    assert [point["gold"] for point in await points(ada)] == [90]
    game.clock.advance(minutes=5)
    await ada.call("character:updateCharacter", **{**await ada.stored(), "gold": 100})
    assert [point["gold"] for point in await points(ada)] == [90, 100]


async def test_a_prestige_is_a_turning_point_however_soon_it_comes(game: TestBackend) -> None:
    ada = await (await start(game)).put(gold=100, currentStage=20, currentWave=4)
    await ada.call("goldUpgrades:purchaseUpgrade", upgradeId="gold_strength_flat")
    await ada.call("game:prestige")
    shown = [(point["stage"], point["prestigeLevel"]) for point in await points(ada)]
    assert shown == [(20, 1), (1, 2)]


async def test_a_refused_purchase_leaves_no_point(game: TestBackend) -> None:
    ada = await start(game)
    await ada.refused("goldUpgrades:purchaseUpgrade", upgradeId="gold_strength_stronger")
    assert await points(ada) == []


async def test_a_long_life_stays_within_the_bound_and_keeps_its_beginning(game: TestBackend) -> None:
    ada = await (await start(game)).put(gold=0)
    first = None
    for gold in range(1, POINTS_MAX + 60):
        game.clock.advance(minutes=5)
        await ada.call("character:updateCharacter", **{**await ada.stored(), "gold": gold})
        first = first or (await points(ada))[0]
    found = await points(ada)
    stored = await ada.rows("history")
    assert len(found) == len(stored) <= POINTS_MAX
    assert found[0] == first
    assert [point["at"] for point in found] == sorted(point["at"] for point in found)


async def test_players_have_histories_of_their_own(game: TestBackend) -> None:
    ada, bob = await start(game), await start(game, "u2", "Bob")
    await (await ada.put(gold=5)).call("goldUpgrades:purchaseUpgrade", upgradeId="gold_strength_flat")
    assert (len(await points(ada)), await points(bob)) == (1, [])


@given(times=st.lists(st.integers(0, 10**9), min_size=2, max_size=60, unique=True).map(sorted), keep=st.integers(2, 60))
def test_thinning_leaves_as_many_as_asked_and_both_ends(times: list[float], keep: int) -> None:
    dropped = least_missed(times, times[-1], keep)
    assert len(times) - len(dropped) == min(keep, len(times))
    assert not dropped & {0, len(times) - 1}


@pytest.mark.parametrize("days", [1, 60])
def test_thinning_again_and_again_keeps_the_last_hour_fine_and_the_whole_life_in_view(days: int) -> None:
    times: list[float] = []
    for now in range(0, days * 86_400_000, 40_000 * days):
        times.append(now)
        if len(times) > POINTS_MAX:
            dropped = least_missed(times, now, 150)
            times = [time for index, time in enumerate(times) if index not in dropped]
    gaps = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert times[0] == 0
    assert max(gaps) < times[-1] / 20
    assert gaps[-1] == 40_000 * days
