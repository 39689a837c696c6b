"""Signing in: password, code, forgotten password, and what stops guessing."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from parabola.identity import NewUser, RateLimits
from parabola.identity.chance import Chance
from tests.unit.identity.doubles import PASSWORD, Browser, Desk, error_of

pytestmark = pytest.mark.anyio

MANY = (100_000, 60)


async def account(desk: Desk, address: str = "ada@example.com", password: str = PASSWORD) -> str:
    """An account with a name, made by its operator."""
    made = await desk.server.users.create(NewUser([address], password=password, first_name="Ada"))
    user_id: str = made["id"]
    return user_id


async def begin(browser: Browser, address: str = "ada@example.com") -> tuple[Any, str]:
    """The first of two steps: the sign-in, and its path."""
    answer = await browser.post("/client/sign_ins", identifier=address)
    assert answer.status_code == 200, answer.text
    sign_in = answer.json()["response"]
    return sign_in, f"/client/sign_ins/{sign_in['id']}"


async def test_identifier_and_password_together_complete_it(desk: Desk) -> None:
    user_id = await account(desk)
    answer = await desk.browser().sign_in("ADA@example.com")
    assert answer.json()["response"]["status"] == "complete"
    session = answer.json()["client"]["sessions"][0]
    assert session["user"]["id"] == user_id
    assert session["id"] == answer.json()["response"]["created_session_id"]
    assert session["user"]["last_sign_in_at"] == desk.now_ms


async def test_without_an_identifier_it_asks_for_one(desk: Desk) -> None:
    answer = await desk.browser().post("/client/sign_ins")
    assert answer.json()["response"]["status"] == "needs_identifier"


async def test_the_identifier_alone_lists_how_to_go_on(desk: Desk) -> None:
    await account(desk)
    sign_in, path = await begin(browser := desk.browser())
    assert sign_in["status"] == "needs_first_factor"
    assert [factor["strategy"] for factor in sign_in["supported_first_factors"]] == [
        "password",
        "email_code",
        "reset_password_email_code",
    ]
    assert sign_in["user_data"]["first_name"] == "Ada"
    done = await browser.post(f"{path}/attempt_first_factor", strategy="password", password=PASSWORD)
    assert done.json()["response"]["status"] == "complete"


async def test_an_unknown_address_and_a_wrong_password_are_told_apart_as_clerk_does(desk: Desk) -> None:
    await account(desk)
    browser = desk.browser()
    assert error_of(await browser.sign_in("bob@example.com")) == (422, "form_identifier_not_found", "identifier")
    assert error_of(await browser.sign_in(password="not the one")) == (422, "form_password_incorrect", "password")
    assert await browser.client() is None


async def test_a_code_signs_in_and_proves_the_address(desk: Desk) -> None:
    await desk.browser().sign_up()
    browser = desk.browser()
    sign_in, path = await begin(browser)
    prepared = await browser.post(
        f"{path}/prepare_first_factor",
        strategy="email_code",
        email_address_id=sign_in["supported_first_factors"][1]["email_address_id"],
    )
    assert prepared.json()["response"]["first_factor_verification"]["status"] == "unverified"
    assert desk.server.inbox()[0].purpose == "sign_in"
    done = await browser.post(f"{path}/attempt_first_factor", strategy="email_code", code=desk.code())
    user = done.json()["client"]["sessions"][0]["user"]
    assert user["email_addresses"][0]["verification"]["status"] == "verified"


async def test_strategy_email_code_with_an_identifier_sends_the_code_at_once(desk: Desk) -> None:
    await account(desk)
    answer = await desk.browser().post("/client/sign_ins", identifier="ada@example.com", strategy="email_code")
    assert answer.json()["response"]["first_factor_verification"]["strategy"] == "email_code"
    assert desk.server.inbox()[0].address == "ada@example.com"


async def test_a_code_works_once(desk: Desk) -> None:
    await account(desk)
    browser = desk.browser()
    _, path = await begin(browser)
    await browser.post(f"{path}/prepare_first_factor", strategy="email_code")
    code = desk.code()
    await browser.post(f"{path}/attempt_first_factor", strategy="email_code", code=code)
    again = await browser.post(f"{path}/attempt_first_factor", strategy="email_code", code=code)
    assert error_of(again)[0] == 404


async def test_a_sign_in_code_does_not_reset_a_password(desk: Desk) -> None:
    await account(desk)
    browser = desk.browser()
    _, path = await begin(browser)
    await browser.post(f"{path}/prepare_first_factor", strategy="email_code")
    answer = await browser.post(f"{path}/attempt_first_factor", strategy="reset_password_email_code", code=desk.code())
    assert error_of(answer)[:2] == (400, "sign_in_step_invalid")


async def test_a_forgotten_password_is_set_anew_and_signs_in(desk: Desk) -> None:
    await account(desk)
    elsewhere = desk.browser()
    await elsewhere.sign_in()
    browser = desk.browser()
    _, path = await begin(browser)
    await browser.post(f"{path}/prepare_first_factor", strategy="reset_password_email_code")
    assert desk.server.inbox()[0].purpose == "reset_password"
    proven = await browser.post(f"{path}/attempt_first_factor", strategy="reset_password_email_code", code=desk.code())
    assert proven.json()["response"]["status"] == "needs_new_password"
    assert proven.json()["client"]["sessions"] == []
    too_short = await browser.post(f"{path}/reset_password", password="short")
    assert error_of(too_short) == (422, "form_password_length_too_short", "password")
    done = await browser.post(f"{path}/reset_password", password="another one", sign_out_of_other_sessions="true")
    assert done.json()["response"]["status"] == "complete"
    assert (await elsewhere.client())["sessions"] == []
    assert (await desk.browser().sign_in(password="another one")).json()["response"]["status"] == "complete"
    assert error_of(await desk.browser().sign_in())[1] == "form_password_incorrect"


async def test_a_new_password_needs_the_code_first(desk: Desk) -> None:
    await account(desk)
    browser = desk.browser()
    _, path = await begin(browser)
    assert error_of(await browser.post(f"{path}/reset_password", password="another one"))[0] == 400


async def test_ten_wrong_passwords_lock_the_account_for_a_quarter_of_an_hour(desk: Desk) -> None:
    await account(desk)
    browser = desk.browser()
    for _ in range(9):
        assert error_of(await browser.sign_in(password="wrong wrong"))[1] == "form_password_incorrect"
    assert error_of(await browser.sign_in(password="wrong wrong"))[:2] == (403, "user_locked")
    assert error_of(await browser.sign_in())[:2] == (403, "user_locked")
    desk.clock.advance(899)
    assert error_of(await browser.sign_in())[:2] == (403, "user_locked")
    desk.clock.advance(1)
    assert (await browser.sign_in()).json()["response"]["status"] == "complete"


async def test_a_right_password_starts_the_count_again(desk: Desk) -> None:
    await account(desk)
    for _ in range(3):
        for _ in range(9):
            await desk.browser().sign_in(password="wrong wrong")
        assert (await desk.browser().sign_in()).status_code == 200


async def test_a_hundred_guesses_at_once_get_no_more_than_ten_tries(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await account(desk)
    compared = 0
    verify = desk.server._parts.passwords.verify

    async def counted(stored: str | None, password: str) -> Any:
        nonlocal compared
        compared += 1
        return await verify(stored, password)

    monkeypatch.setattr(desk.server._parts.passwords, "verify", counted)
    await asyncio.gather(*(desk.browser().sign_in(password=f"guess number {n}") for n in range(100)))
    assert compared <= 10


async def test_the_eleventh_sign_in_of_a_minute_from_one_address_waits() -> None:
    async with Desk(rate_limits=RateLimits(identifier_lookups=MANY, new_clients=MANY)) as desk:
        for n in range(10):
            assert error_of(await desk.browser().sign_in(f"nobody{n}@example.com"))[0] == 422
        refused = await desk.browser().sign_in()
        assert error_of(refused)[:2] == (429, "too_many_requests")
        assert refused.headers["retry-after"] == "60"
        assert error_of(await desk.browser(address="10.0.0.2").sign_in())[0] == 422
        desk.clock.advance(60)
        assert error_of(await desk.browser().sign_in())[0] == 422


async def test_the_fourth_code_of_ten_minutes_to_one_address_waits() -> None:
    async with Desk(rate_limits=RateLimits()) as desk:
        await account(desk)
        for n in range(3):
            answer = await desk.browser(address=f"10.0.0.{n}").post(
                "/client/sign_ins", identifier="ada@example.com", strategy="email_code"
            )
            assert answer.status_code == 200
        refused = await desk.browser(address="10.0.0.9").post(
            "/client/sign_ins", identifier="ada@example.com", strategy="email_code"
        )
        assert error_of(refused)[:2] == (429, "too_many_requests")


async def test_a_walk_through_a_list_of_addresses_is_slowed_down() -> None:
    async with Desk(rate_limits=RateLimits()) as desk:
        browser = desk.browser()
        answers = [await browser.post("/client/sign_ins", identifier=f"n{n}@example.com") for n in range(31)]
        assert [answer.status_code for answer in answers] == [422] * 30 + [429]


async def test_with_enumeration_protection_an_unknown_address_looks_like_a_wrong_password() -> None:
    async with Desk(enumeration_protection=True) as desk:
        await account(desk)
        refusals = {
            error_of(await desk.browser().sign_in("ada@example.com", "wrong wrong")),
            error_of(await desk.browser().sign_in("bob@example.com", "wrong wrong")),
        }
        assert refusals == {(422, "form_password_or_identifier_incorrect", "identifier")}
        shapes: list[Any] = []
        for address in ("ada@example.com", "bob@example.com"):
            browser = desk.browser()
            sign_in, path = await begin(browser, address)
            prepared = (await browser.post(f"{path}/prepare_first_factor", strategy="email_code")).json()["response"]
            for factor in sign_in["supported_first_factors"]:
                factor.pop("safe_identifier", None)
                if "email_address_id" in factor:
                    factor["email_address_id"] = len(factor["email_address_id"])
            verification = prepared["first_factor_verification"]
            shapes.append((sign_in["status"], sign_in["supported_first_factors"], sign_in["user_data"], verification))
        assert shapes[0] == shapes[1]
        assert [message.address for message in desk.server.inbox()] == ["ada@example.com"]


async def test_with_enumeration_protection_a_lock_shows_nothing_either() -> None:
    async with Desk(enumeration_protection=True) as desk:
        await account(desk)
        seen = {error_of(await desk.browser().sign_in(password="wrong wrong")) for _ in range(12)}
        assert seen == {(422, "form_password_or_identifier_incorrect", "identifier")}
        assert error_of(await desk.browser().sign_in())[1] == "form_password_or_identifier_incorrect"


async def test_an_unknown_address_costs_as_much_as_a_known_one(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    hasher = desk.server._parts.passwords
    compared: list[str] = []
    matches = hasher._matches

    def watched(stored: str, password: str) -> bool:
        compared.append(password)
        return matches(stored, password)

    monkeypatch.setattr(hasher, "_matches", watched)
    await hasher.verify(None, "a guess")
    assert compared == ["a guess"]


async def test_a_banned_user_is_told_so_after_the_right_password_only(desk: Desk) -> None:
    user_id = await account(desk)
    await desk.server.users.set_banned(user_id, True)
    assert error_of(await desk.browser().sign_in(password="wrong wrong"))[1] == "form_password_incorrect"
    assert error_of(await desk.browser().sign_in())[:2] == (403, "user_banned")


async def test_a_second_sign_in_in_single_session_mode_is_refused(desk: Desk) -> None:
    browser = desk.browser()
    await browser.sign_up()
    assert error_of(await browser.sign_in())[:2] == (400, "session_exists")


async def test_an_account_without_password_offers_no_password(desk: Desk) -> None:
    await desk.server.users.create(NewUser(["ada@example.com"]))
    sign_in, _ = await begin(desk.browser())
    assert "password" not in [factor["strategy"] for factor in sign_in["supported_first_factors"]]
    assert error_of(await desk.browser().sign_in())[:2] == (422, "strategy_for_user_invalid")


async def test_another_browsers_attempt_is_not_found(desk: Desk) -> None:
    await account(desk)
    _, path = await begin(desk.browser())
    stranger = desk.browser()
    await stranger.post("/client", "PUT")
    answer = await stranger.post(f"{path}/attempt_first_factor", strategy="password", password=PASSWORD)
    assert error_of(answer)[:2] == (404, "resource_not_found")


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({}, "form_param_missing"),
        ({"strategy": "password"}, "form_param_missing"),
        ({"strategy": "email_code"}, "form_param_missing"),
        ({"strategy": "passkey"}, "strategy_for_user_invalid"),
        ({"strategy": "email_code", "code": "123456"}, "verification_missing"),
    ],
)
async def test_an_incomplete_step_says_what_is_missing(desk: Desk, form: dict[str, Any], code: str) -> None:
    await account(desk)
    browser = desk.browser()
    _, path = await begin(browser)
    assert error_of(await browser.post(f"{path}/attempt_first_factor", **form))[1] == code


async def test_a_password_that_is_changed_while_it_is_compared_lets_nobody_in(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    user_id = await account(desk)
    verify = desk.server._parts.passwords.verify

    async def changed_meanwhile(stored: str | None, password: str) -> Any:
        checked = await verify(stored, password)
        await desk.server.users.update(user_id, {"password": "another one"})
        return checked

    monkeypatch.setattr(desk.server._parts.passwords, "verify", changed_meanwhile)
    assert error_of(await desk.browser().sign_in())[1] == "form_password_incorrect"


async def test_a_lucky_code_for_an_address_that_nobody_has_is_a_wrong_one(monkeypatch: pytest.MonkeyPatch) -> None:
    async with Desk(enumeration_protection=True) as desk:
        monkeypatch.setattr(Chance, "code", lambda self: "123456")
        browser = desk.browser()
        _, path = await begin(browser, "nobody@example.com")
        await browser.post(f"{path}/prepare_first_factor", strategy="email_code")
        for code in ("123456", "123456", "000000", "123456"):
            answer = await browser.post(f"{path}/attempt_first_factor", strategy="email_code", code=code)
            assert answer.status_code in (400, 422)
            assert "sessions" not in answer.text
