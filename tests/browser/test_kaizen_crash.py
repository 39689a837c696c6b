"""The server dies while somebody plays: the page says so, nothing is lost, and what was under way happens once."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.browser import PATIENCE_MS, new_profile
from tests.browser.kaizen_players import Player, game_with, settled

FLAT = "gold_strength_flat"


@pytest.fixture
def player(tmp_path: Path) -> Iterator[Player]:
    with game_with(tmp_path, {"mortal": {"gold": 10_000}}) as (_, players):
        yield players["mortal"]


@pytest.fixture
def page(browser: Browser, player: Player) -> Iterator[Page]:
    context, seen = new_profile(browser)
    page = context.new_page()
    player.sign_in(page, at="/character")
    expect(page.get_by_test_id(f"level-{FLAT}")).to_have_text("0 / 500", timeout=PATIENCE_MS)
    yield page
    context.close()
    assert seen.foreign == []


def test_the_page_says_so_and_play_goes_on_when_the_server_is_back(page: Page, player: Player) -> None:
    player.call("mutation", "combat:setFighting", {"fighting": True})
    page.get_by_test_id(f"buy-{FLAT}").click()
    settled(page)
    player.game.kill()
    banner = page.get_by_test_id("connection-banner")
    expect(banner).to_contain_text("Connection lost", timeout=PATIENCE_MS)
    expect(page.locator("#popup")).to_have_css("display", "none")  # NiceGUI would say the same once more
    player.game.start()
    expect(banner).to_be_hidden(timeout=2 * PATIENCE_MS)
    expect(page.get_by_test_id(f"level-{FLAT}")).to_have_text("1 / 500", timeout=PATIENCE_MS)
    assert player.state()["run"]["fighting"], "nothing that was acknowledged is lost"
    page.get_by_test_id(f"buy-{FLAT}").click()
    expect(page.get_by_test_id(f"level-{FLAT}")).to_have_text("2 / 500", timeout=PATIENCE_MS)


def test_a_fight_that_is_begun_without_a_server_begins_when_it_is_back(page: Page, player: Player) -> None:
    page.goto(f"{player.game.url}/campaign")
    toggle = page.get_by_test_id("fight-toggle")
    expect(toggle).to_have_text("Begin Fight", timeout=PATIENCE_MS)
    place = toggle.bounding_box()
    player.game.kill()
    expect(page.get_by_test_id("connection-banner")).to_contain_text("Connection lost", timeout=PATIENCE_MS)
    assert toggle.bounding_box() == place, "nothing moves under the finger"
    toggle.click()
    expect(toggle).to_have_attribute("data-waiting", "")
    player.game.start()
    expect(toggle).to_have_text("Stop Fight", timeout=2 * PATIENCE_MS)
    settled(page)
    assert player.state()["run"]["fighting"]


@pytest.mark.parametrize("freeze", [True, False], ids=["before-it-arrives", "at-some-moment"])
def test_a_purchase_under_way_happens_exactly_once(page: Page, player: Player, freeze: bool) -> None:
    """Frozen, the server cannot have seen the click before it dies; otherwise it may have done it already."""
    if freeze:
        os.kill(player.game.pid, signal.SIGSTOP)
    page.get_by_test_id(f"buy-{FLAT}").click()
    if freeze:
        assert page.get_by_test_id(f"level-{FLAT}").inner_text() == "1 / 500", "shown at once, with nobody to ask"
    player.game.kill()
    player.game.start()
    expect(page.get_by_test_id(f"level-{FLAT}")).to_have_text("1 / 500", timeout=2 * PATIENCE_MS)
    settled(page)
    state = player.state()
    assert (state["goldLevels"][FLAT], state["character"]["gold"]) == (1, 9_999)
    # Loaded anew with nothing left to tell, the page buys nothing again.
    page.reload()
    expect(page.get_by_test_id(f"level-{FLAT}")).to_have_text("1 / 500", timeout=PATIENCE_MS)
    assert player.state()["goldLevels"][FLAT] == 1
