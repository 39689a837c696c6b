"""`ClerkService`: who the visitor is, and signing in, up and out.

The same code serves real Clerk, whose component runs in the page, and Parabola's identity server, to which the pages'
program speaks for the visitor.
"""

from __future__ import annotations

import os
from typing import Any, Final

from reaktiv import Signal

from parabola.ui.nicegui import page_scope
from parabola.ui.nicegui.clerk_in_page import ClerkInPage
from parabola.ui.nicegui.clerk_visitor import Visitor, Visitors

PROXY_VARIABLE: Final = "CLERK_PROXY_URL"
"""Where clerk-js finds its server, if not at the host that the publishable key names."""
SCRIPT_VARIABLE: Final = "CLERK_JS_URL"
"""Where pages load clerk-js from, if not from its server."""


class _Where:
    """Where accounts are, for all pages."""

    visitors: Visitors | None = None
    publishable_key: str | None = None


def configure(address: str, publishable_key: str | None) -> None:
    """Once, before the first page: accounts at the identity server of `address`, or at Clerk with this key."""
    _Where.publishable_key = publishable_key
    _Where.visitors = None if publishable_key else Visitors(f"{address}/__clerk")


async def close() -> None:
    """Closes the connections to the identity server."""
    if _Where.visitors is not None:
        await _Where.visitors.api.aclose()


class ClerkService:
    """For one page. `loaded` and `user` are signals; `user` is None for a stranger.

    A user has `id`, `first_name`, `last_name`, `image_url` and `email`.
    """

    def __init__(self) -> None:
        self.mode = Signal("sign-in")
        """Which of the two the pages' own form shows: "sign-in" or "sign-up"."""
        self.in_page: ClerkInPage | None = None
        self.visitor: Visitor | None = None
        if _Where.visitors is not None:
            self.visitor = _Where.visitors.current()
        else:
            self.in_page = ClerkInPage(
                _Where.publishable_key or "",
                proxy_url=os.environ.get(PROXY_VARIABLE),
                script_url=os.environ.get(SCRIPT_VARIABLE),
            )

    def loaded(self) -> bool:
        return self.visitor.is_loaded() if self.visitor is not None else self._clerk.is_loaded()

    def user(self) -> dict[str, Any] | None:
        if self.visitor is None:
            return self._clerk.user()
        user = self.visitor.user()
        if user is None:
            return None
        addresses = user.get("email_addresses") or [{}]
        kept = {name: user.get(name) for name in ("id", "first_name", "last_name", "image_url")}
        return {**kept, "email": addresses[0].get("email_address")}

    def open_sign_in(self) -> None:
        """Clerk's dialog, or the pages' form."""
        self.mode.set("sign-in")
        if self.in_page is not None:
            self.in_page.open_sign_in()

    def open_sign_up(self) -> None:
        """Clerk's dialog, or the pages' form."""
        self.mode.set("sign-up")
        if self.in_page is not None:
            self.in_page.open_sign_up()

    async def sign_out(self) -> None:
        """In all tabs of this browser."""
        if self.visitor is not None:
            await self.visitor.sign_out()
        else:
            await self._clerk.sign_out()

    async def get_token(self, *, template: str | None = None, skip_cache: bool = False) -> str | None:
        """A token for the backend; None for a stranger."""
        source = self.visitor if self.visitor is not None else self._clerk
        return await source.get_token(template=template, skip_cache=skip_cache)

    @property
    def _clerk(self) -> ClerkInPage:
        assert self.in_page is not None, "either the visitor or the component in the page"
        return self.in_page


def clerk_service() -> ClerkService:
    """The page's one."""
    shared = page_scope().shared
    if "kaizen.clerk" not in shared:
        shared["kaizen.clerk"] = ClerkService()
    service: ClerkService = shared["kaizen.clerk"]
    return service
