"""The milestones page: goals of real life, taken on trust, one after the other."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from nicegui import ui
from reaktiv import Computed

from parabola.ui.nicegui import auth_guard, live

from .. import theme
from ..components.buttons import Button
from ..components.icons import icon
from ..components.panels import panel
from ..components.phases import player_phases
from ..components.scene import scene
from ..components.text import Text
from ..formatting import short
from ..pending import intends
from ..services.intentions import unlocking
from ..services.milestones import MilestonesService
from ..shell import frame

_OUTSIDE: Final = (1, 1)
"""The stage and wave whose land looks most like a walk."""


@ui.page("/milestones")
@auth_guard(login_route="/auth/login", loading=theme.loading)
def milestones() -> None:
    with frame("milestones"):
        goals = MilestonesService("Strength")
        player_phases(goals.game, lambda: _build(goals))


def _build(goals: MilestonesService) -> None:
    with scene(lambda: _OUTSIDE, foe=False, classes="k-scene-first"):
        Text("h2", "Get stronger outside")
        Text("p", "Your hero grows with you. One milestone a day; your word is enough.")
    with ui.element("div").classes("k-grid k-grid-two"):
        with panel("Strength Milestones"):
            with ui.element("p").classes("k-bonus"):
                Text("span", "Total bonus")
                Text("strong", testid="milestone-bonus").follow(lambda: f"+{short(goals.bonus())} Strength")
            # The block is made anew for another milestone, and not for each change of the game.
            current = Computed(lambda: _key(goals.current()))
            live(lambda: _current(goals, current()))
        with panel("Achieved"):
            achieved = Computed(lambda: tuple(_key(one) for one in goals.achieved()))
            live(lambda: _achieved(achieved()))


_Shown = tuple[tuple[str, Any], ...]


def _key(milestone: dict[str, Any] | None) -> _Shown | None:
    return None if milestone is None else tuple(sorted(milestone.items()))


def _current(goals: MilestonesService, shown: _Shown | None) -> None:
    if shown is None:
        with ui.element("div").classes("k-milestone k-milestone-end").props('data-testid="milestone-end"'):
            icon("milestones")
            Text("h3", "All milestones reached")
            Text("p", "Well done. Keep going anyway.", "k-muted")
        return
    milestone = dict(shown)
    with ui.element("article").classes("k-milestone").props('data-testid="milestone-card"'):
        with ui.element("div").classes("k-milestone-top"):
            Text("h3", f"Level {short(milestone['level'])}", testid="milestone-level")
            Text("span", f"+{short(milestone['reward'])} {milestone['type']}", "k-badge", testid="milestone-reward")
        Text("p", milestone["requirement"], "k-milestone-requirement", testid="milestone-requirement")
        button = Button("Unlock Level", kind="k-primary k-wide", testid="milestone-unlock")
        intends(button, unlocking(milestone["id"]))


def _achieved(shown: tuple[_Shown | None, ...]) -> None:
    if not shown:
        Text("p", "None yet. The first step is the longest.", "k-muted", testid="empty")
        return
    with ui.element("ul").classes("k-achieved"):
        for one in shown:
            milestone = dict(one or ())
            day = datetime.fromtimestamp(milestone["achievedAt"] / 1000, UTC)
            with ui.element("li").props('data-testid="milestone-achieved"'):
                icon("check")
                with ui.element("div"):
                    Text("div", milestone["requirement"])
                    Text(
                        "div",
                        f"+{short(milestone['reward'])} {milestone['type']} · {day.day} {day:%B %Y}",
                        "k-muted",
                    )
