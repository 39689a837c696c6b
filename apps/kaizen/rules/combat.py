"""One blow: how hard it hits, how often it is critical, and how long it takes."""

from __future__ import annotations

from dataclasses import dataclass

from .numbers import floor
from .upgrades import Levels, total_effect

CRITICAL_CHANCE_BASE = 0.1
CRITICAL_MULTIPLIER_BASE = 2
ATTACK_INTERVAL_MS = 1000
ATTACK_INTERVAL_MS_MIN = 100
SPEED_LEVEL_MAX = 18
SWIFT_FACTOR = 0.5
SWIFT_DURATION_MS = 5000


def damage(
    *,
    base_strength: float = 1,
    gold_flat: float = 0,
    strength_modifier: float = 1,
    strength_multiplier: float = 1,
    prestige_level: float = 1,
    titan: float = 0,
    hoarded: float = 0,
    cores: float = 0,
) -> float:
    """The damage of a plain hit. `gold_flat`, `titan` and `hoarded` are total effects; `cores` are those unspent."""
    return floor(
        (base_strength + gold_flat)
        * strength_modifier
        * strength_multiplier
        * prestige_level
        * (1 + titan)
        * (1 + hoarded * cores)
    )


def critical_chance(level: float) -> float:
    """The chance of a critical hit at this level of the statue."""
    return CRITICAL_CHANCE_BASE + 0.01 * level


def critical_multiplier(level: float) -> float:
    """What a critical hit multiplies the damage by."""
    return CRITICAL_MULTIPLIER_BASE + 0.05 * level


def health_after(health: float, attack: float) -> float:
    """What a hit leaves of an enemy; 0 is dead."""
    return max(0, floor(health - attack))


def attack_interval_formula(speed_level: float, *, swift: bool = False) -> float:
    """The time between two attacks in ms by the bare formula: 0 at level 20, and negative above."""
    return floor(ATTACK_INTERVAL_MS * (1 - 0.05 * speed_level) * (SWIFT_FACTOR if swift else 1))


def attack_interval(speed_level: float, *, swift: bool = False) -> int:
    """The time between two attacks in ms: the formula within its caps."""
    return int(max(ATTACK_INTERVAL_MS_MIN, attack_interval_formula(min(speed_level, SPEED_LEVEL_MAX), swift=swift)))


def damage_per_second(hit: float, interval_ms: float) -> float:
    """As it is shown: critical hits not counted, two decimals, rounded down."""
    return floor(hit * (1000 / interval_ms) * 100) / 100


def attacks_per_second(interval_ms: float) -> float:
    """As it is shown: two decimals, rounded down."""
    return floor((1000 / interval_ms) * 100) / 100


@dataclass(frozen=True, slots=True)
class Fighter:
    """All of a hero that matters in a fight."""

    damage: float = 1
    critical_chance: float = CRITICAL_CHANCE_BASE
    critical_multiplier: float = CRITICAL_MULTIPLIER_BASE
    interval_ms: int = ATTACK_INTERVAL_MS
    swift_interval_ms: int = ATTACK_INTERVAL_MS // 2
    foes_level: float = 0

    @property
    def critical_hit(self) -> float:
        """The damage of a critical hit; it may have a fraction."""
        return self.damage * self.critical_multiplier

    @property
    def average_hit(self) -> float:
        """What a hit takes away on average."""
        return self.damage * (1 + self.critical_chance * (self.critical_multiplier - 1))


def fighter_of(
    gold_levels: Levels,
    prestige_levels: Levels,
    *,
    base_strength: float = 1,
    strength_multiplier: float = 1,
    prestige_level: float = 1,
    cores: float = 0,
) -> Fighter:
    """The fighter that a hero with these levels is. Levels above their caps count as the caps."""
    speed = prestige_levels.get("attack_speed_boost", 0)
    return Fighter(
        damage=damage(
            base_strength=base_strength,
            gold_flat=total_effect(gold_levels, "gold", "flat_stat_boost"),
            strength_multiplier=strength_multiplier,
            prestige_level=prestige_level,
            titan=total_effect(prestige_levels, "cores", "flat_stat_boost"),
            hoarded=total_effect(prestige_levels, "cores", "dynamic_per_core"),
            cores=cores,
        ),
        critical_chance=CRITICAL_CHANCE_BASE + total_effect(gold_levels, "gold", "critical_chance_boost"),
        critical_multiplier=CRITICAL_MULTIPLIER_BASE + total_effect(gold_levels, "gold", "critical_damage_boost"),
        interval_ms=attack_interval(speed),
        swift_interval_ms=attack_interval(speed, swift=True),
        foes_level=prestige_levels.get("enemy_health_reduction", 0),
    )
