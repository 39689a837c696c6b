"""Headless Chromium under watch: what a page may reach is this machine, and what it reached is known.

Chromium is Debian's, driven by Playwright, which brings no browser of its own here. A request to anywhere else than a
loopback address is refused and remembered; the fixture that made the browser fails its test for it.
"""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page, Playwright, Request, Route, WebSocketRoute

LOCAL = r"(127\.0\.0\.1|localhost|[a-z.]+\.localhost)(:\d+)?(/|$)"
FOREIGN = re.compile(rf"^(https?|wss?)://(?!{LOCAL})")
PATIENCE_MS = 30_000
CHROMIUM_OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # No name leads off this machine, whatever asks for it.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE *.localhost, EXCLUDE 127.0.0.1",
]


def chromium() -> str:
    """The browser's program. `./test` needs it installed: `apt-get install chromium`."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    assert found, "Chromium is missing. Install it: apt-get install chromium"
    return found


def launch(playwright: Playwright) -> Browser:
    return playwright.chromium.launch(executable_path=chromium(), args=CHROMIUM_OPTIONS)


@dataclass
class Seen:
    """What the pages of one profile asked for. `foreign` must stay empty."""

    requests: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)
    console: list[str] = field(default_factory=list)

    def of(self, path: str) -> list[str]:
        """The requests whose address contains `path`."""
        return [request for request in self.requests if path in request]


def new_profile(browser: Browser, **options: Any) -> tuple[BrowserContext, Seen]:
    """A fresh profile (no cookies, no storage) and the record of what it asks for."""
    context = browser.new_context(**options)
    context.set_default_timeout(PATIENCE_MS)
    seen = Seen()

    def note(request: Request) -> None:
        seen.requests.append(f"{request.method} {request.url}")

    def refuse(route: Route) -> None:
        seen.foreign.append(route.request.url)
        route.abort()

    def refuse_socket(route: WebSocketRoute) -> None:
        seen.foreign.append(route.url)
        route.close()

    context.on("request", note)
    context.on("console", lambda message: seen.console.append(f"{message.type}: {message.text}"))
    context.route(FOREIGN, refuse)
    context.route_web_socket(FOREIGN, refuse_socket)
    return context, seen


def answer_of(page: Page, expression: str, argument: Any = None) -> Any:
    """What `expression` comes to in the page. Unlike a bare `evaluate` it gives up, after PATIENCE_MS."""
    return page.evaluate(
        """async ([text, argument, patience]) => {
            const work = (0, eval)(`(${text})`);
            const late = new Promise((_, reject) =>
                setTimeout(() => reject(new Error(`no answer: ${text}`)), patience));
            return await Promise.race([typeof work === "function" ? work(argument) : work, late]);
        }""",
        [expression, argument, PATIENCE_MS],
    )
