"""The pages as one application: what they look like is in `theme`, what they show in `pages`."""

from __future__ import annotations

import pkgutil
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Final

from fastapi import FastAPI
from nicegui import app as nicegui_app
from nicegui import storage, ui
from starlette.responses import RedirectResponse

from kaizen.web import lost, pages, theme
from kaizen.web.services import clerk
from kaizen.web.services.clerk_auth import ClerkAuthService
from parabola.ui.nicegui import use_parabola

RECONNECT_S: Final = 5.0
"""How long the server keeps a page whose browser is gone."""


@dataclass(frozen=True, slots=True)
class WebSettings:
    """`address` is the origin of backend and identity server; `data` a folder for what is kept of each browser;
    `publishable_key` is that of real Clerk, or None for the identity server at `address`.
    """

    address: str
    data: Path
    publishable_key: str | None = None


class Pages:
    """All pages, as the ASGI application `app`. NiceGUI has one application in a process, so there is one of these."""

    def __init__(self, settings: WebSettings) -> None:
        settings.data.mkdir(parents=True, exist_ok=True)
        storage.Storage.path = settings.data.resolve()
        self.app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
        nicegui_app.add_static_files(theme.STATIC_URL, theme.STATIC)
        theme.install_everywhere()
        lost.install()
        clerk.configure(settings.address, settings.publishable_key)
        self._scope = use_parabola(settings.address, auth=ClerkAuthService, template="convex")
        for module in pkgutil.iter_modules(pages.__path__, f"{pages.__name__}."):
            import_module(module.name)
        nicegui_app.add_api_route("/", lambda: RedirectResponse("/dashboard"))
        ui.run_with(
            self.app,
            title="Kaizen",
            favicon=theme.STATIC / "favicon.png" if (theme.STATIC / "favicon.png").exists() else "⚔️",
            dark=None,
            storage_secret=_storage_secret(settings.data),
            reconnect_timeout=RECONNECT_S,
            show_welcome_message=False,
        )

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """What a server does around serving an application that has a beginning and an end."""
        async with self.app.router.lifespan_context(self.app):
            try:
                yield
            finally:
                await clerk.close()


def _storage_secret(folder: Path) -> str:
    """Signs the cookie that a browser is known by; made once, so that a restart keeps everybody signed in."""
    file = folder / "cookie_secret"
    try:
        secret = file.read_text().strip()
        if secret:
            return secret
    except FileNotFoundError:
        pass
    secret = secrets.token_urlsafe(32)
    file.touch(mode=0o600)
    file.write_text(secret)
    return secret
