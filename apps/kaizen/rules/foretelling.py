"""What a page may show before the server has answered: the state after an intention, by the same rules."""

from __future__ import annotations

from typing import Any

from .upgrades import UPGRADES_BY_ID, Currency

_LEVELS: dict[Currency, str] = {"gold": "goldLevels", "cores": "prestigeLevels"}
_BALANCES: dict[Currency, str] = {"gold": "gold", "cores": "prestigeCores"}


def after_purchase(state: dict[str, Any], upgrade_id: str, count: int = 1) -> dict[str, Any]:
    """The result of `game:state` as a purchase would leave it: level, balance and next cost.

    The balance may come out negative; then the server will refuse, and the page shows that it did. `state` is left
    alone.
    """
    upgrade = UPGRADES_BY_ID[upgrade_id]
    levels, balance = _LEVELS[upgrade.currency], _BALANCES[upgrade.currency]
    level = state[levels][upgrade_id]
    cost = upgrade.cost_of_levels(level, count)
    return {
        **state,
        levels: {**state[levels], upgrade_id: level + count},
        "character": {**state["character"], balance: state["character"][balance] - cost},
        "nextCosts": {**state["nextCosts"], upgrade_id: upgrade.next_cost(level + count)},
    }
