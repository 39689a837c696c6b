"""Signing in through the bindings: real tokens, the server's word, guards, and signing out."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator

import pytest
from reaktiv import Effect, Signal

from parabola.ui import (
    Allowed,
    Redirect,
    auth_guard,
    inject_auth,
    inject_query,
    provide_auth,
    provide_parabola,
    skip,
    unauth_guard,
    until,
)
from tests.scenarios.oidc_issuer import OidcIssuer
from tests.scenarios.server_process import APP, ServerProcess

PATIENCE_S = 60


@pytest.fixture(scope="module")
def issuer() -> Iterator[OidcIssuer]:
    with OidcIssuer() as running:
        yield running


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, issuer: OidcIssuer) -> Iterator[ServerProcess]:
    process = ServerProcess(APP, tmp_path_factory.mktemp("data"), environment={"SCENARIO_ISSUER": issuer.url})
    try:
        yield process.start()
    finally:
        process.close()


class Provider:
    """An identity service's client, as an application would wrap it."""

    def __init__(self, issuer: OidcIssuer) -> None:
        self._issuer = issuer
        self.is_loaded = Signal(False)
        self.user: Signal[str | None] = Signal(None)

    def is_signed_in(self) -> bool:
        return self.user() is not None

    async def get_token(self, *, template: str | None = None, skip_cache: bool = False) -> str | None:
        user = self.user()
        return None if user is None else self._issuer.token(user)


async def soon(predicate: Callable[[], bool]) -> None:
    async def wait() -> None:
        await until(predicate)

    await asyncio.wait_for(wait(), PATIENCE_S)


async def test_a_user_signs_in_and_out(server: ServerProcess, issuer: OidcIssuer) -> None:
    provider = Provider(issuer)
    async with provide_parabola(server.url):
        provide_auth(provider)
        auth = inject_auth()
        subject = inject_query("identity:subject", lambda: {} if auth.is_authenticated() else skip)
        seen: list[str] = []
        effect = Effect(lambda: seen.append(auth.status()))
        assert subject.is_skipped()

        provider.user.set("alice")
        provider.is_loaded.set(True)
        await soon(auth.is_authenticated)
        await soon(lambda: subject.data() == "alice")

        provider.user.set(None)
        assert auth.status() == "unauthenticated"
        assert subject.is_skipped()
        provider.user.set("bob")
        await soon(lambda: subject.data() == "bob")
        assert seen == ["loading", "authenticated", "unauthenticated", "loading", "authenticated"]
        effect.dispose()


async def test_a_user_whose_token_the_server_does_not_take_is_a_stranger(
    server: ServerProcess, issuer: OidcIssuer
) -> None:
    class Forger(Provider):
        async def get_token(self, *, template: str | None = None, skip_cache: bool = False) -> str | None:
            return self._issuer.token("alice", iss="https://elsewhere.example")

    provider = Forger(issuer)
    provider.user.set("alice")
    provider.is_loaded.set(True)
    async with provide_parabola(server.url):
        auth = provide_auth(provider)
        await soon(lambda: not auth.is_loading())
        assert auth.status() == "unauthenticated"


async def test_guards_wait_for_the_servers_word(server: ServerProcess, issuer: OidcIssuer) -> None:
    provider = Provider(issuer)
    async with provide_parabola(server.url):
        auth = provide_auth(provider)
        visit = asyncio.create_task(auth_guard("/auth/login").check("/campaign?stage=3"))
        provider.user.set("alice")
        provider.is_loaded.set(True)
        assert await asyncio.wait_for(visit, PATIENCE_S) == Allowed()
        assert await unauth_guard("/dashboard").check("/auth/login?return_url=/campaign") == Redirect("/campaign")
        provider.user.set(None)
        assert await auth_guard("/auth/login").check("/campaign?stage=3", auth) == Redirect(
            "/auth/login?return_url=/campaign%3Fstage%3D3"
        )


def test_a_script_signs_in_with_a_plain_function(server: ServerProcess, issuer: OidcIssuer) -> None:
    class Script:
        def is_loaded(self) -> bool:
            return True

        def is_signed_in(self) -> bool:
            return True

        def get_token(self, *, template: str | None = None, skip_cache: bool = False) -> str:
            return issuer.token("carol")

    with provide_parabola(server.url):
        auth = provide_auth(Script())
        until(auth.is_authenticated).result(PATIENCE_S)
        subject = inject_query("identity:subject")
        until(lambda: subject.data() == "carol").result(PATIENCE_S)
