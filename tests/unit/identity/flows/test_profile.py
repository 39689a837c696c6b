"""What signed-in people change about themselves."""

from __future__ import annotations

from typing import Any

import pytest

from parabola.identity import IdentitySettings
from tests.unit.identity.doubles import ORIGIN, PASSWORD, Desk, error_of

pytestmark = pytest.mark.anyio

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 32


async def test_me_is_the_acting_user(desk: Desk) -> None:
    browser = desk.browser()
    client = await browser.sign_up(first_name="Ada")
    answer = await browser.get("/me", _clerk_session_id=client["last_active_session_id"])
    assert answer.json()["response"]["first_name"] == "Ada"
    assert answer.json()["client"]["id"] == client["id"]
    assert "private_metadata" not in answer.json()["response"]


async def test_without_a_session_there_is_no_me(desk: Desk) -> None:
    assert error_of(await desk.browser().get("/me"))[:2] == (401, "authentication_invalid")


async def test_names_and_own_metadata_can_change(desk: Desk) -> None:
    browser = desk.browser()
    await browser.sign_up()
    answer = await browser.post("/me", "PATCH", first_name="Ada", last_name="", unsafe_metadata='{"a":{"b":1}}')
    user = answer.json()["response"]
    assert (user["first_name"], user["last_name"], user["unsafe_metadata"]) == ("Ada", None, {"a": {"b": 1}})
    assert answer.json()["client"]["sessions"][0]["user"]["first_name"] == "Ada"


async def test_public_metadata_is_not_the_users_to_change(desk: Desk) -> None:
    browser = desk.browser()
    await browser.sign_up()
    answer = await browser.post("/me", "PATCH", public_metadata='{"admin":true}', private_metadata='{"admin":true}')
    assert answer.json()["response"]["public_metadata"] == {}


async def test_a_user_name_is_unique(desk: Desk) -> None:
    first, second = desk.browser(), desk.browser()
    await first.sign_up("ada@example.com")
    await second.sign_up("bob@example.com")
    assert (await first.post("/me", "PATCH", username="Count_ess")).json()["response"]["username"] == "count_ess"
    assert error_of(await second.post("/me", "PATCH", username="count_ess")) == (
        422,
        "form_identifier_exists",
        "username",
    )


async def test_a_password_changes_and_may_sign_out_the_others() -> None:
    async with Desk() as desk:
        here, there = desk.browser(), desk.browser()
        await here.sign_up()
        await there.sign_in()
        answer = await here.post(
            "/me/change_password",
            current_password=PASSWORD,
            new_password="an other password",
            sign_out_of_other_sessions="true",
        )
        assert answer.status_code == 200
        assert len((await here.client())["sessions"]) == 1
        assert (await there.client())["sessions"] == []
        assert (await there.sign_in(password="an other password")).status_code == 200


@pytest.mark.parametrize(
    ("current", "new", "expected"),
    [
        ("not it at all", "an other password", (422, "form_password_incorrect", "current_password")),
        (PASSWORD, "short", (422, "form_password_length_too_short", "new_password")),
        (PASSWORD, PASSWORD, (422, "form_new_password_matches_current", "new_password")),
        ("", "an other password", (422, "form_password_incorrect", "current_password")),
    ],
)
async def test_a_password_change_is_refused_under_the_right_field(
    desk: Desk, current: str, new: str, expected: tuple[int, str, str]
) -> None:
    browser = desk.browser()
    await browser.sign_up()
    answer = await browser.post("/me/change_password", current_password=current, new_password=new)
    assert error_of(answer) == expected


async def test_guessing_the_current_password_locks_the_account(desk: Desk) -> None:
    browser = desk.browser()
    await browser.sign_up()
    for _ in range(10):
        answer = await browser.post("/me/change_password", current_password="a wrong one", new_password="another one")
    assert error_of(answer)[:2] == (403, "user_locked")


async def test_a_removed_password_is_gone(desk: Desk) -> None:
    browser = desk.browser()
    await browser.sign_up()
    assert error_of(await browser.post("/me/remove_password", current_password="wrong wrong"))[0] == 422
    answer = await browser.post("/me/remove_password", current_password=PASSWORD)
    assert answer.json()["response"]["password_enabled"] is False
    assert error_of(await desk.browser().sign_in())[1] == "strategy_for_user_invalid"
    again = await browser.post("/me/change_password", new_password="a fresh password")
    assert again.json()["response"]["password_enabled"] is True


