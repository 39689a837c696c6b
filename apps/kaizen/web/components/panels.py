"""Panels, and the rows of names and values in them."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager

from nicegui import ui

from .icons import icon
from .text import Text


@contextmanager
def panel(heading: str, *, testid: str = "", classes: str = "") -> Generator[ui.element]:
    """A panel with a heading, to be filled."""
    section = ui.element("section").classes(f"k-panel {classes}").props(f'aria-label="{heading}"')
    if testid:
        section.props(f'data-testid="{testid}"')
    with section:
        Text("h2", heading, "k-panel-heading")
        yield section


@contextmanager
def stat_rows() -> Generator[ui.element]:
    """A list of names with values."""
    with ui.element("dl").classes("k-stats") as rows:
        yield rows


def number_row(name: str, read: Callable[[], float], *, testid: str = "", picture: str = "") -> Text:
    """A row with a number that follows signals, short, and exact in its tooltip."""
    return _row(name, picture, testid).follow_number(read)


def text_row(name: str, read: Callable[[], str], *, testid: str = "", picture: str = "") -> Text:
    """A row with a text that follows signals."""
    return _row(name, picture, testid).follow(read)


def _row(name: str, picture: str, testid: str) -> Text:
    with ui.element("div").classes("k-stat"):
        with ui.element("dt"):
            if picture:
                icon(picture)
            Text("span", name)
        with ui.element("dd"):
            return Text("span", testid=testid)
