"""Slime, mushroom, bat and ghost."""

from __future__ import annotations

from .creatures import GROUND, Creature, Pose
from .kit import Brush
from .palettes import ramp

_EYE = ramp("#1b1226", "#5b4a6e")
_WHITE = ramp("#9fb0c8", "#ffffff")
_MOUTH = ramp("#3a0d1f", "#e2566b")


def eyes(b: Brush, x: float, y: float, apart: float, *, hurt: bool, size: int = 5) -> None:
    """Two eyes that look to the left; when it hurts, they are pressed shut."""
    for side in (0, 1):
        left = x + side * apart
        if hurt:
            rows = ["k...k", ".k.k.", "..k..", ".k.k.", "k...k"]
        elif size == 5:
            rows = [".www.", "wkkww", "wkkww", "wkkww", ".www."]
        else:
            rows = [".wwww.", "wwwwww", "wkkkww", "wkwkww", "wkkkww", "wwwwww", ".wwww."]
        b.dots(rows, left, y, {"w": ("white", 4), "k": ("eye", 0)})


def draw_slime(b: Brush, pose: Pose) -> None:
    squash = 4 if pose.hurt else 2.2 * pose.sway
    rx, ry = 26 + squash, 23 - squash
    cy = GROUND - ry * 0.72
    b.ball(40, cy, rx, ry, "body")
    b.level(GROUND)
    # A bubble inside, and what it has swallowed.
    b.ball(50, cy + 3, 5, 5, "glow", line=False)
    b.ball(27, cy + 9, 2.4, 2.4, "glow", line=False)
    b.ball(56, cy - 5, 2, 2, "glow", line=False)
    # Its shine.
    b.limb((27, cy - 13), (35, cy - 17), 2.2, 1.6, "shine", line=False, lift=0.3)
    b.dot(24, cy - 8, "shine", 4)
    b.dot(24, cy - 7, "shine", 4)
    eyes(b, 23, cy - 5, 14, hurt=pose.hurt, size=7)
    mouth = ["mmmmmmm", "mrrrrrm", ".mmmmm."] if pose.hurt else ["m.....m", ".m...m.", "..mmm.."]
    b.dots(mouth, 29, cy + 5, {"m": ("eye", 0), "r": ("mouth", 3)})


def draw_mushroom(b: Brush, pose: Pose) -> None:
    lean, drop = (4, 2) if pose.hurt else (pose.swing * 1.2, pose.sway * 1.4)
    for x in (29, 47):
        b.ball(x, GROUND - 5, 7, 5, "stem", lift=-0.12)
    b.limb((39, GROUND - 14), (39 + lean / 2, GROUND - 27 + drop), 14, 12, "stem")
    b.limb((24, GROUND - 20), (16, GROUND - 12 - drop * 2), 4, 3.4, "stem")
    b.limb((54, GROUND - 20), (61, GROUND - 12 - drop * 2), 4, 3.4, "stem", lift=-0.1)
    top = GROUND - 38 + drop
    x = 40 + lean
    b.ball(x, top + 9, 29, 8, "gill", lift=-0.18)
    b.shape(
        [
            (x - 31, top + 9), (x - 28, top - 5), (x - 19, top - 18), (x - 6, top - 25), (x + 9, top - 25),
            (x + 21, top - 17), (x + 29, top - 5), (x + 31, top + 9), (x + 17, top + 5), (x, top + 4),
            (x - 17, top + 5),
        ],
        "cap", top=0.98, bottom=0.1,
    )  # fmt: skip
    b.ball(x - 8, top - 13, 14, 10, "cap", lift=0.14, line=False)
    for dx, dy, r in ((-12, -13, 5), (6, -17, 3.6), (18, -5, 5), (-23, -1, 3.2), (1, -3, 4)):
        b.ball(x + dx, top + dy, r, r * 0.85, "spot", line=False)
    eyes(b, 31 + lean / 2, GROUND - 22 + drop, 9, hurt=pose.hurt)
    mouth = [".mmm.", "mrrrm", ".mmm."] if pose.hurt else ["m...m", ".mmm."]
    b.dots(mouth, 35 + lean / 2, GROUND - 15 + drop, {"m": ("eye", 0), "r": ("mouth", 3)})
    b.ball(29 + lean / 2, GROUND - 16 + drop, 1.8, 1.2, "blush", line=False)
    b.ball(48 + lean / 2, GROUND - 16 + drop, 1.8, 1.2, "blush", line=False)


