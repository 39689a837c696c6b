"""`auth_guard` and `unauth_guard`: who may see which page.

A guard decides; it navigates nowhere and draws nothing, so it serves any framework (`parabola.ui.nicegui` has it as a
decorator). It waits while auth is loading. A stranger is sent to the login page with the address they wanted, and
`unauth_guard`, which guards that login page, sends them on to it when they are signed in.

The address to return to comes from the visitor's browser, so it is never followed out of this site.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias
from urllib.parse import parse_qs, quote, urlsplit

from parabola.ui.auth import Auth, AuthStatus, inject_auth
from parabola.ui.awaiting import until

RETURN_PARAMETER: Final = "return_url"
"""The query parameter that carries the address to return to."""


@dataclass(frozen=True, slots=True)
class Allowed:
    """The visitor may see the page."""


@dataclass(frozen=True, slots=True)
class Redirect:
    """The visitor must go elsewhere."""

    to: str


Decision: TypeAlias = Allowed | Redirect

ALLOWED: Final = Allowed()


@dataclass(frozen=True, slots=True)
class AuthGuard:
    """Lets those in who are signed in. `login_route` is where the others go, with the address to return to."""

    login_route: str = "/login"

    def decide(self, status: AuthStatus, address: str) -> Decision | None:
        """What follows from this status for a visitor of `address` (path and query); None is: wait."""
        if status == "loading":
            return None
        is_allowed = status in ("authenticated", "refreshing")
        return ALLOWED if is_allowed else Redirect(login_address(self.login_route, address))

    async def check(self, address: str, auth: Auth | None = None) -> Decision:
        """Waits until auth has loaded, and decides. `auth` is that of the current scope."""
        return await _check(self, address, auth)


@dataclass(frozen=True, slots=True)
class UnauthGuard:
    """Lets those in who are not signed in. The others go back to where they came from, or to `home_route`."""

    home_route: str = "/"

    def decide(self, status: AuthStatus, address: str) -> Decision | None:
        """What follows from this status for a visitor of `address` (path and query); None is: wait."""
        if status == "loading":
            return None
        return ALLOWED if status == "unauthenticated" else Redirect(return_address(address, self.home_route))

    async def check(self, address: str, auth: Auth | None = None) -> Decision:
        """Waits until auth has loaded, and decides. `auth` is that of the current scope."""
        return await _check(self, address, auth)


Guard: TypeAlias = AuthGuard | UnauthGuard


def auth_guard(login_route: str = "/login") -> AuthGuard:
    """For pages that need a user: `decision = await auth_guard().check("/dashboard")`."""
    return AuthGuard(login_route)


def unauth_guard(home_route: str = "/") -> UnauthGuard:
    """For the login page, and others that are for strangers only."""
    return UnauthGuard(home_route)


def login_address(login_route: str, address: str) -> str:
    """The login page's address for somebody who wanted `address`."""
    if not is_local(address):
        return login_route
    separator = "&" if "?" in login_route else "?"
    return f"{login_route}{separator}{RETURN_PARAMETER}={quote(address, safe='/')}"


def return_address(address: str, home_route: str = "/") -> str:
    """Where the visitor of a login page at `address` wants to go afterwards; `home_route` if they did not say, or
    named a place outside this site.
    """
    wanted = parse_qs(urlsplit(address).query).get(RETURN_PARAMETER, [""])[0]
    return wanted if is_local(wanted) else home_route


def is_local(address: str) -> bool:
    """Whether an address is a path of this site, as browsers read it: they take `//`, `/\\` and a tab in between for
    the beginning of a host name.
    """
    return address.startswith("/") and address[1:2] not in ("/", "\\") and not any(char <= " " for char in address)


async def _check(guard: Guard, address: str, auth: Auth | None) -> Decision:
    found = auth if auth is not None else inject_auth()
    await until(lambda: not found.is_loading())
    decision = guard.decide(found.status(), address)
    assert decision is not None
    return decision
