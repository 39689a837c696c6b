"""JWT templates."""

from __future__ import annotations

import pytest

from parabola.identity import IdentityRefused, TokenTemplate
from parabola.identity.records import EmailAddress, User, Verification
from parabola.identity.templates import CONVEX_TEMPLATE, fill, rfc3339

USER = User("user_1", 0, 1_700_000_000_123, first_name="Ada", public_metadata={"plan": {"seats": 3}})
EMAIL = EmailAddress("idn_1", "user_1", "ada@example.com", 0, 0, Verification("verified"))


def claims(template: dict[str, object], user: User = USER) -> dict[str, object]:
    return fill(TokenTemplate(template), user, EMAIL, "http://i/1")


def test_a_placeholder_alone_keeps_its_type() -> None:
    assert claims({"ok": "{{user.email_verified}}", "plan": "{{ user.public_metadata.plan }}"}) == {
        "ok": True,
        "plan": {"seats": 3},
    }


def test_a_placeholder_in_text_becomes_text() -> None:
    assert claims({"t": "Hi {{user.first_name}}{{user.last_name}}, {{user.email_verified}}"}) == {"t": "Hi Ada, true"}


def test_placeholders_reach_into_objects_and_lists() -> None:
    assert claims({"a": {"b": ["{{user.id}}", 1]}}) == {"a": {"b": ["user_1", 1]}}


def test_what_comes_out_empty_is_left_out() -> None:
    filled = fill(CONVEX_TEMPLATE, USER, None, "http://i/1")
    assert filled == {
        "aud": "convex",
        "name": "Ada",
        "given_name": "Ada",
        "picture": "http://i/1",
        "updated_at": "2023-11-14T22:13:20.123Z",
    }


def test_what_a_user_writes_is_not_taken_for_a_placeholder() -> None:
    sly = User("user_2", 0, 0, first_name="{{user.public_metadata}}", unsafe_metadata={"x": "{{user.id}}"})
    assert claims({"n": "{{user.first_name}}", "x": "{{user.unsafe_metadata.x}}"}, sly) == {
        "n": "{{user.public_metadata}}",
        "x": "{{user.id}}",
    }


@pytest.mark.parametrize("claim", ["iss", "sub", "exp", "iat", "nbf", "sid", "azp"])
def test_what_the_server_says_itself_cannot_be_overridden(claim: str) -> None:
    with pytest.raises(IdentityRefused, match=f"'{claim}'"):
        TokenTemplate({claim: "x"})


@pytest.mark.parametrize("path", ["user.private_metadata", "user.nickname", "org.id", "user.password_hash"])
def test_a_placeholder_that_does_not_exist_is_refused_at_once(path: str) -> None:
    with pytest.raises(IdentityRefused, match=r"Known are: user\.created_at"):
        TokenTemplate({"x": ["{{" + path + "}}"]})


def test_times_are_rfc_3339() -> None:
    assert rfc3339(0) == "1970-01-01T00:00:00.000Z"
