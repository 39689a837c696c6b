"""Skeleton, mage, golem and dragon."""

from __future__ import annotations

from .creatures import GROUND, Creature, Pose
from .kit import Brush
from .palettes import ramp

_EYE = ramp("#1b1226", "#5b4a6e")
_WHITE = ramp("#9fb0c8", "#ffffff")
_BONE = ramp("#7d6b5c", "#fffaea")
_STEEL = ramp("#46506b", "#e6f1fb")
_WOOD = ramp("#4a2b1a", "#b07a44")


def draw_skeleton(b: Brush, pose: Pose) -> None:
    bob, tilt = (2, 5) if pose.hurt else (pose.sway * 1.3, pose.swing * 1.5)
    hip, neck = GROUND - 24 + bob * 0.4, GROUND - 43 + bob
    for x, foot in ((36, 31), (47, 51)):
        b.limb((x, hip), ((x + foot) / 2 + 1, hip + 11), 2.2, 2, "bone")
        b.limb(((x + foot) / 2 + 1, hip + 11), (foot, GROUND - 3), 2, 2, "bone")
        b.limb((foot + 2, GROUND - 2), (foot - 5, GROUND - 2), 2.2, 2, "bone")
    # The far arm with a round shield.
    b.limb((50, neck + 4), (59, neck + 12), 2, 2, "bone", lift=-0.15)
    b.ball(60, neck + 15, 11, 12, "wood")
    b.ball(60, neck + 15, 4, 4, "steel")
    # Hip, spine and ribs.
    b.limb((35, hip), (48, hip), 3.4, 3.4, "bone", lift=-0.05)
    b.limb((42, hip), (41 + tilt / 3, neck), 2.2, 2.2, "bone", lift=-0.1)
    b.ball(41 + tilt / 3, neck + 8, 11, 8.5, "dark", lift=-0.3)
    for row, wide in enumerate((10, 10, 8)):
        y = neck + 3.5 + row * 5
        b.limb((41 + tilt / 3 - wide, y), (41 + tilt / 3 + wide, y), 1.5, 1.5, "bone", line=False, lift=0.1)
    b.limb((41 + tilt / 3, neck + 1), (41 + tilt / 3, neck + 15), 1.6, 1.6, "bone", line=False, lift=0.12)
    # A scarf, the last thing it owns.
    b.limb((33, neck), (50, neck), 3.2, 3.2, "cloth")
    b.shape([(50, neck - 3), (62 + tilt, neck - 4 + bob), (66 + tilt, neck + 3), (51, neck + 3)], "cloth", top=0.8)
    # Skull and jaw.
    x, y = 40 + tilt, neck - 17
    b.ball(x - 1, y + 12, 9, 5, "bone", lift=-0.1)
    b.ball(x, y, 16, 14, "bone")
    for dx in (-8, 4):
        b.ball(x + dx, y + 2, 4.4, 4.8, "dark", lift=-0.4, line=False)
        if pose.hurt:
            b.dots(["g..g", ".gg.", "g..g"], x + dx - 2, y + 1, {"g": ("glow", 3)})
        else:
            b.ball(x + dx - 0.5, y + 2.5, 1.7, 1.9, "glow", lift=0.25, line=False)
    b.dots([".k.", "kkk"], x - 4, y + 7, {"k": ("dark", 0)})
    b.dots(["kwkwkwkwkwk", "kwkwkwkwkwk", "kkkkkkkkkkk"], x - 7, y + 11, {"w": ("white", 4), "k": ("dark", 0)})
    # The near arm and a notched sword.
    hand = (19, neck + (10 if not pose.hurt else 16) + bob)
    b.limb((32, neck + 4), (25, neck + 12 + bob), 2.2, 2, "bone")
    b.limb((25, neck + 12 + bob), hand, 2, 2, "bone")
    hx, hy = hand
    b.shape(
        [(hx - 1, hy - 3), (hx - 9, hy - 27), (hx - 7, hy - 33), (hx - 2, hy - 29), (hx + 4, hy - 4)], "steel", top=1
    )
    b.limb((hx - 5, hy - 1), (hx + 6, hy - 5), 1.8, 1.8, "wood")
    b.limb((hx + 1, hy), (hx + 3, hy + 6), 1.5, 1.5, "wood")
    b.ball(hx, hy + 1, 3, 3, "bone")


