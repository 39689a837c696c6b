"""A card that is a button: what an upgrade is, what it does by now, and what the next step costs.

With what it will be after the next clicks, for the browser to show in their instant (`static/foreseen.js`).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Final, TypeAlias

from nicegui import ui
from reaktiv import Computed

from parabola.ui.nicegui import effect

from ...rules.upgrades import Upgrade
from ..formatting import exact, plain, short
from ..pending import intends
from ..services.intentions import buying
from ..services.upgrades import Amount, Offer, UpgradesService
from .icons import has_icon, icon
from .text import Text, title, toggle

_UNITS: Final = {
    ("gold", "flat_stat_boost"): "strength",
    ("gold", "critical_chance_boost"): "critical chance",
    ("gold", "critical_damage_boost"): "critical damage",
    # Its share is one of a second.
    ("cores", "attack_speed"): "s between attacks",
    ("cores", "flat_stat_boost"): "damage multiplier",
    ("cores", "multiplier_boost"): "core multiplier",
    ("cores", "enemy_health_reduction"): "of enemy health",
    ("cores", "dynamic_per_core"): "damage a core",
}

_LESSENING: Final = ("attack_speed", "enemy_health_reduction")

_CURRENCIES: Final = {"gold": ("Gold", "Gold", "coin"), "cores": ("Prestige Core", "Prestige Cores", "core")}


class UpgradeCard:
    """The card of one upgrade. Its elements are made once; only what has changed is sent."""

    def __init__(self, service: UpgradesService, upgrade: Upgrade, amount: Callable[[], Amount], key: str = "") -> None:
        self._upgrade = upgrade
        *_, picture = _CURRENCIES[upgrade.currency]
        self._offer = Computed(lambda: service.offer(upgrade, amount()))
        ahead = Computed(lambda: json.dumps([_step(offer) for offer in service.offers_ahead(upgrade, amount())]))
        self._button = ui.element("button").classes(f"k-card k-card-{upgrade.currency}")
        self._button.props(f'type=button data-testid="buy-{upgrade.id}" data-paid-from="{upgrade.currency}"')
        effect(lambda: intends(self._button, buying(upgrade.id, amount())))
        with self._button:
            if key:
                self._button.props(f'data-hotkey="{key}" aria-keyshortcuts="{key}"')
            with ui.element("span").classes("k-card-top"):
                if has_icon(upgrade.id):
                    icon(upgrade.id).classes("k-card-picture")
                Text("span", upgrade.name, "k-card-name")
                if key:
                    Text("kbd", key, "k-key").props('aria-hidden="true"')
            Text("span", upgrade.description, "k-card-description")
            with ui.element("span").classes("k-card-facts"):
                self._level = self._fact("Level", f"level-{upgrade.id}", 0)
                self._effect = self._fact("Total effect", f"effect-{upgrade.id}", 1)
            self._bar = ui.element("span").classes("k-card-bar").props('aria-hidden="true" data-filled')
            with ui.element("span").classes("k-card-cost"):
                icon(picture)
                self._cost = Text("span", testid=f"cost-{upgrade.id}").props('data-slot="2"')
                self._count = Text("span", "", "k-card-count")
        effect(self._show)
        effect(lambda: self._foresee(ahead()))

    def _fact(self, name: str, testid: str, slot: int) -> Text:
        with ui.element("span").classes("k-card-fact"):
            Text("span", name, "k-card-fact-name")
            text = Text("span", "", "k-card-fact-value", testid=testid)
            text.props(f'data-slot="{slot}"')
            return text

    def _show(self) -> None:
        offer = self._offer()
        _, filled, (level, total, cost) = _step(offer)
        self._level.set_text(level)
        self._effect.set_text(total)
        self._cost.set_text(cost)
        self._bar.style(f"--part: {filled}")
        self._count.set_text(f"+{offer.count}" if offer.count > 1 else "")
        if offer.is_complete:
            title(self._button, "Max level reached")
        else:
            title(self._button, f"{exact(offer.cost)} {_named(offer)} for {offer.count}")
        # Not disabled: whoever comes by with the keyboard or a screen reader hears that it is complete.
        self._button.props(f'aria-disabled="{str(offer.is_complete).lower()}"')
        toggle(self._button, "is-complete", offer.is_complete)
        toggle(self._button, "is-affordable", offer.is_affordable)
        self._button.props(f'data-affordable="{str(offer.is_affordable).lower()}"')

    def _foresee(self, ahead: str) -> None:
        self._button.props["data-ahead"] = ahead
        self._button.update()


_Step: TypeAlias = tuple[float | None, str, tuple[str, str, str]]
"""What a click costs, None at the cap; how full the bar is before it; and the texts before it."""


def _step(offer: Offer) -> _Step:
    upgrade = offer.upgrade
    total = f"{_effect(offer)} {_UNITS.get((upgrade.currency, upgrade.effect), '')}".rstrip()
    cost = "Max level reached" if offer.is_complete else f"Cost: {short(offer.cost)} {_named(offer)}"
    texts = (f"{offer.level} / {upgrade.level_max}", total, cost)
    return None if offer.is_complete else offer.cost, f"{offer.level / upgrade.level_max:.3f}", texts


def _named(offer: Offer) -> str:
    one, many, _ = _CURRENCIES[offer.upgrade.currency]
    return one if offer.cost == 1 else many


def _effect(offer: Offer) -> str:
    # With a sign also where nothing is added or taken away yet: a bare 0 would read as what is left.
    return f"{'−' if offer.upgrade.effect in _LESSENING else '+'}{plain_shown(offer.effect)}"


def plain_shown(effect: float) -> str:
    """The effect as the rules rounded it: it must not be rounded down a second time."""
    if effect < 1000:
        return plain(effect + 1e-9)
    return exact(effect) if effect < 1e6 else short(effect)