async def test_a_deleted_account_leaves_nothing(desk: Desk) -> None:
    browser, elsewhere = desk.browser(), desk.browser()
    user_id = (await browser.sign_up())["sessions"][0]["user"]["id"]
    await elsewhere.sign_in()
    answer = (await browser.post("/me", "DELETE")).json()
    assert (answer["response"]["id"], answer["response"]["deleted"]) == (user_id, True)
    assert answer["client"]["sessions"] == []
    assert (await elsewhere.client())["sessions"] == []
    assert error_of(await browser.sign_in())[1] == "form_identifier_not_found"
    await browser.sign_up()


async def test_deleting_oneself_can_be_forbidden() -> None:
    async with Desk(delete_self=False) as desk:
        browser = desk.browser()
        client = await browser.sign_up()
        assert client["sessions"][0]["user"]["delete_self_enabled"] is False
        assert error_of(await browser.post("/me", "DELETE"))[0] == 403


async def test_the_device_list_shows_each_session_and_can_revoke_one(desk: Desk) -> None:
    here, there = desk.browser(), desk.browser(address="10.1.2.3")
    await here.sign_up()
    other = (await there.sign_in()).json()["client"]["last_active_session_id"]
    listed = (await here.get("/me/sessions/active")).json()
    assert isinstance(listed, list)
    assert {session["latest_activity"]["ip_address"] for session in listed} == {"127.0.0.1", "10.1.2.3"}
    assert all(session["user"] is None for session in listed)
    revoked = (await here.post(f"/me/sessions/{other}/revoke")).json()["response"]
    assert revoked["status"] == "revoked"
    assert (await there.client())["sessions"] == []


async def test_another_users_session_cannot_be_revoked(desk: Desk) -> None:
    victim, attacker = desk.browser(), desk.browser()
    session_id = (await victim.sign_up("ada@example.com"))["last_active_session_id"]
    await attacker.sign_up("eve@example.com")
    assert error_of(await attacker.post(f"/me/sessions/{session_id}/revoke"))[0] == 404
    assert len((await victim.client())["sessions"]) == 1


async def upload(desk: Desk, cookies: dict[str, str], content: bytes, media_type: str = "image/png") -> Any:
    async with desk.http(cookies=cookies) as http:
        return await http.post(
            "/__clerk/v1/me/profile_image",
            files={"file": ("picture", content, media_type)},
            headers={"Origin": ORIGIN},
        )


async def test_a_picture_is_served_as_what_it_is(desk: Desk) -> None:
    browser = desk.browser()
    await browser.sign_up()
    answer = await upload(desk, browser.cookies(), PNG, "text/html")
    url = answer.json()["response"]["public_url"]
    assert answer.json()["client"]["sessions"][0]["user"]["image_url"] == url
    async with desk.http() as http:
        served = await http.get(url)
    assert served.content == PNG
    assert served.headers["content-type"] == "image/png"
    assert served.headers["x-content-type-options"] == "nosniff"
    removed = await browser.post("/me/profile_image", "DELETE")
    assert removed.json()["response"]["deleted"] is True
    async with desk.http() as http:
        assert (await http.get(url)).status_code == 404


@pytest.mark.parametrize("content", [b"<svg onload=alert(1)>", b"<html>", b"", b"GIF"])
async def test_what_is_no_picture_is_refused(desk: Desk, content: bytes) -> None:
    browser = desk.browser()
    await browser.sign_up()
    answer = await upload(desk, browser.cookies(), content)
    assert error_of(answer) == (422, "form_param_format_invalid", "file")


async def test_a_picture_that_is_too_large_is_refused(desk: Desk) -> None:
    browser = desk.browser()
    await browser.sign_up()
    answer = await upload(desk, browser.cookies(), PNG + bytes(4 * 1024 * 1024))
    assert error_of(answer)[0] == 413


def test_the_default_mode_is_development_on_this_machine() -> None:
    settings = IdentitySettings()
    assert (settings.mode, settings.bind_host) == ("development", "127.0.0.1")