def draw_mage(b: Brush, pose: Pose) -> None:
    bob, tilt = (2, 4) if pose.hurt else (pose.sway * 1.6, pose.swing * 1.5)
    neck = GROUND - 40 + bob
    # Cloak and robe.
    b.shape([(33, neck), (55, neck), (66 + tilt, GROUND), (24, GROUND)], "cloak", top=0.5, bottom=0.05)
    b.shape(
        [
            (30, neck), (50, neck), (55, GROUND - 14), (59 + tilt / 2, GROUND), (21 + tilt / 2, GROUND),
            (26, GROUND - 14),
        ],
        "robe", top=0.95, bottom=0.12,
    )  # fmt: skip
    b.shape([(36, neck), (43, neck), (46, GROUND), (33, GROUND)], "trim", top=0.9, bottom=0.2, line=False)
    b.limb((28, GROUND - 21), (52, GROUND - 21), 2, 2, "trim")
    b.limb((24 + tilt / 2, GROUND - 2), (57 + tilt / 2, GROUND - 2), 1.6, 1.6, "trim", line=False)
    # A beard under the shadow of the hat, in which two eyes glow.
    x, y = 40 + tilt * 0.7, neck - 7
    b.ball(x, y, 12, 11, "skin")
    b.ball(x, y - 2, 11, 6, "dark", lift=-0.4, line=False)
    for dx in (-8, 1):
        if pose.hurt:
            b.dots(["g..g", ".gg.", "g..g"], x + dx, y - 2, {"g": ("glow", 4)})
        else:
            b.dots([".gg.", "gWWg", ".gg."], x + dx, y - 2, {"g": ("glow", 2), "W": ("glow", 4)})
    b.shape([(x - 12, y + 3), (x, y + 1), (x + 11, y + 3), (x + 8, y + 15), (x - 2, y + 26 + bob), (x - 10, y + 14)],
            "beard", top=1, bottom=0.35)  # fmt: skip
    b.ball(x - 4, y + 4, 3, 2.4, "skin", line=False, lift=0.15)
    # The hat.
    b.ball(x, y - 9, 22, 5.4, "robe", lift=-0.05)
    b.shape(
        [(x - 13, y - 10), (x - 8, y - 20), (x - 1, y - 30), (x + 12 + tilt, y - 33 + bob),
         (x + 17 + tilt, y - 27 + bob), (x + 8, y - 23), (x + 14, y - 10)],
        "robe", top=0.9, bottom=0.35,
    )  # fmt: skip
    b.limb((x - 12, y - 12), (x + 13, y - 12), 2.2, 2.2, "trim")
    b.dots(["..y..", "..y..", "yyyyy", ".yyy.", ".y.y."], x - 1, y - 19, {"y": ("trim", 4)})
    # The staff with its orb, and the hand that holds it.
    sx = 15 + (3 if pose.hurt else 0)
    b.limb((sx + 3, GROUND - 1), (sx, neck - 18), 1.9, 1.9, "wood")
    b.limb((sx, neck - 17), (sx - 5, neck - 25), 1.6, 1.2, "wood")
    b.limb((sx, neck - 17), (sx + 6, neck - 24), 1.6, 1.2, "wood")
    orb = 5.6 if pose.hurt else 6.6 + pose.sway * 0.8
    b.ball(sx, neck - 26, orb, orb, "glow", lift=0.1)
    b.limb((33, neck + 5), (sx + 3, neck + 8 + bob), 5, 4, "robe")
    b.ball(sx + 1, neck + 8 + bob, 3.4, 3.4, "skin")
    b.limb((49, neck + 5), (57, neck + 14 - bob), 5, 4.4, "robe", lift=-0.12)
    b.ball(58, neck + 17 - bob, 3.2, 3.2, "skin")


