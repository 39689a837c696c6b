"""Every message of the sync protocol, both ways, as types (wire 1.3, 1.4).

Field names are Python's; on the wire they are camelCase. Arguments, results and error data stay raw JSON here: most
are passed on or compared as bytes, and whoever needs the value decodes it. Unknown fields are ignored, unknown types
refused. The server writes its own messages by splicing bytes (`codec`); the types of server messages are what clients
decode into.
"""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

import msgspec
from msgspec import Meta, Raw, Struct, field

U32: TypeAlias = Annotated[int, Meta(ge=0, le=2**32 - 1)]
SessionId: TypeAlias = Annotated[str, Meta(max_length=100)]


class _Message(Struct, gc=False, rename="camel", tag_field="type", omit_defaults=True):
    """What the messages share: tagged with their class name in `type`."""


# Client to server.


class Connect(_Message, tag="Connect"):
    """The first message of a socket, though it may be missing. It gets no reply."""

    session_id: SessionId
    connection_count: U32
    last_close_reason: str | None = None
    max_observed_timestamp: str | None = None
    client_ts: int | float | None = None


class Add(_Message, tag="Add"):
    """One query to follow. `args` is an array holding one encoded object; `journal` absent or null means none."""

    query_id: U32
    udf_path: str
    args: Raw
    journal: str | None = None
    component_path: str | None = None


class Remove(_Message, tag="Remove"):
    """One query to forget."""

    query_id: U32


QuerySetModification: TypeAlias = Add | Remove


class ModifyQuerySet(_Message, tag="ModifyQuerySet"):
    """Moves the set of followed queries from one version to another."""

    base_version: U32
    new_version: U32
    modifications: list[QuerySetModification]


class Mutation(_Message, tag="Mutation"):
    """A mutation to run after the earlier ones of this socket."""

    request_id: U32
    udf_path: str
    args: Raw
    component_path: str | None = None


class Action(_Message, tag="Action"):
    """An action to run now, beside everything else."""

    request_id: U32
    udf_path: str
    args: Raw
    component_path: str | None = None


class Authenticate(_Message, tag="Authenticate"):
    """Changes who is asking. The identity version rises by one when it is accepted."""

    base_version: U32
    token_type: Literal["User", "Admin", "None"]
    value: str | None = None
    impersonating: Raw | msgspec.UnsetType = msgspec.UNSET
    acting_as: Raw | msgspec.UnsetType = field(default=msgspec.UNSET, name="acting_as")


class Event(_Message, tag="Event"):
    """Telemetry of the client; read and dropped."""

    event_type: str = ""
    event: Raw | msgspec.UnsetType = msgspec.UNSET


ClientMessage: TypeAlias = Connect | ModifyQuerySet | Mutation | Action | Authenticate | Event


# Server to client.


class WireVersion(Struct, gc=False, rename="camel"):
    """A version as it travels; `versions.StateVersion` with its timestamp in text."""

    query_set: int
    identity: int
    ts: str


class QueryUpdated(_Message, tag="QueryUpdated"):
    """A query has this new result."""

    query_id: U32
    value: Raw
    log_lines: list[str] = []
    journal: str | None = None


class QueryFailed(_Message, tag="QueryFailed"):
    """A query now fails. `error_data` is present, even if null, exactly when it raised a ConvexError."""

    query_id: U32
    error_message: str
    log_lines: list[str] = []
    journal: str | None = None
    error_data: Raw | msgspec.UnsetType = msgspec.UNSET


class QueryRemoved(_Message, tag="QueryRemoved"):
    """A query is no longer followed."""

    query_id: U32


StateModification: TypeAlias = QueryUpdated | QueryFailed | QueryRemoved


class Transition(_Message, tag="Transition"):
    """Moves everything a client sees from one version to the next."""

    start_version: WireVersion
    end_version: WireVersion
    modifications: list[StateModification]
    client_clock_skew: int | None = None
    server_ts: int | None = None


class TransitionChunk(_Message, tag="TransitionChunk"):
    """A piece of the text of a Transition that is too large for one message."""

    chunk: str
    part_number: int
    total_parts: int
    transition_id: str


class MutationResponse(_Message, tag="MutationResponse"):
    """The outcome of a mutation; `ts` is its commit timestamp, null when it failed."""

    request_id: U32
    success: bool
    result: Raw
    ts: str | None
    log_lines: list[str] = []
    error_data: Raw | msgspec.UnsetType = msgspec.UNSET


class ActionResponse(_Message, tag="ActionResponse"):
    """The outcome of an action."""

    request_id: U32
    success: bool
    result: Raw
    log_lines: list[str] = []
    error_data: Raw | msgspec.UnsetType = msgspec.UNSET


class AuthError(_Message, tag="AuthError"):
    """The identity of this socket does not hold; the socket is closed after it."""

    error: str
    base_version: int | None = None
    auth_update_attempted: bool | None = None


class FatalError(_Message, tag="FatalError"):
    """The client broke the protocol; it will not come back by itself."""

    error: str


class Ping(_Message, tag="Ping"):
    """Says only that the server is there."""


ServerMessage: TypeAlias = (
    Transition | TransitionChunk | MutationResponse | ActionResponse | AuthError | FatalError | Ping
)
