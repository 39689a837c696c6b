"""A small drawing kit for pixel art: grids of palette indices, shapes that are shaded as if lit from the upper left.

A colour is an index. Index 0 is nothing; from 1 on come *ramps* of five shades each, dark to light, so that a shape is
drawn with a ramp and its shading picks the shade. The same grid can then be shown in other palettes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence

SHADES = 5
LIGHT = (-0.48, -0.68, 0.55)
# Thresholds of an ordered dither, which turns the border of two shades into a pattern.
_BAYER = ((0.0, 0.5), (0.75, 0.25))

Point = tuple[float, float]


class Grid:
    """A picture of palette indices. Drawing outside it is no error, and has no effect."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self.pixels = bytearray(width * height)

    def get(self, x: int, y: int) -> int:
        """The index at a point; 0 outside."""
        return self.pixels[y * self.width + x] if 0 <= x < self.width and 0 <= y < self.height else 0

    def put(self, x: int, y: int, index: int) -> None:
        """Sets one pixel."""
        if 0 <= x < self.width and 0 <= y < self.height:
            self.pixels[y * self.width + x] = index

    def copy(self) -> Grid:
        """The same picture again."""
        twin = Grid(self.width, self.height)
        twin.pixels[:] = self.pixels
        return twin

    def blit(self, other: Grid, dx: int = 0, dy: int = 0) -> None:
        """Draws what is not nothing in `other` over this one."""
        for y in range(other.height):
            for x in range(other.width):
                index = other.pixels[y * other.width + x]
                if index:
                    self.put(x + dx, y + dy, index)

    def mapped(self, change: Callable[[int], int]) -> Grid:
        """The same shapes in other colours; nothing stays nothing."""
        twin = self.copy()
        twin.pixels[:] = bytes(change(index) if index else 0 for index in self.pixels)
        return twin

    def outline(self, index: int) -> None:
        """Draws a line around everything, on the outside."""
        edge = [
            (x, y)
            for y in range(self.height)
            for x in range(self.width)
            if not self.get(x, y)
            and (self.get(x - 1, y) or self.get(x + 1, y) or self.get(x, y - 1) or self.get(x, y + 1))
        ]
        for x, y in edge:
            self.put(x, y, index)


class Brush:
    """Draws shapes into a grid, each with a line around it, so that an arm stands out from the body behind it."""

    def __init__(self, grid: Grid, ramps: dict[str, int], line: int) -> None:
        self.grid, self._ramps, self._line = grid, ramps, line

    def ball(
        self, cx: float, cy: float, rx: float, ry: float, ramp: str, *, lift: float = 0, line: bool = True
    ) -> None:
        """An ellipse, shaded like an egg. `lift` makes it lighter (0.2 is one shade) or darker."""

        def shade(x: float, y: float) -> float | None:
            u, v = (x - cx) / rx, (y - cy) / ry
            rest = 1 - u * u - v * v
            return None if rest < 0 else _lit(u, v, math.sqrt(rest)) + lift

        self._fill(cx - rx, cy - ry, cx + rx, cy + ry, shade, ramp, line)

    def limb(self, a: Point, b: Point, ra: float, rb: float, ramp: str, *, lift: float = 0, line: bool = True) -> None:
        """A rounded stroke from `a` to `b` whose radius goes from `ra` to `rb`."""
        (ax, ay), (bx, by) = a, b
        dx, dy = bx - ax, by - ay
        length = dx * dx + dy * dy or 1e-9

        def shade(x: float, y: float) -> float | None:
            t = max(0.0, min(1.0, ((x - ax) * dx + (y - ay) * dy) / length))
            r = ra + (rb - ra) * t
            u, v = (x - ax - dx * t) / r, (y - ay - dy * t) / r
            rest = 1 - u * u - v * v
            return None if rest < 0 else _lit(u, v, math.sqrt(rest)) + lift

        r = max(ra, rb)
        self._fill(min(ax, bx) - r, min(ay, by) - r, max(ax, bx) + r, max(ay, by) + r, shade, ramp, line)

    def shape(
        self, points: Sequence[Point], ramp: str, *, top: float = 0.8, bottom: float = 0.3, line: bool = True
    ) -> None:
        """A polygon whose light goes from `top` to `bottom`, both 0 (dark) to 1."""
        ys = [y for _, y in points]
        low, high = min(ys), max(ys)

        def shade(x: float, y: float) -> float | None:
            inside = False
            for (ax, ay), (bx, by) in zip(points, [*points[1:], points[0]], strict=True):
                if (ay > y) != (by > y) and x < (bx - ax) * (y - ay) / (by - ay) + ax:
                    inside = not inside
            return top + (bottom - top) * (y - low) / max(high - low, 1) if inside else None

        xs = [x for x, _ in points]
        self._fill(min(xs), low, max(xs), high, shade, ramp, line)

    def level(self, ground: int) -> None:
        """Cuts off what is below `ground`, and draws a line where it was cut."""
        for x in range(self.grid.width):
            if self.grid.get(x, ground):
                self.grid.put(x, ground, self._line)
            for y in range(ground + 1, self.grid.height):
                self.grid.put(x, y, 0)

    def dots(self, rows: Sequence[str], x: float, y: float, colours: dict[str, tuple[str, int]]) -> None:
        """Copies a picture made of letters; `colours` says which ramp and shade a letter is, others are nothing."""
        for dy, row in enumerate(rows):
            for dx, letter in enumerate(row):
                if letter in colours:
                    ramp, shade = colours[letter]
                    self.grid.put(round(x) + dx, round(y) + dy, self._ramps[ramp] + shade)

    def dot(self, x: float, y: float, ramp: str, shade: int) -> None:
        """One pixel."""
        self.grid.put(round(x), round(y), self._ramps[ramp] + shade)

    def _fill(
        self,
        left: float,
        top: float,
        right: float,
        bottom: float,
        shade: Callable[[float, float], float | None],
        ramp: str,
        line: bool,
    ) -> None:
        # The layer is no larger than the shape and its line.
        x0, y0, base = math.floor(left) - 1, math.floor(top) - 1, self._ramps[ramp]
        layer = Grid(math.ceil(right) - x0 + 2, math.ceil(bottom) - y0 + 2)
        for y in range(1, layer.height - 1):
            for x in range(1, layer.width - 1):
                light = shade(x + x0 + 0.5, y + y0 + 0.5)
                if light is not None:
                    level = light * SHADES + _BAYER[(y + y0) % 2][(x + x0) % 2] * 0.5 - 0.25
                    layer.put(x, y, base + max(0, min(SHADES - 1, math.floor(level))))
        if line:
            layer.outline(self._line)
        self.grid.blit(layer, x0, y0)


