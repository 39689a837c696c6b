"""What a creature is, and how its pictures come about: one drawing, many poses.

A creature is drawn facing left, on a cell of 80 by 88 pixels whose ground is at y = 82. Its sheet holds the frames of
`FRAMES` in one row.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from .kit import Brush, Grid, crumbled, faded, melted
from .palettes import RGB, indices_of

CELL_WIDTH, CELL_HEIGHT = 80, 88
GROUND = 82
IDLE = ("idle0", "idle1", "idle2", "idle3", "idle4", "idle5")
FRAMES = (*IDLE, "hit0", "hit1", "death0", "death1", "death2", "death3")

End = Literal["melt", "crumble", "fade"]


@dataclass(frozen=True, slots=True)
class Pose:
    """A moment of a creature. `turn` is where it is in its idle movement, 0 to 1."""

    turn: float = 0
    hurt: bool = False

    @property
    def sway(self) -> float:
        """Up and down, -1 to 1."""
        return math.sin(2 * math.pi * self.turn)

    @property
    def swing(self) -> float:
        """The same a quarter of a turn later, for what follows the body."""
        return math.sin(2 * math.pi * (self.turn - 0.25))


@dataclass(frozen=True, slots=True)
class Creature:
    """A kind of enemy: how it is drawn, in which colours, and how it ends. `fixed` ramps never change their hue."""

    kind: str
    ramps: Mapping[str, list[RGB]]
    draw: Callable[[Brush, Pose], None]
    end: End
    fixed: frozenset[str] = frozenset()

    def picture(self, pose: Pose) -> Grid:
        """One frame."""
        grid = Grid(CELL_WIDTH, CELL_HEIGHT)
        self.draw(Brush(grid, indices_of(self.ramps), line=1), pose)
        return grid

    def frames(self) -> dict[str, Grid]:
        """All frames by name."""
        hurt = self.picture(Pose(hurt=True))
        flash = hurt.mapped(lambda index: 1 if index == 1 else 2)
        deaths = [self._dying(hurt, share) for share in (0.2, 0.45, 0.7, 0.92)]
        idle = [self.picture(Pose(turn=step / len(IDLE))) for step in range(len(IDLE))]
        return dict(zip(FRAMES, [*idle, flash, hurt, *deaths], strict=True))

    def _dying(self, grid: Grid, share: float) -> Grid:
        if self.end == "melt":
            return faded(melted(grid, share, GROUND), max(0, share - 0.6), rise=4)
        if self.end == "crumble":
            return crumbled(grid, share, GROUND)
        return faded(grid, share)
