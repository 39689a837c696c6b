"""Places on the map: a stage and one of its ten waves, the enemy that waits there, and what it is worth."""

from __future__ import annotations

from .numbers import floor, power, saturated

WAVES_PER_STAGE = 10
STAGE_MAX = 1500
FOES_LEVEL_MAX = 18
DOUBLE_GOLD_CHANCE = 0.1


def next_place(stage: float, wave: float) -> tuple[float, float]:
    """Where a kill at `wave` of `stage` leads. The last wave of the last stage repeats."""
    if wave < WAVES_PER_STAGE:
        return stage, wave + 1
    if stage >= STAGE_MAX:
        return stage, WAVES_PER_STAGE
    return stage + 1, 1


def is_last_place(stage: float, wave: float) -> bool:
    """Whether `next_place` stays where it is."""
    return stage >= STAGE_MAX and wave >= WAVES_PER_STAGE


def enemy_health_formula(stage: float, wave: float, foes_level: float) -> float:
    """The enemy's health by the bare formula: at a foes level of 20 it is 0, and negative above."""
    full = floor(100 * power(1.5, stage - 1) * power(1.05, wave - 1))
    return floor(full * (1 - 0.05 * foes_level))


def enemy_health(stage: float, wave: float, foes_level: float) -> float:
    """The health of a fresh enemy: the formula within its caps."""
    return max(1, enemy_health_formula(stage, wave, min(foes_level, FOES_LEVEL_MAX)))


def gold_reward(stage: float, wave: float, *, doubled: bool = False) -> float:
    """What a kill pays. `wave` is the one that was fought."""
    base = 10 * stage * (1 + 0.05 * wave)
    # Doubled before it is rounded down, so that an odd reward is possible.
    return floor(base * 2 if doubled else base)


def expected_gold_reward(stage: float, wave: float) -> float:
    """What a kill pays on average, for time that is not fought blow by blow."""
    return floor(10 * stage * (1 + 0.05 * wave) * (1 + DOUBLE_GOLD_CHANCE))


def score(prestige_level: float, best_stage: float, best_wave: float) -> float:
    """A player's place in the world: lives lived count most, then the furthest that any of them came."""
    return saturated((prestige_level - 1) * 10_000 + best_stage * 10 + best_wave)
