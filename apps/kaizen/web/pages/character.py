"""The character page: what gold and cores buy. The keys 1 to 9 buy, too."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from nicegui import ui
from reaktiv import Computed, Signal, untracked

from parabola.ui.nicegui import auth_guard, effect

from .. import theme
from ..components.buttons import choice
from ..components.icons import icon
from ..components.phases import player_phases
from ..components.text import Text
from ..components.upgrade_card import UpgradeCard
from ..services.character import CharacterService
from ..services.gold_upgrades import GoldUpgradesService
from ..services.prestige_upgrades import PrestigeUpgradesService
from ..services.upgrades import Amount, UpgradesService
from ..shell import frame

# In the purse each purchase is to be seen, also one that costs little.
_WHOLE_BELOW: Final = 1_000_000

_AMOUNTS: Final[dict[str, Amount]] = {"1": 1, "10": 10, "max": "max"}


@ui.page("/character")
@auth_guard(login_route="/auth/login", loading=theme.loading)
def character() -> None:
    with frame("character"):
        hero = CharacterService()
        player_phases(hero.game, lambda: _build(hero))


def _build(hero: CharacterService) -> None:
    amount: Signal[Amount] = Signal(1)
    with ui.element("div").classes("k-purse"):
        with ui.element("div").classes("k-purse-part"):
            icon("coin")
            Text("span", "Gold", "k-purse-name")
            _balance("gold", hero.gold)
        with ui.element("div").classes("k-purse-part"):
            icon("core")
            Text("span", "Cores", "k-purse-name")
            _balance("cores", hero.cores)
        choice(
            "Levels to buy with one click",
            [("1", "×1"), ("10", "×10"), ("max", "Max")],
            lambda value: _AMOUNTS[value] == amount(),
            lambda value: amount.set(_AMOUNTS[value]),
        )
    for_gold, for_cores = GoldUpgradesService(hero.game), PrestigeUpgradesService(hero.game)
    with untracked():
        gold_upgrades = len(for_gold.upgrades())
    _section("Available Gold Upgrades", for_gold, amount, 1)
    _section("Available Prestige Upgrades", for_cores, amount, 1 + gold_upgrades)
    Text("p", "The keys 1 to 9 buy as well.", "k-muted k-hint")


def _balance(currency: str, read: Callable[[], float]) -> None:
    """What can be spent. The browser subtracts from it what it foresees (`static/foreseen.js`)."""
    balance = Computed(lambda: max(0, read()))
    text = Text("strong", testid=currency).follow_number(balance, whole_below=_WHOLE_BELOW)
    text.props(f'data-purse="{currency}" data-whole-below="{_WHOLE_BELOW}"')
    effect(lambda: text.props(f'data-balance="{balance():.0f}"'))


def _section(heading: str, service: UpgradesService, amount: Signal[Amount], first_key: int) -> None:
    with ui.element("section").classes("k-section").props(f'aria-label="{heading}"'):
        Text("h2", heading, "k-section-heading")
        with ui.element("div").classes("k-cards"):
            with untracked():
                upgrades = service.upgrades()
            for key, upgrade in enumerate(upgrades, start=first_key):
                UpgradeCard(service, upgrade, amount, str(key) if key < 10 else "")
