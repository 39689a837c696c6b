"""Who is signed in: the provider and the server must agree."""

from __future__ import annotations

from typing import Any

import pytest
from reaktiv import Effect, Signal

from parabola.client import ClientError
from parabola.ui import (
    Allowed,
    Auth,
    Redirect,
    auth_guard,
    inject_auth,
    provide_auth,
    provide_clerk_auth,
    unauth_guard,
)
from tests.unit.ui.memory_link import MemoryLink

pytestmark = pytest.mark.usefixtures("provided")


class Provider:
    """Signs in when it is told to."""

    def __init__(self) -> None:
        self.is_loaded = Signal(False)
        self.is_signed_in: Signal[bool | None] = Signal(None)
        self.org_id: Signal[str | None] = Signal(None)
        self.asked: list[tuple[str | None, bool]] = []
        self.failure: Exception | None = None

    async def get_token(self, *, template: str | None = None, skip_cache: bool = False) -> str | None:
        self.asked.append((template, skip_cache))
        if self.failure is not None:
            raise self.failure
        return "token"


def shown(auth: Auth) -> tuple[str, bool, bool]:
    return auth.status(), auth.is_loading(), auth.is_authenticated()


LOADING = ("loading", True, False)
AUTHENTICATED = ("authenticated", False, True)
UNAUTHENTICATED = ("unauthenticated", False, False)


def confirm(link: MemoryLink, *, is_authenticated: bool) -> None:
    assert link.on_auth_change is not None
    link.on_auth_change(is_authenticated)


def test_without_a_provider_the_error_says_what_to_call() -> None:
    with pytest.raises(ClientError, match="Call provide_auth"):
        inject_auth()


def test_it_is_loading_until_the_provider_has_loaded_and_the_server_has_confirmed(link: MemoryLink) -> None:
    provider = Provider()
    auth = provide_auth(provider)
    assert inject_auth() is auth
    assert shown(auth) == LOADING
    provider.is_signed_in.set(True)
    assert link.fetch_token is None, "not before it has loaded"
    provider.is_loaded.set(True)
    assert link.fetch_token is not None
    assert shown(auth) == LOADING
    confirm(link, is_authenticated=True)
    assert shown(auth) == AUTHENTICATED


def test_a_provider_that_has_loaded_without_a_user_is_unauthenticated(link: MemoryLink) -> None:
    provider = Provider()
    provider.is_loaded.set(True)
    assert shown(provide_auth(provider)) == UNAUTHENTICATED
    assert link.fetch_token is None


def test_signing_out_clears_the_clients_token(link: MemoryLink) -> None:
    provider = Provider()
    provider.is_loaded.set(True)
    provider.is_signed_in.set(True)
    auth = provide_auth(provider)
    confirm(link, is_authenticated=True)
    provider.is_signed_in.set(False)
    assert link.fetch_token is None
    assert shown(auth) == UNAUTHENTICATED
    confirm(link, is_authenticated=True)
    assert shown(auth) == UNAUTHENTICATED, "what is said of the token of before counts no more"


def test_a_token_that_the_server_refuses_is_not_enough(link: MemoryLink) -> None:
    provider = Provider()
    provider.is_loaded.set(True)
    provider.is_signed_in.set(True)
    auth = provide_auth(provider)
    confirm(link, is_authenticated=False)
    assert shown(auth) == UNAUTHENTICATED
    assert auth.error() is None


async def test_the_clients_requests_for_tokens_reach_the_provider(link: MemoryLink) -> None:
    provider = Provider()
    provider.is_loaded.set(True)
    provider.is_signed_in.set(True)
    provide_clerk_auth(provider)
    assert link.fetch_token is not None
    assert await link.fetch_token() == "token"
    assert await link.fetch_token(force_refresh=True) == "token"
    assert provider.asked == [("convex", False), ("convex", True)]


async def test_a_provider_that_fails_is_an_error_and_no_exception(link: MemoryLink) -> None:
    provider = Provider()
    provider.is_loaded.set(True)
    provider.is_signed_in.set(True)
    auth = provide_auth(provider)
    provider.failure = RuntimeError("the identity server is down")
    assert link.fetch_token is not None
    assert await link.fetch_token() is None
    confirm(link, is_authenticated=False)
    assert auth.error() is provider.failure
    assert shown(auth) == UNAUTHENTICATED
    confirm(link, is_authenticated=True)
    assert auth.error() is None


def test_a_plain_function_may_give_the_token(link: MemoryLink) -> None:
    class Plain(Provider):
        def get_token(self, *, template: str | None = None, skip_cache: bool = False) -> Any:
            return "plain token"

    provider = Plain()
    provider.is_loaded.set(True)
    provider.is_signed_in.set(True)
    provide_auth(provider)
    assert link.fetch_token is not None
    assert link.fetch_token(force_refresh=False) == "plain token"


