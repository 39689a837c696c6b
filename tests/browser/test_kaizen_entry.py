"""Getting into the game: the command, its one address, and signing in without and with Clerk's own component."""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.browser.browser import PATIENCE_MS, Seen, new_profile
from tests.browser.kaizen_players import settled
from tests.browser.kaizen_process import PASSWORD, KaizenProcess
from tests.browser.pages import PACKAGES

LOGIN = re.compile(r"/auth/login(\?|$)")
PLACES = ("dashboard", "character", "campaign", "milestones", "leaderboard")


@pytest.fixture(scope="module")
def kaizen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KaizenProcess]:
    process = KaizenProcess(tmp_path_factory.mktemp("kaizen"))
    try:
        yield process.start()
    finally:
        process.close()


@pytest.fixture
def visitor(browser: Browser) -> Iterator[tuple[Page, Seen]]:
    context, seen = new_profile(browser)
    yield context.new_page(), seen
    context.close()
    assert seen.foreign == []


def sign_up(page: Page, kaizen: KaizenProcess, email: str, *, at: str = "/auth/login") -> None:
    page.goto(f"{kaizen.url}{at}")
    page.get_by_test_id("sign-up").click()
    page.get_by_test_id("name").fill("Ada")
    page.get_by_test_id("email").fill(email)
    page.get_by_test_id("password").fill(PASSWORD)
    page.get_by_test_id("submit").click()


def test_one_address_serves_pages_backend_and_accounts(kaizen: KaizenProcess, visitor: tuple[Page, Seen]) -> None:
    page, _ = visitor
    page.goto(kaizen.url)
    page.wait_for_url(LOGIN)
    assert kaizen.call("query", "game:definitions")["status"] == "success"
    discovery = httpx.get(f"{kaizen.url}/.well-known/openid-configuration", trust_env=False).json()
    assert discovery["issuer"] == kaizen.url


def test_on_a_slow_line_a_page_says_that_it_is_coming(kaizen: KaizenProcess, visitor: tuple[Page, Seen]) -> None:
    page, _ = visitor
    held: list[Route] = []
    is_slow = True

    def hold(route: Route) -> None:
        held.append(route) if is_slow else route.continue_()

    page.route("**/_nicegui/**/*.js", hold)
    page.goto(f"{kaizen.url}/auth/login", wait_until="commit")
    page.locator("#esm-fallback").wait_for(state="attached")
    turning = "getComputedStyle(document.querySelector('#esm-fallback'), '::before').animationName === 'k-turn'"
    page.wait_for_function(turning)
    assert page.evaluate("getComputedStyle(document.querySelector('#esm-fallback')).fontSize") == "0px"
    is_slow = False
    for route in held:
        route.continue_()
    expect(page.get_by_test_id("submit")).to_be_visible(timeout=PATIENCE_MS)


def test_who_signs_up_lands_where_they_wanted_to_go(kaizen: KaizenProcess, visitor: tuple[Page, Seen]) -> None:
    page, _ = visitor
    sign_up(page, kaizen, "lands+clerk_test@example.org", at="/leaderboard")
    page.wait_for_url("**/leaderboard")


def test_a_refusal_is_shown_at_the_form_and_can_be_mended(kaizen: KaizenProcess, visitor: tuple[Page, Seen]) -> None:
    page, _ = visitor
    page.goto(f"{kaizen.url}/auth/login")
    page.get_by_test_id("sign-in").click()
    page.get_by_test_id("email").fill("nobody+clerk_test@example.org")
    page.get_by_test_id("password").fill(PASSWORD)
    page.get_by_test_id("submit").click()
    error = page.get_by_test_id("form-error")
    expect(error).to_contain_text(re.compile("find your account", re.I), timeout=PATIENCE_MS)
    page.get_by_test_id("email").fill("nobody")
    expect(error).to_be_hidden(timeout=PATIENCE_MS)
    page.get_by_test_id("submit").click()
    expect(error).to_contain_text("a whole e-mail address", timeout=PATIENCE_MS)
    page.get_by_test_id("sign-up").click()
    page.get_by_test_id("name").wait_for()
    expect(page.get_by_test_id("email")).to_have_value("nobody")
    expect(error).to_be_hidden()
    sign_up(page, kaizen, "mended+clerk_test@example.org")
    page.wait_for_url("**/dashboard")


@pytest.mark.parametrize("place", PLACES)
def test_a_stranger_is_sent_to_the_login_page(kaizen: KaizenProcess, visitor: tuple[Page, Seen], place: str) -> None:
    page, _ = visitor
    page.goto(f"{kaizen.url}/{place}")
    page.wait_for_url(re.compile(rf"/auth/login\?.*{place}"))
    expect(page.get_by_test_id("submit")).to_be_visible(timeout=PATIENCE_MS)


