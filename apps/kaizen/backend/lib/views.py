"""What pages are shown of the rules and of a player, in the names that clients use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...rules import chance, combat, milestones, numbers, prestige, simulation, stages, upgrades
from .players import Player, Row

# Grows when a rule changes, so that a page that is still open can tell that it computes by old ones.
RULES_VERSION = 1


def definitions_view() -> dict[str, Any]:
    """Everything that a client needs to know in order to show and foretell the game."""
    return {
        "version": RULES_VERSION,
        "upgrades": [
            {
                "id": upgrade.id,
                "currency": upgrade.currency,
                "name": upgrade.name,
                "description": upgrade.description,
                "baseCost": upgrade.base_cost,
                "scaling": upgrade.scaling,
                "effect": upgrade.effect,
                "growth": upgrade.growth,
                "perLevel": upgrade.per_level,
                "levelMax": upgrade.level_max,
            }
            for upgrade in upgrades.UPGRADES
        ],
        "caps": {
            "stage": stages.STAGE_MAX,
            "wave": stages.WAVES_PER_STAGE,
            "balance": numbers.BALANCE_MAX,
            "attackIntervalMsMin": combat.ATTACK_INTERVAL_MS_MIN,
        },
        "constants": {
            "attackIntervalMs": combat.ATTACK_INTERVAL_MS,
            "swiftDurationMs": combat.SWIFT_DURATION_MS,
            "swiftFactor": combat.SWIFT_FACTOR,
            "criticalChance": combat.CRITICAL_CHANCE_BASE,
            "criticalMultiplier": combat.CRITICAL_MULTIPLIER_BASE,
            "doubleGoldChance": stages.DOUBLE_GOLD_CHANCE,
            "prestigeStageMin": prestige.PRESTIGE_STAGE_MIN,
            "resetGoldUpgrades": prestige.RESET_GOLD_UPGRADES,
            "offlineEfficiency": simulation.OFFLINE_EFFICIENCY,
            "offlineGapMsMax": simulation.OFFLINE_GAP_MS_MAX,
            "onlineGapMsMax": simulation.ONLINE_GAP_MS_MAX,
            "criticalHitSalt": chance.CRITICAL_HIT,
            "doubleGoldSalt": chance.DOUBLE_GOLD,
        },
        "milestones": [_milestone_view(milestone) for milestone in milestones.MILESTONES],
    }


def state_view(player: Player) -> dict[str, Any]:
    """One player, whole: what is stored and what follows from it."""
    levels = {**player.levels("gold"), **player.levels("cores")}
    fighter, hero = player.fighter(), player.character
    return {
        "character": hero,
        "goldLevels": dict(player.levels("gold")),
        "prestigeLevels": dict(player.levels("cores")),
        "nextCosts": {upgrade.id: upgrade.next_cost(levels[upgrade.id]) for upgrade in upgrades.UPGRADES},
        "stats": {
            "strength": milestones.base_strength(player.milestones.keys())
            + upgrades.total_effect(levels, "gold", "flat_stat_boost"),
            "damage": fighter.damage,
            "criticalChance": fighter.critical_chance,
            "criticalMultiplier": fighter.critical_multiplier,
            "intervalMs": fighter.interval_ms,
            "swiftIntervalMs": fighter.swift_interval_ms,
            "damagePerSecond": combat.damage_per_second(fighter.damage, fighter.interval_ms),
            "attacksPerSecond": combat.attacks_per_second(fighter.interval_ms),
            "enemyHpMax": player.full_enemy_health(),
        },
        "run": player.run,
        "milestones": milestone_views(player.milestones),
        "coresOnPrestige": player.cores_of_prestige(),
    }


def milestone_views(achieved: Mapping[str, Row]) -> list[dict[str, Any]]:
    """All milestones in order, with what has been achieved of them."""
    views = []
    for milestone in milestones.MILESTONES:
        row = achieved.get(milestone.id)
        view = {**_milestone_view(milestone), "achieved": row is not None}
        views.append(view if row is None else {**view, "achievedAt": row["achievedAt"]})
    return views


def _milestone_view(milestone: milestones.Milestone) -> dict[str, Any]:
    return {
        "id": milestone.id,
        "type": milestone.type,
        "level": milestone.level,
        "requirement": milestone.requirement,
        "reward": milestone.reward,
    }