def draw_golem(b: Brush, pose: Pose) -> None:
    bob, tilt = (3, 4) if pose.hurt else (pose.sway * 1.4, pose.swing)
    chest = GROUND - 40 + bob
    b.limb((59, chest - 6), (68, chest + 10 + bob), 8, 7, "rock", lift=-0.16)
    b.ball(69, chest + 22 + bob, 9, 10, "rock", lift=-0.12)
    for x in (29, 52):
        b.limb((x, GROUND - 20), (x, GROUND - 8), 8, 9, "rock", lift=-0.1)
        b.ball(x - 2, GROUND - 4, 11, 6, "rock", lift=-0.02)
    b.ball(41, chest + 15, 17, 12, "rock", lift=-0.14)
    b.ball(41 + tilt / 2, chest, 25, 19, "rock")
    # Moss on the shoulders, and the fire that shows through the cracks.
    b.ball(56 + tilt / 2, chest - 14, 11, 5, "moss")
    b.ball(60 + tilt / 2, chest - 9, 5, 4, "moss", line=False)
    crack = [
        "..g......",
        "..gg...g.",
        "...gG..g.",
        "....GGg..",
        "...gGWGg.",
        "....GG.gg",
        "...g.G...",
        "..g..gg..",
        ".....g...",
    ]
    b.dots(crack, 37 + tilt / 2, chest - 2, {"g": ("glow", 1), "G": ("glow", 3), "W": ("glow", 4)})
    b.dots(["g..", ".g.", ".gg", "..g"], 24 + tilt / 2, chest + 4, {"g": ("dark", 1)})
    b.dots(["..g", ".g.", "gg."], 55 + tilt / 2, chest + 5, {"g": ("dark", 1)})
    # The head sits low between the shoulders.
    x, y = 35 + tilt, chest - 18
    b.ball(x, y, 13, 11, "rock", lift=0.03)
    b.limb((x - 11, y - 4), (x + 9, y - 4), 3, 3, "rock", lift=0.06)
    b.limb((x - 9, y + 1), (x + 7, y + 1), 2.4, 2.4, "dark", lift=-0.4, line=False)
    for dx in (-7, 2):
        rows = ["gg..", "..gg"] if pose.hurt else ["GGG", "GWG"]
        b.dots(rows, x + dx, y, {"g": ("glow", 2), "G": ("glow", 3), "W": ("glow", 4)})
    b.dots(["kkkkkkkk", "k.k.k.k."], x - 6, y + 6, {"k": ("dark", 0)})
    b.ball(x + 6, y - 10, 6, 3, "moss")
    # The near arm with its fist.
    lift = 6 if pose.hurt else -bob
    b.ball(19 + tilt / 2, chest - 7, 11, 10, "rock", lift=0.04)
    b.limb((15, chest + 1), (12, chest + 12 + lift), 7.5, 7, "rock")
    b.ball(13, chest + 23 + lift, 11, 11, "rock", lift=0.05)
    for dx in (-5, 0, 5):
        b.limb((12 + dx, chest + 26 + lift), (12 + dx, chest + 31 + lift), 0.9, 0.9, "dark", line=False)


