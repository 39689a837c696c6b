"""The look: a style sheet of design tokens, and a script that remembers who wants it light and who wants it dark."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from nicegui import ui

STATIC: Final = Path(__file__).with_name("static")
STATIC_URL: Final = "/static"


def install(title: str = "") -> None:
    """Gives the page that is being made its look, and with `title` its name. Call it first in a page."""
    if title:
        ui.page_title(f"{title} · Kaizen")
    # The script comes before the first paint, or a page in the dark begins with a flash of light.
    use_script("theme.js")
    use_style("kaizen.css")


def use_style(name: str) -> None:
    """Adds a style sheet of `web/static` to the page that is being made."""
    ui.add_head_html(f'<link rel="stylesheet" href="{_fresh(name)}">')


def use_script(name: str, *, defer: bool = False) -> None:
    """Adds a script of `web/static` to the page that is being made; `defer` has it run when the page is there."""
    ui.add_head_html(f'<script src="{_fresh(name)}"{" defer" if defer else ""}></script>')


def loading() -> None:
    """While something is on its way, on a page of which nothing is known yet."""
    install()
    with ui.element("div").classes("k-loading").props('data-testid="loading" role="status" aria-label="Loading"'):
        ui.element("div").classes("k-spinner")


def _fresh(name: str) -> str:
    # Browsers keep static files for long; a changed one has another address.
    return f"{STATIC_URL}/{name}?{(STATIC / name).stat().st_mtime_ns:x}"
