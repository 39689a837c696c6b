"""The admin key: making it, keeping it, and recognising it (wire 2.3).

A key reads `<deployment name>|<secret>`. Official tools may put `prod:`, `dev:`, `preview:team:project` or `project:…`
in front of it, and a `:` with base64 JSON behind it to act as a user. It is kept as text in the data folder, readable
by its owner only, because the command line shows it; whoever can read that folder can read the database anyway.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import orjson

from parabola.auth.claims import plain_number
from parabola.auth.identity import RESERVED_ATTRIBUTES, AdminIdentity, Identity
from parabola.errors import BadRequest, Forbidden, StorageFailure, Unauthenticated
from parabola.seams import Entropy

SECRET_BYTES: Final = 32
_SECRET: Final = re.compile(rf"[0-9a-f]{{{2 * SECRET_BYTES}}}")
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_WRONG_DEPLOYMENT: Final = (
    "The provided deploy key was invalid for this deployment. Double check that the environment this key was "
    "generated for "
    "matches the desired deployment."
)


def is_deployment_name(text: str) -> bool:
    """Whether a key may begin with this: up to 63 lower-case letters, digits and hyphens."""
    return _NAME.fullmatch(text) is not None


def generate_admin_key(name: str, entropy: Entropy) -> str:
    """A new key for the deployment `name`. Its secret is 256 bits in hex: it never holds a `:` or a `|`."""
    if not is_deployment_name(name):
        raise ValueError(f"{name!r} is not a deployment name. Use up to 63 lower-case letters, digits and hyphens.")
    return f"{name}|{entropy.bytes(SECRET_BYTES).hex()}"


def load_or_create_admin_key(path: Path, name: str, entropy: Entropy) -> str:
    """The key kept at `path`, made on first use. Safe against two processes starting at once."""
    try:
        return read_admin_key(path)
    except FileNotFoundError:
        pass
    key = generate_admin_key(name, entropy)
    # The data beside it are as much a secret as the key.
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(f"{key}\n")
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)  # Unlike a rename, it fails if another process was first.
    except FileExistsError:
        return read_admin_key(path)
    finally:
        draft.unlink(missing_ok=True)
    return key


def read_admin_key(path: Path) -> str:
    """The key kept at `path`. Raises FileNotFoundError, and `StorageFailure` for a file that is damaged or cut short:
    what is left of a key must not open anything.
    """
    key = path.read_bytes().decode("ascii", "replace").strip()
    name, _, secret = key.partition("|")
    if not is_deployment_name(name) or not _SECRET.fullmatch(secret):
        raise StorageFailure(
            f"{path} does not hold a whole admin key (`name|{2 * SECRET_BYTES} hex digits`). Put it back from a "
            "backup, or make a new one with `parabola admin-key --rotate`."
        )
    return key


class AdminKeyring:
    """Recognises this deployment's admin key."""

    def __init__(self, key: str) -> None:
        self._key = key
        self._name, _, self._secret = key.partition("|")

    def identify(self, text: str, acting_as: Mapping[str, Any] | None = None) -> AdminIdentity:
        """The admin identity that `text` proves: a key with any prefix, and possibly `:<base64 JSON>` behind it.

        `acting_as` are user attributes given beside the key (the WebSocket's `impersonating`). Raises
        `Unauthenticated` (code `BadAdminKey`) for a wrong secret, `Forbidden` (`BadDeployKey`) for another
        deployment's key, `BadRequest` for malformed attributes.
        """
        key, colon, encoded = strip_key_prefix(text.strip()).partition(":")
        self._check(key)
        if colon:
            acting_as = _decode_attributes(encoded)
        return AdminIdentity(None if acting_as is None else identity_from_attributes(acting_as))

    def _check(self, key: str) -> None:
        name, separator, secret = key.rpartition("|")
        given = secret if not separator or name == self._name else ""
        right_secret = hmac.compare_digest(given.encode("utf-8", "replace"), self._secret.encode("ascii"))
        if right_secret:
            return
        if separator and name != self._name:
            raise Forbidden(_WRONG_DEPLOYMENT, code="BadDeployKey")
        raise Unauthenticated(
            "The provided admin key was invalid for this instance. Show the right one with `parabola admin-key`.",
            code="BadAdminKey",
        )


def strip_key_prefix(text: str) -> str:
    """Removes what official tools put in front of a key, before the `:` of an acting-as suffix is looked for."""
    kind, colon, rest = text.partition(":")
    if not colon:
        return text
    if kind in ("prod", "dev"):
        return rest
    if kind in ("preview", "project"):
        return rest.partition("|")[2]
    return text


def identity_from_attributes(attributes: Mapping[str, Any]) -> Identity:
    """The user that an admin acts as. Needs `tokenIdentifier`, or both `issuer` and `subject`; raises `BadRequest`."""
    for name in RESERVED_ATTRIBUTES:
        if not isinstance(attributes.get(name, ""), str):
            raise _bad_attributes(f"its {name} is not a string")
    token_identifier, issuer, subject = (attributes.get(name) for name in RESERVED_ATTRIBUTES)
    if token_identifier:
        before, _, after = token_identifier.rpartition("|")
        issuer, subject = issuer or before, subject or after
    elif issuer and subject:
        token_identifier = f"{issuer}|{subject}"
    else:
        raise _bad_attributes("it needs `tokenIdentifier`, or both `issuer` and `subject`")
    rest = {name: plain_number(value) for name, value in attributes.items() if name not in RESERVED_ATTRIBUTES}
    return Identity(token_identifier, issuer, subject, rest)


def _decode_attributes(encoded: str) -> Mapping[str, Any]:
    try:
        text = encoded.replace("-", "+").replace("_", "/").rstrip("=")
        value = orjson.loads(base64.b64decode(text + "=" * (-len(text) % 4), validate=True))
    except (binascii.Error, ValueError):
        raise _bad_attributes("it is not base64 of JSON") from None
    if not isinstance(value, dict):
        raise _bad_attributes("it is not a JSON object")
    return value


def _bad_attributes(why: str) -> BadRequest:
    return BadRequest(f"The user to act as cannot be used: {why}.", code="InvalidActingAs")
