"""Who calls over a sync socket, and how a fault that is not theirs ends it."""

from __future__ import annotations

from collections.abc import Mapping

import orjson

from parabola.auth import AdminIdentity, Caller, Identity
from parabola.errors import Overloaded, ProtocolError, WriteConflict
from parabola.functions.outcome import Visibility
from parabola.sync.server_peer import INTERNAL_CLOSE, INTERNAL_ERROR, TRY_AGAIN_CLOSE


def caller_of(identity: object) -> Caller:
    """The peer carries identities without knowing them; these are the ones that its driver gave it."""
    assert identity is None or isinstance(identity, Identity | AdminIdentity), "an identity came from nowhere"
    return identity


def visibility_of(identity: Caller) -> Visibility:
    return "internal" if isinstance(identity, AdminIdentity) else "public"


def attributes_of(acting_as: bytes | None) -> Mapping[str, object] | None:
    """The user attributes that came with an admin key. Raises `ProtocolError` if they are not an object."""
    if acting_as is None:
        return None
    try:
        attributes = orjson.loads(acting_as)
    except orjson.JSONDecodeError:
        attributes = None
    if not isinstance(attributes, dict):
        raise ProtocolError("The user to act as must be an object of attributes.")
    return attributes


def close_for(code: str) -> tuple[int, str]:
    """The close code and reason for a fault of ours: overload asks for patience, anything else is internal."""
    if code in (Overloaded.default_code, WriteConflict.default_code, "OutOfRetention"):
        return TRY_AGAIN_CLOSE, code
    return INTERNAL_CLOSE, INTERNAL_ERROR
