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
from typing import Any, Final, TypeVar, overload

from nicegui import context, ui
from nicegui.client import Client as Page
from starlette.responses import RedirectResponse

from parabola.client import ClientError
from parabola.ui.auth import Auth, inject_auth
from parabola.ui.guards import AuthGuard, Decision, Guard, Redirect, UnauthGuard, is_local
from parabola.ui.nicegui.page_scopes import page_scope
from parabola.ui.nicegui.reacting import effect
from parabola.ui.scopes import Scope

PageFunction = TypeVar("PageFunction", bound=Callable[..., Any])

MOMENT_S: Final = 0.5
"""How long the answer to a request may be held back for auth to load; NiceGUI itself allows three seconds."""


@overload
def auth_guard(build: PageFunction, /) -> PageFunction: ...


@overload
def auth_guard(
    login_route: str = "/login", *, loading: Callable[[], object] | None = None
) -> Callable[[PageFunction], PageFunction]: ...


def auth_guard(login_route: Any = "/login", *, loading: Callable[[], object] | None = None) -> Any:
    """For pages that need a user. Others are sent to `login_route`, and come back to this page when they signed in.

    `loading` makes what is shown while it is not known who the visitor is (default: a spinner). Without parentheses it
    is `auth_guard()`. Raises `ClientError` where it stands above `@ui.page` and would guard nothing.
    """
    if callable(login_route):
        return _guarded(AuthGuard(), loading, login_route)
    return functools.partial(_guarded, AuthGuard(login_route), loading)


@overload
def unauth_guard(build: PageFunction, /) -> PageFunction: ...


@overload
def unauth_guard(
    home_route: str = "/", *, loading: Callable[[], object] | None = None
) -> Callable[[PageFunction], PageFunction]: ...


def unauth_guard(home_route: Any = "/", *, loading: Callable[[], object] | None = None) -> Any:
    """For the login page. Who is signed in goes on to where they came from, or to `home_route`. As `auth_guard`."""
    if callable(home_route):
        return _guarded(UnauthGuard(), loading, home_route)
    return functools.partial(_guarded, UnauthGuard(home_route), loading)


def _guarded(guard: Guard, loading: Callable[[], object] | None, build: PageFunction) -> PageFunction:
    if build in Page.page_routes:
        raise ClientError(
            f"A guard stands above @ui.page({Page.page_routes[build]!r}), where it guards nothing. "
            "Put it below: @ui.page first, then the guard, then the function."
        )

    @functools.wraps(build)
    async def page(*args: Any, **keywords: Any) -> Any:
        scope, auth, address = page_scope(), inject_auth(), _address()
        decision = await _decide_soon(guard, auth, address)
        if isinstance(decision, Redirect) and not _is_answered(context.client):
            scope.close()
            return RedirectResponse(_outside(decision.to), headers={"Cache-Control": "no-store"})
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
    """What the visitor asked for, as the paths of pages are written: from the application's root, wherever that is."""
    request = context.client.request
    root, path = request.scope.get("root_path", ""), request.url.path
    if root and path.startswith(f"{root}/"):
        path = path.removeprefix(root)
    return f"{path}?{request.url.query}" if request.url.query else path


def _outside(address: str) -> str:
    """The same as the browser must be told: below where the application is mounted. `ui.navigate` does this by itself,
    and NiceGUI puts the prefix of a proxy before what is redirected to.
    """
    root: str = context.client.request.scope.get("root_path", "")
    return root + address if is_local(address) else address


def _spinner() -> None:
    with ui.row().classes("w-full justify-center"):
        ui.spinner(size="lg")
