"""While you were away: what the hero did meanwhile. Told once, on whatever page the player arrives."""

from __future__ import annotations

from nicegui import ui
from reaktiv import untracked

from parabola.ui.nicegui import live

from ..formatting import counted, duration, exact, short
from ..services.game import GameService
from .buttons import Button
from .icons import icon
from .text import Text, title


def away_panel(service: GameService) -> None:
    """The panel, as soon as there is something to tell, until the player closes it."""

    def show() -> None:
        told = service.away()
        if told is None:
            return
        with untracked():
            _build(service, told)

    live(show)


def _build(service: GameService, told: dict[str, float]) -> None:
    panel = ui.element("section").classes("k-panel k-away")
    with panel.props('data-testid="away-panel" role="status" aria-label="While you were away"'):
        with ui.element("div").classes("k-away-text"):
            Text("h2", "While you were away", "k-panel-heading")
            Text(
                "p",
                f"For {duration(told['elapsedMs'])} your hero fought on, "
                f"beat {counted(told['kills'], 'enemy', 'enemies')} and reached "
                f"stage {exact(told['stage'])}, wave {exact(told['wave'])}.",
                "k-muted",
            )
        with ui.element("div").classes("k-away-gold"):
            icon("coin")
            title(Text("span", f"+{short(told['gold'])}", testid="away-gold"), f"{exact(told['gold'])} gold")
        Button("Onwards", service.dismiss_away, kind="k-primary", testid="away-dismiss")
