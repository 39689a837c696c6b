"""Fights by the clock: from a state and a time to the state after it.

There are three ways to spend time. *Online*, a minute at most: blow by blow, chance looked up in a seed, so that
everybody computes the same fight. *Offline*: at half the pace and by averages, one step for each enemy; since an
enemy's health grows by half with every stage, there are few enemies in any time. *Best case*: how far a hero could have
come with nothing but luck, which bounds what a client may claim.

A fight is a pure value. Whoever keeps one adds `gold` to a balance and stores the rest.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from .chance import CRITICAL_HIT, DOUBLE_GOLD, draw
from .combat import Fighter, health_after
from .numbers import floor
from .stages import (
    DOUBLE_GOLD_CHANCE,
    enemy_health,
    expected_gold_reward,
    gold_reward,
    is_last_place,
    next_place,
)

ONLINE_GAP_MS_MAX = 60_000
OFFLINE_GAP_MS_MAX = 8 * 3_600_000
OFFLINE_EFFICIENCY = 0.5
BEST_CASE_MS_MAX = 24 * 3_600_000


@dataclass(frozen=True, slots=True)
class Fight:
    """Where a fight stands. `attacks` and `kills` are counted from the hero's first; `gold` is what this fight earned.

    `leftover_ms` has passed since the last attack without being enough for another.
    """

    stage: float
    wave: float
    enemy_hp: float
    attacks: int = 0
    kills: int = 0
    gold: float = 0
    leftover_ms: int = 0


def fresh_fight(stage: float, wave: float, fighter: Fighter) -> Fight:
    """A fight at this place against an enemy in full health."""
    return Fight(stage, wave, enemy_health(stage, wave, fighter.foes_level))


def is_offline(gap_ms: float) -> bool:
    """Whether a hero left alone for this long is computed by averages."""
    return gap_ms > ONLINE_GAP_MS_MAX


def advance(fight: Fight, fighter: Fighter, seed: int, gap_ms: int, swift_ms: float = 0) -> Fight:
    """The fight `gap_ms` later. `swift_ms` is how much longer the swift skill was to last when the gap began."""
    if gap_ms <= 0:
        return fight
    if not is_offline(gap_ms):
        attacks, leftover = attacks_in(fighter, gap_ms, fight.leftover_ms, swift_ms)
        return _with_leftover(fight_blow_by_blow(fight, fighter, seed, attacks), leftover)
    counted_ms = floor(min(gap_ms, OFFLINE_GAP_MS_MAX) * OFFLINE_EFFICIENCY)
    attacks, leftover = attacks_in(fighter, int(counted_ms), fight.leftover_ms, swift_ms * OFFLINE_EFFICIENCY)
    return _with_leftover(fight_by_averages(fight, fighter, attacks), leftover)


def attacks_in(fighter: Fighter, elapsed_ms: int, leftover_ms: int = 0, swift_ms: float = 0) -> tuple[int, int]:
    """How many attacks end in a period, and the time that is left over after the last.

    An interval is as long as it was when it began, so the skill counts for those that began while it lasted.
    """
    budget = elapsed_ms + leftover_ms
    swift_budget = swift_ms + leftover_ms
    attacks = 0
    if swift_budget > 0:
        begun = math.ceil(swift_budget / fighter.swift_interval_ms)
        attacks = min(begun, budget // fighter.swift_interval_ms)
        budget -= attacks * fighter.swift_interval_ms
        if attacks < begun:
            return attacks, budget
    return attacks + budget // fighter.interval_ms, budget % fighter.interval_ms


def fight_blow_by_blow(fight: Fight, fighter: Fighter, seed: int, attacks: int) -> Fight:
    """The fight after this many attacks, each critical or not as the seed says."""
    stage, wave, hp, gold, kills = fight.stage, fight.wave, fight.enemy_hp, fight.gold, fight.kills
    for n in range(fight.attacks, fight.attacks + attacks):
        critical = draw(seed, n, CRITICAL_HIT) < fighter.critical_chance
        hp = health_after(hp, fighter.critical_hit if critical else fighter.damage)
        if hp == 0:
            gold += gold_reward(stage, wave, doubled=draw(seed, kills, DOUBLE_GOLD) < DOUBLE_GOLD_CHANCE)
            kills += 1
            stage, wave = next_place(stage, wave)
            hp = enemy_health(stage, wave, fighter.foes_level)
    return Fight(stage, wave, hp, fight.attacks + attacks, kills, gold, fight.leftover_ms)


def fight_by_averages(fight: Fight, fighter: Fighter, attacks: int) -> Fight:
    """The fight after this many attacks that all take the average away and pay the average."""
    hit = fighter.average_hit
    stage, wave, hp, gold, kills = fight.stage, fight.wave, fight.enemy_hp, fight.gold, fight.kills
    left: float = attacks
    while left >= (needed := _attacks_needed(hp, hit)):
        times = _repeats(stage, wave, fighter, hp, hit, left, needed)
        left -= times * needed
        kills += times
        gold += times * expected_gold_reward(stage, wave)
        stage, wave = next_place(stage, wave)
        hp = enemy_health(stage, wave, fighter.foes_level)
    if left:
        hp = max(1, floor(hp - left * hit))
    return Fight(stage, wave, hp, fight.attacks + attacks, kills, gold, fight.leftover_ms)


def best_case(stage: float, wave: float, fighter: Fighter, elapsed_ms: float, grace_kills: int = 0) -> Fight:
    """The most that a hero could have done in this time, from a full enemy on.

    Every hit is critical, every reward doubled, and the swift skill never ends. `grace_kills` come on top, since the
    first enemy may have been nearly dead. A day is counted at most.
    """
    hit = fighter.critical_hit
    # Health stays whole, so a hit takes at least its next whole number away.
    hit = -floor(-hit)
    attacks = int(min(max(elapsed_ms, 0), BEST_CASE_MS_MAX) // fighter.swift_interval_ms)
    left: float = attacks
    kills, gold = 0, 0.0
    hp = enemy_health(stage, wave, fighter.foes_level)
    while left >= (needed := _attacks_needed(hp, hit)) or grace_kills > 0:
        if left >= needed:
            times = _repeats(stage, wave, fighter, hp, hit, left, needed)
            left -= times * needed
        else:
            times, left, grace_kills = 1, 0, grace_kills - 1
        kills += times
        gold += times * gold_reward(stage, wave, doubled=True)
        stage, wave = next_place(stage, wave)
        hp = enemy_health(stage, wave, fighter.foes_level)
    return Fight(stage, wave, hp, attacks, kills, gold)


def _attacks_needed(hp: float, hit: float) -> float:
    """How many hits of this strength an enemy takes; never, for no strength at all."""
    return max(1, math.ceil(hp / hit)) if hit > 0 else math.inf


def _repeats(stage: float, wave: float, fighter: Fighter, hp: float, hit: float, left: float, needed: float) -> int:
    """How many kills to count at once: at the last place of the game all enemies are alike from the second one on."""
    if is_last_place(stage, wave) and hp == enemy_health(stage, wave, fighter.foes_level):
        return int(left // needed)
    return 1


def _with_leftover(fight: Fight, leftover_ms: int) -> Fight:
    return Fight(fight.stage, fight.wave, fight.enemy_hp, fight.attacks, fight.kills, fight.gold, leftover_ms)
