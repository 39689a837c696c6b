"""Making an account."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from parabola.identity import RateLimits, UserFilter
from tests.unit.identity.doubles import PASSWORD, Desk, error_of

pytestmark = pytest.mark.anyio


async def test_everything_at_once_makes_a_user_and_a_session(desk: Desk) -> None:
    browser = desk.browser()
    answer = await browser.post(
        "/client/sign_ups", email_address="Ada@Example.com", password=PASSWORD, first_name="Ada", last_name="Lovelace"
    )
    sign_up, client = answer.json()["response"], answer.json()["client"]
    session = client["sessions"][0]
    assert answer.status_code == 200
    assert sign_up["status"] == "complete"
    assert sign_up["created_user_id"] == session["user"]["id"]
    assert sign_up["created_session_id"] == session["id"] == client["last_active_session_id"]
    assert session["status"] == "active"
    assert session["user"]["first_name"] == "Ada"
    assert session["user"]["email_addresses"][0]["email_address"] == "ada@example.com"
    assert session["user"]["primary_email_address_id"] == session["user"]["email_addresses"][0]["id"]
    assert session["user"]["password_enabled"] is True


async def test_an_address_that_nobody_proved_is_not_called_verified(desk: Desk) -> None:
    client = await desk.browser().sign_up()
    assert client["sessions"][0]["user"]["email_addresses"][0]["verification"]["status"] == "unverified"


async def test_empty_names_as_the_form_sends_them_are_no_names(desk: Desk) -> None:
    client = await desk.browser().sign_up(first_name="", last_name="")
    assert client["sessions"][0]["user"]["first_name"] is None


async def test_fields_may_come_one_by_one(desk: Desk) -> None:
    browser = desk.browser()
    first = (await browser.post("/client/sign_ups", email_address="ada@example.com")).json()["response"]
    assert first["status"] == "missing_requirements"
    assert first["missing_fields"] == ["password"]
    path = f"/client/sign_ups/{first['id']}"
    named = (await browser.post(path, "PATCH", first_name="Ada", unsafe_metadata='{"theme": "dark"}')).json()
    assert named["response"]["first_name"] == "Ada"
    assert named["client"]["sign_up"]["id"] == first["id"]
    done = (await browser.post(path, "PATCH", password=PASSWORD)).json()
    assert done["response"]["status"] == "complete"
    assert done["client"]["sessions"][0]["user"]["unsafe_metadata"] == {"theme": "dark"}


async def test_before_a_code_is_asked_for_the_strategy_is_null_so_that_the_ui_asks() -> None:
    async with Desk(verify_email_at_sign_up=True) as desk:
        browser = desk.browser()
        answer = await browser.post("/client/sign_ups", email_address="ada@example.com", password=PASSWORD)
        verification = answer.json()["response"]["verifications"]["email_address"]
        assert answer.json()["response"]["unverified_fields"] == ["email_address"]
        assert verification["strategy"] is None
        assert verification["next_action"] == "needs_prepare"
        assert verification["supported_strategies"] == ["email_code"]


async def test_with_verification_the_code_from_the_mail_completes_the_sign_up() -> None:
    async with Desk(verify_email_at_sign_up=True) as desk:
        browser = desk.browser()
        made = await browser.post("/client/sign_ups", email_address="ada@example.com", password=PASSWORD)
        path = f"/client/sign_ups/{made.json()['response']['id']}"
        prepared = (await browser.post(f"{path}/prepare_verification", strategy="email_code")).json()["response"]
        assert prepared["verifications"]["email_address"]["next_action"] == "needs_attempt"
        message = desk.server.inbox()[0]
        assert (message.address, message.purpose) == ("ada@example.com", "sign_up")
        done = await browser.post(f"{path}/attempt_verification", strategy="email_code", code=message.code)
        assert done.json()["response"]["status"] == "complete"
        user = done.json()["client"]["sessions"][0]["user"]
        assert user["email_addresses"][0]["verification"]["status"] == "verified"


async def test_three_wrong_codes_and_even_the_right_one_is_refused() -> None:
    async with Desk(verify_email_at_sign_up=True) as desk:
        browser = desk.browser()
        made = await browser.post("/client/sign_ups", email_address="ada@example.com", password=PASSWORD)
        path = f"/client/sign_ups/{made.json()['response']['id']}"
        await browser.post(f"{path}/prepare_verification", strategy="email_code")
        code = desk.code()
        wrong = "000000" if code != "000000" else "111111"
        for _ in range(3):
            answer = await browser.post(f"{path}/attempt_verification", strategy="email_code", code=wrong)
            assert error_of(answer) == (422, "form_code_incorrect", "code")
        answer = await browser.post(f"{path}/attempt_verification", strategy="email_code", code=code)
        assert error_of(answer) == (400, "verification_failed", "code")
        shown = (await browser.get(path)).json()["response"]["verifications"]["email_address"]
        assert (shown["status"], shown["attempts"]) == ("failed", 3)


async def test_a_code_is_worth_nothing_after_ten_minutes() -> None:
    async with Desk(verify_email_at_sign_up=True) as desk:
        browser = desk.browser()
        made = await browser.post("/client/sign_ups", email_address="ada@example.com", password=PASSWORD)
        path = f"/client/sign_ups/{made.json()['response']['id']}"
        await browser.post(f"{path}/prepare_verification", strategy="email_code")
        desk.clock.advance(600)
        answer = await browser.post(f"{path}/attempt_verification", strategy="email_code", code=desk.code())
        assert error_of(answer) == (400, "verification_expired", "code")


async def test_changing_the_address_takes_its_proof_away() -> None:
    async with Desk(verify_email_at_sign_up=True) as desk:
        browser = desk.browser()
        made = await browser.post("/client/sign_ups", email_address="ada@example.com")
        path = f"/client/sign_ups/{made.json()['response']['id']}"
        await browser.post(f"{path}/prepare_verification", strategy="email_code")
        await browser.post(f"{path}/attempt_verification", strategy="email_code", code=desk.code())
        answer = await browser.post(path, "PATCH", email_address="victim@example.com", password=PASSWORD)
        assert answer.json()["response"]["status"] == "missing_requirements"
        assert answer.json()["response"]["unverified_fields"] == ["email_address"]


async def test_a_test_address_takes_the_fixed_code_and_is_sent_nothing() -> None:
    async with Desk(verify_email_at_sign_up=True) as desk:
        browser = desk.browser()
        made = await browser.post("/client/sign_ups", email_address="ada+clerk_test@example.com", password=PASSWORD)
        path = f"/client/sign_ups/{made.json()['response']['id']}"
        await browser.post(f"{path}/prepare_verification", strategy="email_code")
        done = await browser.post(f"{path}/attempt_verification", strategy="email_code", code="424242")
        assert done.json()["response"]["status"] == "complete"
        assert desk.server.inbox() == []


@pytest.mark.parametrize(
    ("form", "code", "field"),
    [
        ({"email_address": "ada@example.com", "password": "short"}, "form_password_length_too_short", "password"),
        (
            {"email_address": "ada@example.com", "password": "x" * 73},
            "form_password_size_in_bytes_exceeded",
            "password",
        ),
        ({"email_address": "ada@example.com", "password": "password123"}, "form_password_pwned", "password"),
        ({"email_address": "ada@example.com", "password": "with\0null byte"}, "form_param_format_invalid", "password"),
        (
            {"email_address": "ada@example.com", "password": "Ada@example.com"},
            "form_password_matches_identifier",
            "password",
        ),
        ({"email_address": "nonsense", "password": PASSWORD}, "form_param_format_invalid", "email_address"),
        ({"email_address": "a@b@c.com", "password": PASSWORD}, "form_param_format_invalid", "email_address"),
        ({"email_address": "a@b.com", "unsafe_metadata": "[1]"}, "form_param_format_invalid", "unsafe_metadata"),
        ({"email_address": "a@b.com", "unsafe_metadata": "{"}, "form_param_format_invalid", "unsafe_metadata"),
        ({"phone_number": "+15555550100"}, "form_param_unknown", "phone_number"),
        ({"strategy": "oauth_google"}, "strategy_for_user_invalid", "strategy"),
    ],
)
async def test_each_bad_field_is_refused_under_its_own_name(
    desk: Desk, form: dict[str, Any], code: str, field: str
) -> None:
    answer = await desk.browser().post("/client/sign_ups", **form)
    assert error_of(answer) == (422, code, field)


async def test_a_taken_address_is_refused_whatever_its_case(desk: Desk) -> None:
    await desk.browser().sign_up("ada@example.com")
    answer = await desk.browser().post("/client/sign_ups", email_address="ADA@example.COM", password=PASSWORD)
    assert error_of(answer) == (422, "form_identifier_exists", "email_address")


async def test_a_hundred_concurrent_sign_ups_of_one_address_make_one_user(desk: Desk) -> None:
    browsers = [desk.browser() for _ in range(100)]
    answers = await asyncio.gather(
        *(browser.post("/client/sign_ups", email_address="ada@example.com", password=PASSWORD) for browser in browsers)
    )
    outcomes = [answer.status_code for answer in answers]
    assert outcomes.count(200) == 1
    refusals = {error_of(answer) for answer in answers if answer.status_code != 200}
    assert refusals == {(422, "form_identifier_exists", "email_address")}
    assert await desk.server.users.count(UserFilter()) == 1


async def test_sign_ups_that_both_saw_the_address_free_are_decided_by_the_index() -> None:
    async with Desk(verify_email_at_sign_up=True) as desk:
        first, second = desk.browser(), desk.browser()
        paths: list[str] = []
        codes: list[str] = []
        for browser in (first, second):
            made = await browser.post("/client/sign_ups", email_address="ada@example.com", password=PASSWORD)
            paths.append(f"/client/sign_ups/{made.json()['response']['id']}")
            await browser.post(f"{paths[-1]}/prepare_verification", strategy="email_code")
            codes.append(desk.code())
        won = await first.post(f"{paths[0]}/attempt_verification", strategy="email_code", code=codes[0])
        lost = await second.post(f"{paths[1]}/attempt_verification", strategy="email_code", code=codes[1])
        assert won.json()["response"]["status"] == "complete"
        assert error_of(lost) == (422, "form_identifier_exists", "email_address")


async def test_who_is_signed_in_cannot_sign_up_in_single_session_mode(desk: Desk) -> None:
    browser = desk.browser()
    await browser.sign_up()
    answer = await browser.post("/client/sign_ups", email_address="bob@example.com", password=PASSWORD)
    assert error_of(answer) == (400, "session_exists", None)


async def test_with_several_sessions_a_second_sign_up_adds_one() -> None:
    async with Desk(single_session=False) as desk:
        browser = desk.browser()
        first = await browser.sign_up("ada@example.com")
        both = await browser.sign_up("bob@example.com")
        assert len(both["sessions"]) == 2
        assert both["last_active_session_id"] != first["last_active_session_id"]


async def test_another_browsers_attempt_is_not_found(desk: Desk) -> None:
    made = await desk.browser().post("/client/sign_ups", email_address="ada@example.com")
    stranger = desk.browser()
    await stranger.post("/client", "PUT")
    path = f"/client/sign_ups/{made.json()['response']['id']}"
    assert error_of(await stranger.get(path))[:2] == (404, "resource_not_found")
    assert error_of(await stranger.post(path, "PATCH", password=PASSWORD))[:2] == (404, "resource_not_found")


async def test_an_attempt_is_abandoned_after_a_day(desk: Desk) -> None:
    browser = desk.browser()
    made = await browser.post("/client/sign_ups", email_address="ada@example.com")
    desk.clock.advance(86_400)
    answer = await browser.post(f"/client/sign_ups/{made.json()['response']['id']}", "PATCH", password=PASSWORD)
    assert error_of(answer)[:2] == (404, "resource_not_found")
    assert (await browser.client())["sign_up"] is None


async def test_closed_sign_ups_say_so() -> None:
    async with Desk(sign_up_mode="restricted") as desk:
        answer = await desk.browser().post("/client/sign_ups", email_address="ada@example.com", password=PASSWORD)
        assert error_of(answer)[:2] == (400, "sign_up_mode_restricted")


async def test_the_sixth_sign_up_of_a_minute_from_one_address_waits_unless_it_is_a_tests() -> None:
    async with Desk(rate_limits=RateLimits()) as desk:
        for n in range(5):
            await desk.browser().sign_up(f"n{n}@example.com")
        refused = await desk.browser().post("/client/sign_ups", email_address="x@example.com", password=PASSWORD)
        assert error_of(refused)[:2] == (429, "too_many_requests")
        assert refused.headers["retry-after"] == "60"
        await desk.browser().sign_up("x+clerk_test@example.com")
        await desk.browser(address="10.0.0.2").sign_up("x@example.com")


async def test_what_will_be_refused_costs_no_hash(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    await desk.browser().sign_up()
    monkeypatch.setattr(desk.server._parts.passwords, "hash", None)
    answer = await desk.browser().post("/client/sign_ups", email_address="ada@example.com", password=PASSWORD)
    assert error_of(answer)[1] == "form_identifier_exists"
