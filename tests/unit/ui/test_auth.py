"""Who is signed in: the provider and the server must agree."""

from __future__ import annotations

from typing import Any

import pytest
from reaktiv import Signal

from parabola.client import ClientError
from parabola.ui import Auth, inject_auth, provide_auth, provide_clerk_auth
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


def test_a_refused_token_that_is_being_replaced_is_a_signal(link: MemoryLink) -> None:
    auth = provide_auth(Provider())
    link.refresh_listeners.tell(True)
    assert auth.is_refreshing()
    link.refresh_listeners.tell(False)
    assert not auth.is_refreshing()


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
