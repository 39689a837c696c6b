"""The browser and the page server themselves: a page renders, and nothing leaves this machine unseen."""

from __future__ import annotations

import json

from playwright.sync_api import Browser

from tests.browser.browser import new_profile
from tests.browser.pages import HERE, PageServer


def test_chromium_renders_a_page(browser: Browser) -> None:
    with PageServer() as pages:
        context, seen = new_profile(browser)
        page = context.new_page()
        page.goto(pages.url())
        assert page.title() == "A page with clerk-js"
        assert page.locator("#sign-in").inner_text() == "Sign in"
        assert page.evaluate("typeof Clerk") == "undefined"
        context.close()
    assert seen.of("/app")


def test_a_request_to_another_machine_is_refused_and_remembered(browser: Browser) -> None:
    with PageServer() as pages:
        context, seen = new_profile(browser)
        page = context.new_page()
        page.goto(pages.url())
        assert page.evaluate(
            "fetch('https://clerk.example.com/v1/client').then(() => 'answered', () => 'refused')"
        ) == ("refused")
        page.evaluate("new Promise(done => { new WebSocket('wss://sync.example.com/').onclose = done })")
        context.close()
    assert seen.foreign == ["https://clerk.example.com/v1/client", "wss://sync.example.com/"]


def test_both_majors_of_clerk_js_load_as_they_come_from_npm(browser: Browser) -> None:
    with PageServer() as pages:
        context, _ = new_profile(browser)
        page = context.new_page()
        page.goto(pages.url())
        versions = page.evaluate(
            "Promise.all([5, 6].map(async (major) => (await import(`/clerk-${major}/clerk.mjs`)).Clerk.version))"
        )
        context.close()
    assert versions == ["5.128.0", "6.40.0"]


def test_the_lock_file_pins_what_is_downloaded_and_names_no_registry() -> None:
    text = (HERE / "package-lock.json").read_text(encoding="utf-8")
    assert "://" not in text
    downloaded = [entry for name, entry in json.loads(text)["packages"].items() if name and "resolved" not in entry]
    versions = sorted(entry["version"] for entry in downloaded if "integrity" in entry)
    assert versions == ["5.128.0", "6.40.0"]
