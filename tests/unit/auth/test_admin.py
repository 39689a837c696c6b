"""Admin keys: making, keeping and recognising them (wire 2.3)."""

from __future__ import annotations

import base64
import json
import stat
from pathlib import Path

import pytest

from parabola.auth import AdminIdentity, AdminKeyring, generate_admin_key, load_or_create_admin_key
from parabola.auth.admin import strip_key_prefix
from parabola.errors import BadRequest, Forbidden, ParabolaError, StorageFailure, Unauthenticated
from parabola.seams import SeededEntropy

KEY = generate_admin_key("happy-otter-123", SeededEntropy(1))


def acting_as(attributes: object) -> str:
    return f"{KEY}:{base64.b64encode(json.dumps(attributes).encode()).decode()}"


def test_a_key_names_its_deployment_and_holds_a_long_secret_without_colon() -> None:
    name, _, secret = KEY.partition("|")
    assert name == "happy-otter-123"
    assert len(secret) == 64
    assert ":" not in KEY
    assert generate_admin_key("happy-otter-123", SeededEntropy(2)) != KEY


@pytest.mark.parametrize("name", ["", "Has Capitals", "a:b", "a|b", "-x", "x" * 64])
def test_a_name_that_would_confuse_the_format_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="is not a deployment name"):
        generate_admin_key(name, SeededEntropy(1))


def test_the_key_is_kept_readable_by_its_owner_only_and_found_again(tmp_path: Path) -> None:
    path = tmp_path / "data" / "admin_key"
    key = load_or_create_admin_key(path, "otter", SeededEntropy(1))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert load_or_create_admin_key(path, "another-name", SeededEntropy(2)) == key
    assert [file.name for file in path.parent.iterdir()] == ["admin_key"]


DAMAGED = ["", "no separator", "a|", "|secret", "a|se:cret", KEY[:-1], KEY[:30], f"{KEY}0", KEY.replace("|", ""), "é"]


@pytest.mark.parametrize("content", DAMAGED)
def test_a_damaged_key_file_is_reported_rather_than_trusted(tmp_path: Path, content: str) -> None:
    path = tmp_path / "admin_key"
    path.write_text(content)
    with pytest.raises(StorageFailure, match="does not hold a whole admin key"):
        load_or_create_admin_key(path, "otter", SeededEntropy(1))


@pytest.mark.parametrize("prefix", ["", "prod:", "dev:"])
def test_the_key_is_recognised_with_any_prefix(prefix: str) -> None:
    assert AdminKeyring(KEY).identify(prefix + KEY) == AdminIdentity()


def test_prefixes_are_stripped_as_the_official_tools_mean_them() -> None:
    assert strip_key_prefix("dev:name|secret") == "name|secret"
    assert strip_key_prefix("preview:team:project|secret") == "secret"
    assert strip_key_prefix("project:team:project|secret") == "secret"
    assert strip_key_prefix("name|secret:eyJ9") == "name|secret:eyJ9"
    secret = KEY.partition("|")[2]
    assert AdminKeyring(KEY).identify(f"preview:team:project|{secret}") == AdminIdentity()


@pytest.mark.parametrize(
    ("text", "error", "code"),
    [
        (KEY[:-1], Unauthenticated, "BadAdminKey"),
        (KEY + "0", Unauthenticated, "BadAdminKey"),
        ("nonsense", Unauthenticated, "BadAdminKey"),
        ("", Unauthenticated, "BadAdminKey"),
        ("dev:", Unauthenticated, "BadAdminKey"),
        ("preview:", Unauthenticated, "BadAdminKey"),
        ("happy-otter-123|", Unauthenticated, "BadAdminKey"),
        ("happy-otter-123|\u20ac\udc80", Unauthenticated, "BadAdminKey"),
        (KEY.replace("happy-otter-123", "sad-otter-1"), Forbidden, "BadDeployKey"),
    ],
)
def test_a_wrong_key_is_refused_with_its_code(text: str, error: type[ParabolaError], code: str) -> None:
    with pytest.raises(error) as refused:
        AdminKeyring(KEY).identify(text)
    assert refused.value.code == code


def test_an_admin_may_act_as_a_user() -> None:
    identity = AdminKeyring(KEY).identify(
        "dev:" + acting_as({"issuer": "https://i", "subject": "ada", "email": "a@b", "custom": {"x": 1}})
    )
    assert identity.to_user_identity() == {
        "tokenIdentifier": "https://i|ada",
        "issuer": "https://i",
        "subject": "ada",
        "email": "a@b",
        "custom": {"x": 1},
    }
    from_identifier = AdminKeyring(KEY).identify(KEY, {"tokenIdentifier": "https://i|ada"}).acting_as
    assert from_identifier is not None
    assert (from_identifier.issuer, from_identifier.subject) == ("https://i", "ada")


@pytest.mark.parametrize(
    "text",
    [
        f"{KEY}:",
        f"{KEY}:!!!",
        acting_as([]),
        acting_as({}),
        acting_as({"issuer": "i"}),
        acting_as({"tokenIdentifier": 5}),
    ],
)
def test_a_user_to_act_as_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(BadRequest, match="The user to act as cannot be used"):
        AdminKeyring(KEY).identify(text)


def test_attributes_do_not_help_a_wrong_key() -> None:
    with pytest.raises(Unauthenticated):
        AdminKeyring(KEY).identify(
            "happy-otter-123|wrong:" + acting_as({"subject": "s", "issuer": "i"}).partition(":")[2]
        )
