"""What there is to buy, what a level costs, and what it gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from .numbers import BALANCE_MAX, floor, nearest_whole, power

Currency = Literal["gold", "cores"]
Growth = Literal["linear", "exponential", "fixed"]
# Levels by upgrade id. An id that is missing is level 0.
Levels = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Upgrade:
    """One thing to buy. `per_level` is in the unit of its effect: strength, chance, a share of something."""

    id: str
    currency: Currency
    name: str
    description: str
    base_cost: float
    scaling: float
    effect: str
    per_level: float
    level_max: int
    growth: Growth = "linear"

    def cost(self, level: float) -> float:
        """What the step from `level` to the next one costs."""
        return floor(self.base_cost * power(self.scaling, level))

    def cost_of_levels(self, level: float, count: int) -> float:
        """What `count` steps from `level` on cost together."""
        total = sum(self.cost(level + step) for step in range(count))
        # As a Python int a sum beyond that could not be told to a client.
        return total if total <= BALANCE_MAX else float(total)

    def next_cost(self, level: float) -> float | None:
        """What the next level costs, or None when there is none."""
        return self.cost(level) if level < self.level_max else None

    def counted(self, level: float) -> float:
        """`level` as it is counted: the lawful one nearest to it, so one above the cap counts as the cap."""
        return nearest_whole(level, 0, self.level_max)


GOLD_LEVEL_MAX = 500
PRESTIGE_LEVEL_MAX = 300

UPGRADES: tuple[Upgrade, ...] = (
    Upgrade(
        "gold_strength_flat", "gold", "Noob Gains", "The first push-up is the hardest. +1 strength.",
        1, 1.3, "flat_stat_boost", 1, GOLD_LEVEL_MAX,
    ),
    Upgrade(
        "gold_strength_stronger", "gold", "Professional Kaizen Trainer", "Somebody who counts along. +10 strength.",
        10, 1.5, "flat_stat_boost", 10, GOLD_LEVEL_MAX,
    ),
    Upgrade(
        "gold_critical_chance_basic", "gold", "KaaChow Statue", "It winks before a lucky hit. +1% critical chance.",
        50, 1.2, "critical_chance_boost", 0.01, 90,
    ),
    Upgrade(
        "gold_critical_damage_basic", "gold", "Heavy Hitter", "A critical hit hurts 5% more.",
        50, 1.2, "critical_damage_boost", 0.05, GOLD_LEVEL_MAX,
    ),
    Upgrade(
        "attack_speed_boost", "cores", "Swift Strikes", "5% less time between two attacks.",
        1, 2, "attack_speed", 0.05, 18,
    ),
    Upgrade(
        "strength_multiplier", "cores", "Titans Power", "As much damage again for every level.",
        1, 1.8, "flat_stat_boost", 1, PRESTIGE_LEVEL_MAX,
    ),
    Upgrade(
        "core_gain_boost", "cores", "Kaizen Mastery", "10% more cores from every prestige.",
        1, 2, "multiplier_boost", 0.1, PRESTIGE_LEVEL_MAX,
    ),
    Upgrade(
        "enemy_health_reduction", "cores", "Fragile Foes", "Enemies begin with 5% less health.",
        1, 1.6, "enemy_health_reduction", 0.05, 18,
    ),
    Upgrade(
        "dps_per_core", "cores", "Hoarded Power", "2% more damage for each core that you keep.",
        1, 2.5, "dynamic_per_core", 0.02, PRESTIGE_LEVEL_MAX,
    ),
)  # fmt: skip

UPGRADES_BY_ID: Mapping[str, Upgrade] = {upgrade.id: upgrade for upgrade in UPGRADES}


def upgrades_for(currency: Currency) -> Mapping[str, Upgrade]:
    """The upgrades that `currency` buys, by id, in the order in which they are shown."""
    return {upgrade.id: upgrade for upgrade in UPGRADES if upgrade.currency == currency}


def effect_at(growth: Growth, per_level: float, level: float) -> float:
    """What `level` levels give together."""
    if growth == "linear":
        return per_level * level
    if growth == "exponential":
        return power(per_level, level)
    return per_level if level > 0 else 0


def total_effect(levels: Levels, currency: Currency, effect: str) -> float:
    """The sum of all effects of one type in one list. Each level counts up to its cap."""
    total = 0.0
    for upgrade in UPGRADES:
        if upgrade.currency == currency and upgrade.effect == effect:
            total += effect_at(upgrade.growth, upgrade.per_level, upgrade.counted(levels.get(upgrade.id, 0)))
    return total


def shown_effect(upgrade: Upgrade, level: float) -> float:
    """The total effect as a card shows it: rounded down to two decimals."""
    return floor(effect_at(upgrade.growth, upgrade.per_level, level) * 100) / 100
