"""Clients, sessions, tokens, and how they end."""

from __future__ import annotations

import pytest

from parabola.identity import RateLimits, TokenTemplate
from tests.unit.identity.doubles import PASSWORD, Desk, claims_of, error_of

pytestmark = pytest.mark.anyio


async def test_a_plain_read_makes_no_client(desk: Desk) -> None:
    browser = desk.browser()
    answer = await browser.get("/client")
    assert answer.json() == {"response": None, "client": None}
    assert browser.cookies() == {}


async def test_a_client_can_be_asked_for(desk: Desk) -> None:
    browser = desk.browser()
    made = (await browser.post("/client", "PUT")).json()["response"]
    assert made["object"] == "client"
    assert (await browser.client())["id"] == made["id"]
    assert (await browser.post("/client", "PUT")).json()["response"]["id"] == made["id"]


async def test_the_session_token_says_who_and_for_a_minute(desk: Desk) -> None:
    browser = desk.browser("http://localhost:4200")
    client = await browser.sign_up()
    session = client["sessions"][0]
    claims = claims_of(await browser.token())
    now = desk.now_ms // 1000
    assert claims == {
        "iss": "http://localhost:3210",
        "sub": session["user"]["id"],
        "sid": session["id"],
        "iat": now,
        "nbf": now - 10,
        "exp": now + 60,
        "azp": "http://localhost:4200",
        "jti": claims["jti"],
        "v": 2,
        "sts": "active",
        "fva": [0, -1],
    }


async def test_the_client_carries_a_fresh_token_so_that_none_need_be_fetched(desk: Desk) -> None:
    client = await desk.browser().sign_up()
    seeded = claims_of(client["sessions"][0]["last_active_token"]["jwt"])
    assert seeded["sid"] == client["sessions"][0]["id"]


async def test_the_convex_template_says_what_clerks_says(desk: Desk) -> None:
    browser = desk.browser()
    client = await browser.sign_up(first_name="Ada", last_name="Lovelace")
    user = client["sessions"][0]["user"]
    claims = claims_of(await browser.token("convex"))
    assert claims["aud"] == "convex"
    assert claims["sub"] == user["id"]
    assert (claims["name"], claims["given_name"], claims["family_name"]) == ("Ada Lovelace", "Ada", "Lovelace")
    assert (claims["email"], claims["email_verified"]) == ("ada@example.com", False)
    assert claims["picture"] == user["image_url"]
    assert claims["updated_at"] == "2026-01-01T00:00:00.000Z"
    assert not {"sid", "v", "sts", "fva", "nickname", "phone_number"} & claims.keys()


async def test_an_unknown_template_is_not_found_and_signs_nobody_out(desk: Desk) -> None:
    browser = desk.browser()
    client = await browser.sign_up()
    answer = await browser.post(f"/client/sessions/{client['last_active_session_id']}/tokens/nothing")
    assert error_of(answer)[:2] == (404, "resource_not_found")
    assert len((await browser.client())["sessions"]) == 1


async def test_templates_of_ones_own_are_issued_with_their_lifetime() -> None:
    template = TokenTemplate({"aud": "shop", "plan": "{{user.unsafe_metadata.plan}}"}, lifetime_s=600)
    async with Desk(templates={"shop": template, "plain": {"role": "guest"}}) as desk:
        browser = desk.browser()
        await browser.sign_up(unsafe_metadata='{"plan": "gold"}')
        shop = claims_of(await browser.token("shop"))
        assert (shop["aud"], shop["plan"], shop["exp"] - shop["iat"]) == ("shop", "gold", 600)
        assert claims_of(await browser.token("plain"))["role"] == "guest"
        assert claims_of(await browser.token("convex"))["aud"] == "convex"


async def test_the_session_token_can_carry_the_audience_itself() -> None:
    async with Desk(session_token_audience="convex") as desk:
        browser = desk.browser()
        await browser.sign_up()
        claims = claims_of(await browser.token())
        assert (claims["aud"], "sid" in claims) == ("convex", True)


async def test_touch_marks_the_session_in_use(desk: Desk) -> None:
    browser = desk.browser()
    client = await browser.sign_up()
    desk.clock.advance(60)
    answer = await browser.post(
        f"/client/sessions/{client['last_active_session_id']}/touch", active_organization_id="", intent="focus"
    )
    assert answer.json()["response"]["last_active_at"] == desk.now_ms
    assert answer.json()["client"]["updated_at"] > client["updated_at"]


async def test_touching_switches_between_sessions() -> None:
    async with Desk(single_session=False) as desk:
        browser = desk.browser()
        first = (await browser.sign_up("ada@example.com"))["last_active_session_id"]
        second = (await browser.sign_up("bob@example.com"))["last_active_session_id"]
        for session_id in (first, second):
            touched = await browser.post(f"/client/sessions/{session_id}/touch")
            assert touched.json()["client"]["last_active_session_id"] == session_id


async def test_signing_out_leaves_the_client_without_sessions_and_attempts(desk: Desk) -> None:
    browser = desk.browser()
    before = await browser.sign_up()
    session_id = before["last_active_session_id"]
    answer = (await browser.post("/client/sessions", "DELETE")).json()
    for client in (answer["response"], answer["client"]):
        assert client["id"] == before["id"]
        assert (client["sessions"], client["sign_up"], client["last_active_session_id"]) == ([], None, None)
    refused = await browser.post(f"/client/sessions/{session_id}/tokens")
    assert error_of(refused)[:2] == (401, "authentication_invalid")


async def test_signing_out_without_a_client_is_no_error(desk: Desk) -> None:
    assert (await desk.browser().post("/client/sessions", "DELETE")).json() == {"response": None, "client": None}


