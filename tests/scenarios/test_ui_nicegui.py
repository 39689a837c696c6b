"""Pages in NiceGUI over a real server: two visitors, guards with return address, blocks, and nothing left behind."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from nicegui import context, ui
from nicegui.testing import User, user_simulation
from reaktiv import Signal

from parabola.client import ClientError
from parabola.ui import inject_auth, inject_mutation, inject_query, return_address
from parabola.ui.nicegui import (
    AuthGuard,
    UnauthGuard,
    auth_guard,
    auth_loading,
    authenticated,
    effect,
    guards,
    live,
    page_scope,
    unauth_guard,
    unauthenticated,
    use_parabola,
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


class Session:
    """One visitor's session, which all of their tabs share, as a cookie would make it."""

    def __init__(self, issuer: OidcIssuer, user: str | None = None, *, is_loaded: bool = True) -> None:
        self._issuer = issuer
        self.user = Signal(user)
        self.is_loaded = Signal(is_loaded)

    def is_signed_in(self) -> bool:
        return self.user() is not None

    async def get_token(self, *, template: str | None = None, skip_cache: bool = False) -> str | None:
        user = self.user()
        return None if user is None else self._issuer.token(user)


@asynccontextmanager
async def application(server: ServerProcess, session: Session | None = None) -> AsyncIterator[User]:
    async with user_simulation(lambda: None) as user:
        use_parabola(server.url, auth=None if session is None else lambda: session)
        yield user


async def soon(predicate: Callable[[], Any] | Callable[[], Awaitable[Any]]) -> None:
    end = time.monotonic() + PATIENCE_S
    while True:
        answer = predicate()
        if await answer if isinstance(answer, Awaitable) else answer:
            return
        assert time.monotonic() < end
        await asyncio.sleep(0.01)


async def sees(user: User, text: str) -> None:
    await user.should_see(text, retries=200)


def tab(user: User) -> User:
    return User(user.http_client)


async def counted(server: ServerProcess) -> tuple[int, int]:
    async with httpx.AsyncClient() as client:
        text = (await client.get(f"{server.url}/metrics")).text
    counters = dict(re.findall(r"^(parabola_\w+) (\d+)$", text, re.MULTILINE))
    return int(counters["parabola_sync_connections"]), int(counters["parabola_sync_queries"])


def define_chat(room: str) -> None:
    @ui.page("/chat")
    def chat() -> None:
        bodies = inject_query("messages:bodies", {"channel": room})
        send = inject_mutation("messages:send")
        count = ui.label()
        effect(lambda: count.set_text(f"{len(bodies.data() or [])} messages"))
        live(lambda: [ui.label(f"said: {body}") for body in bodies.data() or []])
        ui.button("Say", on_click=lambda: send.mutate({"channel": room, "author": "me", "body": "hi"}))


async def test_two_visitors_see_what_either_does_and_leave_nothing_behind(server: ServerProcess, room: str) -> None:
    async with application(server) as first:
        define_chat(room)
        second = tab(first)
        pages = [await first.open("/chat"), await second.open("/chat")]
        await sees(first, "0 messages")
        await sees(second, "0 messages")
        assert await counted(server) == (2, 2)
        first.find("Say").click()
        for user in (first, second):
            await sees(user, "1 messages")
            await sees(user, "said: hi")
        for page in pages:
            page.delete()

        async def is_gone() -> bool:
            return await counted(server) == (0, 0)

        await soon(is_gone)


async def test_an_event_handler_finds_the_scope_of_its_page(server: ServerProcess, room: str) -> None:
    async with application(server) as user:

        @ui.page("/late")
        def late() -> None:
            def ask() -> None:
                bodies = inject_query("messages:bodies", {"channel": room})
                with box:
                    label = ui.label()
                    effect(lambda: label.set_text(f"asked: {bodies.data()}"))

            box = ui.column()
            ui.button("Ask", on_click=ask)

        await user.open("/late")
        user.find("Ask").click()
        await sees(user, "asked: []")


async def test_without_an_application_the_error_says_what_to_call() -> None:
    with pytest.raises(ClientError, match="Call use_parabola"):
        page_scope()


async def test_an_application_has_one_server(server: ServerProcess) -> None:
    async with application(server):
        with pytest.raises(ClientError, match="called twice"):
            use_parabola(server.url)


def define_guarded_pages() -> None:
    @ui.page("/secret")
    @auth_guard(login_route="/login")
    def secret(stage: int = 0) -> None:
        subject = inject_query("identity:subject")
        label = ui.label()
        effect(lambda: label.set_text(f"stage {stage} of {subject.data()}"))

    @ui.page("/login", response_timeout=PATIENCE_S)
    @unauth_guard(home_route="/secret")
    async def login() -> None:
        ui.label("Please sign in")
        ui.label(
            f"then: {return_address(str(context.client.request.url.path) + '?' + context.client.request.url.query)}"
        )


async def test_a_stranger_signs_in_and_returns_to_the_page_that_was_wanted(
    server: ServerProcess, issuer: OidcIssuer
) -> None:
    session = Session(issuer)
    async with application(server, session) as user:
        define_guarded_pages()
        await user.open("/secret?stage=3")
        await sees(user, "Please sign in")
        await sees(user, "then: /secret?stage=3")
        session.user.set("alice")
        await sees(user, "stage 3 of alice")


