"""Who has come furthest, page by page, live."""

from __future__ import annotations

from typing import Any, Final

from reaktiv import Computed

from parabola.ui import inject_paginated_query
from parabola.ui.nicegui import page_scope

from .game import GameService, game

PAGE_SIZE: Final = 10


class LeaderboardService:
    """The list so far, and which of its rows is the player's own as far as that can be told."""

    def __init__(self, service: GameService | None = None) -> None:
        self.game = playing = service or game()
        self.entries = inject_paginated_query("leaderboard:top", initial_num_items=PAGE_SIZE, scope=page_scope())
        self.own_place: Computed[int | None] = Computed(
            lambda: own_place(self.entries.results(), playing.user.data(), playing.data())
        )

    def load_more(self) -> None:
        """Loads the next rows, if there are more and none are on their way."""
        self.entries.load_more(PAGE_SIZE)


def own_place(rows: list[dict[str, Any]], user: dict[str, Any] | None, state: dict[str, Any] | None) -> int | None:
    """Where the player's own row is, from 0. The list has names and no ids, so None where two rows could be it."""
    if user is None or state is None:
        return None
    hero = state["character"]
    could_be = [
        place
        for place, row in enumerate(rows)
        if row["name"] == user["name"]
        and row["prestigeLevel"] == hero["prestigeLevel"]
        and row["bestStage"] >= hero["currentStage"]
    ]
    return could_be[0] if len(could_be) == 1 else None
