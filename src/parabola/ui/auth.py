"""`provide_auth`, `provide_clerk_auth` and `inject_auth`: who is signed in, as signals.

Theory of operation. Two parties must agree before somebody counts as signed in: the *provider*, which knows the user's
session, and the *server*, which checks the token. While the provider is loading, or has a user whose token the server
has not confirmed yet, the status is "loading"; so a page never shows a stranger's face for a moment, and a guard has
something to wait for. Each change of the provider begins a new generation: what the server says of an older token is
not heard any more.

A provider's signals also change where what they say does not: a token was renewed, or another user has come. Then the
token is asked for again, and who is signed in stays so until the server has spoken; nothing flickers. What changes
while the provider is fetching a token is its own doing, and no reason to ask for another.
"""

from __future__ import annotations

import inspect
import logging
import threading
from collections.abc import Awaitable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final, Literal, Protocol, TypeAlias

from reaktiv import Computed, Effect, Signal, batch, untracked
from reaktiv.protocols import ReadableSignal

from parabola.client import ClientError
from parabola.ui.link import Link
from parabola.ui.scopes import Scope, require_provider

log = logging.getLogger("parabola.ui")

AuthStatus: TypeAlias = Literal["loading", "authenticated", "refreshing", "unauthenticated"]

CLERK_TEMPLATE: Final = "convex"
"""The token template that Clerk's applications use for backends of this kind."""

# Where a provider has a signal of one of these names, a change of it asks for a new token: the user is the same, but
# what the token says of them is not, or their session is another.
_REASONS_FOR_A_NEW_TOKEN: Final = ("reauth_version", "session_id", "org_id", "org_role")


class AuthProvider(Protocol):
    """Knows who is signed in. `is_loaded` and `is_signed_in` are signals, or functions that read signals.

    It may also have the signals `error` (an exception or None), and `reauth_version`, `session_id`, `org_id` and
    `org_role`, a change of which asks for a new token.
    """

    def is_loaded(self) -> bool:
        """Whether it is known by now if somebody is signed in."""
        ...

    def is_signed_in(self) -> bool | None:
        """Whether somebody is. It may be None while that is not known."""
        ...

    def get_token(self, *, template: str | None = None, skip_cache: bool = False) -> Awaitable[str | None] | str | None:
        """A token for the server, or None if there is none: plain or async. `skip_cache` asks for one that was not
        used before.
        """
        ...


ClerkAuthProvider: TypeAlias = AuthProvider
"""What wraps Clerk: the same, with tokens of the template "convex". Where it has a signal `session_audience` that is
"convex", the session's own token is for the backend, and is asked for without a template.
"""


@dataclass(frozen=True, slots=True)
class _View:
    is_loaded: bool = False
    is_signed_in: bool = False
    is_confirmed: bool | None = None
    """What the server says of the token; None while it has said nothing."""
    is_refreshing: bool = False
    error: Exception | None = None

    @property
    def status(self) -> AuthStatus:
        if not self.is_loaded or (self.is_signed_in and self.is_confirmed is None):
            return "loading"
        if not (self.is_signed_in and self.is_confirmed):
            return "unauthenticated"
        return "refreshing" if self.is_refreshing else "authenticated"

    @property
    def is_authenticated(self) -> bool:
        return self.status in ("authenticated", "refreshing")


