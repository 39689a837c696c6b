"""Browsers, servers and pages for the tests of this folder."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.browser.browser import Seen, launch, new_profile
from tests.browser.clerk_page import ClerkPage
from tests.browser.identity_process import IdentityProcess, start_identity
from tests.browser.pages import PageServer

OpenPage = Callable[..., ClerkPage]
PASSWORD = "correct horse battery staple"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    # Not for the whole session: Playwright keeps an event loop running in this thread, in which no test of another
    # module could then run its own.
    with sync_playwright() as playwright:
        found = launch(playwright)
        try:
            yield found
        finally:
            found.close()


@pytest.fixture(scope="module")
def identity(tmp_path_factory: pytest.TempPathFactory) -> Iterator[IdentityProcess]:
    """Kaizen's functions with the identity server beside them, shared by the tests of one module."""
    with start_identity(tmp_path_factory.mktemp("data")) as running:
        yield running


@pytest.fixture(scope="module")
def pages(identity: IdentityProcess) -> Iterator[PageServer]:
    """A web server for pages that hands `/__clerk` on to `identity`."""
    with PageServer(identity.url) as running:
        yield running


@pytest.fixture
def open_page(browser: Browser, identity: IdentityProcess, pages: PageServer) -> Iterator[OpenPage]:
    """Opens a page in a fresh profile: `open_page(proxyUrl="/__clerk")`. Way A unless told otherwise.

    Afterwards no profile may have asked for anything that is not on this machine.
    """
    opened: list[tuple[Any, Seen]] = []

    def open_page(*, host: str = "127.0.0.1", server: IdentityProcess = identity, **query: Any) -> ClerkPage:
        context, seen = new_profile(browser)
        opened.append((context, seen))
        options = {"key": server.publishable_key, "proxyUrl": "/__clerk", **query}
        return ClerkPage(context, seen, pages.url(host=host, **options)).open()

    try:
        yield open_page
    finally:
        for context, _ in opened:
            context.close()
    assert [address for _, seen in opened for address in seen.foreign] == []


@pytest.fixture
def email() -> str:
    """An address that no other test uses."""
    return f"user-{uuid.uuid4().hex[:12]}@example.com"
