"""While you were away: what the hero did meanwhile. Told once, on whatever page the player arrives.

The server tells it once, to one tab, so the tab keeps it: whoever goes on to the next page has it there too, until they
have read it.
"""

from __future__ import annotations

import time
from typing import Any, Final

from nicegui import app, context, ui
from reaktiv import untracked

from parabola.ui.nicegui import effect, live

from ..formatting import counted, duration, exact, short
from ..services.game import GameService
from .buttons import Button
from .icons import icon
from .text import Text, title

KEPT_AS: Final = "kaizen.away"
KEPT_S: Final = 300.0
"""How long it is news. Nobody leaves it open for so long without having read it."""


def away_panel(service: GameService, owner: str) -> None:
    """The panel, as soon as there is something to tell `owner`, until the player closes it."""
    _keep_in_tab(service, owner)

    def show() -> None:
        told = service.away()
        if told is None:
            return
        with untracked():
            _build(service, told)

    live(show)


def _keep_in_tab(service: GameService, owner: str) -> None:
    page = context.client

    def keep() -> None:
        told = service.away()
        if told is not None and page.has_socket_connection:
            with untracked():
                kept = app.storage.tab.get(KEPT_AS)
                if kept is None or kept["told"] != told:
                    app.storage.tab[KEPT_AS] = {"told": told, "owner": owner, "at": time.time()}

    def recall() -> None:
        with page, untracked():
            kept: dict[str, Any] | None = app.storage.tab.get(KEPT_AS)
            if kept is None:
                return
            if kept["owner"] != owner or time.time() - kept["at"] > KEPT_S:
                app.storage.tab.pop(KEPT_AS)
            elif service.away() is None:
                service.away.set(kept["told"])

    effect(keep)
    page.on_connect(recall)
    if page.has_socket_connection:
        recall()


def _dismiss(service: GameService) -> None:
    app.storage.tab.pop(KEPT_AS, None)
    service.dismiss_away()


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
        Button("Onwards", lambda: _dismiss(service), kind="k-primary", testid="away-dismiss")
