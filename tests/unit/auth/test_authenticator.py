"""The `Authorization` header and its rules (wire 2.3)."""

from __future__ import annotations

import pytest

from parabola.auth import AdminIdentity, AdminKeyring, Authenticator, Identity
from parabola.errors import BadRequest, PeerError, Unauthenticated
from tests.unit.auth.doubles import Setting

pytestmark = pytest.mark.anyio
KEY = "otter|0123456789abcdef"


def authenticator(setting: Setting) -> Authenticator:
    return Authenticator(setting.verifier, AdminKeyring(KEY))


async def test_no_credentials_are_nobody() -> None:
    assert await authenticator(Setting()).from_header(None) is None


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
async def test_a_bearer_token_is_a_user(scheme: str) -> None:
    setting = Setting()
    caller = await authenticator(setting).from_header(f"{scheme} {setting.token()}")
    assert isinstance(caller, Identity)
    assert caller.subject == "alice"


@pytest.mark.parametrize("scheme", ["Convex", "convex"])
async def test_an_admin_key_is_the_admin(scheme: str) -> None:
    assert await authenticator(Setting()).from_header(f"{scheme} {KEY}") == AdminIdentity()


async def test_the_query_parameter_counts_only_without_a_header() -> None:
    setting = Setting()
    assert await authenticator(setting).from_header(None, KEY) == AdminIdentity()
    assert isinstance(await authenticator(setting).from_header(f"Bearer {setting.token()}", KEY), Identity)
    with pytest.raises(Unauthenticated):
        await authenticator(setting).from_header(None, "otter|wrong")


@pytest.mark.parametrize(
    ("header", "status", "code"),
    [
        ("", 400, "InvalidHeaderFailure"),
        ("Bearer", 400, "InvalidHeaderFailure"),
        ("Basic dXNlcjpwYXNz", 400, "InvalidAdminKey"),
        ("nonsense", 400, "InvalidAdminKey"),
        ("Bearer x", 401, "InvalidAuthHeader"),
        ("Convex otter|wrong", 401, "BadAdminKey"),
        ("Convex weasel|0123456789abcdef", 403, "BadDeployKey"),
    ],
)
async def test_credentials_that_do_not_hold_never_become_an_anonymous_call(header: str, status: int, code: str) -> None:
    with pytest.raises(PeerError) as refused:
        await authenticator(Setting()).from_header(header)
    assert (refused.value.status, refused.value.code) == (status, code)


async def test_a_short_header_is_a_bad_request() -> None:
    with pytest.raises(BadRequest):
        await authenticator(Setting()).from_header("Bear")
