"""The hero, as signals."""

from __future__ import annotations

from typing import Any

from reaktiv import Computed

from ...rules.milestones import base_strength
from .game import GameService, game


class CharacterService:
    """The numbers of the hero. Before there is one they are those of the first day, so that nothing has to ask."""

    def __init__(self, service: GameService | None = None) -> None:
        self.game = playing = service or game()
        self.character: Computed[dict[str, Any] | None] = Computed(lambda: (playing.data() or {}).get("character"))
        self.gold = self._field("gold", 0)
        self.cores = self._field("prestigeCores", 0)
        self.stage = self._field("currentStage", 1)
        self.wave = self._field("currentWave", 1)
        self.prestige_level = self._field("prestigeLevel", 1)
        self.stats: Computed[dict[str, Any]] = Computed(lambda: (playing.data() or {}).get("stats", {}))
        self.milestones: Computed[list[dict[str, Any]]] = Computed(lambda: (playing.data() or {}).get("milestones", []))
        self.base_strength = Computed(
            lambda: base_strength([one["id"] for one in self.milestones() if one["achieved"]])
        )
        self.strength = Computed(lambda: self.stats().get("strength", 1))
        self.cores_on_prestige = Computed(lambda: (playing.data() or {}).get("coresOnPrestige", 0))

    def _field(self, name: str, first: float) -> Computed[float]:
        return Computed(lambda: (self.character() or {}).get(name, first))
