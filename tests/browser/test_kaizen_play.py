"""Playing Kaizen in the browser: what the specification's list of browser checks asks for (kaizen.md 9.9, item 6)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from apps.kaizen.web.formatting import exact, short
from apps.kaizen.web.theme import STATIC
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.browser import PATIENCE_MS, Seen, new_profile
from tests.browser.kaizen_players import Player, game_with, number, settled

PAGES = ("dashboard", "character", "campaign", "milestones", "leaderboard")
STRONG = {"gold_strength_stronger": 50}
HEROES: dict[str, dict[str, Any]] = {
    "fresh": {},
    "evening": {"gold": 40, "currentStage": 21, "currentWave": 7, "levels": {"gold_strength_stronger": 60}},
    "twins": {"gold": 1000},
    "climber": {"currentStage": 22},
    "watcher": {},
    "hasty": {"gold": 100_000},
    "torn": {"gold": 40},
    "next": {"gold": 40},
    "poor": {"gold": 5},
    "keys": {"gold": 500},
    "sleeper": {"levels": STRONG},
    "reader": {"gold": 12},
}

Open = Callable[..., Page]

NAMELESS_CONTROLS = """() => [...document.querySelectorAll("button, a[href], input, summary")]
    .filter((each) => each.getClientRects().length)
    .filter((each) => !(each.textContent.trim() || each.ariaLabel || each.title
        || each.getAttribute("aria-labelledby") || (each.labels && each.labels.length)))
    .map((each) => each.outerHTML)"""


@pytest.fixture(scope="module")
def players(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Player]]:
    with game_with(tmp_path_factory.mktemp("kaizen"), HEROES) as (game, players):
        yield players
        assert "Traceback" not in game.log
        assert "ConvexError" not in game.log, "what players are refused concerns them alone"


@pytest.fixture
def new_window(browser: Browser) -> Iterator[Open]:
    """A window of a browser of its own. Nothing may leave the machine, and nothing may go wrong in its console."""
    opened: list[tuple[BrowserContext, Seen]] = []
    errors: list[str] = []

    def open_window(**options: Any) -> Page:
        context, seen = new_profile(browser, **options)
        opened.append((context, seen))
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        return page

    yield open_window
    for context, _ in opened:
        context.close()
    assert [address for _, seen in opened for address in seen.foreign] == []
    assert errors == []


def shown(page: Page, testid: str) -> Any:
    return expect(page.get_by_test_id(testid).first)


def test_an_evening_of_play_is_all_there_the_next_day(players: dict[str, Player], new_window: Open) -> None:
    player = players["evening"]
    page = new_window()
    player.sign_in(page, at="/campaign")

    page.get_by_test_id("fight-toggle").click()
    shown(page, "fight-toggle").to_have_text("Stop Fight", timeout=PATIENCE_MS)
    unhurt = page.get_by_test_id("enemy-hp").inner_text()
    shown(page, "enemy-hp").not_to_have_text(unhurt, timeout=PATIENCE_MS)
    page.get_by_test_id("fight-toggle").click()
    shown(page, "fight-toggle").to_have_text("Begin Fight", timeout=PATIENCE_MS)

    page.goto(f"{player.game.url}/character")
    page.get_by_test_id("buy-gold_strength_flat").click()
    shown(page, "level-gold_strength_flat").to_have_text("1 / 500", timeout=PATIENCE_MS)

    page.goto(f"{player.game.url}/campaign")
    page.get_by_test_id("prestige").click()
    page.get_by_test_id("prestige-confirm").click()
    shown(page, "stage").to_have_text("1", timeout=PATIENCE_MS)
    shown(page, "cores").to_have_text("5", timeout=PATIENCE_MS)

    page.get_by_test_id("account").locator("summary").click()
    page.get_by_test_id("sign-out").click()
    page.wait_for_url(re.compile("/auth/login"))
    player.sign_in(page, at="/character")
    shown(page, "level-gold_strength_flat").to_have_text("1 / 500", timeout=PATIENCE_MS)
    assert (number(page, "gold"), number(page, "cores")) == (39, 5)
    state = player.state()
    assert (state["character"]["prestigeLevel"], state["character"]["currentStage"]) == (2, 1)


WATCH_PAIRS = """() => {
    const read = (id) => parseFloat(document.querySelector(`[data-testid="${id}"]`).textContent.replace(/,/g, ""));
    window.pairs = [];
    const note = () => {
        const pair = JSON.stringify([read("gold"), read("level-gold_strength_stronger")]);
        if (window.pairs.at(-1) !== pair) window.pairs.push(pair);
    };
    note();
    new MutationObserver(note).observe(document.body, { subtree: true, childList: true, characterData: true });
}"""


def test_two_windows_of_a_player_move_together(players: dict[str, Player], new_window: Open) -> None:
    player = players["twins"]
    one, other = new_window(), new_window()
    for page in (one, other):
        player.sign_in(page, at="/character")
        shown(page, "level-gold_strength_stronger").to_have_text("0 / 500", timeout=PATIENCE_MS)
        page.evaluate(WATCH_PAIRS)
    one.get_by_test_id("buy-gold_strength_stronger").click()
    shown(other, "level-gold_strength_stronger").to_have_text("1 / 500", timeout=PATIENCE_MS)
    other.get_by_test_id("buy-gold_strength_stronger").click()
    shown(one, "level-gold_strength_stronger").to_have_text("2 / 500", timeout=PATIENCE_MS)
    shown(other, "level-gold_strength_stronger").to_have_text("2 / 500", timeout=PATIENCE_MS)
    # Gold and level belong to one transition: no window ever showed the new one with the old other.
    for page in (one, other):
        assert page.evaluate("window.pairs") == ["[1000,0]", "[990,1]", "[975,2]"]


def test_a_third_players_leaderboard_changes_live(players: dict[str, Player], new_window: Open) -> None:
    climber, watcher = players["climber"], players["watcher"]
    page = new_window()
    watcher.sign_in(page, at="/leaderboard")
    row = page.get_by_test_id("leaderboard-row").filter(has_text="Climber")
    page.evaluate("window.same = true")
    before = row.inner_text() if row.count() else ""
    climber.call("mutation", "game:prestige")
    expect(row).to_contain_text(re.compile(r"10,\d\d\d"), timeout=PATIENCE_MS)
    assert row.inner_text() != before
    assert page.evaluate("window.same"), "the page was not loaded anew"


CLICK = """([upgrade, times]) => {
    const text = (id) => document.querySelector(`[data-testid="${id}"]`).textContent;
    for (let i = 0; i < times; i++) document.querySelector(`[data-testid="buy-${upgrade}"]`).click();
    return [text(`level-${upgrade}`), text(`cost-${upgrade}`), text("gold")];
}"""
"""Clicks, and says what the page shows in the same instant: before anything can have come from anywhere."""


def test_purchases_stack_at_once_and_what_is_refused_is_taken_back(
    players: dict[str, Player], new_window: Open
) -> None:
    """Many clicks in one instant: ten in a second are carried out, some wait for it, and the rest is refused."""
    player = players["hasty"]
    page = new_window()
    player.sign_in(page, at="/character")
    shown(page, "level-gold_strength_flat").to_have_text("0 / 500", timeout=PATIENCE_MS)
    with player.game.frozen():
        assert page.evaluate(CLICK, ["gold_strength_flat", 1]) == ["1 / 500", "Cost: 1 Gold", "99,999"]
        assert page.evaluate(CLICK, ["gold_strength_flat", 4]) == ["5 / 500", "Cost: 3 Gold", "99,993"]
        assert page.evaluate(CLICK, ["gold_strength_stronger", 2]) == ["2 / 500", "Cost: 22 Gold", "99,968"]
        page.evaluate(CLICK, ["gold_strength_flat", 60])
    expect(page.get_by_test_id("toast").filter(has_text="Too many requests")).to_be_visible(timeout=PATIENCE_MS)
    settled(page)
    state = player.state()
    flat, stronger = (int(state["goldLevels"][f"gold_strength_{name}"]) for name in ("flat", "stronger"))
    assert stronger == 2
    assert 20 <= flat < 65
    shown(page, "level-gold_strength_flat").to_have_text(f"{flat} / 500", timeout=PATIENCE_MS)
    shown(page, "level-gold_strength_stronger").to_have_text("2 / 500", timeout=PATIENCE_MS)
    assert number(page, "gold") == state["character"]["gold"]


def test_of_two_purchases_that_cannot_both_be_paid_one_is_taken_back(
    players: dict[str, Player], new_window: Open
) -> None:
    """Each window shows its own at once, and both show what came of them."""
    player = players["torn"]
    one, other = new_window(), new_window()
    for page in (one, other):
        player.sign_in(page, at="/character")
        shown(page, "level-gold_strength_flat").to_have_text("0 / 500", timeout=PATIENCE_MS)
    other.get_by_test_id("amount-10").click()
    shown(other, "cost-gold_strength_flat").to_have_text("Cost: 38 Gold", timeout=PATIENCE_MS)
    with player.game.frozen():
        assert one.evaluate(CLICK, ["gold_strength_stronger", 1]) == ["1 / 500", "Cost: 15 Gold", "30"]
        assert other.evaluate(CLICK, ["gold_strength_flat", 1])[::2] == ["10 / 500", "2"]
        # What is left cannot pay for another ten, so nothing is shown of a second click.
        assert other.evaluate(CLICK, ["gold_strength_flat", 1])[::2] == ["10 / 500", "2"]
    for page in (one, other):
        settled(page)
    state = player.state()
    levels = [int(state["goldLevels"][f"gold_strength_{name}"]) for name in ("flat", "stronger")]
    gold = int(state["character"]["gold"])
    assert (levels, gold) in (([10, 0], 2), ([0, 1], 30))
    for page in (one, other):
        shown(page, "level-gold_strength_flat").to_have_text(f"{levels[0]} / 500", timeout=PATIENCE_MS)
        shown(page, "level-gold_strength_stronger").to_have_text(f"{levels[1]} / 500", timeout=PATIENCE_MS)
        shown(page, "gold").to_have_text(str(gold), timeout=PATIENCE_MS)
    loser = one if levels[0] else other
    expect(loser.get_by_test_id("toast").first).to_contain_text("Not enough gold", timeout=PATIENCE_MS)


def test_the_browser_writes_balances_as_the_pages_program_does(new_window: Open) -> None:
    page = new_window()
    page.set_content('<strong data-purse="gold" data-balance="0" data-whole-below="1000000">0</strong>')
    page.add_script_tag(path=STATIC / "foreseen.js")
    numbers = [0, 7, 999, 1000, 999_999, 10**6, 1_230_000, 45_678_901, 10**9 - 1, 10**12, 1_050 * 10**12, 2**53 - 1]
    found = page.evaluate(
        """(numbers) => numbers.map((number) => {
            const purse = document.querySelector("[data-purse]");
            purse.dataset.balance = number;
            kaizenForesee([]);
            return [purse.textContent, purse.title];
        })""",
        numbers,
    )
    assert found == [[exact(one) if one < 10**6 else short(one), exact(one)] for one in numbers]


def test_a_purchase_that_cannot_be_paid_says_so_and_changes_nothing(
    players: dict[str, Player], new_window: Open
) -> None:
    player = players["poor"]
    page = new_window()
    player.sign_in(page, at="/character")
    page.get_by_test_id("buy-gold_strength_stronger").click()
    expect(page.get_by_test_id("toast").first).to_contain_text("Not enough gold", timeout=PATIENCE_MS)
    shown(page, "level-gold_strength_stronger").to_have_text("0 / 500", timeout=PATIENCE_MS)
    assert number(page, "gold") == 5


def test_what_one_player_clicked_is_not_done_for_the_next_in_the_same_tab(
    players: dict[str, Player], new_window: Open
) -> None:
    first, second = players["torn"], players["next"]
    page = new_window()
    first.sign_in(page, at="/character")
    shown(page, "level-gold_strength_flat").to_be_visible(timeout=PATIENCE_MS)
    with first.game.frozen():
        page.get_by_test_id("buy-gold_strength_flat").click()
        under_way = page.evaluate("sessionStorage.getItem('kaizen.pending')")
    settled(page)
    page.get_by_test_id("account").locator("summary").click()
    page.get_by_test_id("sign-out").click()
    page.wait_for_url(re.compile("/auth/login"))
    # As if the server had not come back before the first player left.
    page.evaluate("(kept) => sessionStorage.setItem('kaizen.pending', kept)", under_way)
    second.sign_in(page, at="/character")
    settled(page)
    shown(page, "level-gold_strength_flat").to_have_text("0 / 500", timeout=PATIENCE_MS)
    assert second.state()["character"]["gold"] == 40


def test_a_purchase_needs_no_mouse(players: dict[str, Player], new_window: Open) -> None:
    player = players["keys"]
    page = new_window()
    player.sign_in(page, at="/character")
    shown(page, "level-gold_strength_flat").to_have_text("0 / 500", timeout=PATIENCE_MS)
    page.keyboard.press("1")
    shown(page, "level-gold_strength_flat").to_have_text("1 / 500", timeout=PATIENCE_MS)
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.dataset.testid") == "buy-gold_strength_stronger":
            break
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline != "none", "the focus is visible"
    page.keyboard.press("Enter")
    shown(page, "level-gold_strength_stronger").to_have_text("1 / 500", timeout=PATIENCE_MS)
    page.keyboard.press("Space")
    shown(page, "level-gold_strength_stronger").to_have_text("2 / 500", timeout=PATIENCE_MS)


def test_who_comes_back_is_told_once_what_happened_meanwhile(players: dict[str, Player], new_window: Open) -> None:
    player = players["sleeper"]
    player.call("mutation", "combat:setFighting", {"fighting": True})
    page = new_window()
    # The rules call an absence what is longer than a minute; there is no shorter way to have one.
    page.wait_for_timeout(62_000)
    player.sign_in(page, at="/milestones")
    shown(page, "away-panel").to_contain_text("While you were away", timeout=PATIENCE_MS)
    assert page.get_by_test_id("away-gold").inner_text().startswith("+")
    # Whoever goes on before having read it is told on the next page.
    page.goto(f"{player.game.url}/character")
    shown(page, "away-panel").to_contain_text("While you were away", timeout=PATIENCE_MS)
    page.get_by_test_id("away-dismiss").click()
    shown(page, "away-panel").to_be_hidden(timeout=PATIENCE_MS)
    page.goto(f"{player.game.url}/dashboard")
    shown(page, "gold").to_be_visible(timeout=PATIENCE_MS)
    shown(page, "away-panel").to_be_hidden()


def test_every_page_fits_a_phone_and_can_be_read_to_somebody(players: dict[str, Player], new_window: Open) -> None:
    page = new_window(viewport={"width": 360, "height": 780})
    player = players["reader"]
    player.sign_in(page)
    for name in PAGES:
        page.goto(f"{player.game.url}/{name}")
        page.locator("main .k-panel:not(.k-skeleton), main .k-card, main canvas").first.wait_for()
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, name
        assert page.evaluate(NAMELESS_CONTROLS) == [], name
        assert (page.get_by_role("main").count(), page.locator("h1").count()) == (1, 1), name
        assert page.evaluate("document.documentElement.lang") == "en", name


def test_light_and_dark_are_remembered(players: dict[str, Player], new_window: Open) -> None:
    page = new_window(color_scheme="light")
    players["reader"].sign_in(page)
    colour = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(colour)
    page.get_by_test_id("theme-toggle").click()
    page.wait_for_function(f"{colour} !== {light!r}")
    dark = page.evaluate(colour)
    page.goto(f"{players['reader'].game.url}/milestones")
    shown(page, "milestone-unlock").to_be_visible(timeout=PATIENCE_MS)
    assert page.evaluate(colour) == dark


COLLECT_TOASTS = """() => {
    window.toasts = [];
    new MutationObserver((changes) => {
        for (const change of changes) for (const node of change.addedNodes)
            if (node.dataset?.testid === "toast") window.toasts.push(node.textContent.trim());
    }).observe(document.querySelector(".k-toasts"), { childList: true });
}"""
"""What was told, also after it has gone from the page."""


def test_milestones_can_be_unlocked_one_a_day(players: dict[str, Player], new_window: Open) -> None:
    page = new_window()
    players["fresh"].sign_in(page, at="/milestones")
    shown(page, "milestone-unlock").to_be_visible(timeout=PATIENCE_MS)
    page.evaluate(COLLECT_TOASTS)
    page.get_by_test_id("milestone-unlock").evaluate("button => { button.click(); button.click(); }")
    expect(page.get_by_test_id("milestone-achieved")).to_have_count(1, timeout=PATIENCE_MS)
    settled(page)
    assert page.evaluate("window.toasts") == ["Milestone reached. Your hero is stronger now."]
    shown(page, "milestone-level").to_have_text("Level 2", timeout=PATIENCE_MS)
    page.get_by_test_id("milestone-unlock").click()
    expect(page.get_by_test_id("toast").filter(has_text="Come back tomorrow")).to_be_visible(timeout=PATIENCE_MS)
    expect(page.get_by_test_id("milestone-achieved")).to_have_count(1)
