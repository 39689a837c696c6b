"""`provide_parabola`: which server everything in a scope talks to."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from reaktiv import batch

from parabola.client import AsyncClient, Client
from parabola.ui.link import ClientLink, Link
from parabola.ui.scopes import Scope, require_provider


def provide_parabola(server: str | AsyncClient | Client, *, parent: Scope | None = None) -> Scope:
    """A scope whose queries and calls go to `server`: an address with its scheme, or a client that you made.

    ::

        with provide_parabola("http://127.0.0.1:3210"):
            todos = inject_query("todos:list")

    Called where an event loop runs, it makes an `AsyncClient`, and everything happens in that loop's thread; signals
    may be set from other threads. Called elsewhere, it makes a `Client`: results arrive, and effects that they cause
    run, in that client's own thread. A client that it made ends with the scope; one that was given does not.

    Raises `InvalidArgument` for what is no address.
    """
    if isinstance(server, str):
        client = AsyncClient(server) if _is_in_a_loop() else Client(server)
        return provide_link(ClientLink(client), owns_link=True, parent=parent)
    return provide_link(ClientLink(server), owns_link=False, parent=parent)


def provide_link(link: Link, *, owns_link: bool = True, parent: Scope | None = None) -> Scope:
    """A scope over any link: for tests, and for clients of another make."""
    link.batch_updates_with(_in_one_batch)
    return Scope(parent, link=link, owns_link=owns_link)


def inject_parabola(*, scope: Scope | None = None) -> AsyncClient | Client:
    """The client of the current scope, for what the other functions do not cover."""
    _, link = require_provider("inject_parabola", scope)
    client: AsyncClient | Client = link.client
    return client


def _in_one_batch(report: Callable[[], None]) -> None:
    # All results of one moment change together: an effect that reads two of them never sees half.
    with batch():
        report()


def _is_in_a_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
