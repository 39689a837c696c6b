"""NiceGUI pages in a real browser: live updates between windows, guards that wait for the browser, closed tabs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import BrowserContext, Page, sync_playwright

from tests.browser.browser import launch
from tests.scenarios.oidc_issuer import OidcIssuer
from tests.scenarios.server_process import APP, ROOT, ServerProcess, free_port

PATIENCE_S = 60
PATIENCE_MS = PATIENCE_S * 1000


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


@pytest.fixture(scope="module", params=["", "/app"], ids=["alone", "mounted"])
def site(
    server: ServerProcess, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[str]:
    """The address of the NiceGUI application, which runs by itself or below a path of another."""
    mounted = [request.param] if request.param else []
    port = free_port()
    output = tmp_path_factory.mktemp("site") / "output.txt"
    with output.open("w") as log:
        process = subprocess.Popen(
            [sys.executable, str(ROOT / "tests" / "scenarios" / "nicegui_pages.py"), server.url, str(port), *mounted],
            cwd=output.parent,
            # NiceGUI behaves differently where it believes itself under test.
            env={name: value for name, value in os.environ.items() if not name.startswith(("NICEGUI", "PYTEST"))}
            | {"PYTHONUNBUFFERED": "1"},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        until(lambda: re.search(r"ready to go|Uvicorn running", output.read_text()) is not None, output)
        yield f"http://127.0.0.1:{port}{request.param}"
    finally:
        process.terminate()
        process.wait(PATIENCE_S)
    assert "Traceback" not in output.read_text()


@pytest.fixture(scope="module")
def profile() -> Iterator[BrowserContext]:
    with sync_playwright() as playwright:
        browser = launch(playwright)
        try:
            yield browser.new_context()
        finally:
            browser.close()


def until(predicate: Callable[[], bool], log: Path | None = None) -> None:
    end = time.monotonic() + PATIENCE_S
    while not predicate():
        assert time.monotonic() < end, "" if log is None else log.read_text()
        time.sleep(0.05)


def sees(page: Page, text: str) -> None:
    page.get_by_text(text).first.wait_for(timeout=PATIENCE_MS)


def counted(server: ServerProcess) -> tuple[int, int]:
    text = httpx.get(f"{server.url}/metrics", timeout=PATIENCE_S, trust_env=False).text
    counters = dict(re.findall(r"^(parabola_\w+) (\d+)$", text, re.MULTILINE))
    return int(counters["parabola_sync_connections"]), int(counters["parabola_sync_queries"])


def test_two_windows_move_together_and_leave_nothing_behind(
    server: ServerProcess, site: str, profile: BrowserContext, room: str
) -> None:
    windows = [profile.new_page(), profile.new_page()]
    for window in windows:
        window.goto(f"{site}/chat?room={room}")
        window.get_by_role("button", name="Say").wait_for(timeout=PATIENCE_MS)
    windows[0].get_by_role("button", name="Say").click()
    for window in windows:
        sees(window, "said: hi")
    until(lambda: counted(server) == (2, 2))
    for window in windows:
        window.close()
    until(lambda: counted(server) == (0, 0))


def test_a_stranger_lands_on_login_and_returns_to_the_page_that_was_wanted(
    site: str, profile: BrowserContext, issuer: OidcIssuer
) -> None:
    page = profile.new_page()
    page.goto(f"{site}/secret?stage=3")
    sees(page, "Please sign in")
    assert page.url == f"{site}/login?return_url=/secret%3Fstage%3D3"
    page.evaluate("token => localStorage.setItem('token', token)", issuer.token("alice"))
    page.reload()
    sees(page, "stage 3 of alice")
    assert page.url == f"{site}/secret?stage=3"
    page.close()
