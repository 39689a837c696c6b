"""The banner that says when the page has lost its server, or its server the backend."""

from __future__ import annotations

from nicegui import ui

from parabola.ui import inject_connection_state
from parabola.ui.nicegui import effect


def connection_banner() -> ui.label:
    """A line that is there only while something is not connected."""
    banner = ui.label().classes("k-banner").props('data-testid="connection-banner" role="status" hidden')
    state = inject_connection_state()

    def follow() -> None:
        now = state()
        is_lost = now.has_ever_connected and not now.is_connected
        if is_lost:
            banner.props('data-backend-lost="1"', remove="hidden")
        else:
            banner.props("hidden", remove="data-backend-lost")
        banner.set_text("The game is out of reach. Trying again …" if is_lost else "")

    effect(follow)
    return banner
