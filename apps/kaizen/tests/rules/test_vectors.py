"""Every worked number of the game's specification, by its section. Exact: all are below 2**50."""

from __future__ import annotations

import math
from typing import Any

import pytest
from apps.kaizen.rules.chance import CRITICAL_HIT, DOUBLE_GOLD, draw
from apps.kaizen.rules.combat import (
    Fighter,
    attack_interval,
    attack_interval_formula,
    attacks_per_second,
    critical_chance,
    critical_multiplier,
    damage,
    damage_per_second,
    fighter_of,
    health_after,
)
from apps.kaizen.rules.milestones import base_strength
from apps.kaizen.rules.prestige import prestige_cores
from apps.kaizen.rules.simulation import (
    Fight,
    attacks_in,
    best_case,
    fight_blow_by_blow,
    fight_by_averages,
    fresh_fight,
)
from apps.kaizen.rules.stages import enemy_health, enemy_health_formula, gold_reward, next_place
from apps.kaizen.rules.upgrades import UPGRADES_BY_ID, effect_at, shown_effect


@pytest.mark.parametrize(
    ("before", "after"), [((1, 1), (1, 2)), ((1, 9), (1, 10)), ((1, 10), (2, 1)), ((20, 10), (21, 1))], ids=str
)
def test_section_4_a_wave_leads_to_the_next_and_the_tenth_to_the_next_stage(
    before: tuple[int, int], after: tuple[int, int]
) -> None:
    assert next_place(*before) == after


FLAT, STRONGER = "gold_strength_flat", "gold_strength_stronger"
CRIT_CHANCE, CRIT_DAMAGE = "gold_critical_chance_basic", "gold_critical_damage_basic"
SPEED, TITAN, MASTERY = "attack_speed_boost", "strength_multiplier", "core_gain_boost"
FOES, HOARDED = "enemy_health_reduction", "dps_per_core"
COSTS: dict[int, tuple[int | None, ...]] = {
    0: (1, 10, 50, 1, 1, 1, 1),
    1: (1, 15, 60, 2, 1, 1, 2),
    2: (1, 22, 72, 4, 3, 2, 6),
    3: (2, 33, 86, 8, 5, 4, 15),
    4: (2, 50, 103, 16, 10, 6, 39),
    5: (3, 75, 124, 32, 18, 10, 97),
    10: (13, 576, 309, 1024, 357, 109, 9536),
    20: (190, 33252, 1916, 1048576, 127482, 12089, 90949470),
    30: (2619, 1917510, 11868, 1073741824, 45517159, 1329227, 867361737988),
    50: (497929, 6376215002, 455021, 1125899906842624, 5802635025809, 16069380442, None),
}
COLUMNS = ((FLAT,), (STRONGER,), (CRIT_CHANCE, CRIT_DAMAGE), (SPEED, MASTERY), (TITAN,), (FOES,), (HOARDED,))


@pytest.mark.parametrize(
    ("upgrade", "level", "cost"),
    [
        (upgrade, level, cost)
        for level, costs in COSTS.items()
        for upgrades, cost in zip(COLUMNS, costs, strict=True)
        for upgrade in upgrades
        if cost is not None
    ],
)
def test_section_5_costs(upgrade: str, level: int, cost: int) -> None:
    assert UPGRADES_BY_ID[upgrade].cost(level) == cost


@pytest.mark.parametrize(
    ("upgrade", "level", "count", "total"),
    [(FLAT, 0, 10, 38), (STRONGER, 0, 5, 130), (SPEED, 0, 18, 262143), (STRONGER, 12, 1, 1297)],
)
def test_section_5_totals(upgrade: str, level: int, count: int, total: int) -> None:
    assert UPGRADES_BY_ID[upgrade].cost_of_levels(level, count) == total


@pytest.mark.parametrize(
    ("upgrade", "level", "shown"), [(CRIT_CHANCE, 29, 0.28), (CRIT_CHANCE, 57, 0.57), (SPEED, 3, 0.15)]
)
def test_section_5_a_card_rounds_the_effect_down_with_the_floats_own_traps(
    upgrade: str, level: int, shown: float
) -> None:
    assert shown_effect(UPGRADES_BY_ID[upgrade], level) == shown


def test_section_5_the_kinds_of_effect() -> None:
    assert effect_at("linear", 10, 3) == 30
    assert effect_at("exponential", 2, 10) == 1024
    assert [effect_at("fixed", 7, level) for level in (0, 1, 9)] == [0, 7, 7]


