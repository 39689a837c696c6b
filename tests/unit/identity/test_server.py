"""The server as a whole: restarts, keys, and what Parabola's own verifier makes of its tokens."""

from __future__ import annotations

import sqlite3
import stat
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from starlette.responses import PlainTextResponse

from parabola.auth.fetching import Fetched
from parabola.auth.providers import OIDCProvider
from parabola.auth.tokens import TokenVerifier
from parabola.errors import ParabolaError
from parabola.identity import IdentityRefused, owns
from parabola.seams import ManualClock
from tests.unit.identity.doubles import ORIGIN, PASSWORD, Desk

pytestmark = pytest.mark.anyio


async def no_network(url: str) -> Fetched:
    raise AssertionError(f"asked the network for {url}")


def verifier(desk: Desk) -> TokenVerifier:
    """Parabola's own, as `auth.oidc(domain=…, application_id="convex")` makes it."""
    return TokenVerifier([OIDCProvider(ORIGIN, "convex")], clock=desk.clock, fetch=desk.server.fetch(no_network))


async def jwks(desk: Desk) -> Any:
    async with desk.http() as http:
        return (await http.get("/.well-known/jwks.json")).json()


async def test_parabola_accepts_the_convex_token_without_a_request_to_itself(desk: Desk) -> None:
    browser = desk.browser()
    user_id = (await browser.sign_up(first_name="Ada"))["sessions"][0]["user"]["id"]
    checked = verifier(desk)
    verified = await checked.verify(await browser.token("convex"))
    identity = verified.identity.to_user_identity()
    assert identity["tokenIdentifier"] == f"{ORIGIN}|{user_id}"
    assert (identity["subject"], identity["issuer"], identity["name"]) == (user_id, ORIGIN, "Ada")
    assert (identity["email"], identity["emailVerified"]) == ("ada@example.com", False)
    assert identity["pictureUrl"].startswith(f"{ORIGIN}/__clerk/avatars/")
    await checked.close()


async def test_parabola_refuses_the_plain_session_token(desk: Desk) -> None:
    browser = desk.browser()
    await browser.sign_up()
    checked = verifier(desk)
    with pytest.raises(ParabolaError, match="No auth provider found"):
        await checked.verify(await browser.token())
    await checked.close()


async def test_other_urls_go_to_the_network(desk: Desk) -> None:
    fetch = desk.server.fetch(no_network)
    with pytest.raises(AssertionError, match=r"https://elsewhere\.example"):
        await fetch("https://elsewhere.example/.well-known/jwks.json")


async def test_the_discovery_document_names_its_own_issuer_and_what_convex_needs(desk: Desk) -> None:
    async with desk.http() as http:
        answer = await http.get("/.well-known/openid-configuration", headers={"Host": "something.else"})
    document = answer.json()
    assert answer.headers["content-type"] == "application/json"
    assert document["issuer"] == ORIGIN
    assert document["jwks_uri"] == f"{ORIGIN}/.well-known/jwks.json"
    assert "authorization_endpoint" in document
    assert document["id_token_signing_alg_values_supported"] == ["RS256"]


async def test_the_key_set_is_public_halves_only(desk: Desk) -> None:
    (key,) = (await jwks(desk))["keys"]
    assert key.keys() == {"kty", "use", "alg", "kid", "n", "e"}


async def test_a_restart_keeps_users_sessions_and_keys(tmp_path: Path) -> None:
    clock = ManualClock()
    async with Desk(data_dir=tmp_path, clock=clock) as before:
        browser = before.browser()
        client = await browser.sign_up()
        token, keys, cookies = await browser.token("convex"), await jwks(before), browser.cookies()
        assert before.server.new_secret_key is not None
    async with Desk(data_dir=tmp_path, clock=clock, seed=2) as after:
        browser = after.browser()
        for name, value in cookies.items():
            browser.http.cookies.set(name, value)
        again = await browser.client()
        assert again["last_active_session_id"] == client["last_active_session_id"]
        assert await jwks(after) == keys
        assert after.server.new_secret_key is None
        checked = verifier(after)
        assert (await checked.verify(token)).identity.subject == client["sessions"][0]["user"]["id"]
        assert (await after.browser().sign_in()).status_code == 200
        await checked.close()


