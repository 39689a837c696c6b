"""Clerk's own Python SDK against the Backend API: everything that the identity server promises of it."""

from __future__ import annotations

from collections.abc import Iterator

import argon2
import httpx
import pytest
from clerk_backend_api import Clerk, models
from clerk_backend_api.security import verify_token
from clerk_backend_api.security.types import TokenVerificationError, VerifyTokenOptions

from tests.browser.conftest import PASSWORD
from tests.browser.identity_process import IdentityProcess

# The SDK reads fields of its own requests that it calls deprecated.
pytestmark = pytest.mark.filterwarnings(r"ignore:warning. \*\* DEPRECATED:DeprecationWarning")


@pytest.fixture
def clerk(identity: IdentityProcess) -> Iterator[Clerk]:
    with Clerk(bearer_auth=identity.secret_key, server_url=f"{identity.url}/v1") as client:
        yield client


@pytest.fixture
def user(clerk: Clerk, email: str) -> models.User:
    return clerk.users.create(email_address=[email], password=PASSWORD, first_name="Ada", last_name="Lovelace")


def signs_in(identity: IdentityProcess, email: str, password: str) -> httpx.Response:
    """What the Frontend API says to an address and a password, from a program with no cookies."""
    form = {"identifier": email, "password": password}
    return httpx.post(f"{identity.url}/v1/client/sign_ins", data=form, trust_env=False)


def options(identity: IdentityProcess, **more: object) -> VerifyTokenOptions:
    return VerifyTokenOptions(secret_key=identity.secret_key, api_url=identity.url, **more)  # type: ignore[arg-type]


def test_a_user_is_made_and_can_sign_in(clerk: Clerk, identity: IdentityProcess, email: str) -> None:
    made = clerk.users.create(
        email_address=[email],
        password=PASSWORD,
        first_name="Ada",
        external_id=f"ext-{email}",
        public_metadata={"plan": "free"},
        private_metadata={"note": "first"},
        unsafe_metadata={"theme": "dark"},
    )
    assert made.id.startswith("user_")
    assert made.email_addresses[0].email_address == email
    assert made.primary_email_address_id == made.email_addresses[0].id
    assert (made.first_name, made.external_id) == ("Ada", f"ext-{email}")
    assert (made.public_metadata, made.private_metadata) == ({"plan": "free"}, {"note": "first"})
    assert (made.banned, made.locked, made.password_enabled) == (False, False, True)
    assert signs_in(identity, email, PASSWORD).json()["response"]["status"] == "complete"


def test_an_address_that_is_taken_is_an_error_of_the_sdk(clerk: Clerk, user: models.User, email: str) -> None:
    with pytest.raises(models.ClerkErrors) as raised:
        clerk.users.create(email_address=[email], password=PASSWORD)
    assert raised.value.data.errors[0].code == "form_identifier_exists"


def test_a_hash_made_elsewhere_is_taken_over(clerk: Clerk, identity: IdentityProcess, email: str) -> None:
    digest = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
    clerk.users.create(email_address=[email], password_digest=digest, password_hasher="argon2id")
    assert signs_in(identity, email, PASSWORD).json()["response"]["status"] == "complete"


def test_users_are_listed_counted_and_found(clerk: Clerk, user: models.User, email: str) -> None:
    by_address = clerk.users.list(request=models.GetUserListRequest(email_address=[email]))
    by_id = clerk.users.list(request=models.GetUserListRequest(user_id=[user.id]))
    by_query = clerk.users.list(request=models.GetUserListRequest(query=email))
    assert [[found.id for found in page] for page in (by_address, by_id, by_query)] == [[user.id]] * 3
    newest = clerk.users.list(request=models.GetUserListRequest(limit=1, order_by="-created_at"))
    assert [found.id for found in newest] == [user.id]
    count = clerk.users.count(request=models.GetUsersCountRequest(email_address=[email]))
    assert count.total_count == 1
    assert clerk.users.count(request=models.GetUsersCountRequest()).total_count >= 1


