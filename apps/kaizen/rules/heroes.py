"""A hero as it begins, and what a stored one may lawfully look like."""

from __future__ import annotations

import math
from typing import Any

from .numbers import BALANCE_MAX, is_whole, nearest_whole, saturated
from .stages import STAGE_MAX, WAVES_PER_STAGE

CHARACTER_ID = "1"
MULTIPLIERS = ("strength", "intelligence", "endurance")

# Whole numbers with the least and the most that each may be.
_WHOLE_FIELDS = {
    "prestigeLevel": (1, BALANCE_MAX),
    "prestigeCores": (0, BALANCE_MAX),
    "currentStage": (1, STAGE_MAX),
    "currentWave": (1, WAVES_PER_STAGE),
}


def starting_hero() -> dict[str, Any]:
    """The stored fields of a hero on the first day, without an owner."""
    return {
        "id": CHARACTER_ID,
        "prestigeLevel": 1,
        "prestigeMultipliers": dict.fromkeys(MULTIPLIERS, 1),
        "prestigeCores": 0,
        "gold": 0,
        "currentStage": 1,
        "currentWave": 1,
    }


def unlawful_field(hero: dict[str, Any]) -> str | None:
    """The first field whose number no hero can have, or None. Whether the hero was earned is another question."""
    multipliers = hero["prestigeMultipliers"]
    for name in MULTIPLIERS:
        if not is_plain(multipliers[name]):
            return f"prestigeMultipliers.{name}"
    for name, (least, most) in _WHOLE_FIELDS.items():
        if not (is_plain(hero[name]) and is_whole(hero[name]) and least <= hero[name] <= most):
            return name
    if not (is_plain(hero["gold"]) and hero["gold"] >= 0):
        return "gold"
    return None


def is_plain(value: float) -> bool:
    """Whether `value` is an ordinary number: finite, and not the zero that is below zero."""
    return math.isfinite(value) and not (value == 0 and math.copysign(1, value) < 0)


def repairs(hero: dict[str, Any]) -> dict[str, Any]:
    """The fields of a stored hero that are not lawful, each with the lawful value nearest to it."""
    changes: dict[str, Any] = {}
    for name, (least, most) in _WHOLE_FIELDS.items():
        lawful = nearest_whole(hero[name], least, most)
        if lawful != hero[name] or not is_plain(hero[name]):
            changes[name] = lawful
    gold = 0 if math.isnan(hero["gold"]) else saturated(max(0, hero["gold"]))
    if gold != hero["gold"] or not is_plain(hero["gold"]):
        changes["gold"] = gold
    # Nothing in the game changes a multiplier, so 1 is the only lawful one.
    multipliers = dict.fromkeys(MULTIPLIERS, 1)
    if hero["prestigeMultipliers"] != multipliers:
        changes["prestigeMultipliers"] = multipliers
    return changes
