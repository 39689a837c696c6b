"""A strip of the world with the hero in it: the pages' own pictures, where there is no fight to be seen."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager

from nicegui import ui
from reaktiv import Computed

from parabola.ui.nicegui import effect

from ..sprites.bestiary import enemy_at

_PICTURE = "url(/static/sprites/{}.png)"


@contextmanager
def scene(place: Callable[[], tuple[float, float]], *, foe: bool = True, classes: str = "") -> Generator[ui.element]:
    """The land of a stage and wave, which may be signals, with the hero and, if `foe`, who waits there.

    It is decoration: screen readers hear only what is put into it, which is written over the sky.
    """
    enemy = Computed(lambda: enemy_at(*place()))
    with ui.element("div").classes(f"k-scene {classes}") as strip:
        _figure("hero")
        other = _figure("foe") if foe else None

        def show() -> None:
            strip.style(f"background-image: {_PICTURE.format(enemy().scene)}")
            if other is not None:
                other.style(f"background-image: {_PICTURE.format(enemy().sheet)}")

        effect(show)
        with ui.element("div").classes("k-scene-words"):
            yield strip


def still_scene(stage: float, wave: float = 1) -> None:
    """The same over a small card, of a place that does not change."""
    enemy = enemy_at(stage, wave)
    strip = ui.element("div").classes("k-scene k-scene-card").props('aria-hidden="true"')
    with strip.style(f"background-image: {_PICTURE.format(enemy.scene)}"):
        _figure("hero")
        _figure("foe").style(f"background-image: {_PICTURE.format(enemy.sheet)}")


def _figure(name: str) -> ui.element:
    return ui.element("span").classes(f"k-scene-{name}").props('aria-hidden="true"')
