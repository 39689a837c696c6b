"""A card that is a button: what an upgrade is, what it does by now, and what the next step costs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from nicegui import ui
from reaktiv import Computed

from parabola.ui.nicegui import effect

from ...rules.upgrades import Upgrade
from ..formatting import exact, plain, short
from ..pending import intends
from ..services.intentions import buying
from ..services.upgrades import Amount, Offer, UpgradesService
from .icons import icon
from .text import Text, title, toggle

_UNITS: Final = {
    ("gold", "flat_stat_boost"): "strength",
    ("gold", "critical_chance_boost"): "critical chance",
    ("gold", "critical_damage_boost"): "critical damage",
    ("cores", "attack_speed"): "attack interval",
    ("cores", "flat_stat_boost"): "× damage",
    ("cores", "multiplier_boost"): "× cores",
    ("cores", "enemy_health_reduction"): "enemy health",
    ("cores", "dynamic_per_core"): "damage a core",
}

_LESSENING: Final = ("attack_speed", "enemy_health_reduction")

_CURRENCIES: Final = {"gold": ("Gold", "coin"), "cores": ("Prestige Cores", "core")}


class UpgradeCard:
    """The card of one upgrade. Its elements are made once; only what has changed is sent."""

    def __init__(self, service: UpgradesService, upgrade: Upgrade, amount: Callable[[], Amount], key: str = "") -> None:
        self._upgrade = upgrade
        self._currency, picture = _CURRENCIES[upgrade.currency]
        self._offer = Computed(lambda: service.offer(upgrade, amount()))
        self._button = ui.element("button").classes(f"k-card k-card-{upgrade.currency}")
        self._button.props(f'type=button data-testid="buy-{upgrade.id}"')
        effect(lambda: intends(self._button, buying(upgrade.id, amount())))
        with self._button:
            if key:
                self._button.props(f'data-hotkey="{key}" aria-keyshortcuts="{key}"')
            with ui.element("span").classes("k-card-top"):
                Text("span", upgrade.name, "k-card-name")
                if key:
                    Text("kbd", key, "k-key").props('aria-hidden="true"')
            Text("span", upgrade.description, "k-card-description")
            with ui.element("span").classes("k-card-facts"):
                self._level = self._fact("Level", f"level-{upgrade.id}")
                self._effect = self._fact("Total effect", f"effect-{upgrade.id}")
            self._bar = ui.element("span").classes("k-card-bar").props('aria-hidden="true"')
            with ui.element("span").classes("k-card-cost"):
                icon(picture)
                self._cost = Text("span", testid=f"cost-{upgrade.id}")
                self._count = Text("span", "", "k-card-count")
        effect(self._show)

    def _fact(self, name: str, testid: str) -> Text:
        with ui.element("span").classes("k-card-fact"):
            Text("span", name, "k-card-fact-name")
            return Text("span", "", "k-card-fact-value", testid=testid)

    def _show(self) -> None:
        offer = self._offer()
        upgrade = self._upgrade
        self._level.set_text(f"{offer.level} / {upgrade.level_max}")
        self._effect.set_text(f"{_effect(offer)} {_UNITS.get((upgrade.currency, upgrade.effect), '')}".rstrip())
        self._bar.style(f"--part: {offer.level / upgrade.level_max:.3f}")
        if offer.is_complete:
            self._cost.set_text("Max level reached")
            self._count.set_text("")
            title(self._button, "Max level reached")
        else:
            self._cost.set_text(f"Cost: {short(offer.cost)} {self._currency}")
            self._count.set_text(f"+{offer.count}" if offer.count > 1 else "")
            title(self._button, f"{exact(offer.cost)} {self._currency} for {offer.count}")
        self._button.props("disabled") if offer.is_complete else self._button.props(remove="disabled")
        toggle(self._button, "is-affordable", offer.is_affordable)
        self._button.props(f'data-affordable="{str(offer.is_affordable).lower()}"')


def _effect(offer: Offer) -> str:
    sign = "−" if offer.upgrade.effect in _LESSENING else "+"
    return f"{sign if offer.effect else ''}{plain_shown(offer.effect)}"


def plain_shown(effect: float) -> str:
    """The effect as the rules rounded it: it must not be rounded down a second time."""
    return plain(effect + 1e-9) if effect < 1e6 else short(effect)
