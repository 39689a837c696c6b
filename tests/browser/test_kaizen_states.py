"""What the pages show while something is on its way, when there is nothing, and when something went wrong."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.browser import PATIENCE_MS, new_profile
from tests.browser.kaizen_process import APPS, PASSWORD, KaizenProcess

OF_THE_PLAYER = ("dashboard", "character", "campaign", "milestones")
STATE = "async def state(ctx: QueryCtx) -> Any:\n"
BROKEN = STATE + '    raise RuntimeError("broken on purpose")\n'


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The game's sources, to break."""
    folder = tmp_path_factory.mktemp("apps")
    shutil.copytree(
        APPS / "kaizen", folder / "kaizen", ignore=shutil.ignore_patterns(".parabola", "tests", "__pycache__")
    )
    return folder


@pytest.fixture(scope="module")
def game(copy: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[KaizenProcess]:
    path = os.pathsep.join(filter(None, [str(copy), os.environ.get("PYTHONPATH")]))
    process = KaizenProcess(tmp_path_factory.mktemp("data"), environment={"PYTHONPATH": path})
    try:
        yield process.start()
    finally:
        process.close()


@pytest.fixture(scope="module")
def page(browser: Browser, game: KaizenProcess) -> Iterator[Page]:
    """A player who has done nothing yet."""
    context, seen = new_profile(browser)
    page = context.new_page()
    page.goto(f"{game.url}/auth/login")
    page.get_by_test_id("sign-up").click()
    page.get_by_test_id("name").fill("Ada")
    page.get_by_test_id("email").fill("states+clerk_test@example.org")
    page.get_by_test_id("password").fill(PASSWORD)
    page.get_by_test_id("submit").click()
    page.wait_for_url(f"{game.url}/dashboard")
    expect(page.get_by_test_id("gold")).to_have_text("0", timeout=PATIENCE_MS)
    yield page
    context.close()
    assert seen.foreign == []


@contextmanager
def changed(game: KaizenProcess, copy: Path, file: str, old: str, new: str) -> Iterator[None]:
    """A function of the backend is another one, and then as it was again; each time it is saved under the game."""
    module = copy / "kaizen" / "backend" / file
    whole = module.read_text(encoding="utf-8")
    assert old in whole
    seen = game.log_lines()
    module.write_text(whole.replace(old, new), encoding="utf-8")
    try:
        game.wait_for_log("Reloaded", after_line=seen)
        yield
    finally:
        seen = game.log_lines()
        module.write_text(whole, encoding="utf-8")
        game.wait_for_log("Reloaded", after_line=seen)


@pytest.mark.parametrize("name", [*OF_THE_PLAYER, "leaderboard"])
def test_a_page_comes_at_once_and_says_that_it_is_loading(page: Page, game: KaizenProcess, name: str) -> None:
    """What the server answers to a visit, before it has asked the backend for anything."""
    answer = page.request.get(f"{game.url}/{name}")
    assert answer.ok
    assert "auth/login" not in answer.url
    assert "loading" in answer.text()


def test_a_leaderboard_without_anybody_says_so(page: Page, game: KaizenProcess, copy: Path) -> None:
    with changed(game, copy, "leaderboard.py", '"page": page}', '"page": []}'):
        page.goto(f"{game.url}/leaderboard")
        expect(page.get_by_test_id("empty")).to_contain_text("Nobody is here yet", timeout=PATIENCE_MS)
    expect(page.get_by_test_id("leaderboard-row")).to_have_count(1, timeout=PATIENCE_MS)


def test_a_leaderboard_that_cannot_be_had_says_so_and_recovers_by_itself(
    page: Page, game: KaizenProcess, copy: Path
) -> None:
    with changed(
        game, copy, "leaderboard.py", "    rank = 1 +", '    raise RuntimeError("broken on purpose")\n    rank = 1 +'
    ):
        page.goto(f"{game.url}/leaderboard")
        expect(page.get_by_test_id("error")).to_contain_text("could not be loaded", timeout=PATIENCE_MS)
    expect(page.get_by_test_id("leaderboard-row")).to_have_count(1, timeout=PATIENCE_MS)


def test_whoever_has_achieved_nothing_is_told_kindly(page: Page, game: KaizenProcess) -> None:
    page.goto(f"{game.url}/milestones")
    expect(page.get_by_test_id("empty")).to_contain_text("None yet", timeout=PATIENCE_MS)


@pytest.mark.parametrize("name", OF_THE_PLAYER)
def test_a_page_whose_data_cannot_be_had_says_so_and_recovers_by_itself(
    page: Page, game: KaizenProcess, copy: Path, name: str
) -> None:
    page.goto(f"{game.url}/{name}")
    page.locator("main .k-panel:not(.k-skeleton), main .k-card").first.wait_for()
    with changed(game, copy, "game.py", STATE, BROKEN):
        page.reload()
        expect(page.get_by_test_id("error").first).to_contain_text("could not be loaded", timeout=PATIENCE_MS)
    expect(page.get_by_test_id("error")).to_have_count(0, timeout=PATIENCE_MS)
    page.locator("main .k-panel:not(.k-skeleton), main .k-card").first.wait_for()
