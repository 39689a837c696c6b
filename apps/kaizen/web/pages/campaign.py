"""The campaign: the fight as it goes on, and what the player can do about it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nicegui import ui
from nicegui.events import KeyEventArguments
from reaktiv import Computed, untracked

from parabola.ui.nicegui import auth_guard, effect

from .. import theme
from ..components.buttons import Button
from ..components.chart import history_panel
from ..components.panels import number_row, panel, stat_rows, text_row
from ..components.phases import player_phases
from ..components.text import Text, title
from ..components.toasts import tell_refusal
from ..fight.stage import FightStage
from ..fight.timeline import ServerClock
from ..formatting import percent, plain, short
from ..pending import intends
from ..services.game import GameService, game
from ..services.intentions import prestiging
from ..shell import frame


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
        self.data: Computed[dict[str, Any]] = Computed(lambda: service.data() or {})
        with ui.element("div").classes("k-campaign"):
            with ui.element("section").classes("k-panel k-campaign-fight").props('aria-label="Fight"'):
                stage = FightStage()
                with ui.element("div").classes("k-fight-actions"):
                    self._toggle = Button("", self._toggle_fight, kind="k-primary", testid="fight-toggle")
                    self._swift = Button("Swift Attack", self._use_swift, kind="k-swift-button", testid="swift")
                    self._prestige = Button("Prestige", self._ask_prestige, kind="k-prestige-button", testid="prestige")
            with panel("Hero", classes="k-campaign-stats"):
                self._stats()
            history_panel()
        self._dialog = _PrestigeDialog()
        title(self._swift, "Twice as fast for five seconds (S)")
        effect(lambda: stage.show(service.data()))
        effect(self._show_toggle)
        effect(self._show_prestige)
        effect(self._show_swift)
        ui.keyboard(self._press, repeating=False, ignore=["input", "select", "textarea"])

    def _stats(self) -> None:
        stats = Computed(lambda: self.data().get("stats", {}))
        hero = Computed(lambda: self.data().get("character", {}))

        def of(source: Callable[[], dict[str, Any]], name: str, first: float = 0) -> Callable[[], float]:
            return lambda: source().get(name, first)

        with stat_rows():
            number_row("Damage", of(stats, "damage"), testid="damage")
            number_row("Damage per second", of(stats, "damagePerSecond"), testid="dps")
            text_row("Attacks per second", lambda: plain(of(stats, "attacksPerSecond")()), testid="attacks-per-second")
            text_row("Critical chance", lambda: percent(of(stats, "criticalChance")()), testid="critical-chance")
            text_row("Critical hit", lambda: f"×{plain(of(stats, 'criticalMultiplier', 2)())}", testid="critical-hit")
            number_row("Strength", of(stats, "strength"), testid="strength")
            number_row("Prestige level", of(hero, "prestigeLevel", 1), testid="prestige-level")
            number_row("Cores", of(hero, "prestigeCores"), testid="cores", picture="core")

    def _show_toggle(self) -> None:
        is_fighting = self._service.is_fighting()
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
        run = self.data().get("run", {})
        until_ms, computed_ms = run.get("swiftUntil", 0), run.get("lastSimAt", 0)
        with untracked():
            self._clock.heard(computed_ms)
            # Before anything is known of the server's time, the state's own is the best guess.
            left_ms = until_ms - (self._clock.now_ms() or computed_ms)
            self._swift.set_enabled(left_ms <= 0)
            if left_ms > 0:
                # The countdown runs in the fight; the button only has to come back.
                with self._swift:
                    ui.timer(left_ms / 1000 + 0.05, self._swift_is_over, once=True, immediate=False)

    def _swift_is_over(self) -> None:
        with untracked():
            until_ms = self.data().get("run", {}).get("swiftUntil", 0)
        now_ms = self._clock.now_ms()
        if now_ms is None or until_ms <= now_ms:
            self._swift.set_enabled(True)

    async def _toggle_fight(self) -> None:
        with untracked():
            wanted = not self._service.is_fighting()
        await tell_refusal(self._service.set_fighting(wanted))

    async def _use_swift(self) -> None:
        self._swift.set_enabled(False)
        if not await tell_refusal(self._service.use_swift_attack()):
            self._swift.set_enabled(True)

    async def _ask_prestige(self) -> None:
        with untracked():
            cores = self.data().get("coresOnPrestige", 0)
            level = self.data().get("character", {}).get("prestigeLevel", 1)
        if cores > 0:
            self._dialog.ask(cores, level)

    async def _press(self, event: KeyEventArguments) -> None:
        held = event.modifiers
        if not event.action.keydown or held.ctrl or held.alt or held.meta or self._dialog.is_open:
            return
        key = str(event.key).lower()
        if key == "f":
            await self._toggle_fight()
        elif key == "s" and "disabled" not in self._swift.props:
            await self._use_swift()
        elif key == "p":
            await self._ask_prestige()


class _PrestigeDialog:
    """Asks before everything begins anew. The prestige is meant for one prestige level, so it happens once only."""

    def __init__(self) -> None:
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

    def ask(self, cores: float, prestige_level: float) -> None:
        """Opens it; `cores` are those to be earned."""
        intends(self._confirm, prestiging(prestige_level))
        self._text.set_text(
            f"You get {short(cores)} prestige cores and one more prestige level, and go back to stage 1. "
            "Gold and all upgrades stay yours."
        )
        self._dialog.open()