async def test_a_lock_out_survives_a_restart(tmp_path: Path) -> None:
    clock = ManualClock()
    async with Desk(data_dir=tmp_path, clock=clock) as before:
        await before.browser().sign_up()
        for _ in range(10):
            await before.browser().sign_in(password="wrong wrong")
    async with Desk(data_dir=tmp_path, clock=clock, seed=2) as after:
        assert (await after.browser().sign_in()).status_code == 403


async def test_the_store_is_readable_by_its_owner_only(tmp_path: Path) -> None:
    async with Desk(data_dir=tmp_path / "new") as desk:
        await desk.browser().sign_up()
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "new").iterdir()}
        assert set(modes.values()) == {0o600}
        assert "identity.sqlite3" in modes


async def test_nothing_in_the_store_lets_anybody_in(tmp_path: Path) -> None:
    async with Desk(data_dir=tmp_path, verify_email_at_sign_up=True) as desk:
        browser = desk.browser()
        made = await browser.post("/client/sign_ups", email_address="ada@example.com", password=PASSWORD)
        await browser.post(
            f"/client/sign_ups/{made.json()['response']['id']}/prepare_verification", strategy="email_code"
        )
        secrets = [PASSWORD, desk.code(), desk.server.new_secret_key or "", *browser.cookies().values()]
    with sqlite3.connect(tmp_path / "identity.sqlite3") as connection:
        dump = "\n".join(connection.iterdump())
        blobs = [
            bytes(row[0]).decode()
            for table in ("attempts", "clients")
            for row in connection.execute(f"SELECT body FROM {table}")
        ]
    connection.close()
    assert [secret for secret in secrets if secret in dump or any(f'"{secret}"' in blob for blob in blobs)] == []


async def test_after_a_rotation_old_tokens_hold_until_they_expire_and_no_longer(desk: Desk) -> None:
    browser = desk.browser()
    await browser.sign_up()
    old_token = await browser.token("convex")
    (old,) = (await jwks(desk))["keys"]
    new_id = await desk.server.rotate_keys()
    published = (await jwks(desk))["keys"]
    assert [key["kid"] for key in published] == [new_id, old["kid"]]
    new_token = await browser.token("convex")
    assert jwt.get_unverified_header(new_token)["kid"] == new_id
    for token in (old_token, new_token):
        key = jwt.PyJWKSet.from_dict(await jwks(desk))[jwt.get_unverified_header(token)["kid"]]
        decoded = jwt.decode(
            token, key, algorithms=["RS256"], audience="convex", options={"verify_exp": False, "verify_nbf": False}
        )
        assert decoded["aud"] == "convex"
    desk.clock.advance(119)
    assert len((await jwks(desk))["keys"]) == 2
    desk.clock.advance(1)
    assert [key["kid"] for key in (await jwks(desk))["keys"]] == [new_id]


async def test_a_rotation_by_another_process_reaches_a_running_server(tmp_path: Path) -> None:
    clock = ManualClock()
    async with Desk(data_dir=tmp_path, clock=clock) as running:
        browser = running.browser()
        await browser.sign_up()
        async with Desk(data_dir=tmp_path, clock=clock, seed=2) as command:
            new_id = await command.server.rotate_keys()
        assert jwt.get_unverified_header(await browser.token())["kid"] == new_id


async def test_a_store_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "identity.sqlite3") as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(IdentityRefused, match="newer version"):
        async with Desk(data_dir=tmp_path):
            pass


@pytest.mark.parametrize(
    "path",
    ["/v1/client", "/__clerk/inbox", "/.well-known/jwks.json", "/.well-known/openid-configuration", "/npm/@clerk/x"],
)
def test_its_own_paths_are_its_own(path: str) -> None:
    assert owns(path)


@pytest.mark.parametrize("path", ["/", "/api/query", "/version", "/v1", "/v10/x", "/.well-known/acme", "/__clerkx"])
def test_all_other_paths_are_the_neighbours(path: str) -> None:
    assert not owns(path)


async def test_it_stands_beside_another_application(desk: Desk) -> None:
    both = desk.server.beside(PlainTextResponse("the neighbour"))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(both), base_url=ORIGIN) as http:
        assert (await http.get("/api/version")).text == "the neighbour"
        assert (await http.get("/v1/client")).json() == {"response": None, "client": None}


async def test_before_it_is_started_there_is_no_application() -> None:
    with pytest.raises(RuntimeError, match="start"):
        _ = Desk().server.app
