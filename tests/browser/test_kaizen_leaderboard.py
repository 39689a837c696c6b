"""A leaderboard longer than what is shown of it at first."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, expect

from tests.browser.browser import PATIENCE_MS, new_profile
from tests.browser.kaizen_players import game_with

HEROES: dict[str, dict[str, Any]] = {f"hero{number:02}": {} for number in range(1, 14)}


def test_the_rest_of_the_leaderboard_is_a_click_away(browser: Browser, tmp_path: Path) -> None:
    with game_with(tmp_path, HEROES) as (_, players):
        context, _ = new_profile(browser)
        page = context.new_page()
        players["hero01"].sign_in(page, at="/leaderboard")
        rows = page.get_by_test_id("leaderboard-row")
        expect(rows).to_have_count(10, timeout=PATIENCE_MS)
        page.get_by_test_id("load-more").click()
        expect(rows).to_have_count(13, timeout=PATIENCE_MS)
        assert page.locator(".k-rank").all_inner_texts() == [str(rank) for rank in range(1, 14)]
        assert {name.casefold() for name in page.locator(".k-hero-name").all_inner_texts()} == set(HEROES)
        expect(page.get_by_text("That is everybody.")).to_be_visible()
        expect(page.get_by_test_id("load-more")).to_be_hidden()
        context.close()
