"""The Frontend API on the wire: envelopes, methods, errors, cookies, CORS."""

from __future__ import annotations

import logging
import re
from typing import Any

import pytest

from parabola.identity import NewUser, SmtpSettings
from parabola.identity.store.work import Work
from tests.unit.identity.doubles import ORIGIN, PASSWORD, Desk, claims_of, error_of

pytestmark = pytest.mark.anyio

FOREIGN = "https://evil.example"


async def test_every_route_answers_at_the_root_and_under_the_prefix(desk: Desk) -> None:
    async with desk.http() as http:
        for path in ("/v1/environment", "/v1/client", "/.well-known/jwks.json", "/.well-known/openid-configuration"):
            at_root, below = await http.get(path), await http.get(f"/__clerk{path}")
            assert (at_root.status_code, below.status_code) == (200, 200)
            assert at_root.json() == below.json()


async def test_the_environment_answers_both_ways_of_asking_and_turns_off_what_needs_others(desk: Desk) -> None:
    browser = desk.browser()
    asked = (await browser.get("/environment")).json()
    patched = (await browser.post("/environment", "PATCH")).json()
    assert asked == patched
    assert asked["object"] == "environment"
    assert asked["auth_config"]["single_session_mode"] is True
    assert "session_minter" not in asked["auth_config"]
    assert asked["user_settings"]["sign_up"]["captcha_enabled"] is False
    assert asked["user_settings"]["social"] == {}
    assert asked["organization_settings"]["enabled"] is False
    email = asked["user_settings"]["attributes"]["email_address"]
    assert (email["enabled"], email["required"], email["first_factors"]) == (True, True, ["email_code"])
    assert {value for name, value in asked["display_config"].items() if name.endswith("_url")} == {""}


async def test_changes_come_in_an_envelope_with_the_whole_client(desk: Desk) -> None:
    browser = desk.browser()
    answer = (await browser.post("/client/sign_ups", email_address="ada@example.com")).json()
    assert answer.keys() == {"response", "client"}
    assert answer["client"] == await browser.client()


async def test_an_error_has_clerks_format(desk: Desk) -> None:
    answer = await desk.browser().sign_in("nobody@example.com")
    body = answer.json()
    error = body["errors"][0]
    assert body.keys() == {"errors", "clerk_trace_id"}
    assert error.keys() == {"code", "message", "long_message", "meta"}
    assert error["meta"] == {"param_name": "identifier"}
    assert re.fullmatch("[0-9a-f]{32}", body["clerk_trace_id"])
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "path", ["/organizations", "/me/passkeys", "/client/sign_ins/nothing/prepare_second_factor", "/waitlist", "/"]
)
async def test_what_is_not_offered_is_not_found_in_the_same_format(desk: Desk, path: str) -> None:
    browser = desk.browser()
    assert error_of(await browser.get(path))[:2] == (404, "resource_not_found")
    assert error_of(await browser.post(path))[:2] == (404, "resource_not_found")


async def test_a_get_cannot_stand_for_a_deletion(desk: Desk) -> None:
    browser = desk.browser()
    await browser.sign_up()
    await browser.get("/client", _method="DELETE")
    await browser.get("/client/sessions", _method="DELETE")
    assert len((await browser.client())["sessions"]) == 1


async def test_the_cookie_is_out_of_reach_of_scripts_and_of_other_sites(desk: Desk) -> None:
    answer = await desk.browser().post("/client/sign_ups", email_address="ada@example.com", password=PASSWORD)
    cookie = answer.headers["set-cookie"]
    name, _, rest = cookie.partition("=")
    value, *attributes = rest.split("; ")
    assert re.fullmatch(r"__client_[A-Za-z0-9_-]{8}", name)
    assert len(value) >= 43
    assert {"HttpOnly", "SameSite=lax", "Path=/", "Max-Age=34560000"} <= set(attributes)
    assert "Secure" not in attributes


async def test_behind_https_the_cookie_is_secure() -> None:
    async with Desk(public_url="https://id.example.com") as desk:
        answer = await desk.browser("https://id.example.com").post("/client", "PUT")
        assert "Secure" in answer.headers["set-cookie"].split("; ")


