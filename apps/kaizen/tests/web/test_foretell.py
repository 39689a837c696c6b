"""What the page foretells is what the server will say: at every moment, whatever the hero."""

from __future__ import annotations

from typing import Any

import pytest
from apps.kaizen.rules.simulation import Fight, advance
from apps.kaizen.rules.stages import enemy_health
from apps.kaizen.tests.heroes import start
from apps.kaizen.web.fight.foretell import Blow, fighter_of_state, foretell
from hypothesis import given, settings
from hypothesis import strategies as st

from parabola.testing import TestBackend

T0 = 1_790_000_000_000


def a_state(**changes: Any) -> dict[str, Any]:
    """A `game:state` of a fresh hero who fights; `changes` are named as in the state, whatever part they belong to."""
    state: dict[str, Any] = {
        "character": {"currentStage": 1, "currentWave": 1, "gold": 0},
        "run": {
            "fighting": True,
            "enemyHp": 100,
            "lastSimAt": T0,
            "leftoverMs": 0,
            "rngSeed": 12345,
            "attackCount": 0,
            "killCount": 0,
            "swiftUntil": 0,
        },
        "stats": {
            "damage": 1,
            "criticalChance": 0.1,
            "criticalMultiplier": 2,
            "intervalMs": 1000,
            "swiftIntervalMs": 500,
            "enemyHpMax": 100,
        },
        "prestigeLevels": {"enemy_health_reduction": 0},
    }
    for name, value in changes.items():
        [part] = [part for part in state.values() if name in part]
        part[name] = value
    return state


def reckoned(state: dict[str, Any], gap_ms: int) -> Fight:
    """What the server says `gap_ms` later."""
    run, hero = state["run"], state["character"]
    before = Fight(
        hero["currentStage"],
        hero["currentWave"],
        run["enemyHp"],
        run["attackCount"],
        run["killCount"],
        leftover_ms=run["leftoverMs"],
    )
    swift_ms = run["swiftUntil"] - run["lastSimAt"]
    return advance(before, fighter_of_state(state), run["rngSeed"], gap_ms, swift_ms)


def shown(state: dict[str, Any], blows: list[Blow]) -> tuple[float, float, float, int, int, float]:
    """Where somebody who watches these blows sees the fight stand."""
    run, hero = state["run"], state["character"]
    stage, wave, hp, kills, gold = hero["currentStage"], hero["currentWave"], run["enemyHp"], run["killCount"], 0.0
    for blow in blows:
        hp = blow.hp
        if blow.kill is not None:
            stage, wave, hp = blow.kill.stage, blow.kill.wave, blow.kill.hp_max
            kills, gold = kills + 1, gold + blow.kill.gold
    return stage, wave, hp, run["attackCount"] + len(blows), kills, gold


@st.composite
def states(draw: st.DrawFn) -> dict[str, Any]:
    stage, wave = draw(st.integers(1, 40) | st.just(1500)), draw(st.integers(1, 10))
    foes = draw(st.integers(0, 18))
    full = enemy_health(stage, wave, foes)
    interval = draw(st.integers(100, 1000))
    return a_state(
        currentStage=stage,
        currentWave=wave,
        enemyHp=draw(st.floats(1, full).map(int)) if full < 2**53 else full,
        leftoverMs=draw(st.integers(0, 1500)),
        rngSeed=draw(st.integers(0, 2**32 - 1)),
        attackCount=draw(st.integers(0, 10**6)),
        killCount=draw(st.integers(0, 10**5)),
        swiftUntil=T0 + draw(st.integers(-2000, 5000)),
        damage=draw(st.integers(1, 5000)) if stage < 1500 else full,
        criticalChance=draw(st.floats(0, 1)),
        criticalMultiplier=draw(st.floats(2, 5)),
        intervalMs=interval,
        swiftIntervalMs=max(100, interval // 2),
        enemy_health_reduction=foes,
    )


@given(state=states(), cuts=st.lists(st.integers(0, 60_000), min_size=1, max_size=12))
@settings(max_examples=150, deadline=None)
def test_the_foretold_fight_is_the_servers_at_every_cut(state: dict[str, Any], cuts: list[int]) -> None:
    blows = foretell(state, T0 + 60_000)
    moments = [*cuts, *(blow.at_ms - T0 for blow in blows[:5]), *(blow.at_ms - T0 - 1 for blow in blows[:5])]
    for gap in moments:
        fight = reckoned(state, gap)
        expected = (fight.stage, fight.wave, fight.enemy_hp, fight.attacks, fight.kills, fight.gold)
        assert shown(state, [blow for blow in blows if blow.at_ms <= T0 + gap]) == expected


@given(state=states(), until=st.integers(0, 30_000), further=st.integers(0, 30_000))
@settings(max_examples=60, deadline=None)
def test_a_longer_look_begins_like_a_shorter_one(state: dict[str, Any], until: int, further: int) -> None:
    short, long = foretell(state, T0 + until), foretell(state, T0 + until + further)
    assert long[: len(short)] == short
    assert all(blow.at_ms > T0 + until for blow in long[len(short) :])


def test_the_worked_example_of_sixty_attacks() -> None:
    state = a_state(damage=10)
    blows = foretell(state, T0 + 60_000)
    assert sum(blow.critical for blow in blows) == 4
    assert shown(state, blows) == (1, 6, 57, 60, 5, 56)


def test_a_blow_says_when_it_falls_and_what_it_leaves() -> None:
    first, second, third = foretell(a_state(damage=7, leftoverMs=400), T0 + 2600)
    assert (first.at_ms, second.at_ms, third.at_ms) == (T0 + 600, T0 + 1600, T0 + 2600)
    assert (first.critical, first.damage, first.hp, second.hp) == (False, 7, 93, 86)
    # The third number of seed 12345 is 0.129: critical for whoever is lucky enough.
    assert foretell(a_state(criticalChance=0.13), T0 + 3000)[2].critical


@pytest.mark.parametrize(("until", "expected"), [(4999, 9), (5000, 10), (6999, 11), (7000, 12)])
def test_the_swift_skill_halves_the_intervals_that_begin_in_it(until: int, expected: int) -> None:
    assert len(foretell(a_state(swiftUntil=T0 + 5000), T0 + until)) == expected


def test_who_does_not_fight_strikes_no_blow_and_nothing_is_foretold_beyond_a_minute() -> None:
    assert foretell(a_state(fighting=False), T0 + 10_000) == []
    assert len(foretell(a_state(), T0 + 600_000)) == 60


async def test_a_page_sees_the_fight_that_the_backend_computes(game: TestBackend) -> None:
    ada = await (await start(game)).put(run={"rngSeed": 7}, levels={"gold_strength_stronger": 4})
    await ada.call("combat:setFighting", fighting=True)
    await ada.call("combat:useSwiftAttack")
    before = await ada.state()
    blows = foretell(before, before["run"]["lastSimAt"] + 40_000)
    game.clock.advance(seconds=40)
    told = await ada.call("combat:sync")
    after = await ada.state()
    assert shown(before, blows) == (
        told["stage"],
        told["wave"],
        told["enemyHp"],
        after["run"]["attackCount"],
        after["run"]["killCount"],
        told["gold"],
    )
