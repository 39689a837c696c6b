"""What a click means, and carrying it out. `pending` brings intentions here from the browser, each once or more often.

intends(button, buying("gold_strength_flat", 10))
intends(button, prestiging(level))
intends(button, unlocking("str-1"))
intends(button, fighting(True))
intends(button, using_swift_attack())
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any

from reaktiv import untracked

from ...rules.upgrades import UPGRADES_BY_ID
from .game import GameService
from .upgrades import AMOUNTS, Amount, count_for, level_and_balance


def buying(upgrade_id: str, amount: Amount = 1) -> dict[str, Any]:
    """Buy so many levels of it, or as many as can be paid."""
    return {"kind": "buy", "upgradeId": upgrade_id, "amount": amount}


def prestiging(prestige_level: float) -> dict[str, Any]:
    """Start over, from this prestige level; at another one it has been done already."""
    return {"kind": "prestige", "prestigeLevel": prestige_level}


def unlocking(milestone_id: str) -> dict[str, Any]:
    """Mark this milestone as achieved."""
    return {"kind": "unlock", "id": milestone_id}


def fighting(is_fighting: bool) -> dict[str, Any]:
    """Begin the fight, or stop it. Twice is once."""
    return {"kind": "fight", "fighting": is_fighting}


def using_swift_attack() -> dict[str, Any]:
    """Attack twice as fast, for five seconds from when it is carried out."""
    return {"kind": "swift"}


def perform(service: GameService, intention: dict[str, Any], request_id: str) -> Awaitable[Any]:
    """Begins what was meant; awaiting it raises what it was refused with.

    Intentions come from a browser, so they may be anything: what makes no sense raises ValueError, and the rest is for
    the server to judge.
    """
    match intention:
        case {"kind": "buy", "upgradeId": str(upgrade_id), "amount": amount} if (
            upgrade_id in UPGRADES_BY_ID and amount in AMOUNTS
        ):
            upgrade = UPGRADES_BY_ID[upgrade_id]
            with untracked():
                level, balance = level_and_balance(service.data(), upgrade)
            # At the cap one is asked for, so that the server says so.
            return service.buy(upgrade_id, count_for(upgrade, level, balance, amount) or 1, request_id=request_id)
        case {"kind": "prestige", "prestigeLevel": int() | float() as level}:
            return service.prestige(level, request_id=request_id)
        case {"kind": "unlock", "id": str(milestone_id)}:
            return service.unlock(milestone_id)
        case {"kind": "fight", "fighting": bool(is_fighting)}:
            return service.set_fighting(is_fighting)
        case {"kind": "swift"}:
            return service.use_swift_attack()
        case _:
            raise ValueError(f"An intention that means nothing: {intention!r:.200}")