async def test_a_value_that_no_server_gave_is_no_client(desk: Desk) -> None:
    browser = desk.browser()
    await browser.sign_up()
    name = next(iter(browser.cookies()))
    stranger = desk.browser()
    for value in ("guess", "' OR 1=1 --", "x" * 5000):
        stranger.http.cookies.set(name, value)
        assert await stranger.client() is None


@pytest.mark.parametrize(
    "origin",
    [FOREIGN, "null", "http://localhost.evil.example", "http://127.0.0.1.evil.example:80", "file://", "http://[", ""],
)
@pytest.mark.parametrize("path", ["/client/sign_ins", "/client/sessions", "/me", "/client", "/dev_browser"])
async def test_a_change_from_a_foreign_page_is_refused(desk: Desk, origin: str, path: str) -> None:
    browser = desk.browser()
    await browser.sign_up()
    browser.origin = origin
    for method in ("POST", "DELETE", "PATCH"):
        answer = await browser.http.post(f"/v1{path}?_method={method}", headers={"Origin": origin})
        assert error_of(answer)[:2] == (400, "origin_invalid")
        assert "access-control-allow-origin" not in answer.headers
    browser.origin = ORIGIN
    assert len((await browser.client())["sessions"]) == 1


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
async def test_a_foreign_page_gets_nowhere_with_the_real_method_either(desk: Desk, method: str) -> None:
    browser = desk.browser()
    await browser.sign_up()
    answer = await browser.http.request(method, "/v1/client", headers={"Origin": FOREIGN})
    assert error_of(answer)[:2] == (400, "origin_invalid")


async def test_a_cookie_without_an_origin_is_refused_and_a_program_without_a_cookie_is_not(desk: Desk) -> None:
    browser = desk.browser()
    await browser.sign_up()
    browser.origin = None
    assert error_of(await browser.post("/client/sessions", "DELETE"))[:2] == (400, "origin_invalid")
    assert (await desk.browser(origin=None).post("/client", "PUT")).status_code == 200


async def test_pages_on_this_machine_may_read_answers_with_cookies_and_by_name_only(desk: Desk) -> None:
    for origin in ("http://localhost:4200", "http://127.0.0.1:5173", "http://app.localhost", "http://[::1]:3000"):
        answer = await desk.browser(origin).get("/client")
        assert answer.headers["access-control-allow-origin"] == origin
        assert answer.headers["access-control-allow-credentials"] == "true"
        assert answer.headers["vary"] == "Origin"
        assert "Clerk-Db-Jwt" in answer.headers["access-control-expose-headers"]


async def test_errors_carry_the_headers_too(desk: Desk) -> None:
    answer = await desk.browser("http://localhost:4200").get("/nothing")
    assert answer.status_code == 404
    assert answer.headers["access-control-allow-origin"] == "http://localhost:4200"


async def test_a_foreign_page_may_not_read_anything(desk: Desk) -> None:
    answer = await desk.browser(FOREIGN).get("/client")
    assert "access-control-allow-origin" not in answer.headers
    assert answer.headers["vary"] == "Origin"


async def test_a_configured_origin_is_welcome_exactly_as_it_is_written() -> None:
    async with Desk(app_origins=("https://app.example.com",)) as desk:
        assert (await desk.browser("https://app.example.com").post("/client", "PUT")).status_code == 200
        assert (await desk.browser("https://app.example.com:8443").post("/client", "PUT")).status_code == 400
        assert (await desk.browser("http://app.example.com").post("/client", "PUT")).status_code == 400


async def test_a_preflight_names_what_is_allowed(desk: Desk) -> None:
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x-thing"}
    async with desk.http() as http:
        allowed = await http.options("/v1/client", headers={"Origin": "http://localhost:4200", **asked})
        foreign = await http.options("/v1/client", headers={"Origin": FOREIGN, **asked})
    assert allowed.status_code == 204
    assert allowed.headers["access-control-allow-methods"] == "GET, POST"
    assert allowed.headers["access-control-allow-headers"] == "x-thing"
    assert "access-control-allow-origin" not in foreign.headers