def test_a_user_is_read_changed_and_deleted(clerk: Clerk, user: models.User) -> None:
    assert clerk.users.get(user_id=user.id).first_name == "Ada"
    changed = clerk.users.update(user_id=user.id, first_name="Grace", last_name="Hopper")
    assert (changed.first_name, changed.last_name) == ("Grace", "Hopper")
    merged = clerk.users.update_metadata(user_id=user.id, public_metadata={"plan": {"name": "pro"}, "gone": 1})
    merged = clerk.users.update_metadata(user_id=user.id, public_metadata={"plan": {"seats": 2}, "gone": None})
    assert merged.public_metadata == {"plan": {"name": "pro", "seats": 2}}
    gone = clerk.users.delete(user_id=user.id)
    assert (gone.id, gone.deleted) == (user.id, True)
    with pytest.raises(models.ClerkErrors) as raised:
        clerk.users.get(user_id=user.id)
    assert raised.value.status_code == 404
    assert raised.value.data.errors[0].code == "resource_not_found"


def test_a_banned_or_locked_user_cannot_sign_in(
    clerk: Clerk, identity: IdentityProcess, user: models.User, email: str
) -> None:
    for close, open_again, code in (
        (clerk.users.ban, clerk.users.unban, "user_banned"),
        (clerk.users.lock, clerk.users.unlock, "user_locked"),
    ):
        close(user_id=user.id)
        refused = signs_in(identity, email, PASSWORD)
        assert (refused.status_code, refused.json()["errors"][0]["code"]) == (403, code)
        open_again(user_id=user.id)
        assert signs_in(identity, email, PASSWORD).status_code == 200


def test_a_password_is_checked(clerk: Clerk, user: models.User) -> None:
    assert clerk.users.verify_password(user_id=user.id, password=PASSWORD).verified is True
    # The SDK knows no model for the answer to a wrong one.
    with pytest.raises(models.SDKError) as raised:
        clerk.users.verify_password(user_id=user.id, password="not the right one")
    assert raised.value.status_code == 422


def test_a_session_is_made_found_and_revoked(clerk: Clerk, user: models.User) -> None:
    made = clerk.sessions.create(request=models.CreateSessionRequestBody(user_id=user.id))
    assert (made.user_id, made.status) == (user.id, "active")
    assert clerk.sessions.get(session_id=made.id).id == made.id
    active = models.QueryParamStatus.ACTIVE
    assert [found.id for found in clerk.sessions.list(user_id=user.id, status=active)] == [made.id]
    assert clerk.sessions.revoke(session_id=made.id).status == "revoked"
    assert clerk.sessions.list(user_id=user.id, status=active) == []


def test_tokens_of_a_session_are_accepted_by_the_sdks_own_check(
    clerk: Clerk, identity: IdentityProcess, user: models.User
) -> None:
    session = clerk.sessions.create(request=models.CreateSessionRequestBody(user_id=user.id))
    token = clerk.sessions.create_token(session_id=session.id).jwt
    assert token is not None
    claims = verify_token(token, options(identity))
    assert (claims["sub"], claims["sid"]) == (user.id, session.id)
    template = clerk.sessions.create_token_from_template(session_id=session.id, template_name="convex").jwt
    assert template is not None
    assert verify_token(template, options(identity, audience="convex"))["sub"] == user.id
    with pytest.raises(TokenVerificationError):
        verify_token(template, options(identity, audience="another"))
    with pytest.raises(models.ClerkErrors) as raised:
        clerk.sessions.create_token_from_template(session_id=session.id, template_name="hasura")
    assert raised.value.status_code == 404


def test_a_forged_token_is_refused_by_the_sdks_own_check(
    clerk: Clerk, identity: IdentityProcess, user: models.User
) -> None:
    session = clerk.sessions.create(request=models.CreateSessionRequestBody(user_id=user.id))
    token = clerk.sessions.create_token(session_id=session.id).jwt
    assert token is not None
    head, body, signature = token.split(".")
    forged = f"{head}.{body}.{signature[:-8]}{'A' * 8}"
    with pytest.raises(TokenVerificationError):
        verify_token(forged, options(identity))


def test_the_keys_are_those_that_are_published(clerk: Clerk, identity: IdentityProcess) -> None:
    published = httpx.get(f"{identity.url}/.well-known/jwks.json", trust_env=False).json()
    found = clerk.jwks.get_jwks().keys
    assert found is not None
    assert [key.kid for key in found] == [key["kid"] for key in published["keys"]]  # type: ignore[union-attr]


def test_a_wrong_secret_key_opens_nothing(identity: IdentityProcess) -> None:
    wrong = "sk_test_" + "x" * 40
    with (
        Clerk(bearer_auth=wrong, server_url=f"{identity.url}/v1") as client,
        pytest.raises(models.ClerkErrors) as raised,
    ):
        client.users.list(request=models.GetUserListRequest())
    assert raised.value.status_code == 401
    assert raised.value.data.errors[0].code == "authentication_invalid"
