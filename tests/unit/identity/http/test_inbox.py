"""The development inbox."""

from __future__ import annotations

from pathlib import Path

import pytest

from parabola.identity import NewUser
from tests.unit.identity.doubles import Desk, error_of

pytestmark = pytest.mark.anyio


async def send_code(desk: Desk, address: str = "ada@example.com") -> str:
    await desk.server.users.create(NewUser([address]))
    await desk.browser().post("/client/sign_ins", identifier=address, strategy="email_code")
    return desk.code()


async def test_programs_get_json_newest_first(desk: Desk) -> None:
    first = await send_code(desk)
    desk.clock.advance(1)
    second = await send_code(desk, "bob@example.com")
    async with desk.http() as http:
        body = (await http.get("/__clerk/inbox")).json()
    assert body["total_count"] == 2
    assert [message["code"] for message in body["data"]] == [second, first]
    assert body["data"][0] == {
        "address": "bob@example.com",
        "purpose": "sign_in",
        "subject": f"{second} is your sign-in code",
        "code": second,
        "sent_at": desk.now_ms,
    }


async def test_people_get_a_page(desk: Desk) -> None:
    code = await send_code(desk, "o'neill&sons@example.com")
    async with desk.http(headers={"Accept": "text/html"}) as http:
        page = await http.get("/__clerk/inbox")
    assert page.headers["content-type"].startswith("text/html")
    assert code in page.text
    assert "o&#x27;neill&amp;sons@example.com" in page.text
    assert page.headers["cache-control"] == "no-store"
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]


async def test_an_empty_inbox_says_so(desk: Desk) -> None:
    async with desk.http(headers={"Accept": "text/html"}) as http:
        assert "No messages yet" in (await http.get("/__clerk/inbox")).text


async def test_a_foreign_name_that_points_here_shows_nothing(desk: Desk) -> None:
    await send_code(desk)
    async with desk.http(headers={"Host": "rebound.evil.example"}) as http:
        assert error_of(await http.get("/__clerk/inbox"))[0] == 404


async def test_no_page_of_another_origin_may_read_it(desk: Desk) -> None:
    async with desk.http(headers={"Origin": "http://localhost:4200"}) as http:
        assert "access-control-allow-origin" not in (await http.get("/__clerk/inbox")).headers


async def test_outside_development_there_is_no_inbox_no_fixed_code_and_no_code_in_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    url = "https://id.example.com"
    async with Desk(mode="self-hosted", production=True, public_url=url, data_dir=tmp_path) as desk:
        await desk.server.users.create(NewUser(["ada+clerk_test@example.com"]))
        browser = desk.browser(url)
        answer = await browser.post("/client/sign_ins", identifier="ada+clerk_test@example.com", strategy="email_code")
        assert error_of(answer)[:2] == (503, "email_delivery_failed")
        assert desk.server.inbox() == []
        sign_in = await browser.client()
        assert sign_in is None or sign_in["sessions"] == []
        async with desk.http() as http:
            assert error_of(await http.get(f"{url}/__clerk/inbox"))[0] == 404
        loopback = desk.browser("http://localhost:4200")
        assert error_of(await loopback.post("/client", "PUT"))[:2] == (400, "origin_invalid")
    assert "self-hosted" in caplog.text
    assert "is your sign-in code" not in caplog.text