def test_another_organization_asks_for_another_token(link: MemoryLink) -> None:
    provider = Provider()
    provider.is_loaded.set(True)
    provider.is_signed_in.set(True)
    auth = provide_auth(provider)
    confirm(link, is_authenticated=True)
    fetch = link.fetch_token
    provider.org_id.set("acme")
    assert link.fetch_token is not fetch
    assert shown(auth) == LOADING
    confirm(link, is_authenticated=True)
    assert shown(auth) == AUTHENTICATED


def test_a_new_session_of_the_same_user_asks_for_another_token(link: MemoryLink) -> None:
    provider = Provider()
    session_id: Signal[str | None] = Signal("sess_1")
    provider.session_id = session_id  # type: ignore[attr-defined]
    provider.is_loaded.set(True)
    provider.is_signed_in.set(True)
    auth = provide_auth(provider)
    confirm(link, is_authenticated=True)
    fetch = link.fetch_token
    session_id.set("sess_2")
    assert link.fetch_token is not fetch
    assert shown(auth) == LOADING


class Renewing:
    """Keeps its token in a signal, and says by it whether somebody is signed in."""

    def __init__(self) -> None:
        self.token: Signal[str | None] = Signal("first")

    def is_loaded(self) -> bool:
        return True

    def is_signed_in(self) -> bool:
        return self.token() is not None

    async def get_token(self, *, template: str | None = None, skip_cache: bool = False) -> str | None:
        if skip_cache:
            self.token.set(f"{self.token()}, renewed")
        return self.token()


def test_another_token_of_a_provider_is_asked_for_and_nothing_flickers_meanwhile(link: MemoryLink) -> None:
    provider = Renewing()
    auth = provide_auth(provider)
    confirm(link, is_authenticated=True)
    fetch = link.fetch_token
    seen: list[str] = []
    watching = Effect(lambda: seen.append(auth.status()))
    provider.token.set("of another user")
    assert link.fetch_token is not fetch
    assert seen == ["authenticated"]
    confirm(link, is_authenticated=False)
    assert seen == ["authenticated", "unauthenticated"]
    provider.token.set("a third")
    assert seen == ["authenticated", "unauthenticated", "loading"]
    watching.dispose()


async def test_a_provider_that_renews_its_token_when_asked_is_not_asked_again_for_that(link: MemoryLink) -> None:
    provide_auth(Renewing())
    fetch = link.fetch_token
    assert fetch is not None
    assert await fetch(force_refresh=True) == "first, renewed"
    assert link.fetch_token is fetch


def test_a_refused_token_that_is_being_replaced_signs_nobody_out(link: MemoryLink) -> None:
    provider = Provider()
    auth = provide_auth(provider)
    link.refresh_listeners.tell(True)
    assert not auth.is_refreshing()  # nobody is signed in
    link.refresh_listeners.tell(False)
    provider.is_loaded.set(True)
    provider.is_signed_in.set(True)
    confirm(link, is_authenticated=True)
    link.refresh_listeners.tell(True)
    assert auth.is_refreshing()
    assert auth.is_authenticated()
    assert auth.status() == "refreshing"
    assert auth_guard().decide(auth.status(), "/account") == Allowed()
    assert unauth_guard().decide(auth.status(), "/login") == Redirect("/")
    link.refresh_listeners.tell(False)
    assert auth.status() == "authenticated"


@pytest.mark.parametrize(("audience", "template"), [(None, "convex"), ("other", "convex"), ("convex", None)])
def test_a_session_token_that_is_for_the_backend_is_asked_for_without_a_template(
    link: MemoryLink, audience: str | None, template: str | None
) -> None:
    asked: list[str | None] = []

    class Clerk(Provider):
        session_audience: Signal[str | None] = Signal(audience)

        def get_token(self, *, template: str | None = None, skip_cache: bool = False) -> Any:
            asked.append(template)
            return "token"

    provider = Clerk()
    provider.is_loaded.set(True)
    provider.is_signed_in.set(True)
    provide_clerk_auth(provider)
    assert link.fetch_token is not None
    link.fetch_token(force_refresh=False)
    assert asked == [template]


@pytest.mark.parametrize("missing", ["is_loaded", "is_signed_in", "get_token"])
def test_what_is_no_provider_is_told_what_one_needs(link: MemoryLink, missing: str) -> None:
    provider = Provider()
    setattr(provider, missing, True)
    with pytest.raises(ClientError, match=rf"is no auth provider: it has no {missing}\(\) to call"):
        provide_auth(provider)


def test_one_client_has_one_provider(link: MemoryLink) -> None:
    provide_auth(Provider())
    with pytest.raises(ClientError, match="has an auth provider already"):
        provide_auth(Provider())


def test_the_errors_of_the_provider_are_passed_on(link: MemoryLink) -> None:
    provider = Provider()
    error: Signal[Exception | None] = Signal(None)
    provider.error = error  # type: ignore[attr-defined]
    auth = provide_auth(provider)
    error.set(RuntimeError("no network"))
    assert str(auth.error()) == "no network"