class Auth:
    """Whether somebody is signed in. The attributes are signals: call them to read them."""

    def __init__(self, link: Link, provider: AuthProvider, template: str | None) -> None:
        self._link = link
        self._provider = provider
        self._template = template
        self._lock = threading.Lock()
        self._generation = 0
        self._is_closed = False
        self._has_set_auth = False  # at home only
        self._fetching = 0
        self._shown = _View()
        self._view = Signal(self._shown)
        # What the provider said last: (is_loaded, is_signed_in, the reasons for a new token).
        self._heard: tuple[object, ...] | None = None
        with untracked():
            self._effect = Effect(self._look)
        link.post(self._follow_refreshes)

    @cached_property
    def is_loading(self) -> ReadableSignal[bool]:
        """Whether the provider is loading, or the server has yet to confirm the token."""
        return Computed(lambda: self._view().status == "loading")

    @cached_property
    def is_authenticated(self) -> ReadableSignal[bool]:
        """Whether somebody is signed in and the server has confirmed it; also while `is_refreshing()`."""
        return Computed(lambda: self._view().is_authenticated)

    @cached_property
    def is_refreshing(self) -> ReadableSignal[bool]:
        """Whether a token that the server took, and then refused, is being replaced. Nobody is signed out meanwhile."""
        return Computed(lambda: self._view().status == "refreshing")

    @cached_property
    def error(self) -> ReadableSignal[Exception | None]:
        """What the provider failed with. Having no token is no error."""
        return Computed(lambda: self._view().error or self._provider_error())

    @cached_property
    def status(self) -> ReadableSignal[AuthStatus]:
        """One of "loading", "authenticated", "refreshing" or "unauthenticated"."""
        return Computed(lambda: self._view().status)

    def close(self) -> None:
        """Ends with the scope: the client goes on as nobody."""
        self._is_closed = True
        self._effect.dispose()
        with self._lock:
            self._generation += 1
        self._link.post(self._clear)

    # Following the provider, in any thread.

    def _look(self) -> None:
        try:
            is_loaded = bool(self._provider.is_loaded())
            is_signed_in = bool(self._provider.is_signed_in())
            heard = (is_loaded, is_signed_in, *(_read(self._provider, name) for name in _REASONS_FOR_A_NEW_TOKEN))
        except Exception as error:
            self._heard = None
            self._sync(_View(is_loaded=True, error=error))
            return
        view = _View(is_loaded=is_loaded, is_signed_in=is_loaded and is_signed_in)
        if heard != self._heard:
            self._heard = heard
            self._sync(view)
        elif view.is_signed_in and not self._fetching:
            self._sync(self._shown if self._shown.is_confirmed else view)

    def _sync(self, view: _View) -> None:
        with batch():
            with self._lock:
                self._generation += 1
                generation = self._generation
                self._show(view)
            with untracked():
                self._link.post(lambda: self._sign_in(generation) if view.is_signed_in else self._sign_out(generation))

    def _provider_error(self) -> Exception | None:
        error = _read(self._provider, "error")
        return error if isinstance(error, Exception) else None

    # At home.

    def _sign_in(self, generation: int) -> None:
        if generation != self._generation:
            return
        self._has_set_auth = True

        def fetch(*, force_refresh: bool = False) -> Any:
            self._fetching += 1
            try:
                token = self._provider.get_token(template=self._template_now(), skip_cache=force_refresh)
            except Exception as error:
                self._token_failed(generation, error)
                return None
            finally:
                self._fetching -= 1
            return self._await_token(generation, token) if inspect.isawaitable(token) else token

        try:
            self._link.set_auth(fetch, lambda is_confirmed: self._confirmed(generation, is_confirmed))
        except Exception as error:
            self._change(generation, is_confirmed=False, error=error)

    def _template_now(self) -> str | None:
        if self._template == CLERK_TEMPLATE and _read(self._provider, "session_audience") == CLERK_TEMPLATE:
            return None
        return self._template

    async def _await_token(self, generation: int, token: Awaitable[str | None]) -> str | None:
        self._fetching += 1
        try:
            return await token
        except Exception as error:
            self._token_failed(generation, error)
            return None
        finally:
            self._fetching -= 1

    def _token_failed(self, generation: int, error: Exception) -> None:
        log.warning("The auth provider could not give a token: %s", error)
        self._change(generation, error=error)

    def _confirmed(self, generation: int, is_confirmed: bool) -> None:
        if is_confirmed:
            self._change(generation, is_confirmed=True, error=None)
        else:
            self._change(generation, is_confirmed=False)

    def _sign_out(self, generation: int) -> None:
        if generation == self._generation:
            self._clear()

    def _clear(self) -> None:
        if self._has_set_auth:
            self._has_set_auth = False
            try:
                self._link.clear_auth()
            except ClientError:
                pass  # the client is over, and nobody is signed in

    def _follow_refreshes(self) -> None:
        if not self._is_closed:
            self._link.on_auth_refresh(lambda is_refreshing: self._change(None, is_refreshing=is_refreshing))

    # Showing.

    def _change(self, generation: int | None, **changes: Any) -> None:
        with batch(), self._lock:
            if generation is None or generation == self._generation:
                self._show(replace(self._shown, **changes))

    def _show(self, view: _View) -> None:
        self._shown = view
        self._view.set(view)


def provide_auth(provider: AuthProvider, *, template: str | None = None, scope: Scope | None = None) -> Auth:
    """Signs the client of the current scope in whenever `provider` has a user, and out when it has none.

    It holds for as long as the scope that provides the client. `template` is handed to `get_token`. Raises
    `ClientError` if there is a provider already.
    """
    owner, link = require_provider("provide_auth", scope)
    for name in ("is_loaded", "is_signed_in", "get_token"):
        if not callable(getattr(provider, name, None)):
            raise ClientError(
                f"{provider!r:.100} is no auth provider: it has no {name}() to call. "
                "It needs the signals (or functions) is_loaded and is_signed_in, and get_token(template=, skip_cache=)."
            )
    if owner.auth is not None:
        raise ClientError(
            "This client has an auth provider already. Let one provider decide who is signed in, or "
            "provide_parabola() a second client in a scope of its own."
        )
    owner.auth = auth = Auth(link, provider, template)
    owner.on_close(auth.close)
    return auth


def provide_clerk_auth(provider: ClerkAuthProvider, *, scope: Scope | None = None) -> Auth:
    """`provide_auth` with tokens of Clerk's template "convex"."""
    return provide_auth(provider, template=CLERK_TEMPLATE, scope=scope)


def _read(provider: AuthProvider, name: str) -> object:
    """What an optional signal of the provider says, or None."""
    signal = getattr(provider, name, None)
    return signal() if callable(signal) else signal


def inject_auth(*, scope: Scope | None = None) -> Auth:
    """Who is signed in. Raises `ClientError` where no `provide_auth` or `provide_clerk_auth` was called."""
    owner, _ = require_provider("inject_auth", scope)
    if owner.auth is None:
        raise ClientError(
            "inject_auth() found no auth provider. Call provide_auth(provider) or provide_clerk_auth(provider) "
            "in the scope that provides the client."
        )
    return owner.auth
