"""Real-life goals, as signals: the one to work on now, those achieved, and what they brought."""

from __future__ import annotations

from typing import Any

from reaktiv import Computed

from parabola.ui import Pending

from .game import GameService, game


class MilestonesService:
    """The milestones of one type, for the page of that name."""

    def __init__(self, type: str = "Strength", service: GameService | None = None) -> None:
        self.game = playing = service or game()
        self.all: Computed[list[dict[str, Any]]] = Computed(
            lambda: sorted(
                (one for one in (playing.data() or {}).get("milestones", []) if one["type"] == type),
                key=lambda one: one["level"],
            )
        )
        self.achieved = Computed(lambda: [one for one in self.all() if one["achieved"]])
        self.current: Computed[dict[str, Any] | None] = Computed(
            lambda: next((one for one in self.all() if not one["achieved"]), None)
        )
        self.bonus = Computed(lambda: sum(one["reward"] for one in self.achieved()))

    def unlock(self, milestone_id: str) -> Pending[Any]:
        """Marks the milestone as achieved; the server checks its turn and its day."""
        return self.game.unlock(milestone_id)
