"""The look: a style sheet of design tokens, and a script that remembers who wants it light and who wants it dark."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from nicegui import context, ui

STATIC: Final = Path(__file__).with_name("static")
STATIC_URL: Final = "/static"

STYLES: Final = ("kaizen.css", "fight.css", "scene.css")
SCRIPTS: Final = ("connection.js", "keys.js", "foreseen.js", "pending.js")


def install_everywhere() -> None:
    """Once, before the first page: every page is answered with all styles and scripts in its head.

    A page may be answered before its content is known (the guard is still asking who the visitor is). A style that came
    with the content would come too late for the first paint, and a script that came with it would not run at all.
    """
    # It comes before the first paint, or a page in the dark begins with a flash of light.
    head = [f'<script src="{_fresh("theme.js")}"></script>']
    head += [f'<link rel="stylesheet" href="{_fresh(name)}">' for name in STYLES]
    head += [f'<script src="{_fresh(name)}" defer></script>' for name in SCRIPTS]
    ui.add_head_html("\n".join(head), shared=True)


def begin_page(title: str) -> None:
    """First thing in a page: what the browser's tab says, and that the page's own `main` is the only one."""
    ui.page_title(f"{title} · Kaizen")
    outer = context.client.content.parent_slot
    if outer is not None:
        outer.parent.props("role=none")


def loading() -> None:
    """While something is on its way, on a page of which nothing is known yet."""
    with ui.element("div").classes("k-loading").props('data-testid="loading" role="status" aria-label="Loading"'):
        ui.element("div").classes("k-spinner")


def _fresh(name: str) -> str:
    # Browsers keep static files for long; a changed one has another address.
    return f"{STATIC_URL}/{name}?{(STATIC / name).stat().st_mtime_ns:x}"
