"""The states of a page: loading, empty, failed, and there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, TypeAlias

from nicegui import ui
from reaktiv import Computed, untracked

from parabola.ui.nicegui import live

from ..services.game import GameService
from ..services.refusals import message_of
from .buttons import Button
from .text import Text

Phase: TypeAlias = Literal["loading", "empty", "error", "ready"]


def phases(
    read: Callable[[], Phase],
    build: Callable[[], object],
    *,
    empty: Callable[[], object] | None = None,
    error: Callable[[], object] | None = None,
) -> ui.element:
    """Shows what fits the phase. What `build` makes is made once and stays while the phase does."""
    phase = Computed(read)
    parts: dict[Phase, Callable[[], object]] = {
        "loading": loading,
        "empty": empty or (lambda: notice("empty", "Nothing here yet.")),
        "error": error or (lambda: notice("error", "This could not be loaded.")),
        "ready": build,
    }

    def show() -> None:
        part = parts[phase()]
        with untracked():
            part()

    return live(show)


def player_phases(service: GameService, build: Callable[[], object]) -> ui.element:
    """The phases of everything that is about the player."""

    def read() -> Phase:
        if service.data() is not None and service.definitions.data() is not None:
            return "ready"
        if service.state.error() or service.definitions.error() or service.start_error():
            return "error"
        return "empty" if service.state.is_success() and service.definitions.is_success() else "loading"

    def failed() -> None:
        error = service.state.error() or service.definitions.error() or service.start_error()
        text = message_of(error) if error is not None else ""
        with notice("error", "Your game could not be loaded.", f"{text} It is tried again all the time."):
            Button("Try again now", lambda: again(service))

    return phases(
        read, build, empty=lambda: notice("empty", "Your hero is getting dressed.", "One moment."), error=failed
    )


def again(service: GameService) -> None:
    """Asks for everything once more."""
    service.state.refetch()
    service.definitions.refetch()


def loading() -> None:
    """Grey shapes where the panels will be."""
    with ui.element("div").classes("k-grid").props('data-testid="loading" role="status" aria-label="Loading"'):
        for _ in range(2):
            with ui.element("div").classes("k-panel k-skeleton"):
                for _ in range(5):
                    ui.element("div").classes("k-bone")


def notice(testid: str, heading: str, detail: str = "") -> ui.element:
    """A panel that says in words why there is nothing else to see."""
    role = "alert" if testid == "error" else "status"
    with ui.element("section").classes("k-panel k-notice").props(f'data-testid="{testid}" role="{role}"') as section:
        Text("h2", heading, "k-panel-heading")
        if detail:
            Text("p", detail, "k-muted")
    return section
