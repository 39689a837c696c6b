"""Where the fights take place: six backgrounds of 400 by 150 pixels, the ground begins at y = 112."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

from .kit import Brush, Grid, speck
from .palettes import RGB, indices_of, ramp

WIDTH, HEIGHT, GROUND = 400, 150, 112

Painter = Callable[["Scene"], None]


class Scene:
    """A background in the making."""

    def __init__(self, ramps: dict[str, list[RGB]]) -> None:
        self.grid = Grid(WIDTH, HEIGHT)
        self._bases = indices_of(ramps)
        self.brush = Brush(self.grid, self._bases, line=1)

    def put(self, x: int, y: int, name: str, level: float) -> None:
        """One pixel; between two shades it is dithered."""
        threshold = ((0.1, 0.6), (0.85, 0.35))[y % 2][x % 2]
        shade = math.floor(level) + (1 if level - math.floor(level) > threshold else 0)
        self.grid.put(x, y, self._bases[name] + max(0, min(4, shade)))

    def sky(self, top: float, bottom: float, until: int = GROUND) -> None:
        """From one shade to another, downwards."""
        for y in range(until):
            for x in range(WIDTH):
                self.put(x, y, "sky", top + (bottom - top) * y / until)

    def hills(self, name: str, height: float, rough: float, level: float, salt: int, *, sharp: bool = False) -> None:
        """A ridge across the picture; its crest is a shade lighter than its foot."""
        for x in range(WIDTH):
            crest = GROUND - height - rough * _wave(x, salt, sharp)
            for y in range(max(0, round(crest)), GROUND):
                self.put(x, y, name, level + 0.9 - 1.3 * (y - crest) / max(20, GROUND - crest))

    def ground(self, name: str, top: float = 3.6, bottom: float = 0.4) -> None:
        """The floor, with tufts and stones."""
        for y in range(GROUND - 2, HEIGHT):
            depth = (y - GROUND) / (HEIGHT - GROUND)
            for x in range(WIDTH):
                grain = (speck(x // 3, y, 4) - 0.5) * 0.9 + (0.9 if speck(x // 7, y // 2, 8) > 0.93 else 0)
                if y >= GROUND or speck(x // 2, 1, 3) > 0.5:
                    self.put(x, y, name, top + (bottom - top) * depth + grain)

    def stars(self, name: str, until: int, share: float = 0.004) -> None:
        """Lights in the sky."""
        for y in range(until):
            for x in range(WIDTH):
                if speck(x, y, 21) < share:
                    self.put(x, y, name, 4 if speck(x, y, 22) > 0.5 else 2)

    def places(self, salt: int, step: int) -> list[tuple[int, float]]:
        """Where to put things along the picture, and a number from 0 to 1 for each."""
        return [
            (round(x + speck(x, 0, salt) * step * 0.7), speck(x, 1, salt))
            for x in range(-step // 2, WIDTH + step, step)
        ]


def _wave(x: int, salt: int, sharp: bool) -> float:
    a = math.sin(x / 43 + salt) + 0.5 * math.sin(x / 19 + salt * 2.3) + 0.22 * math.sin(x / 7 + salt * 5.1)
    return abs(a) * 1.6 - 1 + 0.5 * speck(x // 3, 0, salt) if sharp else a


def meadow(s: Scene) -> None:
    s.sky(1.2, 4.4)
    s.brush.ball(322, 30, 13, 13, "sun", line=False)
    for x, big in s.places(3, 92):
        y = 18 + 24 * big
        for dx, r in ((-15, 6), (-5, 9), (7, 8), (17, 5)):
            s.brush.ball(x + dx, y, r * 1.5, r * 0.72, "cloud", line=False, lift=0.15)
    s.hills("far", 30, 8, 2.2, 1)
    s.hills("leaf", 13, 5, 0.4, 4)
    for x, big in s.places(7, 47):
        _tree(s, x, GROUND - 2, 0.62 + 0.4 * big)
    s.ground("leaf", 3.9, 0.8)
    for x, big in s.places(11, 13):
        y = round(GROUND + 5 + 30 * big)
        s.brush.dot(x, y, "flower", 4)
        s.brush.dot(x + 1, y, "flower", 2)
        s.brush.dot(x, y + 1, "leaf", 0)


def forest(s: Scene) -> None:
    s.sky(0.6, 4.2)
    for salt, level in ((2, 2.6), (5, 1.6)):
        s.hills("far", 44 - 12 * salt / 2, 7, level, salt)
    for depth, (salt, step) in enumerate(((3, 26), (9, 38))):
        for x, big in s.places(salt, step):
            wide, foot = 3 + 2 * depth + 2 * big, GROUND - 6 + 5 * depth
            s.brush.limb(
                (x, foot), (x + 4 * big - 2, -4), wide, wide * 0.75, "trunk", lift=-0.34 + 0.16 * depth, line=False
            )
        for x, big in s.places(salt + 1, 24):
            s.brush.ball(x, 3 - 3 * depth, 24, 17 + 10 * big, "leaf", lift=-0.4 + 0.18 * depth, line=False)
    for x in (70, 196, 318):
        for y in range(14, GROUND):
            for dx in range(18):
                if (x + dx - y // 2 + y) % 2 and speck(x // 5, dx // 6, 2) > 0.35:
                    s.put(x + dx - y // 2, y, "far", 4) if y % 2 else None
    s.ground("leaf", 2.5, 0)
    for x, big in s.places(15, 29):
        s.brush.ball(x, GROUND + 1, 8 + 5 * big, 5 + 3 * big, "leaf", lift=-0.06, line=False)


def cave(s: Scene) -> None:
    s.sky(0.2, 2.4)
    s.hills("far", 40, 12, 1.2, 6, sharp=True)
    s.hills("rock", 14, 7, 0.5, 2, sharp=True)
    for x, big in s.places(4, 21):
        tall = 16 + 42 * big * big
        s.brush.shape([(x - 7 - 4 * big, -2), (x + 8 + 4 * big, -2), (x + 1, tall)], "rock", top=0.15, bottom=0.55)
    for x, big in s.places(9, 63):
        for dx, tall, lean in ((-7, 15, -6), (0, 25, 1), (8, 17, 7)):
            tall = tall * (0.6 + 0.6 * big)
            y = GROUND + 1
            s.brush.shape(
                [(x + dx - 4, y), (x + dx + lean - 4, y - tall), (x + dx + lean, y - tall - 6),
                 (x + dx + lean + 4, y - tall), (x + dx + 4, y)],
                "crystal", top=1, bottom=0.15,
            )  # fmt: skip
    s.ground("rock", 3.4, 0.3)


def crypt(s: Scene) -> None:
    s.sky(0.2, 3.6)
    s.stars("moon", 70)
    s.brush.ball(84, 32, 19, 19, "moon", line=False, lift=0.18)
    for dx, dy, r in ((-6, -5, 4), (5, 5, 5), (7, -8, 2.4)):
        s.brush.ball(84 + dx, 32 + dy, r, r * 0.9, "moon", line=False, lift=-0.12)
    s.hills("far", 22, 7, 0.7, 3)
    for x, big in s.places(6, 89):
        s.brush.limb((x, GROUND), (x + 3, GROUND - 36 - 16 * big), 4, 1.6, "far", lift=-0.45, line=False)
        for side, up in ((-1, 18), (1, 26), (-1, 34)):
            tip = (x + 2 + side * (14 + 8 * big), GROUND - up - 16)
            s.brush.limb((x + 2, GROUND - up), tip, 2, 0.8, "far", line=False,
                         lift=-0.45)  # fmt: skip
    for x, big in s.places(12, 41):
        y, tall = GROUND + 2, 15 + 9 * big
        s.brush.limb((x, y - tall), (x, y), 7, 7.6, "stone", lift=-0.08)
        if big > 0.5:
            s.brush.limb((x, y - tall), (x, y - tall + 8), 0.9, 0.9, "stone", line=False, lift=-0.4)
            s.brush.limb((x - 3, y - tall + 3), (x + 3, y - tall + 3), 0.9, 0.9, "stone", line=False, lift=-0.4)
    s.ground("soil", 3.2, 0.2)


def library(s: Scene) -> None:
    s.sky(1.0, 2.6)
    for y in range(GROUND):
        for x in range(WIDTH):
            row = y // 9
            if y % 9 == 0 or (x + 11 * (row % 2)) % 22 == 0:
                s.put(x, y, "sky", 0.3)
    for x in range(14, WIDTH, 132):
        s.brush.shape([(x, GROUND), (x, 22), (x + 62, 22), (x + 62, GROUND)], "wood", top=0.35, bottom=0.15)
        for row in range(4):
            y, at = 27 + row * 21, x + 4
            while at < x + 56:
                wide = 3 + round(3 * speck(at, row, 2))
                tall = 12 + round(4 * speck(at, row, 3))
                name = ("red", "teal", "gold")[round(2 * speck(at, row, 4))]
                book = [(at, y + 17), (at, y + 17 - tall), (at + wide, y + 17 - tall), (at + wide, y + 17)]
                s.brush.shape(book, name, top=0.75, bottom=0.25, line=False)
                at += wide + 1
            s.brush.limb((x + 2, y + 18), (x + 60, y + 18), 1.4, 1.4, "wood", lift=0.1)
    for x in range(92, WIDTH, 132):
        for r, lift in ((20, 0.1), (16, 0.35)):
            arch = [(x + 20 - r * math.cos(a / 8 * math.pi), 36 - r * math.sin(a / 8 * math.pi)) for a in range(9)]
            s.brush.shape([*arch, (x + 20 + r, 84), (x + 20 - r, 84)], "night", top=lift, bottom=lift + 0.35)
        s.brush.shape(
            [(x + 19, 20), (x + 21, 20), (x + 21, 84), (x + 19, 84)], "night", top=0.1, bottom=0.1, line=False
        )
        s.brush.limb((x - 2, 86), (x + 42, 86), 2.6, 2.6, "wood", lift=0.1)
        for dx, dy in ((-7, 4), (6, 20), (-5, 34), (8, 48), (4, 62), (-9, 56)):
            s.brush.dot(x + 20 + dx, 12 + dy, "gold", 4)
        s.brush.ball(x + 26, 28, 6, 6, "gold", line=False, lift=0.3)
        s.brush.ball(x + 29, 26, 5.4, 5.4, "night", line=False, lift=0.08)
    s.ground("wood", 3.0, 0.6)
    for y in range(GROUND + 4, HEIGHT):
        for x in range(WIDTH):
            if y in (GROUND + 5, GROUND + 20) or (GROUND + 7 < y < GROUND + 19):
                s.put(x, y, "red" if y not in (GROUND + 5, GROUND + 20) else "gold", 2.6)


def volcano(s: Scene) -> None:
    s.sky(0.0, 4.3)
    s.brush.shape(
        [(110, GROUND), (182, 26), (196, 31), (214, 30), (228, 25), (306, GROUND)], "far", top=0.75, bottom=0.1
    )
    for points in ([(204, 31), (197, 54), (208, 74), (196, GROUND)], [(214, 30), (226, 60), (219, 84), (236, GROUND)]):
        for a, b in itertools.pairwise(points):
            s.brush.limb(a, b, 2.6, 3.2, "lava", line=False, lift=0.12)
    s.brush.limb((188, 29), (222, 29), 3, 3, "lava", line=False, lift=0.2)
    for x, y, r in ((205, 13, 13), (192, 5, 15), (222, 2, 17), (174, -2, 13), (246, -4, 15)):
        s.brush.ball(x, y, r * 1.3, r * 0.8, "far", line=False, lift=-0.25)
    s.hills("rock", 10, 8, 0.4, 5, sharp=True)
    for x, big in s.places(5, 38):
        s.brush.shape([(x - 13, GROUND + 1), (x - 4, GROUND - 14 - 22 * big), (x + 4, GROUND - 8 - 20 * big),
                       (x + 14, GROUND + 1)], "rock", top=0.55, bottom=0.1)  # fmt: skip
    s.ground("rock", 2.3, 0.1)
    for x, big in s.places(8, 23):
        y = GROUND + 7 + 26 * big
        s.brush.limb((x, y), (x + 9, y + 2 - 4 * big), 1.2, 0.8, "lava", line=False, lift=0.1)
        s.brush.limb((x + 9, y + 2 - 4 * big), (x + 19, y + 3), 1, 0.6, "lava", line=False)
    for x, big in s.places(14, 17):
        s.brush.dot(x, 20 + 88 * big, "lava", 4)


def _tree(s: Scene, x: float, foot: float, size: float) -> None:
    s.brush.limb((x, foot), (x, foot - 22 * size), 3 * size, 2.4 * size, "trunk", line=False)
    for dx, dy, r in ((-9, -24, 10), (9, -26, 10), (0, -36, 12)):
        s.brush.ball(x + dx * size, foot + dy * size, r * size, r * 0.9 * size, "tree", line=False, lift=-0.04)


SCENES: dict[str, tuple[dict[str, list[RGB]], Painter]] = {
    "meadow": ({
        "sky": ramp("#3f8fd8", "#d8f3ff"), "cloud": ramp("#b4d4ee", "#ffffff"), "sun": ramp("#f0b23c", "#fff6c2"),
        "far": ramp("#4d8f9c", "#a8d8b0"), "leaf": ramp("#2d7a3c", "#a4dc5c"), "tree": ramp("#1f5f3c", "#78c455"),
        "trunk": ramp("#5a3a26", "#a8784a"), "flower": ramp("#e06a9a", "#fff2a8"),
    }, meadow),
    "forest": ({
        "sky": ramp("#2a6a5c", "#e8f4b0"), "far": ramp("#2f7a64", "#b9dc98"), "leaf": ramp("#12402f", "#6ab04a"),
        "trunk": ramp("#2e2420", "#94714e"),
    }, forest),
    "cave": ({
        "sky": ramp("#151228", "#4a4a7c"), "far": ramp("#241f42", "#5f5c94"), "rock": ramp("#2b2740", "#8a84a8"),
        "crystal": ramp("#1b5f8f", "#a8fff6"),
    }, cave),
    "crypt": ({
        "sky": ramp("#141433", "#5c5a94"), "moon": ramp("#a8a070", "#fffbe0"), "far": ramp("#1a1a38", "#3f4470"),
        "stone": ramp("#3c4258", "#a2abbd"), "soil": ramp("#1f2a30", "#5c7a58"),
    }, crypt),
    "library": ({
        "sky": ramp("#2c2440", "#6c5a7c"), "wood": ramp("#3c2018", "#b0764a"), "red": ramp("#5a1428", "#d85a5a"),
        "teal": ramp("#123f4c", "#4fb0a8"), "gold": ramp("#8a5a1c", "#ffe28a"), "night": ramp("#10173c", "#4a62b8"),
    }, library),
    "volcano": ({
        "sky": ramp("#2a0f24", "#f2743c"), "far": ramp("#2a1520", "#6c3a3c"), "rock": ramp("#1c1420", "#6a5058"),
        "lava": ramp("#c4281c", "#fff09a"),
    }, volcano),
}  # fmt: skip


def painted(name: str) -> Grid:
    """A background by its name in `SCENES`."""
    ramps, paint = SCENES[name]
    scene = Scene(ramps)
    paint(scene)
    return scene.grid
