"""`auth_guard` and `unauth_guard` for pages: decorators between `@ui.page` and the page function.

A visit goes like this. If it is known at once, or within a moment, who the visitor is, the page is answered as it is
or as a plain HTTP redirect. Otherwise the browser gets the `loading` block, and the page or the redirect follows when
it is known: a provider that asks the browser can only answer once the page is there. Afterwards the guard stays: when
the visitor signs out, in this window or another, every page that needs a user leaves for the login page.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any, Final, TypeVar

from nicegui import context, ui
from nicegui.client import Client as Page
from starlette.responses import RedirectResponse

from parabola.ui.auth import Auth, inject_auth
from parabola.ui.guards import AuthGuard, Decision, Guard, Redirect, UnauthGuard
from parabola.ui.nicegui.page_scopes import page_scope
from parabola.ui.nicegui.reacting import effect
from parabola.ui.scopes import Scope

PageFunction = TypeVar("PageFunction", bound=Callable[..., Any])

MOMENT_S: Final = 0.5
"""How long the answer to a request may be held back for auth to load; NiceGUI itself allows three seconds."""


def auth_guard(
    login_route: str = "/login", *, loading: Callable[[], object] | None = None
) -> Callable[[PageFunction], PageFunction]:
    """For pages that need a user. Others are sent to `login_route`, and come back to this page when they signed in.

    `loading` makes what is shown while it is not known who the visitor is (default: a spinner).
    """
    return functools.partial(_guarded, AuthGuard(login_route), loading)


def unauth_guard(
    home_route: str = "/", *, loading: Callable[[], object] | None = None
) -> Callable[[PageFunction], PageFunction]:
    """For the login page. Who is signed in goes on to where they came from, or to `home_route`."""
    return functools.partial(_guarded, UnauthGuard(home_route), loading)


def _guarded(guard: Guard, loading: Callable[[], object] | None, build: PageFunction) -> PageFunction:
    @functools.wraps(build)
    async def page(*args: Any, **keywords: Any) -> Any:
        scope, auth, address = page_scope(), inject_auth(), _address()
        decision = await _decide_soon(guard, auth, address)
        if isinstance(decision, Redirect) and not _is_answered(context.client):
            scope.close()
            return RedirectResponse(decision.to, headers={"Cache-Control": "no-store"})
        if decision is None:
            with ui.element("div").style("display: contents") as waiting:
                (loading or _spinner)()
            with _ending_with(scope):
                await context.client.connected()
                decision = await guard.check(address, auth)
            waiting.delete()
        if isinstance(decision, Redirect):
            ui.navigate.to(decision.to)
            return None
        effect(lambda: _leave_if_needed(guard, auth, address), scope=scope)
        answer = build(*args, **keywords)
        return await answer if inspect.isawaitable(answer) else answer

    return page  # type: ignore[return-value]  # as FastAPI sees it, through __wrapped__, it is the same function


async def _decide_soon(guard: Guard, auth: Auth, address: str) -> Decision | None:
    decision = guard.decide(auth.status(), address)
    if decision is None:
        try:
            decision = await asyncio.wait_for(guard.check(address, auth), MOMENT_S)
        except TimeoutError:
            pass
    return decision


def _leave_if_needed(guard: Guard, auth: Auth, address: str) -> None:
    decision = guard.decide(auth.status(), address)
    if isinstance(decision, Redirect):
        ui.navigate.to(decision.to)


@contextmanager
def _ending_with(scope: Scope) -> Generator[None]:
    """Cancels what waits here when the visitor is gone before it is known who they are."""
    task = asyncio.current_task()
    assert task is not None
    take_back = scope.on_close(task.cancel)
    try:
        yield
    finally:
        take_back()


def _is_answered(page: Page) -> bool:
    # NiceGUI answers the request as soon as anybody waits for the browser, such as a provider that asks it; what the
    # page function returns after that is dropped.
    return page.has_socket_connection or page._waiting_for_connection.is_set()  # pyright: ignore[reportPrivateUsage]


def _address() -> str:
    url = context.client.request.url
    return f"{url.path}?{url.query}" if url.query else url.path


def _spinner() -> None:
    with ui.row().classes("w-full justify-center"):
        ui.spinner(size="lg")
