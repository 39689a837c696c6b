"""The addresses of an account."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.identity.doubles import Desk, error_of

pytestmark = pytest.mark.anyio


async def added(browser: Any, address: str = "second@example.com") -> Any:
    answer = await browser.post("/me/email_addresses", email_address=address)
    assert answer.status_code == 200, answer.text
    return answer.json()["response"]


async def test_a_second_address_is_added_proven_and_made_primary(desk: Desk) -> None:
    browser = desk.browser()
    await browser.sign_up()
    email = await added(browser)
    assert email["verification"]["status"] == "unverified"
    path = f"/me/email_addresses/{email['id']}"
    early = await browser.post("/me", "PATCH", primary_email_address_id=email["id"])
    assert error_of(early) == (422, "form_param_format_invalid", "primary_email_address_id")
    await browser.post(f"{path}/prepare_verification", strategy="email_code")
    assert desk.server.inbox()[0].purpose == "verify_email"
    proven = await browser.post(f"{path}/attempt_verification", code=desk.code())
    assert proven.json()["response"]["verification"]["status"] == "verified"
    changed = await browser.post("/me", "PATCH", primary_email_address_id=email["id"])
    assert changed.json()["response"]["primary_email_address_id"] == email["id"]
    listed = (await browser.get("/me/email_addresses")).json()["response"]
    assert [one["email_address"] for one in listed] == ["ada@example.com", "second@example.com"]


async def test_both_addresses_sign_in(desk: Desk) -> None:
    browser = desk.browser()
    await browser.sign_up()
    await added(browser)
    assert (await desk.browser().sign_in("second@example.com")).json()["response"]["status"] == "complete"


async def test_a_taken_address_is_refused(desk: Desk) -> None:
    await desk.browser().sign_up("bob@example.com")
    browser = desk.browser()
    await browser.sign_up()
    answer = await browser.post("/me/email_addresses", email_address="BOB@example.com")
    assert error_of(answer) == (422, "form_identifier_exists", "email_address")


async def test_a_removed_primary_address_is_followed_by_another_and_the_last_one_stays(desk: Desk) -> None:
    browser = desk.browser()
    user = (await browser.sign_up())["sessions"][0]["user"]
    email = await added(browser)
    gone = await browser.post(f"/me/email_addresses/{user['primary_email_address_id']}", "DELETE")
    assert gone.json()["response"]["deleted"] is True
    assert gone.json()["client"]["sessions"][0]["user"]["primary_email_address_id"] == email["id"]
    last = await browser.post(f"/me/email_addresses/{email['id']}", "DELETE")
    assert error_of(last)[:2] == (400, "last_identification_deletion_failed")
    await desk.browser().sign_up("ada@example.com")


async def test_another_users_address_is_not_found(desk: Desk) -> None:
    victim, attacker = desk.browser(), desk.browser()
    theirs = (await victim.sign_up())["sessions"][0]["user"]["primary_email_address_id"]
    await attacker.sign_up("eve@example.com")
    assert error_of(await attacker.get(f"/me/email_addresses/{theirs}"))[0] == 404
    assert error_of(await attacker.post(f"/me/email_addresses/{theirs}", "DELETE"))[0] == 404
    assert error_of(await attacker.post("/me", "PATCH", primary_email_address_id=theirs))[0] == 404
