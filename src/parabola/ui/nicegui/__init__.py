"""`parabola.ui` for NiceGUI: a client for each open page, guards for pages, blocks that depend on who is signed in.

    from nicegui import ui
    from parabola.ui import inject_mutation, inject_query
    from parabola.ui.nicegui import auth_guard, live, use_parabola

    use_parabola("http://127.0.0.1:3210", auth=SessionAuth)

    @ui.page("/todos")
    @auth_guard(login_route="/login")
    def todos_page() -> None:
        todos = inject_query("todos:list")
        live(lambda: [ui.label(todo["title"]) for todo in todos.data() or []])

Needs the extra `nicegui`: `pip install "parabola[nicegui]"`.
"""

from __future__ import annotations

from parabola.ui.nicegui.blocks import auth_loading, authenticated, unauthenticated
from parabola.ui.nicegui.clerk_frontend import FrontendApi, IdentityUnavailable, SignInRefused
from parabola.ui.nicegui.clerk_in_page import ClerkInPage, frontend_host
from parabola.ui.nicegui.clerk_visitor import Visitor, VisitorAuth, Visitors
from parabola.ui.nicegui.guards import auth_guard, unauth_guard
from parabola.ui.nicegui.page_scopes import page_scope, use_parabola
from parabola.ui.nicegui.reacting import effect, live

# The guards under the names that a class would have, as documents on convex-angular write them.
AuthGuard = auth_guard
UnauthGuard = unauth_guard

__all__ = [
    "AuthGuard",
    "ClerkInPage",
    "FrontendApi",
    "IdentityUnavailable",
    "SignInRefused",
    "UnauthGuard",
    "Visitor",
    "VisitorAuth",
    "Visitors",
    "auth_guard",
    "auth_loading",
    "authenticated",
    "effect",
    "frontend_host",
    "live",
    "page_scope",
    "unauth_guard",
    "unauthenticated",
    "use_parabola",
]
