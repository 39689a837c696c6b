"""What one currency buys: each upgrade as its card shows it, and buying."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from reaktiv import Computed, untracked

from parabola.ui import Pending

from ...rules.upgrades import Currency, Upgrade, shown_effect
from .game import GameService, game

Amount: TypeAlias = Literal[1, 10, "max"]
"""How many levels a click buys."""

AMOUNTS: Final[tuple[Amount, ...]] = (1, 10, "max")

COUNT_MAX: Final = 100
"""The most levels that one purchase may have."""

CLICKS_AHEAD: Final = 12
"""How many clicks are foretold. The server takes ten purchases in a second, so nobody gets further ahead of it."""

_LEVELS: Final[dict[Currency, str]] = {"gold": "goldLevels", "cores": "prestigeLevels"}
_BALANCES: Final[dict[Currency, str]] = {"gold": "gold", "cores": "prestigeCores"}


@dataclass(frozen=True, slots=True)
class Offer:
    """An upgrade, for one player, at one moment."""

    upgrade: Upgrade
    level: int
    effect: float
    """The total effect, rounded down to two decimals."""
    count: int
    """How many levels a click buys; 0 at the cap."""
    cost: float
    """What they cost together."""
    is_affordable: bool

    @property
    def is_complete(self) -> bool:
        """Whether the cap is reached."""
        return self.count == 0


class UpgradesService:
    """The upgrades that one currency buys. Their definitions come from the server."""

    currency: Currency

    def __init__(self, service: GameService | None = None) -> None:
        self.game = playing = service or game()
        self.upgrades: Computed[list[Upgrade]] = Computed(
            lambda: [
                upgrade_of(definition)
                for definition in (playing.definitions.data() or {}).get("upgrades", [])
                if definition["currency"] == self.currency
            ]
        )

    def offer(self, upgrade: Upgrade, amount: Amount = 1) -> Offer:
        """What a click on the card would do now. Reads signals."""
        return offer_of(upgrade, *level_and_balance(self.game.data(), upgrade), amount)

    def offers_ahead(self, upgrade: Upgrade, amount: Amount = 1) -> list[Offer]:
        """What this click on the card would do, the next one after it, and so on. Reads signals."""
        return offers_ahead(upgrade, *level_and_balance(self.game.data(), upgrade), amount)

    def buy(self, upgrade: Upgrade, amount: Amount = 1) -> Pending[Any] | None:
        """Buys what `offer` says, by what is shown now. None at the cap: there is nothing to ask for."""
        with untracked():
            offer = self.offer(upgrade, amount)
        return None if offer.is_complete else self.game.buy(upgrade.id, offer.count)


def level_and_balance(state: dict[str, Any] | None, upgrade: Upgrade) -> tuple[int, float]:
    """How far a player has come with an upgrade, and what they have to pay for the next step with."""
    if state is None:
        return 0, 0
    level = state[_LEVELS[upgrade.currency]].get(upgrade.id, 0)
    return int(level), state["character"][_BALANCES[upgrade.currency]]


def count_for(upgrade: Upgrade, level: int, balance: float, amount: Amount) -> int:
    """How many levels a click buys: those asked for, as far as there are any; for "max" as many as can be paid.

    Whoever can pay for none is offered one: the server will say what is missing.
    """
    left = min(COUNT_MAX, max(0, upgrade.level_max - level))
    if amount != "max":
        return min(amount, left)
    count, cost = 0, 0.0
    while count < left:
        cost += upgrade.cost(level + count)
        if cost > balance:
            break
        count += 1
    return max(count, min(1, left))


def offer_of(upgrade: Upgrade, level: int, balance: float, amount: Amount) -> Offer:
    """What a click does for a player who has come so far and can pay so much."""
    count = count_for(upgrade, level, balance, amount)
    cost = upgrade.cost_of_levels(level, count)
    return Offer(upgrade, level, shown_effect(upgrade, level), count, cost, bool(count) and cost <= balance)


def offers_ahead(upgrade: Upgrade, level: int, balance: float, amount: Amount) -> list[Offer]:
    """The offer now, after one click, after two, and so on: until the cap, or `CLICKS_AHEAD` clicks."""
    offers = [offer_of(upgrade, level, balance, amount)]
    while len(offers) <= CLICKS_AHEAD:
        last = offers[-1]
        # Of "max" there is nothing more to come once it cannot be paid; a fixed count may be paid later.
        if last.is_complete or (amount == "max" and not last.is_affordable):
            break
        balance -= last.cost
        offers.append(offer_of(upgrade, last.level + last.count, balance, amount))
    return offers


def upgrade_of(definition: dict[str, Any]) -> Upgrade:
    """An upgrade as the server defines it, with the rules' arithmetic."""
    return Upgrade(
        id=definition["id"],
        currency=definition["currency"],
        name=definition["name"],
        description=definition["description"],
        base_cost=definition["baseCost"],
        scaling=definition["scaling"],
        effect=definition["effect"],
        per_level=definition["perLevel"],
        level_max=int(definition["levelMax"]),
        growth=definition["growth"],
    )