def draw_dragon(b: Brush, pose: Pose) -> None:
    bob, flap = (3, -8) if pose.hurt else (pose.sway * 1.5, pose.swing * 7)
    back = GROUND - 27 + bob
    # Far wing and tail.
    b.shape([(48, back - 4), (40, back - 30 - flap * 0.8), (29, back - 39 - flap), (34, back - 24), (38, back - 8)],
            "wing", top=0.5, bottom=0.1)  # fmt: skip
    b.limb((60, back + 12), (72, GROUND - 5), 8, 5, "scale", lift=-0.08)
    b.limb((72, GROUND - 5), (75, GROUND - 17 + bob * 2), 4.4, 2, "scale")
    b.shape([(71, GROUND - 17 + bob * 2), (79, GROUND - 18 + bob * 2), (76, GROUND - 29 + bob * 2)], "horn", top=0.9)
    # Body, belly, legs.
    b.ball(48, back + 9, 21, 17, "scale")
    b.limb((57, back + 14), (60, GROUND - 7), 9, 7, "scale", lift=0.02)
    b.limb((61, GROUND - 3), (53, GROUND - 3), 4, 3.6, "scale")
    b.ball(37, back + 12, 11, 13, "belly")
    for row in range(4):
        y = back + 5 + row * 5
        b.limb((29 + row, y), (43, y), 0.7, 0.7, "belly", line=False, lift=-0.35)
    b.limb((36, back + 13), (31, GROUND - 8), 5, 4.4, "scale")
    b.limb((33, GROUND - 3), (24, GROUND - 3), 4, 3.4, "scale")
    for x in (22, 25, 28, 51, 54, 57):
        b.dot(x, GROUND - 1, "horn", 4)
        b.dot(x, GROUND - 2, "horn", 4)
    # Neck and head.
    x, y = 22 + (5 if pose.hurt else 0), back - 21 + bob
    b.limb((40, back + 2), (33, back - 9 + bob), 11, 9, "scale")
    b.limb((33, back - 9 + bob), (x + 7, y + 2), 9, 8.5, "scale")
    for step in range(3):
        b.shape([(40 + step * 6, back - 12 + step * 4 + bob), (47 + step * 6, back - 17 + step * 5 + bob),
                 (46 + step * 6, back - 7 + step * 4 + bob)], "horn", top=0.9)  # fmt: skip
    for dy, reach in ((-8, 17), (-5, 12)):
        b.shape([(x + 8, y + dy), (x + 8 + reach, y + dy - 11), (x + 13, y + dy + 6)], "horn", top=1, bottom=0.3)
    b.limb((x - 2, y + 9), (x - 14, y + 10 + (2 if pose.hurt else 0)), 4, 3, "belly", lift=-0.1)
    b.ball(x + 3, y, 13, 11, "scale", lift=0.03)
    b.limb((x - 2, y + 3), (x - 14, y + 4), 6.5, 5, "scale", lift=0.05)
    b.dot(x - 17, y + 1, "dark", 0)
    b.dot(x - 16, y + 1, "dark", 0)
    for tooth in (-16, -11, -6):
        b.dots(["w", "w"], x + tooth, y + 8, {"w": ("white", 4)})
    b.limb((x - 7, y - 5), (x + 5, y - 7), 2, 2.6, "scale", lift=0.1)
    if pose.hurt:
        b.dots(["k..k", ".kk.", "k..k"], x - 4, y - 4, {"k": ("dark", 0)})
    else:
        b.dots(["yyyy", "ykyy", ".ky."], x - 4, y - 4, {"y": ("glow", 4), "k": ("dark", 0)})
    # Near wing.
    b.shape(
        [(46, back + 2), (52, back - 22 - flap * 0.6), (66, back - 39 - flap), (79, back - 26 - flap * 0.7),
         (70, back - 18 - flap * 0.4), (74, back - 8 - flap * 0.2), (64, back - 8), (61, back + 2), (54, back + 1)],
        "wing", top=0.95, bottom=0.2,
    )  # fmt: skip
    b.limb((47, back + 1), (53, back - 22 - flap * 0.6), 3, 2.2, "scale")
    b.limb((53, back - 22 - flap * 0.6), (66, back - 39 - flap), 2.2, 1.4, "scale")
    b.limb((53, back - 22 - flap * 0.6), (69, back - 18 - flap * 0.4), 1.3, 0.9, "scale", lift=-0.1, line=False)
    b.limb((53, back - 22 - flap * 0.6), (63, back - 8), 1.3, 0.9, "scale", lift=-0.1, line=False)


SKELETON = Creature(
    "skeleton",
    {
        "bone": _BONE, "dark": _EYE, "glow": ramp("#c2381f", "#ffd27a"), "steel": _STEEL, "wood": _WOOD,
        "cloth": ramp("#5c1733", "#e0566a"), "white": _WHITE,
    },
    draw_skeleton, "crumble", frozenset({"bone", "dark", "steel", "wood", "white"}),
)  # fmt: skip
MAGE = Creature(
    "mage",
    {
        "robe": ramp("#25245c", "#6f86e8"), "cloak": ramp("#1a1640", "#4a3f8f"), "trim": ramp("#9a5f1c", "#ffe07a"),
        "beard": ramp("#8a93a8", "#ffffff"), "skin": ramp("#9c6248", "#f7cfa4"), "dark": _EYE,
        "glow": ramp("#12808f", "#b8fff2"), "wood": _WOOD,
    },
    draw_mage, "fade", frozenset({"skin", "dark", "wood", "beard"}),
)  # fmt: skip
GOLEM = Creature(
    "golem",
    {
        "rock": ramp("#3b3a4d", "#b9b4b4"), "moss": ramp("#2c5a2e", "#9ccc52"), "glow": ramp("#d3451c", "#fff0a0"),
        "dark": ramp("#1c1828", "#4d4660"),
    },
    draw_golem, "crumble", frozenset({"dark"}),
)  # fmt: skip
DRAGON = Creature(
    "dragon",
    {
        "scale": ramp("#6b1420", "#f5623f"), "belly": ramp("#a8691f", "#ffe59a"), "wing": ramp("#4a0f2e", "#d9483f"),
        "horn": ramp("#8a7458", "#fff6dc"), "glow": ramp("#e8a81c", "#fff27a"), "dark": _EYE, "white": _WHITE,
    },
    draw_dragon, "fade", frozenset({"dark", "white", "horn"}),
)  # fmt: skip
