"""A coin that turns, and figures for the numbers that fly up."""

from __future__ import annotations

import math

from .kit import Brush, Grid
from .palettes import indices_of, palette_of, ramp

COIN_CELL = 16
COIN_FRAMES = 8
COIN_RAMPS = {"gold": ramp("#a3620f", "#fff08a"), "rim": ramp("#7a4310", "#e8b13c")}
COIN_PALETTE = palette_of(COIN_RAMPS, 0)

GLYPH_WIDTH, GLYPH_HEIGHT = 5, 7
# Seven rows a figure; every row is five bits, the leftmost the highest.
GLYPHS = {
    "0": (14, 17, 19, 21, 25, 17, 14), "1": (4, 12, 4, 4, 4, 4, 14), "2": (14, 17, 1, 6, 8, 16, 31),
    "3": (30, 1, 1, 14, 1, 1, 30), "4": (2, 6, 10, 18, 31, 2, 2), "5": (31, 16, 30, 1, 1, 17, 14),
    "6": (6, 8, 16, 30, 17, 17, 14), "7": (31, 1, 2, 4, 4, 8, 8), "8": (14, 17, 17, 14, 17, 17, 14),
    "9": (14, 17, 17, 15, 1, 2, 12), ".": (0, 0, 0, 0, 0, 12, 12), ",": (0, 0, 0, 0, 12, 4, 8),
    "+": (0, 4, 4, 31, 4, 4, 0), "-": (0, 0, 0, 14, 0, 0, 0), "!": (4, 4, 4, 4, 4, 0, 4),
    "A": (14, 17, 17, 31, 17, 17, 17), "B": (30, 17, 17, 30, 17, 17, 30), "C": (14, 17, 16, 16, 16, 17, 14),
    "D": (28, 18, 17, 17, 17, 18, 28), "E": (31, 16, 16, 30, 16, 16, 31), "F": (31, 16, 16, 30, 16, 16, 16),
    "G": (14, 17, 16, 23, 17, 17, 14), "H": (17, 17, 17, 31, 17, 17, 17), "I": (14, 4, 4, 4, 4, 4, 14),
    "J": (7, 2, 2, 2, 2, 18, 12), "K": (17, 18, 20, 24, 20, 18, 17), "L": (16, 16, 16, 16, 16, 16, 31),
    "M": (17, 27, 21, 21, 17, 17, 17), "N": (17, 25, 21, 19, 17, 17, 17), "O": (14, 17, 17, 17, 17, 17, 14),
    "P": (30, 17, 17, 30, 16, 16, 16), "Q": (14, 17, 17, 17, 21, 18, 13), "R": (30, 17, 17, 30, 20, 18, 17),
    "S": (15, 16, 16, 14, 1, 1, 30), "T": (31, 4, 4, 4, 4, 4, 4), "U": (17, 17, 17, 17, 17, 17, 14),
    "V": (17, 17, 17, 17, 17, 10, 4), "W": (17, 17, 17, 21, 21, 27, 17), "X": (17, 17, 10, 4, 10, 17, 17),
    "Y": (17, 17, 10, 4, 4, 4, 4), "Z": (31, 1, 2, 4, 8, 16, 31), " ": (0, 0, 0, 0, 0, 0, 0),
}  # fmt: skip


def coin_frames() -> list[Grid]:
    """The coin in one turn around itself."""
    return [_coin(math.cos(math.pi * step / COIN_FRAMES)) for step in range(COIN_FRAMES)]


def _coin(face: float) -> Grid:
    grid = Grid(COIN_CELL, COIN_CELL)
    b = Brush(grid, indices_of(COIN_RAMPS), line=1)
    wide = max(1.4, 6.4 * abs(face))
    b.ball(8 + (0.8 if face < 0 else -0.8) * (1 - abs(face)), 8, wide, 6.4, "rim", lift=-0.1)
    b.ball(8, 8, max(1, wide - 1.3), 5.1, "gold", line=False, lift=0.05)
    if abs(face) > 0.55:
        # The sign of Kaizen: a step up.
        b.dots(["...kk", "...k.", ".kkk.", ".k...", "kk..."], 8 - 2.5, 5.5, {"k": ("rim", 1)})
        b.dot(5, 4, "gold", 4)
        b.dot(4, 5, "gold", 4)
    return grid
