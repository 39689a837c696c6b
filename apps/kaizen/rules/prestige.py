"""Starting over, richer: what a prestige gives."""

from __future__ import annotations

import math

from .numbers import floor

PRESTIGE_STAGE_MIN = 20
# The original's documentation says that gold upgrades are lost; its program, which is the contract, keeps them.
RESET_GOLD_UPGRADES: bool = False


def prestige_cores(stage: float, mastery_level: float) -> float:
    """The cores that a prestige at `stage` gives; 0 below the first stage that allows one."""
    if stage < PRESTIGE_STAGE_MIN:
        return 0
    return floor(floor(4 * math.log10(stage)) * (1 + 0.1 * mastery_level))
