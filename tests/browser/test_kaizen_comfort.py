"""Playing in comfort: on any screen, at any speed, under any name, with two windows open."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from apps.kaizen.web.theme import STATIC
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.browser import PATIENCE_MS, new_profile
from tests.browser.kaizen_players import Player, game_with, number, settled
from tests.browser.kaizen_process import PASSWORD

HEROES: dict[str, dict[str, Any]] = {
    "first": {},
    "last": {"currentStage": 1500},
    "swift": {"currentStage": 30, "levels": {"gold_strength_stronger": 5}},
    "double": {"currentStage": 21},
    "hasty": {"gold": 100_000},
}
PHONE = {"width": 390, "height": 844}
LONG_NAME = "W" * 120

Open = Callable[..., Page]


@pytest.fixture(scope="module")
def players(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Player]]:
    with game_with(tmp_path_factory.mktemp("kaizen"), HEROES) as (game, players):
        yield players
        assert "Traceback" not in game.log


@pytest.fixture
def new_window(browser: Browser) -> Iterator[Open]:
    opened: list[BrowserContext] = []

    def open_window(**options: Any) -> Page:
        context, _ = new_profile(browser, **options)
        opened.append(context)
        return context.new_page()

    yield open_window
    for context in opened:
        context.close()


def test_the_shown_rates_are_those_of_the_swift_skill_while_it_lasts(
    players: dict[str, Player], new_window: Open
) -> None:
    page = new_window()
    players["swift"].sign_in(page, at="/campaign")
    rate, swift = page.get_by_test_id("attacks-per-second"), page.get_by_test_id("swift")
    expect(rate).to_have_text("1", timeout=PATIENCE_MS)
    per_second = number(page, "dps")
    # Resting or fighting: the clock of a hero who rests stands still, and the skill's does not.
    for keys in ("s", "fs"):
        for key in keys:
            page.keyboard.press(key)
        expect(rate).to_have_text("2", timeout=PATIENCE_MS)
        expect(swift).to_be_disabled()
        assert number(page, "dps") == 2 * per_second
        expect(rate).to_have_text("1", timeout=PATIENCE_MS)
        expect(swift).to_be_enabled()
        assert number(page, "dps") == per_second


@pytest.mark.parametrize(
    ("hero", "stages"),
    [("first", ["Stage 1", "Stage 2", "Stage 3"]), ("last", ["✓ Stage 1498", "✓ Stage 1499", "Stage 1500"])],
)
def test_a_phone_shows_the_stage_where_the_hero_is(
    players: dict[str, Player], new_window: Open, hero: str, stages: list[str]
) -> None:
    page = new_window(viewport=PHONE)
    players[hero].sign_in(page, at="/campaign")
    expect(page.locator(".k-stages span:visible")).to_have_text(stages, timeout=PATIENCE_MS)


@pytest.mark.parametrize(("width", "height"), [(844, 390), (667, 375)])
def test_a_phone_on_its_side_shows_the_fight_and_its_buttons_at_once(
    players: dict[str, Player], new_window: Open, width: int, height: int
) -> None:
    page = new_window(viewport={"width": width, "height": height})
    players["first"].sign_in(page, at="/campaign")
    page.locator("canvas").wait_for()
    pages = page.locator(".k-nav").bounding_box()
    assert pages is not None
    for part in (page.locator(".k-fight-view"), page.get_by_test_id("fight-toggle"), page.get_by_test_id("prestige")):
        box = part.bounding_box()
        assert box is not None
        assert box["y"] + box["height"] <= pages["y"]


def test_a_long_name_is_cut_short_and_whole_in_its_tooltip(players: dict[str, Player], new_window: Open) -> None:
    some = players["first"]
    email = f"long-{some.email}"
    httpx.post(
        f"{some.game.url}/v1/users",
        headers={"Authorization": f"Bearer {some.secret_key}"},
        json={"email_address": [email], "password": PASSWORD, "first_name": LONG_NAME},
        trust_env=False,
        timeout=60,
    ).raise_for_status()
    page = new_window(viewport=PHONE)
    player = Player(email, some.game, some.secret_key)
    player.sign_in(page)
    expect(page.get_by_test_id("hero-name")).to_have_attribute("title", LONG_NAME, timeout=PATIENCE_MS)
    page.get_by_test_id("account").locator("summary").click()
    names = [page.get_by_test_id("hero-name"), page.get_by_test_id("account-name")]
    page_widths = [page.evaluate("document.documentElement.scrollWidth")]
    heights = [name.bounding_box() for name in names]
    page.goto(f"{some.game.url}/leaderboard")
    name = page.get_by_test_id("leaderboard-row").locator(f'[title="{LONG_NAME}"]')
    name.wait_for()
    page_widths.append(page.evaluate("document.documentElement.scrollWidth"))
    heights.append(name.bounding_box())
    assert page_widths == [390, 390]
    assert all(box is not None and box["height"] < 80 for box in heights)


def test_a_question_about_a_prestige_that_is_done_elsewhere_goes_away(
    players: dict[str, Player], new_window: Open
) -> None:
    one, other = new_window(), new_window()
    for page in (one, other):
        players["double"].sign_in(page, at="/campaign")
        page.get_by_test_id("prestige").click()
        page.get_by_test_id("prestige-confirm").wait_for()
    one.get_by_test_id("prestige-confirm").click()
    expect(other.get_by_test_id("toast")).to_have_text("Prestige already done", timeout=PATIENCE_MS)
    expect(other.get_by_test_id("prestige-confirm")).to_have_count(0)
    settled(one)
    expect(one.get_by_test_id("toast")).to_have_count(0)
    assert players["double"].state()["character"]["prestigeLevel"] == 2


def test_clicks_above_the_pace_wait_for_their_turn_and_a_key_that_is_held_is_one(
    players: dict[str, Player], new_window: Open
) -> None:
    player = players["hasty"]
    page = new_window()
    player.sign_in(page, at="/character")
    level = page.get_by_test_id("level-gold_strength_flat")
    expect(level).to_have_text("0 / 500", timeout=PATIENCE_MS)
    page.get_by_test_id("buy-gold_strength_flat").focus()
    for _ in range(20):
        page.keyboard.down("Enter")
    page.keyboard.up("Enter")
    settled(page)
    assert player.state()["goldLevels"]["gold_strength_flat"] == 1
    page.get_by_test_id("buy-gold_strength_flat").evaluate("(card) => { for (let i = 0; i < 18; i++) card.click(); }")
    settled(page)
    expect(level).to_have_text("19 / 500", timeout=PATIENCE_MS)
    expect(page.get_by_test_id("toast")).to_have_count(0)
    assert player.state()["goldLevels"]["gold_strength_flat"] == 19


PLAY_BLOWS = """async ([source, pace, calm]) => {
    const fight = (await import(`data:text/javascript,${encodeURIComponent(source)}`)).default;
    const scene = { ...fight.methods, floats: [], pace: () => pace, calm: { matches: calm }, center: () => 100 };
    let most = 0, shortest = Infinity, clashes = 0;
    for (let n = 0; n < 60; n++) {
        const time = n * pace;
        scene.floats = scene.floats.filter((f) => time - f.at < f.life);
        const before = scene.floats;
        scene.label({ n, text: "13.4K", crit: n % 2 === 0 }, time, 142, calm, pace < 600);
        scene.goldLabel({ gold: "120", doubled: false }, time);
        for (const gone of before)
            if (!gone.crit && !scene.floats.includes(gone)) shortest = Math.min(shortest, time - gone.at);
        const blows = scene.floats.filter((f) => !f.gold);
        most = Math.max(most, blows.length);
        clashes += blows.length - new Set(blows.map((f) => f.place)).size;
    }
    return [most, clashes, shortest, scene.floats.filter((f) => f.gold).length];
}"""
"""Sixty blows at a pace: the most numbers at once, how many shared a place, how soon one had to go, and gold's."""


@pytest.mark.parametrize(("pace", "calm", "at_most"), [(100, False, 3), (250, False, 3), (100, True, 1)])
def test_the_numbers_of_fast_blows_can_be_read(new_window: Open, pace: int, calm: bool, at_most: int) -> None:
    page = new_window()
    source = (STATIC / "fight.js").read_text(encoding="utf-8")
    most, clashes, shortest, golds = page.evaluate(PLAY_BLOWS, [source, pace, calm])
    assert (most <= at_most, clashes, golds) == (True, 0, 1)
    assert calm or shortest >= 280
