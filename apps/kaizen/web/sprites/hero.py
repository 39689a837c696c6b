"""The hero: a small fighter with a headband and a large sword, facing right."""

from __future__ import annotations

import math
from dataclasses import dataclass

from .creatures import CELL_HEIGHT, GROUND
from .kit import Brush, Grid
from .palettes import indices_of, palette_of, ramp

CELL_WIDTH = 96
IDLE = ("idle0", "idle1", "idle2", "idle3", "idle4", "idle5")
ATTACK = ("attack0", "attack1", "attack2", "attack3", "attack4")
FRAMES = (*IDLE, *ATTACK)

RAMPS = {
    "skin": ramp("#a3603f", "#ffd9ae"), "hair": ramp("#2b1a24", "#7a4a3c"), "band": ramp("#8e1f36", "#ff7b68"),
    "tunic": ramp("#1d3f6e", "#5fb4ee"), "belt": ramp("#4f2c1c", "#b98046"), "boot": ramp("#3a2230", "#8f5a4a"),
    "steel": ramp("#4d5a78", "#ffffff"), "gold": ramp("#9c5f14", "#ffe27a"), "eye": ramp("#1b1226", "#5b4a6e"),
    "white": ramp("#9fb0c8", "#ffffff"),
}  # fmt: skip
PALETTE = palette_of(RAMPS, 0)


@dataclass(frozen=True, slots=True)
class Stance:
    """One frame. The sword points at `angle` degrees, 0 is right and 90 up; `arc` is where its trail begins."""

    angle: float
    reach: float = 0
    crouch: float = 0
    arc: float | None = None


_STRIKE = (
    Stance(138, reach=-4, crouch=1),
    Stance(40, reach=5, crouch=1.5, arc=125),
    Stance(-38, reach=8, crouch=3, arc=105),
    Stance(-52, reach=6, crouch=2.5, arc=-10),
    Stance(20, reach=2, crouch=1),
)


def frames() -> dict[str, Grid]:
    """All frames by name."""
    pictures: dict[str, Grid] = {}
    for step, name in enumerate(IDLE):
        turn = 2 * math.pi * step / len(IDLE)
        pictures[name] = _picture(Stance(58 + 4 * math.sin(turn - 1), crouch=0.6 + 0.9 * math.sin(turn)), turn)
    for name, stance in zip(ATTACK, _STRIKE, strict=True):
        pictures[name] = _picture(stance, 0)
    return pictures


def _picture(stance: Stance, turn: float) -> Grid:
    grid = Grid(CELL_WIDTH, CELL_HEIGHT)
    b = Brush(grid, indices_of(RAMPS), line=1)
    drop, reach = stance.crouch, stance.reach
    hip, chest = GROUND - 15 + drop * 0.5, GROUND - 25 + drop
    x = 32 + reach * 0.7
    # Legs: the back one stays, the front one steps.
    for foot, lift in ((25 - max(0.0, reach) * 0.4, -0.1), (38 + reach * 0.9, 0.0)):
        b.limb((x - 3 if lift else x + 3, hip), (foot, GROUND - 5), 4, 3.6, "tunic", lift=lift - 0.1)
        b.limb((foot - 1, GROUND - 3), (foot + 4, GROUND - 3), 3.6, 3.4, "boot", lift=lift)
    # The far arm, then the body with its belt.
    b.limb((x - 7, chest + 1), (x - 13, chest + 9 + drop), 3.4, 3, "skin", lift=-0.12)
    b.limb((x - 1, chest), (x - 1, hip), 9.5, 8.5, "tunic")
    b.limb((x - 9, hip - 1), (x + 7, hip - 1), 2, 2, "belt")
    b.ball(x + 4, hip - 1, 2.4, 2.4, "gold")
    b.shape([(x - 5, hip + 1), (x + 6, hip + 1), (x + 8, hip + 8), (x - 8, hip + 8)], "tunic", top=0.6, bottom=0.3)
    _head(b, x + 1 + reach * 0.25, chest - 17, turn, is_striking=stance.arc is not None)
    _sword(b, x + 7, chest + 2, stance)
    return grid


def _head(b: Brush, x: float, y: float, turn: float, *, is_striking: bool) -> None:
    wave = 3 * math.sin(turn + 1)
    for dy in (0, 5):
        tip = (x - 27, y - 1 + dy + wave) if not is_striking else (x - 29, y - 9 + dy)
        b.shape([(x - 11, y - 4), (tip[0], tip[1] - 3), (tip[0] + 3, tip[1] + 2), (x - 11, y + 1)], "band", top=0.7)
    b.ball(x - 2, y - 2, 14, 13, "hair")
    b.ball(x + 1, y + 2, 12.5, 11, "skin", lift=0.03)
    b.ball(x - 10, y + 3, 3, 3.6, "skin", lift=-0.05)
    # Spiky hair over the band.
    for dx, tall in ((-13, 5), (-7, 9), (0, 11), (7, 8)):
        b.shape([(x + dx - 4, y - 7), (x + dx - 5 + tall * 0.2, y - 10 - tall), (x + dx + 6, y - 7)], "hair", top=0.9)
    b.limb((x - 12, y - 5), (x + 12, y - 5), 2.6, 2.6, "band")
    for dx in (1, 8):
        if is_striking:
            b.dots(["kk.", ".kk"] if dx == 1 else [".kk", "kk."], x + dx, y, {"k": ("eye", 0)})
            b.dots(["wk", "wk", "wk"], x + dx, y + 2, {"w": ("white", 4), "k": ("eye", 0)})
        else:
            b.dots(["kk", "wk", "kk", "kk"], x + dx, y, {"w": ("white", 4), "k": ("eye", 0)})
    b.dots(["kkkk", ".rr."] if is_striking else ["k..k", ".kk."], x + 3, y + 8, {"k": ("eye", 0), "r": ("band", 3)})
    b.dot(x - 2, y + 6, "band", 4)
    b.dot(x - 1, y + 6, "band", 4)


def _sword(b: Brush, x: float, y: float, stance: Stance) -> None:
    def at(distance: float, degrees: float, side: float = 0) -> tuple[float, float]:
        a = math.radians(degrees)
        return (
            hand[0] + distance * math.cos(a) - side * math.sin(a),
            hand[1] - distance * math.sin(a) - side * math.cos(a),
        )

    hand = (
        x + 7 * math.cos(math.radians(stance.angle)) + max(0, stance.reach) * 0.5,
        y - 6 * math.sin(math.radians(stance.angle)) + 2,
    )
    if stance.arc is not None:
        span = [stance.angle + (stance.arc - stance.angle) * step / 9 for step in range(10)]
        outer = [at(33, degrees) for degrees in span]
        inner = [at(33 - 15 * (1 - step / 9), degrees) for step, degrees in reversed(list(enumerate(span)))]
        b.shape([*outer, *inner], "white", top=1, bottom=0.85, line=False)
    a = stance.angle
    b.shape([at(6, a, 3.2), at(27, a, 3.2), at(33, a), at(27, a, -3.2), at(6, a, -3.2)], "steel", top=1, bottom=0.45)
    b.limb(at(7, a), at(28, a), 0.8, 0.8, "steel", line=False, lift=-0.25)
    b.limb(at(5, a, 6), at(5, a, -6), 2, 2, "gold")
    b.limb(at(-4, a), at(3, a), 1.7, 1.7, "belt")
    b.ball(*at(-5, a), 2.2, 2.2, "gold")
    b.limb((x, y), hand, 3.8, 3.2, "skin")
    b.ball(hand[0], hand[1], 3.6, 3.6, "skin", lift=0.05)
