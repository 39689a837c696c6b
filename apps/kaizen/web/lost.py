"""What a visitor sees where there is no page, and where a page broke."""

from __future__ import annotations

from fastapi import Request, Response
from fastapi.exception_handlers import http_exception_handler
from nicegui import app as nicegui_app
from nicegui import ui
from nicegui.client import Client
from nicegui.page import page
from starlette.exceptions import HTTPException

from . import theme
from .components.scene import still_scene
from .components.text import Text


def install() -> None:
    """Once, before the first page."""
    nicegui_app.exception_handler(404)(_nowhere)
    nicegui_app.on_page_exception(_broken)


async def _nowhere(request: Request, exception: Exception) -> Response:
    # Whoever asked for a picture or for data cannot read a page.
    if isinstance(exception, HTTPException) and "text/html" not in request.headers.get("accept", ""):
        return await http_exception_handler(request, exception)
    with Client(page(""), request=request) as client:
        _show("There is nothing here", "Nobody lives at this address but a ghost. Small steps lead back.")
    return client.build_response(request, 404)


def _broken(_: Exception) -> None:
    _show("This page stumbled", "It is not your fault, and nothing you did is lost. Please try again in a moment.")


def _show(heading: str, text: str) -> None:
    theme.begin_page(heading)
    with ui.element("main").classes("k-login"), ui.element("section").classes("k-login-card"):
        still_scene(14)
        Text("h1", heading, "k-lost-heading")
        Text("p", text, "k-muted")
        ui.link("To the dashboard", "/dashboard").classes("k-button k-primary")