@pytest.mark.parametrize(("verb", "status"), [("end", "ended"), ("remove", "removed")])
async def test_one_session_of_several_can_end(verb: str, status: str) -> None:
    async with Desk(single_session=False) as desk:
        browser = desk.browser()
        first = (await browser.sign_up("ada@example.com"))["last_active_session_id"]
        second = (await browser.sign_up("bob@example.com"))["last_active_session_id"]
        answer = (await browser.post(f"/client/sessions/{second}/{verb}")).json()
        assert answer["response"]["status"] == status
        assert answer["response"]["last_active_token"] is None
        assert [session["id"] for session in answer["client"]["sessions"]] == [first]
        assert answer["client"]["last_active_session_id"] is None
        assert (await browser.get(f"/client/sessions/{second}")).json()["response"]["status"] == status


async def test_forgetting_the_client_clears_the_cookie(desk: Desk) -> None:
    browser = desk.browser()
    await browser.sign_up()
    answer = await browser.post("/client", "DELETE")
    assert answer.json()["response"] is None
    assert browser.cookies() == {}
    assert await browser.client() is None


async def test_another_browsers_session_is_out_of_reach(desk: Desk) -> None:
    session_id = (await desk.browser().sign_up())["last_active_session_id"]
    stranger = desk.browser()
    await stranger.sign_up("eve@example.com")
    for path in ("touch", "tokens", "tokens/convex", "end", "remove"):
        answer = await stranger.post(f"/client/sessions/{session_id}/{path}")
        assert error_of(answer)[:2] == (401, "authentication_invalid"), path
    assert error_of(await stranger.get(f"/client/sessions/{session_id}"))[0] == 404
    assert error_of(await stranger.get("/me", _clerk_session_id=session_id))[0] == 401


async def test_a_session_expires_after_a_week_whatever_is_done(desk: Desk) -> None:
    browser = desk.browser()
    session_id = (await browser.sign_up())["last_active_session_id"]
    desk.clock.advance(7 * 86_400 - 1)
    assert (await browser.post(f"/client/sessions/{session_id}/touch")).status_code == 200
    desk.clock.advance(1)
    assert error_of(await browser.post(f"/client/sessions/{session_id}/touch"))[0] == 401
    assert (await browser.client())["sessions"] == []
    assert (await browser.get(f"/client/sessions/{session_id}")).json()["response"]["status"] == "expired"


async def test_an_idle_session_is_abandoned() -> None:
    async with Desk(session_lifetime_s=86_400 * 90) as desk:
        browser = desk.browser()
        session_id = (await browser.sign_up())["last_active_session_id"]
        desk.clock.advance(86_400 * 30)
        assert (await browser.client())["sessions"] == []
        assert (await browser.get(f"/client/sessions/{session_id}")).json()["response"]["status"] == "abandoned"


async def test_a_revoked_session_gets_no_token(desk: Desk) -> None:
    browser = desk.browser()
    session_id = (await browser.sign_up())["last_active_session_id"]
    await desk.server.sessions.revoke(session_id)
    assert error_of(await browser.post(f"/client/sessions/{session_id}/tokens"))[0] == 401
    assert (await browser.client())["sessions"] == []


async def test_the_cookie_changes_when_a_session_begins_and_the_old_one_lives_half_a_minute(desk: Desk) -> None:
    browser = desk.browser()
    await browser.post("/client", "PUT")
    planted = browser.cookies()
    await browser.sign_up()
    assert browser.cookies() != planted
    attacker = desk.browser()
    for name, value in planted.items():
        attacker.http.cookies.set(name, value)
    assert len((await attacker.client())["sessions"]) == 1
    desk.clock.advance(30)
    assert await attacker.client() is None
    assert len((await browser.client())["sessions"]) == 1


async def test_the_sixty_first_token_of_a_minute_waits() -> None:
    async with Desk(rate_limits=RateLimits()) as desk:
        browser = desk.browser()
        session_id = (await browser.sign_up())["last_active_session_id"]
        answers = [await browser.post(f"/client/sessions/{session_id}/tokens") for _ in range(61)]
        assert [answer.status_code for answer in answers] == [200] * 60 + [429]
        assert "retry-after" in answers[-1].headers


async def test_a_dev_browser_id_stands_in_for_the_cookie(desk: Desk) -> None:
    browser = desk.browser("http://127.0.0.1:4200")
    browser.dev_browser = (await browser.post("/dev_browser")).json()["id"]
    answer = await browser.post("/client/sign_ups", email_address="ada@example.com", password=PASSWORD)
    assert "set-cookie" not in answer.headers
    rotated = answer.headers["clerk-db-jwt"]
    planted, browser.dev_browser = browser.dev_browser, rotated
    assert len((await browser.client())["sessions"]) == 1
    desk.clock.advance(30)
    assert len((await browser.client())["sessions"]) == 1
    browser.dev_browser = planted
    assert error_of(await browser.get("/client"))[:2] == (401, "dev_browser_unauthenticated")


async def test_a_dev_browser_id_decides_over_a_cookie(desk: Desk) -> None:
    browser = desk.browser()
    await browser.sign_up()
    browser.dev_browser = (await browser.post("/dev_browser")).json()["id"]
    assert await browser.client() is None


async def test_a_cookie_is_no_dev_browser_id(desk: Desk) -> None:
    browser = desk.browser()
    await browser.sign_up()
    stranger = desk.browser()
    stranger.dev_browser = next(iter(browser.cookies().values()))
    assert error_of(await stranger.get("/client"))[:2] == (401, "dev_browser_unauthenticated")
