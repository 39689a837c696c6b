"""What functions see of a token's claims (wire 5.4)."""

from __future__ import annotations

from typing import Any

import pytest

from parabola.auth import AdminIdentity, Identity
from parabola.auth.claims import custom_attributes, oidc_attributes
from parabola.errors import Unauthenticated

TOKEN_CLAIMS = {"iss": "i", "sub": "s", "aud": "a", "exp": 2, "iat": 1, "nbf": 1, "jti": "x", "fva": [1, 2]}


def test_standard_oidc_claims_get_their_convex_names() -> None:
    claims: dict[str, Any] = {
        "name": "Ada Lovelace",
        "given_name": "Ada",
        "family_name": "Lovelace",
        "nickname": "ada",
        "preferred_username": "countess",
        "profile": "https://p",
        "picture": "https://q",
        "website": "https://w",
        "email": "ada@example.com",
        "email_verified": True,
        "gender": "f",
        "birthdate": "1815-12-10",
        "zoneinfo": "Europe/London",
        "locale": "en-GB",
        "phone_number": "+44",
        "phone_number_verified": False,
        "address": {"formatted": "St James's Square", "country": "UK"},
        "updated_at": 1_700_000_000,
    }
    assert oidc_attributes({**TOKEN_CLAIMS, **claims}) == {
        "name": "Ada Lovelace",
        "givenName": "Ada",
        "familyName": "Lovelace",
        "nickname": "ada",
        "preferredUsername": "countess",
        "profileUrl": "https://p",
        "pictureUrl": "https://q",
        "websiteUrl": "https://w",
        "email": "ada@example.com",
        "emailVerified": True,
        "gender": "f",
        "birthday": "1815-12-10",
        "timezone": "Europe/London",
        "language": "en-GB",
        "phoneNumber": "+44",
        "phoneNumberVerified": False,
        "address": "St James's Square",
        "updatedAt": "2023-11-14T22:13:20+00:00",
    }


def test_other_oidc_claims_keep_their_name_and_json_value() -> None:
    claims = {**TOKEN_CLAIMS, "org": {"id": "o1", "role": "admin"}, "https://x/roles": ["a", "b"], "nothing": None}
    assert oidc_attributes(claims) == {
        "org": {"id": "o1", "role": "admin"},
        "https://x/roles": ["a", "b"],
        "nothing": None,
    }


def test_custom_claims_keep_their_names_and_are_flattened_with_dots() -> None:
    claims = {
        **TOKEN_CLAIMS,
        "given_name": "Ada",
        "email": "a@b",
        "a": {"b": 1, "c": {"d": [1, {"e": 2}]}},
        "empty": {},
    }
    assert custom_attributes(claims) == {"given_name": "Ada", "email": "a@b", "a.b": 1, "a.c.d": [1, {"e": 2}]}


@pytest.mark.parametrize("attributes_of", [oidc_attributes, custom_attributes])
def test_a_claim_cannot_pretend_to_be_who_the_user_is(attributes_of: Any) -> None:
    claims = {**TOKEN_CLAIMS, "tokenIdentifier": "victim", "issuer": "victim", "subject": "victim", "ok": 1}
    identity = Identity("i|s", "i", "s", attributes_of(claims))
    assert identity.to_user_identity() == {"tokenIdentifier": "i|s", "issuer": "i", "subject": "s", "ok": 1}


@pytest.mark.parametrize(
    ("claim", "value"),
    [
        ("email_verified", "yes"),
        ("email_verified", 1),
        ("name", 5),
        ("email", ["a"]),
        ("updated_at", True),
        ("updated_at", 1e300),
    ],
)
def test_a_standard_claim_of_the_wrong_type_is_refused(claim: str, value: object) -> None:
    with pytest.raises(Unauthenticated, match=f"its claim '{claim}' must be") as refused:
        oidc_attributes({**TOKEN_CLAIMS, claim: value})
    assert refused.value.code == "InvalidAuthHeader"


def test_a_verified_flag_sent_as_text_becomes_a_boolean() -> None:
    assert oidc_attributes({"email_verified": "false"}) == {"emailVerified": False}


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (1_700_000_000_000, "2023-11-14T22:13:20+00:00"),
        ("2023-11-14T22:13:20Z", "2023-11-14T22:13:20+00:00"),
        ("last Tuesday", "last Tuesday"),
    ],
    ids=["milliseconds", "RFC 3339", "other text"],
)
def test_updated_at_is_always_shown_as_text(value: object, shown: str) -> None:
    assert oidc_attributes({"updated_at": value}) == {"updatedAt": shown}


def test_integers_beyond_a_double_become_doubles() -> None:
    assert custom_attributes({"big": 2**63, "list": [2**60, 1]}) == {"big": 2.0**63, "list": [2.0**60, 1]}


def test_a_refreshed_token_of_the_same_user_is_the_same_identity() -> None:
    first = Identity("i|s", "i", "s", oidc_attributes({**TOKEN_CLAIMS, "email": "a@b"}))
    later = {**TOKEN_CLAIMS, "exp": 99, "iat": 98, "nbf": 98, "jti": "y", "email": "a@b"}
    second = Identity("i|s", "i", "s", oidc_attributes(later))
    assert first == second
    assert first.cache_key == second.cache_key
    assert hash(first) == hash(second)
    assert first != Identity("i|s", "i", "s", {"email": "other"})


def test_what_a_function_does_to_its_identity_stays_there() -> None:
    identity = Identity("i|s", "i", "s", {"roles": ["a"], "org": {"id": 1}})
    shown = identity.to_user_identity()
    shown["roles"].append("admin")
    shown["org"]["id"] = 2
    assert identity.to_user_identity()["roles"] == ["a"]
    assert identity.to_user_identity()["org"] == {"id": 1}


def test_an_admin_is_seen_as_the_user_acted_as_and_cached_apart() -> None:
    user = Identity("i|s", "i", "s")
    assert AdminIdentity().to_user_identity() is None
    assert AdminIdentity(user).to_user_identity() == user.to_user_identity()
    assert len({AdminIdentity().cache_key, AdminIdentity(user).cache_key, user.cache_key}) == 3
