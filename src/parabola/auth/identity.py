"""Who is asking, as values: nothing here looks anything up.

A token becomes an `Identity` once, in `tokens.py`; from then on functions, caches and logs handle this value only. What
belongs to one token rather than to the user (its expiry, when it was issued, its id) is deliberately not part of it:
otherwise every refresh of a token would look like another user and re-run every query (wire 5.4).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

RESERVED_ATTRIBUTES: Final = ("tokenIdentifier", "issuer", "subject")


@dataclass(frozen=True, slots=True, eq=False)
class Identity:
    """A signed-in user, as the provider describes them.

    `attributes` holds JSON values under the names that functions see (`email`, `givenName`, …), without the three that
    are always present. Two identities are equal when functions could not tell them apart.
    """

    token_identifier: str
    issuer: str
    subject: str
    attributes: Mapping[str, Any] = field(default_factory=dict[str, Any])
    cache_key: bytes = field(init=False, repr=False)

    def __post_init__(self) -> None:
        shown = orjson.dumps(self.to_user_identity(), option=orjson.OPT_SORT_KEYS)
        # A copy of the right size: orjson hands out the tail of a larger buffer, which would be kept with it.
        object.__setattr__(self, "cache_key", bytes(memoryview(shown)))

    def to_user_identity(self) -> dict[str, Any]:
        """A fresh object in the shape of `ctx.auth.get_user_identity()`; changing it changes nothing here.

        A claim cannot replace the three reserved names: who the user is comes from `iss` and `sub` alone.
        """
        shown = {name: _copy(value) for name, value in self.attributes.items()}
        shown["tokenIdentifier"] = self.token_identifier
        shown["issuer"] = self.issuer
        shown["subject"] = self.subject
        return shown

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Identity) and self.cache_key == other.cache_key

    def __hash__(self) -> int:
        return hash(self.cache_key)


@dataclass(frozen=True, slots=True)
class AdminIdentity:
    """The holder of the admin key. May call internal functions; functions see the user in `acting_as`, if any."""

    acting_as: Identity | None = None

    @property
    def cache_key(self) -> bytes:
        """What functions can tell about an admin: the user acted as. The prefix keeps admins apart from users."""
        return b"admin" if self.acting_as is None else b"admin:" + self.acting_as.cache_key

    def to_user_identity(self) -> dict[str, Any] | None:
        """What `ctx.auth.get_user_identity()` answers for the admin: the user acted as, or nobody."""
        return None if self.acting_as is None else self.acting_as.to_user_identity()


Caller = Identity | AdminIdentity | None
"""What a checked request carries: a user, the admin, or nobody."""


def user_of(caller: Caller) -> Identity | None:
    """The user that functions see for this caller."""
    return caller.acting_as if isinstance(caller, AdminIdentity) else caller


def _copy(value: Any) -> Any:
    """A deep copy of a JSON value (cheaper than `copy.deepcopy`, and claims are shallow)."""
    if isinstance(value, dict):
        return {name: _copy(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_copy(inner) for inner in value]
    return value
