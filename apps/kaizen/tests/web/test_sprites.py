"""The pictures: every enemy has its frames, the files are what the drawings say, and every place has somebody in it."""

from __future__ import annotations

import functools

import pytest
from apps.kaizen.web.sprites import hero, items
from apps.kaizen.web.sprites.bestiary import CREATURES, LANDS, STAGES_PER_ROUND, enemy_at
from apps.kaizen.web.sprites.creatures import CELL_HEIGHT, CELL_WIDTH, FRAMES, GROUND, IDLE
from apps.kaizen.web.sprites.kit import Grid
from apps.kaizen.web.sprites.palettes import TIERS, palette_of
from apps.kaizen.web.sprites.png import decoded, encoded
from apps.kaizen.web.sprites.scenery import HEIGHT, SCENES, WIDTH
from apps.kaizen.web.sprites.sheets import FOLDER, Picture, pictures


@functools.cache
def all_pictures() -> dict[str, Picture]:
    return pictures()


def cells(sheet: Grid, width: int) -> list[bytes]:
    """The pixels of each frame of a sheet."""
    return [
        bytes(sheet.get(left + x, y) for y in range(sheet.height) for x in range(width))
        for left in range(0, sheet.width, width)
    ]


def test_the_files_are_what_is_drawn() -> None:
    assert {file.stem for file in FOLDER.glob("*.png")} == all_pictures().keys()
    for name, (grid, palette) in all_pictures().items():
        kept, colours = decoded((FOLDER / f"{name}.png").read_bytes())
        assert (kept.width, kept.height, kept.pixels) == (grid.width, grid.height, grid.pixels), name
        assert colours == palette, name


@pytest.mark.parametrize("kind", CREATURES)
def test_every_enemy_has_its_frames(kind: str) -> None:
    sheet, _ = all_pictures()[f"{kind}-0"]
    assert (sheet.width, sheet.height) == (CELL_WIDTH * len(FRAMES), CELL_HEIGHT)
    frames = dict(zip(FRAMES, cells(sheet, CELL_WIDTH), strict=True))
    drawn = {name: sum(1 for pixel in frame if pixel) for name, frame in frames.items()}
    # It moves, it flinches, and of the dead less and less is left.
    assert len({frames[name] for name in IDLE}) >= 3
    assert len(set(frames.values())) >= 3 + 6
    assert all(drawn[name] > 800 for name in ("idle0", "hit0", "hit1"))
    assert set(frames["hit0"]) == {0, 1, 2}
    assert drawn["hit1"] > drawn["death3"] > 0
    assert not any(frames["idle0"][(GROUND + 4) * CELL_WIDTH :]), "it stands on the ground, not below it"


@pytest.mark.parametrize("kind", CREATURES)
def test_no_picture_uses_a_colour_that_its_palette_does_not_have(kind: str) -> None:
    creature = CREATURES[kind]
    sheet, palette = all_pictures()[f"{kind}-0"]
    assert max(sheet.pixels) < len(palette) == 3 + 5 * len(creature.ramps)
    assert all(0 <= value <= 255 for colour in palette for value in colour)
    assert creature.fixed <= creature.ramps.keys()


@pytest.mark.parametrize("kind", CREATURES)
def test_later_rounds_show_the_same_creature_in_other_colours(kind: str) -> None:
    creature = CREATURES[kind]
    palettes = [palette_of(creature.ramps, tier, creature.fixed) for tier in range(TIERS)]
    assert len({tuple(palette) for palette in palettes}) == TIERS


def test_the_hero_breathes_and_strikes() -> None:
    frames = [bytes(frame.pixels) for frame in hero.frames().values()]
    assert len(frames) == len(set(frames)) == len(hero.FRAMES)
    assert len(hero.ATTACK) >= 4


def test_scenes_fill_their_whole_frame() -> None:
    for name in SCENES:
        grid, palette = all_pictures()[f"{name}-0"]
        assert (grid.width, grid.height) == (WIDTH, HEIGHT)
        assert min(grid.pixels) > 0, "a hole in the scenery"
        assert max(grid.pixels) < len(palette)


def test_every_place_has_somebody_in_it_who_has_a_picture() -> None:
    seen = {enemy_at(stage, wave).sheet for stage in range(1, 1501) for wave in range(1, 11)}
    assert seen == {f"{kind}-{tier}" for kind in CREATURES for tier in range(TIERS)}
    assert {enemy_at(stage, 1).scene for stage in range(1, 1501)} == {
        f"{scene}-{tier}" for scene, _, _ in LANDS for tier in range(TIERS)
    }
    assert enemy_at(1, 1).sheet == "slime-0"
    assert enemy_at(1 + STAGES_PER_ROUND, 1).sheet == "slime-1"
    assert enemy_at(3, 10).is_champion
    assert enemy_at(20, 10).name == "Dragon of Doubt"


def test_figures_are_five_by_seven() -> None:
    assert all(len(rows) == items.GLYPH_HEIGHT and max(rows) < 32 for rows in items.GLYPHS.values())
    assert len(set(items.GLYPHS.values())) == len(items.GLYPHS)
    assert set("0123456789.,+-!ABCDEFGHIJKLMNOPQRSTUVWXYZ ") == items.GLYPHS.keys()


def test_a_picture_survives_its_file() -> None:
    grid = Grid(3, 2)
    grid.pixels[:] = bytes([0, 1, 2, 2, 1, 0])
    palette = [(0, 0, 0), (24, 20, 37), (255, 255, 255)]
    again, colours = decoded(encoded(grid, palette))
    assert (again.pixels, colours) == (grid.pixels, palette)
