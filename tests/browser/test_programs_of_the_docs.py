"""Programs that pages of the documentation show, with their pages in a real browser."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, expect

from tests.browser.browser import PATIENCE_MS, new_profile
from tests.browser.identity_process import start_identity
from tests.docs.pages import DOCS, code_blocks, write_files
from tests.scenarios.server_process import ServerProcess, free_port

ADDRESS = "http://127.0.0.1:3210"


@contextmanager
def running(program: Path, server: str) -> Iterator[str]:
    """A NiceGUI program, told where the server is and where to listen; its address."""
    port = free_port()
    text = program.read_text(encoding="utf-8")
    assert ADDRESS in text
    assert "port=8080" in text
    program.write_text(text.replace(ADDRESS, server).replace("port=8080", f"port={port}"), encoding="utf-8")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    process = subprocess.Popen(
        [sys.executable, "-u", program.name], cwd=program.parent, env=environment, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        for line in process.stdout:
            if "NiceGUI ready" in line:
                break
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.communicate()


def type_into(page: Page, text: str) -> None:
    field = page.get_by_label("What do we need?")
    field.fill(text)
    # NiceGUI sends what is typed before it sends the key.
    field.press("Enter")


def test_the_live_page_of_the_tutorial(browser: Browser, tmp_path: Path) -> None:
    page = DOCS / "tutorial" / "live-page.md"
    write_files(page, tmp_path)
    server = ServerProcess(tmp_path, tmp_path / "data")
    context, seen = new_profile(browser)
    try:
        server.start()
        with running(tmp_path / "page.py", server.url) as address:
            one, other = context.new_page(), context.new_page()
            for window in (one, other):
                window.goto(address)
                window.get_by_label("What do we need?").wait_for()
            type_into(one, "Milk")
            expect(other.get_by_role("checkbox", name="Milk")).to_be_visible(timeout=PATIENCE_MS)
            type_into(other, "Bread")
            expect(one.get_by_role("checkbox", name="Bread")).to_be_visible(timeout=PATIENCE_MS)
            other.get_by_role("checkbox", name="Milk").click()
            expect(one.get_by_role("checkbox", name="Milk")).to_be_checked(timeout=PATIENCE_MS)

            type_into(one, "")
            expect(one.locator(".q-notification")).to_contain_text(
                "Length must be between 1 and 60", timeout=PATIENCE_MS
            )

            (change,) = [block.text for block in code_blocks(page) if "return sorted(" in block.text]
            items = tmp_path / "backend" / "items.py"
            (old,) = [line for line in items.read_text().splitlines(keepends=True) if ".take(100)" in line]
            items.write_text(items.read_text().replace(old, change))
            boxes = one.get_by_role("checkbox")
            expect(boxes.first).to_have_accessible_name("Bread", timeout=PATIENCE_MS)
    finally:
        context.close()
        server.close()
    assert seen.foreign == []


def test_signing_in_to_a_page_from_python(browser: Browser, tmp_path: Path) -> None:
    write_files(DOCS / "how-to" / "sign-in-in-nicegui-pages.md", tmp_path / "app")
    program = tmp_path / "app" / "pages.py"
    with start_identity(tmp_path / "identity", functions=tmp_path / "app" / "backend") as server:
        context, seen = new_profile(browser)
        with running(program, server.url) as address:
            page, other = context.new_page(), context.new_page()
            page.goto(address)
            page.get_by_label("E-mail").fill("docs@example.org")
            page.get_by_label("Password").fill("short")
            page.get_by_role("button", name="Sign up").click()
            expect(page.locator(".q-notification")).to_contain_text("8 characters", timeout=PATIENCE_MS)
            page.get_by_label("Password").fill("correct horse battery staple")
            page.get_by_role("button", name="Sign up").click()
            expect(page.get_by_text("Hello, docs@example.org")).to_be_visible(timeout=PATIENCE_MS)
            other.goto(address)
            expect(other.get_by_text("Hello, docs@example.org")).to_be_visible(timeout=PATIENCE_MS)
            page.get_by_role("button", name="Sign out").click()
            expect(other.get_by_label("Password")).to_be_visible(timeout=PATIENCE_MS)
        context.close()
    assert seen.foreign == []