def test_where_there_is_no_page_a_visitor_is_shown_the_way_back(
    kaizen: KaizenProcess, visitor: tuple[Page, Seen]
) -> None:
    page, _ = visitor
    answer = page.goto(f"{kaizen.url}/no/such/page")
    assert answer is not None
    assert answer.status == 404
    expect(page.get_by_role("heading", level=1)).to_have_text("There is nothing here", timeout=PATIENCE_MS)
    page.get_by_role("link", name="To the dashboard").click()
    page.wait_for_url(re.compile(r"/auth/login\?.*dashboard"))
    picture = httpx.get(f"{kaizen.url}/static/none.png", headers={"Accept": "image/*"}, trust_env=False)
    assert (picture.status_code, "html" in picture.headers["content-type"]) == (404, False)


def test_signing_out_in_one_tab_guards_the_other(kaizen: KaizenProcess, visitor: tuple[Page, Seen]) -> None:
    page, _ = visitor
    sign_up(page, kaizen, "two-tabs+clerk_test@example.org")
    page.wait_for_url("**/dashboard")
    other = page.context.new_page()
    other.goto(f"{kaizen.url}/milestones")
    expect(other.get_by_test_id("nav-milestones").first).to_be_visible(timeout=PATIENCE_MS)
    page.get_by_test_id("account").locator("summary").click()
    page.get_by_test_id("sign-out").click()
    page.wait_for_url(LOGIN)
    other.wait_for_url(LOGIN)


def test_a_restart_signs_nobody_out(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> None:
    process = KaizenProcess(tmp_path_factory.mktemp("restarted"))
    context, _ = new_profile(browser)
    page = context.new_page()
    try:
        process.start()
        sign_up(page, process, "stays+clerk_test@example.org")
        page.wait_for_url("**/dashboard")
        process.kill()
        expect(page.get_by_test_id("connection-banner")).to_be_visible(timeout=PATIENCE_MS)
        process.start()
        expect(page.get_by_test_id("connection-banner")).to_be_hidden(timeout=PATIENCE_MS)
        page.goto(f"{process.url}/milestones")
        expect(page.get_by_test_id("nav-milestones").first).to_be_visible(timeout=PATIENCE_MS)
        assert process.stop() == 0
        assert "Traceback" not in process.log
    finally:
        context.close()
        process.close()


def test_clerks_own_component_signs_in_when_a_publishable_key_is_configured(
    browser: Browser, kaizen: KaizenProcess, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The pages with a publishable key, against the identity server of another process in the part of Clerk."""
    script = (PACKAGES / "@clerk" / "clerk-js" / "dist" / "clerk.browser.js").read_text(encoding="utf-8")
    clerk = KaizenProcess(tmp_path_factory.mktemp("clerk"))
    context, seen = new_profile(browser)
    try:
        clerk.start()
        game = KaizenProcess(
            tmp_path_factory.mktemp("game"),
            environment={
                "CLERK_JWT_ISSUER_DOMAIN": clerk.url,
                "CLERK_PUBLISHABLE_KEY": clerk.publishable_key,
                "CLERK_PROXY_URL": f"{clerk.url}/__clerk",
                "CLERK_JS_URL": f"{clerk.url}/clerk.browser.js",
            },
        )
        try:
            game.start()
            page = context.new_page()
            page.route("**/clerk.browser.js", lambda route: route.fulfill(body=script, content_type="text/javascript"))
            page.goto(f"{game.url}/milestones")
            page.get_by_test_id("sign-up").wait_for()
            session = page.evaluate(
                """async ([emailAddress, password]) => {
                    const attempt = await Clerk.client.signUp.create({ emailAddress, password, firstName: "Ada" });
                    return attempt.createdSessionId;
                }""",
                ["component+clerk_test@example.org", PASSWORD],
            )
            page.evaluate("(session) => { Clerk.setActive({ session }) }", session)
            page.wait_for_url("**/milestones")
            expect(page.get_by_test_id("nav-milestones").first).to_be_visible(timeout=PATIENCE_MS)
            # The page was answered before it was known who visits it; everything in it works all the same.
            page.get_by_test_id("milestone-unlock").click()
            expect(page.get_by_test_id("milestone-achieved")).to_have_count(1, timeout=PATIENCE_MS)
            settled(page)
            page.get_by_test_id("theme-toggle").click()
            page.goto(f"{game.url}/character")
            expect(page.get_by_test_id("level-gold_strength_flat")).to_have_text("0 / 500", timeout=PATIENCE_MS)
            page.keyboard.press("1")
            expect(page.get_by_test_id("toast").first).to_contain_text("Not enough gold", timeout=PATIENCE_MS)
            page.get_by_test_id("account").locator("summary").click()
            page.get_by_test_id("sign-out").click()
            page.get_by_test_id("sign-in").wait_for()
        finally:
            game.close()
    finally:
        context.close()
        clerk.close()
    assert seen.foreign == []
