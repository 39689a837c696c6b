"""Laws of the simulation, beyond the worked numbers."""

from __future__ import annotations

import time
from dataclasses import replace

from apps.kaizen.rules.combat import Fighter
from apps.kaizen.rules.simulation import (
    ONLINE_GAP_MS_MAX,
    Fight,
    advance,
    attacks_in,
    best_case,
    fight_blow_by_blow,
    fight_by_averages,
    fresh_fight,
)
from apps.kaizen.rules.stages import STAGE_MAX, WAVES_PER_STAGE
from hypothesis import given, settings
from hypothesis import strategies as st

fighters = st.builds(
    Fighter,
    damage=st.integers(1, 10**6),
    critical_chance=st.sampled_from([0.1, 0.25, 1.0]),
    critical_multiplier=st.sampled_from([2, 2.05, 3.5]),
    interval_ms=st.sampled_from([1000, 649, 100]),
    swift_interval_ms=st.sampled_from([500, 324, 100]),
    foes_level=st.integers(0, 18),
)
places = st.tuples(st.integers(1, 40), st.integers(1, WAVES_PER_STAGE))
seeds = st.integers(0, 2**32 - 1)


@settings(max_examples=40, deadline=None)
@given(fighters, places, seeds, st.lists(st.integers(0, 15_000), max_size=6), st.integers(0, 20_000))
def test_time_in_pieces_is_the_same_fight_as_time_in_one(
    fighter: Fighter, place: tuple[int, int], seed: int, pieces: list[int], swift_ms: int
) -> None:
    while sum(pieces) > ONLINE_GAP_MS_MAX:
        pieces.pop()
    start = fresh_fight(*place, fighter)
    step, passed = start, 0
    for piece in pieces:
        step = advance(step, fighter, seed, piece, swift_ms - passed)
        passed += piece
    assert step == advance(start, fighter, seed, passed, swift_ms)


@settings(max_examples=40, deadline=None)
@given(fighters, places, seeds, st.integers(0, 600))
def test_nobody_is_luckier_than_the_best_case(
    fighter: Fighter, place: tuple[int, int], seed: int, attacks: int
) -> None:
    start = fresh_fight(*place, fighter)
    best = best_case(*place, fighter, attacks * fighter.swift_interval_ms)
    for real in (fight_blow_by_blow(start, fighter, seed, attacks), fight_by_averages(start, fighter, attacks)):
        assert (real.kills, real.gold) <= (best.kills, best.gold)
        assert (real.stage, real.wave) <= (best.stage, best.wave)


@settings(max_examples=40, deadline=None)
@given(fighters, places, st.integers(0, 600))
def test_a_fight_leaves_a_living_enemy_in_at_most_full_health(
    fighter: Fighter, place: tuple[int, int], attacks: int
) -> None:
    fight = fight_by_averages(fresh_fight(*place, fighter), fighter, attacks)
    assert 1 <= fight.enemy_hp <= fresh_fight(fight.stage, fight.wave, fighter).enemy_hp
    assert fight.attacks == attacks


def test_no_time_and_backward_time_change_nothing() -> None:
    start = fresh_fight(1, 1, Fighter())
    assert advance(start, Fighter(), 1, 0) == advance(start, Fighter(), 1, -5) == start


def test_the_swift_skill_counts_for_the_intervals_that_begin_while_it_lasts() -> None:
    fighter = Fighter()
    assert attacks_in(fighter, 10_000, 0, 5_000) == (15, 0)
    assert attacks_in(fighter, 10_000, 0, 4_900) == (15, 0)
    assert attacks_in(fighter, 10_000, 0, 4_500) == (14, 500)
    assert attacks_in(fighter, 700, 0, 5_000) == (1, 200)
    assert attacks_in(fighter, 10_000, 0, -1) == (10, 0)


def test_offline_time_has_half_the_effect_and_ends_after_eight_hours() -> None:
    fighter = Fighter(damage=50)
    start = fresh_fight(1, 1, fighter)
    hour = advance(start, fighter, 1, 3_600_000)
    assert replace(hour, leftover_ms=0) == fight_by_averages(start, fighter, 1800)
    assert advance(start, fighter, 1, 8 * 3_600_000) == advance(start, fighter, 1, 800 * 3_600_000)


def test_the_last_place_repeats_and_counting_it_at_once_is_the_same_as_one_by_one() -> None:
    giant = Fighter(damage=1e290)
    start = fresh_fight(STAGE_MAX, WAVES_PER_STAGE, giant)
    one_by_one = Fight(STAGE_MAX, WAVES_PER_STAGE, start.enemy_hp)
    for _ in range(50):
        one_by_one = fight_by_averages(one_by_one, giant, 1)
    assert fight_by_averages(start, giant, 50) == one_by_one
    assert (one_by_one.kills, one_by_one.stage, one_by_one.wave) == (50, STAGE_MAX, WAVES_PER_STAGE)


def test_no_hero_however_strong_makes_a_long_absence_expensive() -> None:
    giant = Fighter(damage=1e290, interval_ms=100, swift_interval_ms=100)
    began = time.process_time()
    advance(fresh_fight(1, 1, giant), giant, 1, 8 * 3_600_000)
    best_case(1, 1, giant, 24 * 3_600_000, 1)
    assert time.process_time() - began < 0.5
