"""The fight as an element of a page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nicegui.element import Element

from ...rules.stages import STAGE_MAX
from ..sprites.items import GLYPHS
from .timeline import State, Timeline

SPRITES = "/static/sprites"


class FightStage(Element, component=Path(__file__).parents[1] / "static" / "fight.js"):
    """Shows the fight of a `game:state`, and everything that follows from it, until the next one."""

    def __init__(self) -> None:
        super().__init__()
        self._props["base"] = SPRITES
        self._props["glyphs"] = {letter: list(rows) for letter, rows in GLYPHS.items()}
        self._props["lastStage"] = STAGE_MAX
        self._timeline = Timeline()
        self._is_seen = True
        self._state: State | None = None
        self.on("seen", lambda event: self._see(bool(event.args)))

    def show(self, state: State | None) -> None:
        """Follows a new result of `game:state`. What a hidden tab would show is told when it is seen again."""
        self._state = state
        if state is None or not self._is_seen:
            return
        news: dict[str, Any] | None = self._timeline.news(state)
        if news is not None:
            self.run_method("show", news)

    def _see(self, is_seen: bool) -> None:
        self._is_seen = is_seen
        if is_seen:
            self._timeline.forget()
            self.show(self._state)
