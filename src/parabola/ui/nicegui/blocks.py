"""`authenticated`, `unauthenticated` and `auth_loading`: parts of a page that depend on who is signed in.

What is not shown does not exist: its elements are not sent to the browser, and what it injects is not subscribed.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeAlias

from nicegui import background_tasks, ui
from reaktiv import Computed, untracked

from parabola.ui.auth import AuthStatus, inject_auth
from parabola.ui.nicegui.reacting import Box, effect
from parabola.ui.scopes import Scope, require_scope

Build: TypeAlias = Callable[[], object]


def authenticated(build: Build) -> ui.element:
    """Shows what `build` makes while somebody is signed in. It may be a coroutine function, and is fit as a decorator:

    ::

        @authenticated
        def account() -> None:
            ui.button("Sign out", on_click=sign_out)
    """
    return _block("authenticated", build)


def unauthenticated(build: Build) -> ui.element:
    """Shows what `build` makes while nobody is signed in."""
    return _block("unauthenticated", build)


def auth_loading(build: Build) -> ui.element:
    """Shows what `build` makes while it is not known whether somebody is signed in."""
    return _block("loading", build)


def _block(wanted: AuthStatus, build: Build) -> ui.element:
    owner = require_scope(_NAMES[wanted], None)
    auth = inject_auth(scope=owner)
    # A token that is being replaced signs nobody out.
    wanted_statuses = (wanted, "refreshing") if wanted == "authenticated" else (wanted,)
    is_wanted = Computed(lambda: auth.status() in wanted_statuses)
    box = Box(owner)

    def show() -> None:
        if is_wanted():
            with untracked():
                made: list[object] = []
                scope = box.fill(lambda: made.append(build()))
                if isinstance(made[0], Awaitable):
                    background_tasks.create(_go_on(made[0], box.element, scope), name=f"{_NAMES[wanted]} block")
        else:
            with untracked():
                box.empty()

    effect(show, scope=owner)
    return box.element


async def _go_on(building: Awaitable[object], element: ui.element, scope: Scope) -> None:
    with element, scope.entered():
        await building


_NAMES: dict[AuthStatus, str] = {
    "authenticated": "authenticated",
    "unauthenticated": "unauthenticated",
    "loading": "auth_loading",
}
