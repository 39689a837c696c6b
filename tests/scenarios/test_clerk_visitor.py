"""Signing in from Python at the identity server: what pages do for a visitor whose browser runs nothing of Clerk's."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import httpx
import pytest

from parabola.client import ClientError
from parabola.ui.nicegui import FrontendApi, IdentityUnavailable, SignInRefused, Visitor, VisitorAuth, frontend_host
from tests.browser.identity_process import IdentityProcess, start_identity
from tests.scenarios.server_process import free_port

PASSWORD = "correct horse battery staple"


@pytest.fixture(scope="module")
def identity(tmp_path_factory: pytest.TempPathFactory) -> Iterator[IdentityProcess]:
    with start_identity(tmp_path_factory.mktemp("data")) as running:
        yield running


@asynccontextmanager
async def visiting(identity: IdentityProcess, storage: dict[str, Any] | None = None) -> AsyncIterator[Visitor]:
    api = FrontendApi(f"{identity.url}/__clerk")
    try:
        yield Visitor(api, storage if storage is not None else {}, None)
    finally:
        await api.aclose()


def claims(token: str | None) -> dict[str, Any]:
    assert token is not None
    payload = token.split(".")[1]
    return dict(json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))))


async def test_who_signs_up_is_signed_in_and_has_tokens_that_the_backend_accepts(identity: IdentityProcess) -> None:
    async with visiting(identity) as visitor:
        auth = VisitorAuth(visitor)
        await visitor.load()
        assert (auth.is_loaded(), auth.is_signed_in(), await auth.get_token(template="convex")) == (True, False, None)
        assert await visitor.sign_up("new@example.org", PASSWORD, first_name="Ada") == "complete"
        assert auth.is_signed_in()
        token = await auth.get_token(template="convex")
    assert (claims(token)["aud"], claims(token)["name"]) == ("convex", "Ada")
    assert identity.call("mutation", "users:store", Authorization=f"Bearer {token}")["status"] == "success"


class WatchedTransport(httpx.AsyncHTTPTransport):
    """Counts the requests that went to their end and those that were broken off."""

    ended = broken_off = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        try:
            response = await super().handle_async_request(request)
        except asyncio.CancelledError:
            self.broken_off += 1
            raise
        self.ended += 1
        return response


async def test_a_request_goes_to_its_end_though_the_visitor_has_left(identity: IdentityProcess) -> None:
    transport = WatchedTransport(trust_env=False)
    api = FrontendApi(f"{identity.url}/__clerk", transport=transport)
    for steps in range(20):
        leaving = asyncio.ensure_future(api.ask("GET", "/client"))
        for _ in range(steps):
            await asyncio.sleep(0)
        leaving.cancel()
        with suppress(asyncio.CancelledError):
            await leaving
    await api.ask("GET", "/client")
    while transport.ended < 20:
        await asyncio.sleep(0.01)
    assert transport.broken_off == 0
    await api.aclose()


async def test_a_tab_that_closes_while_it_loads_does_not_stop_the_other(identity: IdentityProcess) -> None:
    async with visiting(identity) as visitor:
        closing = asyncio.ensure_future(_wait_for(visitor.load()))
        await asyncio.sleep(0)
        closing.cancel()
        await visitor.load()
        assert visitor.is_loaded()


async def _wait_for(loading: asyncio.Future[None]) -> None:
    await loading


async def test_a_token_is_asked_for_once_while_it_is_fresh(identity: IdentityProcess) -> None:
    async with visiting(identity) as visitor:
        await visitor.sign_up("fresh@example.org", PASSWORD)
        first = await visitor.get_token(template="convex")
        assert await visitor.get_token(template="convex") == first
        assert await visitor.get_token(template="convex", skip_cache=True) != first


async def test_what_is_stored_of_a_browser_brings_its_user_back(identity: IdentityProcess) -> None:
    storage: dict[str, Any] = {}
    async with visiting(identity, storage) as visitor:
        await visitor.sign_up("back@example.org", PASSWORD)
        user = visitor.user()
    async with visiting(identity, storage) as visitor:
        await visitor.load()
        assert user is not None
        assert (visitor.user() or {})["id"] == user["id"]
        await visitor.sign_out()
        assert visitor.user() is None
    async with visiting(identity, storage) as visitor:
        await visitor.load()
        assert (visitor.is_loaded(), visitor.user()) == (True, None)


async def test_visitors_who_share_connections_stay_apart(identity: IdentityProcess) -> None:
    async with visiting(identity) as one:
        two = Visitor(one._api, {}, None)
        await one.sign_up("one@example.org", PASSWORD)
        await two.load()
        assert two.user() is None
        await two.sign_up("two@example.org", PASSWORD)
        await one.load()
        assert claims(await one.get_token(template="convex"))["email"] == "one@example.org"
        assert claims(await two.get_token(template="convex"))["email"] == "two@example.org"


@pytest.mark.parametrize(
    ("email", "password", "field", "code"),
    [
        ("refused@example.org", "not the password", "password", "form_password_incorrect"),
        ("nobody@example.org", PASSWORD, "identifier", "form_identifier_not_found"),
    ],
)
async def test_a_refusal_names_the_input_it_is_about(
    identity: IdentityProcess, email: str, password: str, field: str, code: str
) -> None:
    async with visiting(identity) as owner:
        # The case before this one may have made the account.
        with suppress(SignInRefused):
            await owner.sign_up("refused@example.org", PASSWORD)
    async with visiting(identity) as visitor:
        with pytest.raises(SignInRefused) as refused:
            await visitor.sign_in(email, password)
    assert (refused.value.field, refused.value.code) == (field, code)
    assert str(refused.value)


async def test_a_code_from_the_inbox_ends_a_sign_up_where_addresses_are_verified(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    with start_identity(tmp_path_factory.mktemp("codes"), settings="verify_email_at_sign_up = true") as identity:
        async with visiting(identity) as visitor:
            assert await visitor.sign_up("code@example.org", PASSWORD) == "needs_code"
            with pytest.raises(SignInRefused) as refused:
                await visitor.verify_sign_up("000000")
            assert refused.value.field == "code"
            assert visitor.user() is None
            await visitor.verify_sign_up(identity.code_for("code@example.org"))
            assert visitor.user() is not None


async def test_a_session_that_ended_elsewhere_ends_here_with_its_next_token(identity: IdentityProcess) -> None:
    storage: dict[str, Any] = {}
    async with visiting(identity, storage) as one, visiting(identity, storage) as other:
        await one.sign_up("elsewhere@example.org", PASSWORD)
        await other.load()
        await other.sign_out()
        assert await one.get_token(template="convex", skip_cache=True) is None
        assert one.user() is None


async def test_a_server_that_is_not_there_is_named() -> None:
    api = FrontendApi(f"http://127.0.0.1:{free_port()}/__clerk")
    with pytest.raises(IdentityUnavailable, match="does not answer"):
        await api.ask("GET", "/client")
    await api.aclose()


def test_a_publishable_key_names_the_host_of_clerk_and_anything_else_is_refused() -> None:
    assert frontend_host("pk_test_Y2xlcmsuZXhhbXBsZS5jb20k") == "clerk.example.com"
    for wrong in ("", "sk_test_abc", "pk_test_", "pk_test_Y2xlcms", "pk_live_%%%"):
        with pytest.raises(ClientError, match="no publishable key"):
            frontend_host(wrong)
