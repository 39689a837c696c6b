"""Colours: ramps of five shades from a dark to a light one, and what becomes of them in later stages."""

from __future__ import annotations

import colorsys
from collections.abc import Mapping

from .kit import SHADES

RGB = tuple[int, int, int]
LINE: RGB = (24, 20, 37)
WHITE = "white"
TIERS = 4

# For each tier: by how much of a turn hues move, and what saturation and lightness are multiplied by.
_SHIFTS = ((0.0, 1.0, 1.0), (0.55, 0.95, 1.0), (0.87, 1.1, 0.95), (0.30, 0.55, 0.8))


def ramp(dark: str, light: str) -> list[RGB]:
    """Five shades from one colour to another, both "#rrggbb"; the middle ones are the richest."""
    a, b = _rgb(dark), _rgb(light)
    shades: list[RGB] = []
    for step in range(SHADES):
        t = step / (SHADES - 1)
        mixed = [x + (y - x) * t for x, y in zip(a, b, strict=True)]
        h, light_, s = colorsys.rgb_to_hls(*(value / 255 for value in mixed))
        s = min(1, s * (1 + 0.25 * (1 - abs(2 * t - 1))))
        shades.append(_bytes(colorsys.hls_to_rgb(h, light_, s)))
    return shades


def palette_of(ramps: Mapping[str, list[RGB]], tier: int, fixed: frozenset[str] = frozenset()) -> list[RGB]:
    """The colours by index: 0 nothing, 1 the line, then white, then the ramps. Those in `fixed` keep their hue."""
    colours: list[RGB] = [(0, 0, 0), LINE, (255, 255, 255)]
    for name, shades in ramps.items():
        colours += shades if name in fixed else [shifted(shade, tier) for shade in shades]
    return colours


def indices_of(ramps: Mapping[str, list[RGB]]) -> dict[str, int]:
    """The index at which each ramp begins in `palette_of`."""
    return {name: 3 + SHADES * position for position, name in enumerate(ramps)}


def shifted(colour: RGB, tier: int) -> RGB:
    """A colour as it is in this tier of stages."""
    turn, richness, brightness = _SHIFTS[tier]
    h, light, s = colorsys.rgb_to_hls(*(value / 255 for value in colour))
    return _bytes(colorsys.hls_to_rgb((h + turn) % 1, min(1, light * brightness), min(1, s * richness)))


def _rgb(text: str) -> RGB:
    return int(text[1:3], 16), int(text[3:5], 16), int(text[5:7], 16)


def _bytes(colour: tuple[float, float, float]) -> RGB:
    r, g, b = (round(255 * value) for value in colour)
    return r, g, b