def draw_bat(b: Brush, pose: Pose) -> None:
    flap = 12 if pose.hurt else pose.sway * 15
    y = 47 + (4 if pose.hurt else pose.swing * 4)
    for side in (-1, 1):
        tip_x, tip_y = 40 + side * 36, y - 8 - flap
        elbow = (40 + side * 19, y - 16 - flap * 0.55)
        b.shape(
            [
                (40 + side * 6, y - 5), elbow, (tip_x, tip_y), (40 + side * 34, y + 7 - flap * 0.7),
                (40 + side * 27, y + 3 - flap * 0.35), (40 + side * 21, y + 14 - flap * 0.4),
                (40 + side * 14, y + 7), (40 + side * 6, y + 9),
            ],
            "wing", top=0.75, bottom=0.15,
        )  # fmt: skip
        b.limb((40 + side * 5, y - 3), elbow, 2.4, 1.8, "body", lift=-0.05)
        b.limb(elbow, (tip_x, tip_y), 1.8, 1, "body", lift=-0.05)
        b.limb(elbow, (40 + side * 21, y + 12 - flap * 0.4), 1, 0.8, "body", lift=-0.1, line=False)
        b.limb((40 + side * 5, y + 15), (40 + side * 6, y + 21), 1.6, 1.2, "body", lift=-0.15)
    for side in (-1, 1):
        b.shape(
            [(40 + side * 3, y - 10), (40 + side * 13, y - 25), (40 + side * 14, y - 6)], "body", top=0.9, bottom=0.4
        )
        b.shape([(40 + side * 7, y - 10), (40 + side * 11, y - 19), (40 + side * 12, y - 8)], "ear", line=False)
    b.ball(40, y + 2, 16, 16, "body")
    b.ball(37, y + 9, 9, 7, "belly", line=False)
    eyes(b, 29, y - 6, 12, hurt=pose.hurt, size=7)
    b.dots(["mmmmmmmmm", "mwmrrrmwm", "mwmmmmmwm", ".m.....m."], 33, y + 5,
           {"m": ("eye", 0), "w": ("white", 4), "r": ("mouth", 2)})  # fmt: skip


def draw_ghost(b: Brush, pose: Pose) -> None:
    y = 43 + (2 if pose.hurt else pose.sway * 3)
    wave = pose.swing * 3
    b.shape(
        [
            (17, y), (19, y - 12), (27, y - 22), (39, y - 25), (51, y - 22), (59, y - 12), (62, y), (63, y + 14),
            (66 + wave, y + 33), (58 + wave, y + 27), (52 + wave, y + 35), (45 + wave / 2, y + 28),
            (38 + wave / 2, y + 36), (31, y + 28), (24 - wave / 2, y + 34), (21 - wave / 2, y + 26),
            (14 - wave / 2, y + 31), (16, y + 14),
        ],
        "body", top=1, bottom=0.12,
    )  # fmt: skip
    b.ball(34, y - 8, 15, 14, "body", lift=0.24, line=False)
    b.limb((17, y + 8), (8, y + 3 + wave), 5, 3.6, "body", lift=0.1)
    b.limb((59, y + 9), (69, y + 13 - wave), 5, 3.6, "body", lift=-0.1)
    for x in (25, 43):
        if pose.hurt:
            b.dots(["kk....", "..kk..", "....kk", "..kk..", "kk...."], x, y - 8, {"k": ("eye", 0)})
        else:
            b.ball(x + 3, y - 4, 4, 6, "eye", lift=-0.5, line=False)
            b.ball(x + 2, y - 5, 1.6, 2, "glow", lift=0.3, line=False)
    b.ball(36, y + 9, 5 if pose.hurt else 3.4, 6 if pose.hurt else 4, "eye", lift=-0.5, line=False)
    b.ball(36, y + 11, 2.4, 2.4, "mouth", line=False)
    for x, dy in ((22, 4), (48, 4)):
        b.ball(x, y + dy, 3, 1.6, "blush", line=False)


SLIME = Creature(
    "slime",
    {
        "body": ramp("#1f6b3a", "#a5ee74"), "glow": ramp("#4fb85c", "#d9ffb0"), "shine": ramp("#b6f58e", "#ffffff"),
        "eye": _EYE, "white": _WHITE, "mouth": _MOUTH,
    },
    draw_slime, "melt", frozenset({"eye", "white", "mouth"}),
)  # fmt: skip
MUSHROOM = Creature(
    "mushroom",
    {
        "cap": ramp("#7d1a2e", "#ff7a5c"), "spot": ramp("#d9c7a8", "#fffbe8"), "gill": ramp("#8f6a4e", "#e9cfa4"),
        "stem": ramp("#a87f5c", "#fff0d2"), "blush": ramp("#e8958a", "#f0a59a"), "eye": _EYE, "white": _WHITE,
        "mouth": _MOUTH,
    },
    draw_mushroom, "melt", frozenset({"eye", "white", "mouth", "stem", "gill", "spot", "blush"}),
)  # fmt: skip
BAT = Creature(
    "bat",
    {
        "body": ramp("#3a2258", "#a878d8"), "belly": ramp("#6b4a8f", "#d3b2f0"), "wing": ramp("#351a44", "#b8588c"),
        "ear": ramp("#7a2c56", "#e08aa8"), "eye": _EYE, "white": ramp("#d8c87a", "#fff6c0"), "mouth": _MOUTH,
    },
    draw_bat, "fade", frozenset({"eye", "white", "mouth"}),
)  # fmt: skip
GHOST = Creature(
    "ghost",
    {
        "body": ramp("#5a78b8", "#f4fbff"), "glow": ramp("#4fd0e8", "#e8ffff"), "blush": ramp("#c2a5dc", "#dcb8e4"),
        "eye": _EYE, "mouth": ramp("#5a2a6a", "#b05a9a"),
    },
    draw_ghost, "fade", frozenset({"eye"}),
)  # fmt: skip
