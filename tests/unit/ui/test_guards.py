"""Guards decide who may see which page, and where the others go."""

from __future__ import annotations

import asyncio

import pytest
from reaktiv import Signal

from parabola.ui import Allowed, Redirect, auth_guard, login_address, provide_auth, return_address, unauth_guard
from tests.unit.ui.memory_link import MemoryLink


def test_a_stranger_is_sent_to_the_login_page_with_the_address_that_was_wanted() -> None:
    decision = auth_guard("/auth/login").decide("unauthenticated", "/items?page=2&q=ü")
    assert decision == Redirect("/auth/login?return_url=/items%3Fpage%3D2%26q%3D%C3%BC")
    assert isinstance(decision, Redirect)
    assert return_address(decision.to) == "/items?page=2&q=ü"


def test_a_user_may_pass_and_while_auth_is_loading_nobody_moves() -> None:
    assert auth_guard().decide("authenticated", "/items") == Allowed()
    assert auth_guard().decide("loading", "/items") is None
    assert unauth_guard().decide("loading", "/login") is None


def test_a_login_route_keeps_its_own_query() -> None:
    assert login_address("/login?theme=dark", "/items") == "/login?theme=dark&return_url=/items"


def test_the_login_page_sends_a_user_back() -> None:
    guard = unauth_guard("/dashboard")
    assert guard.decide("authenticated", "/login?return_url=/items") == Redirect("/items")
    assert guard.decide("authenticated", "/login") == Redirect("/dashboard")
    assert guard.decide("unauthenticated", "/login") == Allowed()


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "/\t/evil.example",
        "javascript:alert(1)",
        "evil",
        "",
    ],
)
def test_nobody_is_sent_out_of_the_site(address: str) -> None:
    assert return_address(f"/login?return_url={address}", "/home") == "/home"
    assert login_address("/login", address) == "/login"


@pytest.mark.usefixtures("provided")
async def test_a_check_waits_while_auth_is_loading(link: MemoryLink) -> None:
    class Provider:
        is_loaded = Signal(False)
        is_signed_in = Signal(False)

        def get_token(self, *, template: str | None = None, skip_cache: bool = False) -> str | None:
            return None

    provider = Provider()
    provide_auth(provider)
    checking = asyncio.create_task(auth_guard().check("/items"))
    await asyncio.sleep(0)
    assert not checking.done()
    provider.is_loaded.set(True)
    assert await checking == Redirect("/login?return_url=/items")
