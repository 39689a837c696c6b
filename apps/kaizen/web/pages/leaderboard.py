"""The leaderboard: who has come furthest, live."""

from __future__ import annotations

from typing import Any

from nicegui import ui

from parabola.ui.nicegui import auth_guard, effect

from .. import theme
from ..components.buttons import Button
from ..components.phases import Phase, notice, phases
from ..components.text import Text, title, toggle
from ..formatting import exact
from ..services.leaderboard import LeaderboardService
from ..shell import frame

_MEDALS = ("k-gold", "k-silver", "k-bronze")


@ui.page("/leaderboard")
@auth_guard(login_route="/auth/login", loading=theme.loading)
def leaderboard() -> None:
    with frame("leaderboard"):
        service = LeaderboardService()

        def phase() -> Phase:
            if service.entries.results():
                return "ready"
            if service.entries.error() is not None:
                return "error"
            return "empty" if service.entries.is_success() else "loading"

        def failed() -> None:
            with notice("error", "The leaderboard could not be loaded."):
                Button("Try again", service.entries.reset)

        phases(
            phase,
            lambda: _build(service),
            empty=lambda: notice("empty", "Nobody is here yet.", "Begin a fight, and be the first."),
            error=failed,
        )


def _build(service: LeaderboardService) -> None:
    with ui.element("section").classes("k-panel k-board").props('aria-label="Players, the best first"'):
        with ui.element("table").classes("k-table"):
            with ui.element("thead"), ui.element("tr"):
                for name, classes in (("Rank", ""), ("Hero", "k-left"), ("Prestige", ""), ("Stage", ""), ("Score", "")):
                    Text("th", name, classes).props('scope="col"')
            body = ui.element("tbody")
        rows: list[_Row] = []

        def show() -> None:
            # A row for each place: what changes is sent, and the table stays where it is.
            entries, own = service.entries.results(), service.own_place()
            while len(rows) > len(entries):
                rows.pop().delete()
            for place, entry in enumerate(entries):
                if place == len(rows):
                    with body:
                        rows.append(_Row())
                rows[place].show(entry, is_own=place == own)

        effect(show)
        more = Button("Load more", service.load_more, kind="k-wide", testid="load-more")
        status = Text("p", "", "k-muted k-center")

        def show_more() -> None:
            more.set_visibility(service.entries.can_load_more() or service.entries.is_loading_more())
            more.set_enabled(not service.entries.is_loading_more())
            more.set_text("Loading…" if service.entries.is_loading_more() else "Load more")
            status.set_text("That is everybody." if service.entries.is_exhausted() else "")

        effect(show_more)


class _Row:
    def __init__(self) -> None:
        with ui.element("tr").classes("k-row").props('data-testid="leaderboard-row"') as self._element:
            with ui.element("td"):
                self._rank = Text("span", "", "k-rank")
            with ui.element("td").classes("k-left k-hero"):
                with ui.element("div").classes("k-hero-line"):
                    self._name = Text("span", "", "k-hero-name k-name")
                    self._you = Text("span", " you", "k-badge k-you")
                # Where there is no room for a column of its own.
                self._prestige_below = Text("div", "", "k-hero-prestige k-muted")
            self._prestige, self._stage, self._score = Text("td"), Text("td"), Text("td", "", "k-score")

    def show(self, entry: dict[str, Any], *, is_own: bool) -> None:
        rank = int(entry["rank"])
        self._rank.set_text(exact(rank))
        for place, medal in enumerate(_MEDALS, start=1):
            toggle(self._rank, medal, rank == place)
        self._name.set_text(entry["name"])
        title(self._name, entry["name"])
        # All digits: who is ahead shows in the last ones, and every wave moves them.
        self._prestige.set_text(exact(entry["prestigeLevel"]))
        self._prestige_below.set_text(f"Prestige {exact(entry['prestigeLevel'])}")
        self._stage.set_text(exact(entry["bestStage"]))
        self._score.set_text(exact(entry["score"]))
        toggle(self._element, "is-own", is_own)
        self._you.set_visibility(is_own)

    def delete(self) -> None:
        self._element.delete()