def _lit(u: float, v: float, w: float) -> float:
    """How light a surface with this normal is, 0 to 1."""
    return 0.5 + 0.5 * (u * LIGHT[0] + v * LIGHT[1] + w * LIGHT[2]) - 0.04


def speck(x: int, y: int, salt: int = 0) -> float:
    """A number from 0 to 1 that belongs to a place: noise that is the same each time."""
    n = (x * 374761393 + y * 668265263 + salt * 2246822519) & 0xFFFFFFFF
    n = ((n ^ (n >> 13)) * 1274126177) & 0xFFFFFFFF
    return ((n ^ (n >> 16)) & 0xFFFF) / 0x10000


def melted(grid: Grid, share: float, ground: int) -> Grid:
    """The picture sunk into a puddle on the line `ground`: flat and wide for a `share` near 1."""
    twin = Grid(grid.width, grid.height)
    middle, tall, wide = grid.width / 2, 1 - 0.85 * share, 1 + 0.45 * share
    for y in range(grid.height):
        for x in range(grid.width):
            twin.put(
                x, y, grid.get(math.floor((x + 0.5 - middle) / wide + middle), math.floor(ground - (ground - y) / tall))
            )
    return twin


def crumbled(grid: Grid, share: float, ground: int, size: int = 7) -> Grid:
    """The picture in pieces that fall and roll apart; no piece falls below `ground`."""
    twin = Grid(grid.width, grid.height)
    for top in range(0, grid.height, size):
        for left in range(0, grid.width, size):
            fate = speck(left, top, 5)
            if fate < share - 0.45:
                continue
            fall = round(share * share * (26 + 34 * fate))
            drift = round((left - grid.width / 2) * 0.45 * share + (fate - 0.5) * 8 * share)
            fall = min(fall, max(0, ground - top - size))
            for y in range(top, top + size):
                for x in range(left, left + size):
                    index = grid.get(x, y)
                    if index:
                        twin.put(x + drift, y + fall, index)
    return twin


def faded(grid: Grid, share: float, rise: int = 14) -> Grid:
    """The picture as it comes apart into specks that rise."""
    twin = Grid(grid.width, grid.height)
    for y in range(grid.height):
        for x in range(grid.width):
            index = grid.get(x, y)
            if index and speck(x // 2, y // 2, 9) > share:
                twin.put(x + round((speck(x // 2, y // 2, 3) - 0.5) * 12 * share), y - round(rise * share), index)
    return twin


def side_by_side(frames: Iterable[Grid]) -> Grid:
    """All frames of a sheet in one row."""
    cells = list(frames)
    sheet = Grid(sum(cell.width for cell in cells), max(cell.height for cell in cells))
    x = 0
    for cell in cells:
        sheet.blit(cell, x)
        x += cell.width
    return sheet
