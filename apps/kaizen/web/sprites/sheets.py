"""The picture files that pages load, drawn from what this package knows."""

from __future__ import annotations

from pathlib import Path

from . import hero, items, scenery
from .bestiary import CREATURES
from .creatures import FRAMES
from .kit import Grid, side_by_side
from .palettes import RGB, TIERS, palette_of
from .png import encoded

FOLDER = Path(__file__).parents[1] / "static" / "sprites"

Picture = tuple[Grid, list[RGB]]


def pictures() -> dict[str, Picture]:
    """All pictures with their palettes, by the name of their file without its ending."""
    found: dict[str, Picture] = {
        "hero": (side_by_side(hero.frames().values()), hero.PALETTE),
        "coin": (side_by_side(items.coin_frames()), items.COIN_PALETTE),
    }
    for kind, creature in CREATURES.items():
        drawn = creature.frames()
        sheet = side_by_side(drawn[name] for name in FRAMES)
        for tier in range(TIERS):
            found[f"{kind}-{tier}"] = (sheet, palette_of(creature.ramps, tier, creature.fixed))
    for name, (ramps, _) in scenery.SCENES.items():
        scene = scenery.painted(name)
        for tier in range(TIERS):
            found[f"{name}-{tier}"] = (scene, palette_of(ramps, tier))
    return found


def write_all() -> int:
    """Writes every picture to its file; returns how many there are."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    files = {name: encoded(grid, palette) for name, (grid, palette) in pictures().items()}
    for name, file in files.items():
        (FOLDER / f"{name}.png").write_bytes(file)
    return len(files)
