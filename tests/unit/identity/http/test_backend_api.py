"""The Backend API, through Clerk's own Python SDK, unmodified."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from argon2 import PasswordHasher
from clerk_backend_api import Clerk
from clerk_backend_api.models import ClerkErrors, SDKError
from clerk_backend_api.models import QueryParamStatus as Status

from parabola.identity import IdentitySettings
from tests.unit.identity.doubles import ORIGIN, PASSWORD, Desk, claims_of, error_of

pytestmark = pytest.mark.anyio

SECRET = "sk_test_" + "s" * 40


@pytest.fixture
async def desk(anyio_backend: str) -> AsyncIterator[Desk]:
    async with Desk(secret_key=SECRET) as started:
        yield started


@pytest.fixture
async def sdk(desk: Desk) -> AsyncIterator[Clerk]:
    async with (
        httpx.AsyncClient(transport=httpx.ASGITransport(desk.server.app)) as http,
        Clerk(bearer_auth=SECRET, server_url=f"{ORIGIN}/v1", async_client=http) as clerk,
    ):
        yield clerk


async def create(sdk: Clerk, address: str = "ada@example.com", **more: Any) -> Any:
    return await sdk.users.create_async(email_address=[address], password=PASSWORD, **more)


async def refused(call: Any) -> tuple[int, str]:
    """(status, code) of an SDK call that must fail."""
    with pytest.raises(ClerkErrors) as caught:
        await call
    return caught.value.raw_response.status_code, caught.value.data.errors[0].code


async def test_users_are_created_read_changed_and_deleted(sdk: Clerk, desk: Desk) -> None:
    made = await create(sdk, first_name="Ada", external_id="crm-1", private_metadata={"tier": 1})
    assert made.email_addresses[0].verification.status == "verified"
    assert (await sdk.users.get_async(user_id=made.id)).external_id == "crm-1"
    changed = await sdk.users.update_async(user_id=made.id, last_name="Lovelace")
    assert (changed.first_name, changed.last_name) == ("Ada", "Lovelace")
    assert (await desk.browser().sign_in()).status_code == 200
    deleted = await sdk.users.delete_async(user_id=made.id)
    assert deleted.deleted is True
    assert await refused(sdk.users.get_async(user_id=made.id)) == (404, "resource_not_found")


async def test_a_taken_address_is_refused(sdk: Clerk) -> None:
    await create(sdk)
    assert await refused(create(sdk, "ADA@example.com")) == (422, "form_identifier_exists")


# The SDK warns about a field of its own requests.
@pytest.mark.filterwarnings("ignore:warning. .. DEPRECATED:DeprecationWarning")
async def test_users_are_listed_filtered_and_counted(sdk: Clerk, desk: Desk) -> None:
    ids: list[str] = []
    for name in ("ada", "bob", "cyd"):
        desk.clock.advance(1)
        ids.append((await create(sdk, f"{name}@example.com", first_name=name.title())).id)
    newest = await sdk.users.list_async(request={"limit": 2})
    assert [user.id for user in newest] == [ids[2], ids[1]]
    oldest = await sdk.users.list_async(request={"order_by": "+created_at", "offset": 1})
    assert [user.id for user in oldest] == [ids[1], ids[2]]
    by_address = await sdk.users.list_async(request={"email_address": ["BOB@example.com"]})
    assert [user.id for user in by_address] == [ids[1]]
    by_text = await sdk.users.list_async(request={"query": "cy"})
    assert [user.id for user in by_text] == [ids[2]]
    assert (await sdk.users.count_async(request={})).total_count == 3


async def test_metadata_merges_deeply_and_null_deletes(sdk: Clerk) -> None:
    user = await create(sdk, public_metadata={"plan": {"name": "free", "seats": 1}, "old": True})
    merged = await sdk.users.update_metadata_async(
        user_id=user.id, public_metadata={"plan": {"name": "gold"}, "old": None}
    )
    assert merged.public_metadata == {"plan": {"name": "gold", "seats": 1}}


async def test_a_ban_ends_sessions_and_keeps_out(sdk: Clerk, desk: Desk) -> None:
    user = await create(sdk)
    browser = desk.browser()
    await browser.sign_in()
    assert (await sdk.users.ban_async(user_id=user.id)).banned is True
    assert (await browser.client())["sessions"] == []
    assert error_of(await browser.sign_in())[1] == "user_banned"
    assert (await sdk.users.unban_async(user_id=user.id)).banned is False
    assert (await browser.sign_in()).status_code == 200


async def test_a_lock_keeps_out_until_it_is_lifted(sdk: Clerk, desk: Desk) -> None:
    user = await create(sdk)
    assert (await sdk.users.lock_async(user_id=user.id)).locked is True
    assert error_of(await desk.browser().sign_in())[1] == "user_locked"
    assert (await sdk.users.unlock_async(user_id=user.id)).locked is False
    assert (await desk.browser().sign_in()).status_code == 200


async def test_an_operator_sees_and_lifts_a_lock_out(sdk: Clerk, desk: Desk) -> None:
    user = await create(sdk)
    for _ in range(10):
        await desk.browser().sign_in(password="wrong wrong")
    seen = await sdk.users.get_async(user_id=user.id)
    assert (seen.locked, seen.lockout_expires_in_seconds, seen.verification_attempts_remaining) == (True, 900, 0)
    await sdk.users.unlock_async(user_id=user.id)
    assert (await desk.browser().sign_in()).status_code == 200


async def test_passwords_can_be_verified(sdk: Clerk) -> None:
    user = await create(sdk)
    assert (await sdk.users.verify_password_async(user_id=user.id, password=PASSWORD)).verified is True
    with pytest.raises(SDKError, match="form_password_incorrect"):
        await sdk.users.verify_password_async(user_id=user.id, password="wrong wrong")


async def test_an_argon2_hash_can_be_imported(sdk: Clerk, desk: Desk) -> None:
    digest = PasswordHasher(time_cost=1, memory_cost=16, parallelism=1).hash("imported password")
    await sdk.users.create_async(email_address=["ada@example.com"], password_digest=digest, password_hasher="argon2id")
    assert (await desk.browser().sign_in(password="imported password")).status_code == 200


# The SDK warns about a field of its own requests.
@pytest.mark.filterwarnings("ignore:warning. .. DEPRECATED:DeprecationWarning")
async def test_sessions_are_created_listed_and_revoked(sdk: Clerk) -> None:
    user = await create(sdk)
    made = await sdk.sessions.create_async(request={"user_id": user.id})
    assert (made.status, made.user_id) == ("active", user.id)
    listed = await sdk.sessions.list_async(user_id=user.id, status=Status.ACTIVE)
    assert [session.id for session in listed] == [made.id]
    assert (await sdk.sessions.get_async(session_id=made.id)).id == made.id
    assert (await sdk.sessions.revoke_async(session_id=made.id)).status == "revoked"
    assert await sdk.sessions.list_async(user_id=user.id, status=Status.ACTIVE) == []


async def test_a_browsers_session_is_revoked_from_here(sdk: Clerk, desk: Desk) -> None:
    browser = desk.browser()
    session_id = (await browser.sign_up())["last_active_session_id"]
    await sdk.sessions.revoke_async(session_id=session_id)
    assert error_of(await browser.post(f"/client/sessions/{session_id}/touch"))[0] == 401


async def test_tokens_are_made_plain_and_from_a_template(sdk: Clerk) -> None:
    user = await create(sdk)
    session = await sdk.sessions.create_async(request={"user_id": user.id})
    plain = await sdk.sessions.create_token_async(session_id=session.id)
    assert claims_of(plain.jwt or "")["sid"] == session.id
    named = await sdk.sessions.create_token_from_template_async(session_id=session.id, template_name="convex")
    assert claims_of(named.jwt or "")["aud"] == "convex"


async def test_the_keys_are_the_public_ones(sdk: Clerk, desk: Desk) -> None:
    keys = await sdk.jwks.get_jwks_async()
    async with desk.http() as http:
        public = (await http.get("/.well-known/jwks.json")).json()
    assert [key.kid for key in keys.keys or []] == [key["kid"] for key in public["keys"]]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer sk_test_" + "x" * 40},
        {"Authorization": SECRET},
        {"Authorization": f"Basic {SECRET}"},
        {"Authorization": "Bearer "},
    ],
)
@pytest.mark.parametrize("path", ["/v1/users", "/v1/jwks", "/v1/sessions", "/__clerk/v1/users", "/v1/users/nothing"])
async def test_nothing_is_answered_without_the_secret_key(desk: Desk, headers: dict[str, str], path: str) -> None:
    async with desk.http(headers=headers) as http:
        assert error_of(await http.get(path))[:2] == (401, "authentication_invalid")


async def test_a_browsers_cookie_opens_nothing_here_and_no_page_may_read_it(desk: Desk) -> None:
    browser = desk.browser()
    await browser.sign_up()
    async with desk.http(cookies=browser.cookies(), headers={"Origin": ORIGIN}) as http:
        assert (await http.get("/v1/users")).status_code == 401
        allowed = await http.get("/v1/users", headers={"Authorization": f"Bearer {SECRET}"})
        assert allowed.status_code == 200
        assert not [name for name in allowed.headers if name.startswith("access-control")]


async def test_a_method_in_the_query_means_nothing_here(desk: Desk) -> None:
    async with desk.http(headers={"Authorization": f"Bearer {SECRET}"}) as http:
        made = await http.post("/v1/users", json={"email_address": ["ada@example.com"]})
        assert (await http.post(f"/v1/users/{made.json()['id']}?_method=DELETE")).status_code == 404


@pytest.mark.parametrize("body", [b"[1]", b"{", b'"text"', b"1"])
async def test_a_body_that_is_no_object_is_refused(desk: Desk, body: bytes) -> None:
    async with desk.http(headers={"Authorization": f"Bearer {SECRET}"}) as http:
        assert error_of(await http.post("/v1/users", content=body))[:2] == (422, "form_param_format_invalid")


@pytest.mark.parametrize("query", ["limit=0", "limit=501", "limit=x", "offset=-1", "limit=²", "order_by=hash"])
async def test_a_page_that_cannot_be_is_refused(desk: Desk, query: str) -> None:
    async with desk.http(headers={"Authorization": f"Bearer {SECRET}"}) as http:
        assert error_of(await http.get(f"/v1/users?{query}"))[0] == 422


async def test_a_key_is_made_once_and_only_its_hash_is_kept() -> None:
    async with Desk() as desk:
        made = desk.server.new_secret_key
        assert made is not None
        assert made.startswith("sk_test_")
        async with desk.http(headers={"Authorization": f"Bearer {made}"}) as http:
            assert (await http.get("/v1/users/count")).json() == {"object": "total_count", "total_count": 0}
            replaced = await desk.server.replace_secret_key()
            assert (await http.get("/v1/users/count")).status_code == 401
        async with desk.http(headers={"Authorization": f"Bearer {replaced}"}) as http:
            assert (await http.get("/v1/users/count")).status_code == 200


def test_a_secret_key_is_not_in_the_settings_representation() -> None:
    assert SECRET not in repr(IdentitySettings(secret_key=SECRET))
