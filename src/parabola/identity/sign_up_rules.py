"""What a sign-up still needs, and what its fields may hold. Pure."""

from __future__ import annotations

import json
import re
from typing import Any, Final

from parabola.identity.failures import bad_parameter, empty_parameter
from parabola.identity.records import SignUp

REQUIRED_FIELDS: Final = ("email_address", "password")
OPTIONAL_FIELDS: Final = ("first_name", "last_name")
NAME_LENGTH_MAX: Final = 256
USERNAME_LENGTHS: Final = (4, 64)
METADATA_BYTES_MAX: Final = 8192

_ADDRESS: Final = re.compile(r"[^\s@<>\"(),:;\\\[\]]{1,64}@[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?")
_USERNAME: Final = re.compile(r"[a-z0-9_-]+")


def missing_fields(sign_up: SignUp) -> list[str]:
    present = {"email_address": sign_up.email_address, "password": sign_up.password_hash}
    return [name for name in REQUIRED_FIELDS if not present[name]]


def unverified_fields(sign_up: SignUp, *, verify_email: bool) -> list[str]:
    if verify_email and sign_up.email_address and sign_up.verification.status != "verified":
        return ["email_address"]
    return []


def is_ready(sign_up: SignUp, *, verify_email: bool) -> bool:
    """Whether the account can be made now."""
    return not missing_fields(sign_up) and not unverified_fields(sign_up, verify_email=verify_email)


def status_of(sign_up: SignUp, now_ms: int) -> str:
    if sign_up.created_user_id is not None:
        return "complete"
    return "abandoned" if now_ms >= sign_up.abandon_at else "missing_requirements"


def checked_address(text: str, param: str = "email_address") -> str:
    """An e-mail address in the form in which it is unique: trimmed, lower case. Raises what the form shows."""
    address = text.strip().lower()
    if not address:
        raise empty_parameter(param)
    local, _, host = address.partition("@")
    if len(address) > 254 or not _ADDRESS.fullmatch(address) or ".." in host or not local.isprintable():
        raise bad_parameter(param, "That is not a valid email address. It should look like name@example.com.")
    return address


def is_test_address(address: str) -> bool:
    """Clerk's convention for tests: `name+clerk_test@…` takes a fixed code and is sent nothing."""
    return "+clerk_test" in address.partition("@")[0]


def checked_name(text: str, param: str) -> str | None:
    """A name, trimmed; empty means none."""
    name = text.strip()
    if len(name) > NAME_LENGTH_MAX or not name.isprintable():
        raise bad_parameter(param, f"Use at most {NAME_LENGTH_MAX} printable characters.")
    return name or None


def checked_username(text: str) -> str | None:
    """A user name in lower case; empty means none."""
    name = text.strip().lower()
    if not name:
        return None
    shortest, longest = USERNAME_LENGTHS
    if not shortest <= len(name) <= longest or not _USERNAME.fullmatch(name):
        raise bad_parameter("username", f"Use {shortest} to {longest} letters, digits, dashes and underscores.")
    return name


def checked_metadata(value: object, param: str = "unsafe_metadata") -> dict[str, Any]:
    """Metadata from JSON text (forms) or an object (Backend API). Raises what the form shows."""
    if isinstance(value, str):
        if len(value.encode("utf-8", "replace")) > METADATA_BYTES_MAX:
            raise bad_parameter(param, f"Metadata may have at most {METADATA_BYTES_MAX} bytes.")
        try:
            value = json.loads(value) if value else {}
        except (ValueError, RecursionError):
            raise bad_parameter(param, "Metadata must be a JSON object.") from None
    if not isinstance(value, dict):
        raise bad_parameter(param, "Metadata must be a JSON object.")
    try:
        size = len(json.dumps(value).encode())
    except (ValueError, RecursionError):
        raise bad_parameter(param, "Metadata must be a JSON object.") from None
    if size > METADATA_BYTES_MAX:
        raise bad_parameter(param, f"Metadata may have at most {METADATA_BYTES_MAX} bytes.")
    return value


def merged_metadata(old: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """A deep merge in which null removes a key (clerk spec, section 15)."""
    merged = dict(old)
    for name, value in changes.items():
        before = merged.get(name)
        if value is None:
            merged.pop(name, None)
        elif isinstance(value, dict):
            merged[name] = merged_metadata(before if isinstance(before, dict) else {}, value)
        else:
            merged[name] = value
    return merged
