"""Live queries and calls as signals, for any Python program: a script, a terminal application, a notebook, web pages.

    from reaktiv import Effect
    from parabola.ui import inject_mutation, inject_query, provide_parabola

    with provide_parabola("http://127.0.0.1:3210"):
        todos = inject_query("todos:list")
        add = inject_mutation("todos:add")
        shown = Effect(lambda: print(todos.data()))
        add.mutate({"title": "Buy bread"}).result()

Signals are those of `reaktiv`. The names and their meanings are those of convex-angular; docs/how-to/signals.md tells
how to use them, and `parabola.ui.nicegui` ties them to NiceGUI's pages.

Needs the extra `ui`: `pip install "parabola[ui]"`.
"""

from __future__ import annotations

from parabola.ui.auth import (
    Auth,
    AuthProvider,
    AuthStatus,
    ClerkAuthProvider,
    inject_auth,
    provide_auth,
    provide_clerk_auth,
)
from parabola.ui.awaiting import Pending, until
from parabola.ui.calls import Action, CallStatus, Mutation, inject_action, inject_mutation
from parabola.ui.connection import inject_connection_state
from parabola.ui.guards import (
    Allowed,
    AuthGuard,
    Decision,
    Redirect,
    UnauthGuard,
    auth_guard,
    login_address,
    return_address,
    unauth_guard,
)
from parabola.ui.live_query import QueryStatus
from parabola.ui.pages import PaginatedQuery, inject_paginated_query
from parabola.ui.prewarm import PrewarmedQuery, inject_prewarm_query
from parabola.ui.providers import inject_parabola, provide_parabola
from parabola.ui.queries import Queries, Query, inject_queries, inject_query
from parabola.ui.scopes import Scope
from parabola.ui.skipping import Skip, skip

__all__ = [
    "Action",
    "Allowed",
    "Auth",
    "AuthGuard",
    "AuthProvider",
    "AuthStatus",
    "CallStatus",
    "ClerkAuthProvider",
    "Decision",
    "Mutation",
    "PaginatedQuery",
    "Pending",
    "PrewarmedQuery",
    "Queries",
    "Query",
    "QueryStatus",
    "Redirect",
    "Scope",
    "Skip",
    "UnauthGuard",
    "auth_guard",
    "inject_action",
    "inject_auth",
    "inject_connection_state",
    "inject_mutation",
    "inject_paginated_query",
    "inject_parabola",
    "inject_prewarm_query",
    "inject_queries",
    "inject_query",
    "login_address",
    "provide_auth",
    "provide_clerk_auth",
    "provide_parabola",
    "return_address",
    "skip",
    "unauth_guard",
    "until",
]
