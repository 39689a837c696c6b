"""What every page needs in order to look like Kaizen."""

from __future__ import annotations

from typing import Final

from nicegui import ui

STYLESHEET: Final = "/static/kaizen.css"


def install() -> None:
    """Call it first in a page."""
    ui.add_head_html(f'<link rel="stylesheet" href="{STYLESHEET}">', shared=False)


def loading() -> None:
    """While something is on its way."""
    with ui.element("div").classes("k-loading").props('data-testid="loading" role="status" aria-label="Loading"'):
        ui.spinner(size="lg")