@pytest.mark.parametrize(
    ("gold_flat", "prestige_level", "titan", "hoarded", "cores", "hit"),
    [
        (0, 1, 0, 0, 0, 1),
        (5, 1, 0, 0, 0, 6),
        (25, 1, 0, 0, 0, 26),
        (49, 1, 0, 1, 1, 51),
        (120, 2, 0, 0, 0, 242),
        (120, 2, 1, 1, 5, 532),
        (47, 3, 3, 2, 7, 737),
    ],
)
def test_section_6_2_damage(
    gold_flat: int, prestige_level: int, titan: int, hoarded: int, cores: int, hit: int
) -> None:
    bare = damage(gold_flat=gold_flat, prestige_level=prestige_level, titan=titan, hoarded=0.02 * hoarded, cores=cores)
    gold_levels = {STRONGER: gold_flat // 10, FLAT: gold_flat % 10}
    whole = fighter_of(gold_levels, {TITAN: titan, HOARDED: hoarded}, prestige_level=prestige_level, cores=cores)
    assert bare == whole.damage == hit


def test_section_6_3_critical_hits() -> None:
    assert [critical_chance(level) for level in (0, 1, 10, 90)] == [0.1, 0.11, 0.2, 1.0]
    assert [critical_multiplier(level) for level in (0, 1, 3, 4, 10)] == [2, 2.05, 2.15, 2.2, 2.5]


@pytest.mark.parametrize(
    ("health", "hit", "left"),
    [(100, 1, 99), (100, 2, 98), (100, 7 * (2 + 0.05), 85), (100, 7 * (2 + 0.05 * 3), 84), (10, 242, 0)],
)
def test_section_6_4_a_hit_takes_health_and_rounds_down(health: float, hit: float, left: float) -> None:
    assert health_after(health, hit) == left


HEALTH = {
    1: (100, 105, 110, 115, 121, 127, 134, 140, 147, 155),
    2: (150, 157, 165, 173, 182, 191, 201, 211, 221, 232),
    5: (506, 531, 558, 586, 615, 646, 678, 712, 747, 785),
    10: (3844, 4036, 4238, 4450, 4672, 4906, 5151, 5409, 5679, 5963),
    20: (221683, 232767, 244406, 256626, 269458, 282930, 297077, 311931, 327527, 343904),
    21: (332525, 349151, 366609, 384940, 404187, 424396, 445616, 467897, 491291, 515856),
    50: (42508100014, 44633505014, 46865180265, 49208439279, 51668861242, 54252304305, 56964919520, 59813165496,
         62803823771, 65944014959),
}  # fmt: skip
HEALTH_BY_FOES = {
    1: (95, 3651, 210598, 40382695013),
    2: (90, 3459, 199514, 38257290012),
    5: (75, 2883, 166262, 31881075010),
    10: (50, 1922, 110841, 21254050007),
    15: (25, 961, 55420, 10627025003),
    19: (4, 192, 11084, 2125405000),
    20: (0, 0, 0, 0),
    21: (-6, -193, -11085, -2125405001),
}


@pytest.mark.parametrize("stage", HEALTH)
def test_section_6_5_enemy_health_by_wave(stage: int) -> None:
    assert tuple(enemy_health(stage, wave, 0) for wave in range(1, 11)) == HEALTH[stage]


@pytest.mark.parametrize("foes", HEALTH_BY_FOES)
def test_section_6_5_enemy_health_by_foes_level_as_the_bare_formula_has_it(foes: int) -> None:
    assert tuple(enemy_health_formula(stage, 1, foes) for stage in (1, 10, 20, 50)) == HEALTH_BY_FOES[foes]


@pytest.mark.parametrize("foes", [1, 2, 5, 10, 15])
def test_section_6_5_below_its_cap_the_game_uses_the_formula(foes: int) -> None:
    assert tuple(enemy_health(stage, 1, foes) for stage in (1, 10, 20, 50)) == HEALTH_BY_FOES[foes]


GOLD = {
    1: ((10, 21), (11, 22), (11, 23), (12, 25), (15, 30)),
    2: ((21, 42), (22, 44), (23, 46), (25, 50), (30, 60)),
    5: ((52, 105), (55, 110), (57, 114), (62, 125), (75, 150)),
    10: ((105, 210), (110, 220), (114, 229), (125, 250), (150, 300)),
    20: ((210, 420), (220, 440), (229, 459), (250, 500), (300, 600)),
    50: ((525, 1050), (550, 1100), (575, 1150), (625, 1250), (750, 1500)),
}


@pytest.mark.parametrize("stage", GOLD)
def test_section_6_6_gold_plain_and_doubled(stage: int) -> None:
    found = tuple((gold_reward(stage, w), gold_reward(stage, w, doubled=True)) for w in (1, 2, 3, 5, 10))
    assert found == GOLD[stage]


def test_section_6_6_floats_pay_one_less_than_exact_arithmetic_in_81_places() -> None:
    differing = [
        (stage, wave)
        for stage in range(1, 201)
        for wave in range(1, 11)
        if gold_reward(stage, wave) != 10 * stage * (20 + wave) // 20
    ]
    assert len(differing) == 81
    assert {wave for _, wave in differing} == {3, 8}
    assert gold_reward(9, 8) == 125


INTERVALS = {
    0: (1000, 500), 1: (950, 475), 3: (850, 425), 5: (750, 375), 7: (649, 324), 10: (500, 250), 11: (449, 224),
    12: (399, 199), 14: (299, 149), 15: (250, 125), 19: (49, 24), 20: (0, 0), 21: (-51, -26),
}  # fmt: skip


@pytest.mark.parametrize("level", INTERVALS)
def test_section_6_7_attack_intervals_as_the_bare_formula_has_them(level: int) -> None:
    found = attack_interval_formula(level), attack_interval_formula(level, swift=True)
    assert found == INTERVALS[level]


@pytest.mark.parametrize(
    ("hit", "interval", "per_second", "attacks"),
    [(242, 850, 284.7, 1.17), (242, 425, 569.41, 2.35), (1, 1000, 1, 1)],
)
def test_section_6_7_shown_rates(hit: float, interval: float, per_second: float, attacks: float) -> None:
    assert damage_per_second(hit, interval) == per_second
    assert attacks_per_second(interval) == attacks


@pytest.mark.parametrize(
    ("stage", "cores"),
    [(19, 0), (20, 5), (31, 5), (32, 6), (56, 6), (57, 7), (99, 7), (100, 8), (177, 8), (178, 9), (316, 9), (317, 10),
     (562, 10), (563, 11), (999, 11), (1000, 12), (1778, 12), (1779, 13), (3162, 13), (3163, 14)],
)  # fmt: skip
def test_section_7_1_cores_of_a_prestige(stage: int, cores: int) -> None:
    assert prestige_cores(stage, 0) == cores


MASTERED = {
    20: (5, 5, 6, 6, 7, 8, 10),
    32: (6, 6, 7, 7, 9, 10, 12),
    100: (8, 8, 9, 10, 12, 13, 16),
    317: (10, 11, 12, 13, 15, 17, 20),
    1000: (12, 13, 14, 15, 18, 20, 24),
}


@pytest.mark.parametrize("stage", MASTERED)
def test_section_7_1_cores_with_mastery(stage: int) -> None:
    assert tuple(prestige_cores(stage, level) for level in (0, 1, 2, 3, 5, 7, 10)) == MASTERED[stage]


def test_section_8_what_the_bare_formulas_become_far_out() -> None:
    assert enemy_health_formula(80, 3, 0) < 2**53 < enemy_health_formula(80, 4, 0)
    assert enemy_health_formula(81, 1, 0) == 12226459805570464
    assert math.isfinite(enemy_health_formula(1739, 10, 0))
    assert enemy_health_formula(1740, 10, 0) == enemy_health_formula(1741, 1, 0) == math.inf


@pytest.mark.parametrize(
    ("upgrade", "level"),
    [(FLAT, 2706), (STRONGER, 1745), (CRIT_CHANCE, 3872), (SPEED, 1024), (MASTERY, 1024), (TITAN, 1208), (FOES, 1511),
     (HOARDED, 775)],
)  # fmt: skip
def test_section_8_costs_become_infinite_at_a_level_far_above_the_caps(upgrade: str, level: int) -> None:
    bought = UPGRADES_BY_ID[upgrade]
    assert math.isfinite(bought.cost(level - 1))
    assert bought.cost(level) == math.inf
    assert bought.level_max < level


@pytest.mark.parametrize(
    ("fighter", "place", "expected"),
    [
        (Fighter(), (1, 1), (9, 225, 1, 10)),
        (Fighter(damage=242, interval_ms=850, swift_interval_ms=425), (20, 4), (1, 480, 20, 5)),
    ],
    ids=["fresh", "stage 20"],
)
def test_section_9_3_the_best_case_of_300_s(
    fighter: Fighter, place: tuple[int, int], expected: tuple[Any, ...]
) -> None:
    best = best_case(*place, fighter, 300_000)
    assert (best.kills, best.gold, best.stage, best.wave) == expected
    # The kill of grace happens at the place that was reached.
    graced = best_case(*place, fighter, 300_000, 1)
    assert (graced.kills, graced.gold) == (best.kills + 1, best.gold + gold_reward(best.stage, best.wave, doubled=True))
    assert (graced.stage, graced.wave) == next_place(best.stage, best.wave)


def test_section_9_4_both_strength_milestones_make_a_fresh_heros_damage_11() -> None:
    strength = base_strength({"str-1", "str-2"})
    assert strength == 11
    assert fighter_of({}, {}, base_strength=strength).damage == 11


def test_section_9_5_caps() -> None:
    assert (attack_interval(18), attack_interval(18, swift=True)) == (100, 100)
    assert (attack_interval_formula(18), attack_interval_formula(18, swift=True)) == (99, 49)
    assert (attack_interval(17), attack_interval(17, swift=True)) == (149, 100)
    assert enemy_health(1, 1, 18) == 9
    assert enemy_health(1, 1, 19) == enemy_health(1, 1, 1e9) == 9
    assert attack_interval(1e9) == 100
    capped = fighter_of({CRIT_CHANCE: 1000}, {SPEED: 1000, FOES: 1000})
    assert capped.critical_chance == critical_chance(90)
    assert (capped.interval_ms, enemy_health(1, 1, capped.foes_level)) == (100, 9)
    assert next_place(1500, 10) == (1500, 10)
    for upgrade in UPGRADES_BY_ID.values():
        assert math.isfinite(upgrade.cost(upgrade.level_max))


def test_section_9_6_the_seeded_draws() -> None:
    found = [round(draw(12345, n, CRITICAL_HIT), 10) for n in range(6)]
    assert found == [0.5321446534, 0.7006921330, 0.1290792958, 0.9680248597, 0.3215477988, 0.6794943598]
    found = [round(draw(12345, n, DOUBLE_GOLD), 10) for n in range(4)]
    assert found == [0.5983769691, 0.2011073835, 0.3182072262, 0.2887150606]


@pytest.mark.parametrize(
    ("attacks", "hit", "place", "criticals", "expected"),
    [(60, 10, (1, 1), 4, (5, 56, 1, 6, 57)), (1000, 242, (20, 4), 103, (1, 240, 20, 5, 259294))],
    ids=["sixty", "thousand"],
)
def test_section_9_6_attacks_online(
    attacks: int, hit: int, place: tuple[int, int], criticals: int, expected: tuple[Any, ...]
) -> None:
    fighter = Fighter(damage=hit)
    fight = fight_blow_by_blow(fresh_fight(*place, fighter), fighter, 12345, attacks)
    assert (fight.kills, fight.gold, fight.stage, fight.wave, fight.enemy_hp) == expected
    assert sum(draw(12345, n, CRITICAL_HIT) < 0.1 for n in range(attacks)) == criticals


SWIFTER = Fighter(damage=242, interval_ms=850, swift_interval_ms=425)
STRONG = Fighter(damage=1000, critical_chance=0.2, critical_multiplier=2.25, interval_ms=500)


@pytest.mark.parametrize(
    ("fighter", "place", "seconds", "expected"),
    [
        (Fighter(), (1, 1), 600, Fight(1, 6, 19, 600, 5, 61, 0)),
        (Fighter(), (1, 1), 3600, Fight(3, 4, 154, 3600, 23, 518, 0)),
        (SWIFTER, (20, 4), 3600, Fight(20, 8, 291167, 4235, 4, 1122, 250)),
        (SWIFTER, (20, 4), 14400, Fight(21, 7, 289090, 16941, 13, 3705, 150)),
        (STRONG, (1, 1), 60, Fight(9, 7, 934, 120, 86, 5704, 0)),
    ],
    ids=["fresh 600 s", "fresh 3600 s", "stage 20 3600 s", "stage 20 14400 s", "strong 60 s"],
)
def test_section_9_6_time_offline(fighter: Fighter, place: tuple[int, int], seconds: int, expected: Fight) -> None:
    attacks, leftover_ms = attacks_in(fighter, seconds * 1000)
    fight = fight_by_averages(fresh_fight(*place, fighter), fighter, attacks)
    assert (fight, leftover_ms) == (
        Fight(expected.stage, expected.wave, expected.enemy_hp, expected.attacks, expected.kills, expected.gold),
        expected.leftover_ms,
    )
