"""Each open page of a NiceGUI application has a scope, with a client and an auth provider of its own.

A page is what NiceGUI calls a client: one tab of one visitor, from its request until it is closed and its time to
reconnect is over. Its scope is made when something is first injected in it, is found by everything that runs in one of
its slots (the page function, event handlers, timers), and closes with it. So the visitor's subscriptions end when the
tab does, and no visitor ever acts as another.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from nicegui import app, context
from nicegui.client import Client as Page
from nicegui.slot import Slot, get_task_id

from parabola.client import AsyncClient, ClientError
from parabola.ui.auth import AuthProvider, provide_auth
from parabola.ui.providers import provide_parabola
from parabola.ui.scopes import Scope, add_scope_finder

log = logging.getLogger("parabola.ui")


class _Application:
    """What `use_parabola` was told, and the scopes of the pages that are open."""

    def __init__(
        self,
        server: str | Callable[[], str | AsyncClient],
        auth: Callable[[], AuthProvider] | None,
        template: str | None,
    ) -> None:
        self._server = server
        self._auth = auth
        self._template = template
        self.scope = Scope()
        self._pages: dict[str, Scope] = {}
        self.scope.on_close(add_scope_finder(self.find))

    def find(self) -> Scope | None:
        """The scope of the page that runs now."""
        slots = Slot.stacks.get(get_task_id())
        return self.scope_of(slots[-1].parent.client) if slots else None

    def scope_of(self, page: Page) -> Scope:
        """The scope of a page, made now if there is none."""
        scope = self._pages.get(page.id)
        if scope is None:
            server = self._server() if callable(self._server) else self._server
            scope = self._pages[page.id] = provide_parabola(server, parent=self.scope)
            scope.on_close(lambda: self._pages.pop(page.id, None))
            page.on_delete(scope.close)
            if self._auth is not None:
                provide_auth(self._auth(), template=self._template, scope=scope)
        return scope


_applications: list[_Application] = []


def use_parabola(
    server: str | Callable[[], str | AsyncClient],
    *,
    auth: Callable[[], AuthProvider] | None = None,
    template: str | None = None,
) -> Scope:
    """Gives every page of this NiceGUI application a client of `server`. Call it once, before `ui.run`.

    `server` is an address, or a function that is called for each page. `auth` makes the page's auth provider: it is
    called in the page, so it may look at `app.storage.user` and run JavaScript there. `template` is handed to its
    `get_token`; for Clerk it is "convex". Returns the application's scope; closing it ends all of this.
    """
    if _applications:
        raise ClientError("use_parabola() was called twice. One NiceGUI application has one server for its pages.")
    application = _Application(server, auth, template)
    _applications.append(application)
    application.scope.on_close(lambda: _applications.remove(application))
    app.on_shutdown(application.scope.aclose)
    return application.scope


def page_scope() -> Scope:
    """The scope of the page that runs now: `page_scope().on_close(…)` for what ends with the page.

    Raises `ClientError` without `use_parabola()`, and RuntimeError outside every page.
    """
    if not _applications:
        raise ClientError('Pages have no client yet. Call use_parabola("http://127.0.0.1:3210") before ui.run().')
    return _applications[-1].scope_of(context.client)