class Navigation:
    """Stands in for `ui.navigate`, of which NiceGUI's simulation has but one for all visitors."""

    def __init__(self) -> None:
        self.left: set[tuple[str, str]] = set()

    def to(self, target: str) -> None:
        self.left.add((context.client.id, target))


async def test_signing_out_in_one_window_guards_the_other(
    server: ServerProcess, issuer: OidcIssuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = Session(issuer, "alice")
    async with application(server, session) as first:
        define_guarded_pages()
        second = tab(first)
        pages = [await user.open("/secret?stage=1") for user in (first, second)]
        for user in (first, second):
            await sees(user, "stage 1 of alice")
        navigation = Navigation()
        monkeypatch.setattr(ui, "navigate", navigation)
        session.user.set(None)
        assert navigation.left == {(page.id, "/login?return_url=/secret%3Fstage%3D1") for page in pages}


@pytest.fixture
def patient_guards(monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards that hold back their answers until they know who the visitor is, however long the server takes for it."""
    monkeypatch.setattr(guards, "MOMENT_S", PATIENCE_S)


@pytest.mark.usefixtures("patient_guards")
async def test_who_is_signed_in_does_not_see_the_login_page(server: ServerProcess, issuer: OidcIssuer) -> None:
    async with application(server, Session(issuer, "alice")) as user:
        define_guarded_pages()
        response = await user.http_client.get("/login?return_url=/secret%3Fstage%3D7")
        assert response.status_code == 307
        assert response.headers["location"] == "/secret?stage=7"
        response = await user.http_client.get("/login?return_url=https://evil.example")
        assert response.headers["location"] == "/secret"


@pytest.mark.usefixtures("patient_guards")
async def test_behind_a_proxy_a_redirect_has_the_prefix_that_the_browser_knows(
    server: ServerProcess, issuer: OidcIssuer
) -> None:
    async with application(server, Session(issuer, "alice")) as user:
        define_guarded_pages()

        response = await user.http_client.get(
            "/login?return_url=/secret%3Fstage%3D7", headers={"X-Forwarded-Prefix": "/tools"}
        )
        assert response.headers["location"] == "/tools/secret?stage=7"


async def test_a_guard_without_parentheses_is_one_with_the_usual_routes(
    server: ServerProcess, issuer: OidcIssuer
) -> None:
    session = Session(issuer)
    async with application(server, session) as user:

        @ui.page("/secret")
        @auth_guard
        def secret(stage: int = 0) -> None:
            ui.label(f"stage {stage}")

        @ui.page("/login")
        @unauth_guard
        async def login() -> None:
            ui.label("Please sign in")

        await user.open("/secret?stage=3")
        await sees(user, "Please sign in")
        session.user.set("alice")
        await sees(user, "stage 3")


@pytest.mark.parametrize("guard", [AuthGuard, AuthGuard("/login"), UnauthGuard, unauth_guard(home_route="/home")])
async def test_a_guard_above_the_page_would_guard_nothing_and_is_refused(server: ServerProcess, guard: Any) -> None:
    async with application(server):

        @ui.page("/secret")
        def secret() -> None:
            ui.label("secret")

        with pytest.raises(ClientError, match="where it guards nothing"):
            guard(secret)


@pytest.mark.parametrize(("name", "expected"), [("alice", "stage 2 of alice"), (None, "Please sign in")])
async def test_while_auth_is_loading_the_page_waits_and_says_so(
    server: ServerProcess, issuer: OidcIssuer, name: str | None, expected: str
) -> None:
    session = Session(issuer, is_loaded=False)
    async with application(server, session) as user:
        define_guarded_pages()
        await user.open("/secret?stage=2")
        await user.should_see(kind=ui.spinner)
        session.user.set(name)
        session.is_loaded.set(True)
        await sees(user, expected)


async def test_a_visitor_who_leaves_while_auth_is_loading_leaves_no_task_behind(
    server: ServerProcess, issuer: OidcIssuer
) -> None:
    async with application(server, Session(issuer, is_loaded=False)) as user:
        define_guarded_pages()
        page = await user.open("/secret")
        await user.should_see(kind=ui.spinner)

        def waiting() -> list[str]:
            return [task.get_name() for task in asyncio.all_tasks() if "result of page" in task.get_name()]

        assert waiting() != []
        page.delete()
        await soon(lambda: waiting() == [])


async def test_blocks_show_what_fits_and_subscribe_to_nothing_else(server: ServerProcess, issuer: OidcIssuer) -> None:
    session = Session(issuer, is_loaded=False)
    async with application(server, session) as user:

        @ui.page("/")
        def home() -> None:
            auth = inject_auth()

            @authenticated
            async def account() -> None:
                subject = inject_query("identity:subject")
                label = ui.label()
                effect(lambda: label.set_text(f"Hello {subject.data()}"))

            unauthenticated(lambda: ui.label("Hello stranger"))
            auth_loading(lambda: ui.label("One moment"))
            effect(lambda: auth.status())

        page = await user.open("/")
        await sees(user, "One moment")
        session.is_loaded.set(True)
        await sees(user, "Hello stranger")
        await user.should_not_see("One moment")
        assert (await counted(server))[1] == 0
        session.user.set("alice")
        await sees(user, "Hello alice")
        await user.should_not_see("Hello stranger")
        session.user.set(None)
        await sees(user, "Hello stranger")
        await user.should_not_see("Hello alice")

        async def is_unasked() -> bool:
            return (await counted(server))[1] == 0

        await soon(is_unasked)
        page.delete()
