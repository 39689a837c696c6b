"""The campaign: the fight as it goes on, and what the player can do about it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from nicegui import ui
from reaktiv import Computed, Signal, untracked

from parabola.ui.nicegui import auth_guard, effect

from ...rules.combat import attacks_per_second, damage_per_second
from .. import theme
from ..components.buttons import Button
from ..components.chart import history_panel
from ..components.panels import number_row, panel, stat_rows, text_row
from ..components.phases import player_phases
from ..components.text import Text, title
from ..components.toasts import toasts
from ..fight.stage import FightStage
from ..fight.timeline import ServerClock, computed_ms
from ..formatting import percent, plain, short
from ..pending import intends
from ..services.game import GameService, game
from ..services.intentions import fighting, prestiging, using_swift_attack
from ..shell import frame

SWIFT_WISH_S: Final = 10


@ui.page("/campaign")
@auth_guard(login_route="/auth/login", loading=theme.loading)
def campaign() -> None:
    service = game()
    with frame("campaign"):
        player_phases(service, lambda: _Campaign(service))


class _Campaign:
    """The page of a player who has a hero."""

    def __init__(self, service: GameService) -> None:
        self._service = service
        self._clock = ServerClock()
        self._is_swift = Signal(False)
        self.data: Computed[dict[str, Any]] = Computed(lambda: service.data() or {})
        with ui.element("div").classes("k-campaign"):
            with ui.element("section").classes("k-panel k-campaign-fight").props('aria-label="Fight"'):
                stage = FightStage()
                with ui.element("div").classes("k-fight-actions"):
                    self._toggle = Button("", kind="k-primary", testid="fight-toggle")
                    self._swift = Button("Swift Attack", kind="k-swift-button", testid="swift")
                    self._prestige = Button("Prestige", self._ask_prestige, kind="k-prestige-button", testid="prestige")
            with panel("Hero", classes="k-campaign-stats"):
                self._stats()
            history_panel()
        self._dialog = _PrestigeDialog()
        for key, button in (("f", self._toggle), ("s", self._swift), ("p", self._prestige)):
            button.props(f'data-hotkey="{key}" aria-keyshortcuts="{key}"')
        title(self._swift, "Twice as fast for five seconds (S)")
        # A swift attack that comes much later than it was meant is of no use.
        intends(self._swift, using_swift_attack(), kept_s=SWIFT_WISH_S)
        effect(lambda: stage.show(service.data()))
        effect(self._show_toggle)
        effect(self._show_prestige)
        effect(self._show_swift)
        effect(self._show_dialog)

    def _stats(self) -> None:
        stats = Computed(lambda: self.data().get("stats", {}))
        hero = Computed(lambda: self.data().get("character", {}))

        def of(source: Callable[[], dict[str, Any]], name: str, first: float = 0) -> Callable[[], float]:
            return lambda: source().get(name, first)

        with stat_rows():
            number_row("Damage", of(stats, "damage"), testid="damage")
            number_row("Damage per second", self._damage_per_second, testid="dps")
            text_row("Attacks per second", lambda: plain(self._attacks_per_second()), testid="attacks-per-second")
            text_row("Critical chance", lambda: percent(of(stats, "criticalChance")()), testid="critical-chance")
            text_row("Critical hit", lambda: f"×{plain(of(stats, 'criticalMultiplier', 2)())}", testid="critical-hit")
            number_row("Strength", of(stats, "strength"), testid="strength")
            # The modifier is 1 for every hero.
            text_row("Multiplier", lambda: f"×{short(of(hero, 'prestigeLevel', 1)())}", testid="multiplier")
            number_row("Prestige level", of(hero, "prestigeLevel", 1), testid="prestige-level")
            number_row("Cores", of(hero, "prestigeCores"), testid="cores", picture="core")

    def _interval_ms(self) -> float:
        stats = self.data().get("stats", {})
        interval_ms: float = stats.get("swiftIntervalMs" if self._is_swift() else "intervalMs", 1000)
        return interval_ms

    def _damage_per_second(self) -> float:
        return damage_per_second(self.data().get("stats", {}).get("damage", 0), self._interval_ms())

    def _attacks_per_second(self) -> float:
        return attacks_per_second(self._interval_ms())

    def _show_toggle(self) -> None:
        is_fighting = self._service.is_fighting()
        intends(self._toggle, fighting(not is_fighting))
        self._toggle.set_text("Stop Fight" if is_fighting else "Begin Fight")
        self._toggle.classes(
            add="k-stop" if is_fighting else "k-primary", remove="k-primary" if is_fighting else "k-stop"
        )
        title(self._toggle, f"{'Stop' if is_fighting else 'Begin'} the fight (F)")

    def _show_prestige(self) -> None:
        cores = self.data().get("coresOnPrestige", 0)
        self._prestige.set_text(f"Prestige (+{short(cores)})" if cores else "Prestige")
        self._prestige.set_enabled(cores > 0)
        title(self._prestige, "Start over for cores (P)" if cores else "From stage 20 on")

    def _show_swift(self) -> None:
        run = self.data().get("run")
        if run is None:
            return
        with untracked():
            self._clock.heard(computed_ms(run))
            left_ms = self._clock.swift_left_ms(run)
            self._set_swift(left_ms > 0)
            if left_ms > 0:
                # The countdown runs in the fight; the button and the rates only have to come back.
                with self._swift:
                    ui.timer(left_ms / 1000 + 0.05, self._swift_is_over, once=True, immediate=False)

    def _swift_is_over(self) -> None:
        with untracked():
            run = self.data().get("run")
            if run is None or self._clock.now_ms() is None or not self._clock.swift_left_ms(run):
                self._set_swift(False)

    def _set_swift(self, is_swift: bool) -> None:
        self._is_swift.set(is_swift)
        self._swift.set_enabled(not is_swift)

    def _show_dialog(self) -> None:
        """What is asked about one prestige level is no question any more at the next one."""
        level = self.data().get("character", {}).get("prestigeLevel", 1)
        with untracked():
            if self._dialog.is_open and self._dialog.prestige_level != level:
                self._dialog.close()
                toasts().show("Prestige already done")

    def _ask_prestige(self) -> None:
        with untracked():
            cores = self.data().get("coresOnPrestige", 0)
            level = self.data().get("character", {}).get("prestigeLevel", 1)
        if cores > 0:
            self._dialog.ask(cores, level)


class _PrestigeDialog:
    """Asks before everything begins anew. The prestige is meant for one prestige level, so it happens once only."""

    def __init__(self) -> None:
        self.prestige_level: float = 0
        """That for which it asks."""
        with ui.dialog() as self._dialog, ui.element("div").classes("k-panel k-dialog"):
            self._dialog.props('aria-labelledby="prestige-heading" aria-describedby="prestige-text"')
            Text("h2", "Start over, stronger?", "k-panel-heading").props('id="prestige-heading"')
            self._text = Text("p", testid="prestige-text").props('id="prestige-text"')
            with ui.element("div").classes("k-fight-actions"):
                Button("Not yet", self._dialog.close, testid="prestige-cancel")
                self._confirm = Button(
                    "Prestige", self._dialog.close, kind="k-prestige-button", testid="prestige-confirm"
                )

    @property
    def is_open(self) -> bool:
        return bool(self._dialog.value)

    def close(self) -> None:
        """Closes it, unanswered."""
        self._dialog.close()

    def ask(self, cores: float, prestige_level: float) -> None:
        """Opens it; `cores` are those to be earned."""
        self.prestige_level = prestige_level
        intends(self._confirm, prestiging(prestige_level))
        self._text.set_text(
            f"You get {short(cores)} prestige cores and one more prestige level, and go back to stage 1. "
            "Gold and all upgrades stay yours."
        )
        self._dialog.open()