async def test_client_touch_returns_to_allowed_pages_only(desk: Desk) -> None:
    browser = desk.browser()
    await browser.sign_up()
    before = browser.cookies()
    good = await browser.get("/client/touch", redirect_url="http://localhost:4200/home?a=1")
    assert (good.status_code, good.headers["location"]) == (302, "http://localhost:4200/home?a=1")
    assert browser.cookies() != before
    assert len((await browser.client())["sessions"]) == 1
    for url in (
        "https://evil.example/",
        "//evil.example",
        "javascript:alert(1)",
        "http://localhost:4200@evil.example/",
        "http://evil.example\\@localhost:4200/",
        "http:/\\evil.example",
        " https://evil.example",
        "",
    ):
        answer = await browser.get("/client/touch", redirect_url=url)
        assert error_of(answer)[0] == 404, url


async def test_a_body_that_is_too_large_is_refused_before_it_is_read_whole(desk: Desk) -> None:
    answer = await desk.browser().post("/client/sign_ups", first_name="x" * 70_000)
    assert error_of(answer)[:2] == (413, "request_body_too_large")


@pytest.mark.parametrize("body", [b"%ff=%fe", b"\xff\xfe", b"a&" * 400])
async def test_a_form_that_is_no_form_is_refused_and_not_a_crash(desk: Desk, body: bytes) -> None:
    async with desk.http(headers={"Origin": ORIGIN}) as http:
        answer = await http.post("/v1/client/sign_ups", content=body)
        assert answer.status_code in (200, 422)


async def test_tokens_name_the_page_they_were_made_for(desk: Desk) -> None:
    browser = desk.browser("http://localhost:4200")
    await browser.sign_up()
    assert claims_of(await browser.token("convex"))["azp"] == "http://localhost:4200"


async def test_a_page_on_another_site_is_warned_about_once(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "parabola.identity"):
        browser = desk.browser("http://127.0.0.1:4200")
        await browser.get("/client")
        await browser.get("/client")
        await desk.browser("http://localhost:4200").get("/client")
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "different sites" in caplog.text


async def test_no_secret_reaches_a_log_or_an_error(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also when the server fails in the middle of it. The development inbox's codes are the one exception."""
    caplog.set_level(logging.DEBUG)
    smtp = SmtpSettings("127.0.0.1", port=9, security="none", timeout_s=0.2)
    async with Desk(smtp=smtp) as desk:
        browser = desk.browser()
        client = await browser.sign_up(password="a secret password")
        tokens = [await browser.token(), await browser.token("convex")]
        await desk.browser().sign_in(password="a secret guess")
        wanted = await desk.browser().post("/client/sign_ins", identifier="ada@example.com", strategy="email_code")
        assert wanted.status_code == 503
        stranger = desk.browser()
        stranger.dev_browser = "a-secret-dev-browser"
        await stranger.get("/client")
        monkeypatch.setattr(Work, "credential", _broken)
        monkeypatch.setattr(Work, "email_by_address", _broken)
        failed: list[Any] = [
            await browser.sign_in(password="a secret password"),
            await stranger.get("/client"),
            await browser.post(f"/client/sessions/{client['last_active_session_id']}/tokens"),
        ]
        assert [answer.status_code for answer in failed] == [500] * 3
        secrets = [
            "a secret",
            "a-secret",
            *tokens,
            *(token.split(".")[2] for token in tokens),
            *browser.cookies().values(),
        ]
        shown = caplog.text + "".join(answer.text for answer in failed) + repr(desk.settings)
        # httpx logs the URLs of the test's own requests.
        shown = "\n".join(line for line in shown.splitlines() if "HTTP Request" not in line)
        assert [secret for secret in secrets if secret in shown] == []


async def test_the_clients_answer_never_shows_what_is_private(desk: Desk) -> None:
    await desk.server.users.create(
        NewUser(["ada@example.com"], password=PASSWORD, private_metadata={"note": "only for us"})
    )
    answer = await desk.browser().sign_in()
    assert "only for us" not in answer.text
    assert "argon2" not in answer.text
    assert "private_metadata" not in answer.text


def _broken(*_: object) -> None:
    raise OSError("the disk is full")
