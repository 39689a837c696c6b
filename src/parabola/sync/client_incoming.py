"""What a server tells a client, decoded: results as values, and large Transitions put together from their pieces.

A result keeps the bytes that it was made from, so that a result sent again after a reconnect is recognised without
looking into it. Source: wire 1.4, 1.11.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from msgspec import Raw, UnsetType

from parabola.errors import InvalidValue, ProtocolError
from parabola.sync.codec import decode_server_message
from parabola.sync.messages import QueryFailed, QueryUpdated, ServerMessage, TransitionChunk, WireVersion
from parabola.sync.versions import StateVersion, decode_ts
from parabola.values.model import UNDEFINED
from parabola.values.wire import decode_wire


@dataclass(frozen=True, slots=True)
class Answer:
    """A function returned `value`."""

    value: Any
    text: bytes = field(default=b"", compare=False, repr=False)
    """The value as it arrived; empty for one that was made on this side."""


FailureKind: TypeAlias = Literal["failed", "lost", "closed"]


@dataclass(frozen=True, slots=True)
class Failure:
    """A function failed. `data` is that of a ConvexError, `UNDEFINED` for any other failure.

    Two kinds are made on this side: an action was "lost" with its connection, or the client was "closed".
    """

    message: str
    data: Any = UNDEFINED
    kind: FailureKind = "failed"
    text: bytes = field(default=b"", compare=False, repr=False)


Outcome: TypeAlias = Answer | Failure


def decode_answer(raw: Raw) -> Outcome:
    """The value of a successful call. One that this client cannot hold is a failure of that call, and of no other."""
    text = bytes(raw)
    try:
        return Answer(decode_wire(text), text)
    except InvalidValue as error:
        return Failure(f"The result is not a value that this client can read: {error.message}", text=text)


def decode_failure(message: str, data: Raw | UnsetType) -> Failure:
    """A failed call: with data, even null, exactly when the function raised a ConvexError."""
    text = message.encode("utf-8", "replace")
    if isinstance(data, UnsetType):
        return Failure(message, text=text)
    text += b"\x00" + bytes(data)
    try:
        value = decode_wire(bytes(data))
    except InvalidValue as error:
        return Failure(f"{message} (its data is not a value that this client can read: {error.message})", text=text)
    return Failure(message, value, text=text)


def decode_result(raw: Raw, data: Raw | UnsetType, *, success: bool) -> Outcome:
    """The outcome in a MutationResponse or an ActionResponse, whose `result` is a value or an error's text."""
    if success:
        return decode_answer(raw)
    text = decode_wire(bytes(raw))
    return decode_failure(text if isinstance(text, str) else str(text), data)


def decode_modification(message: QueryUpdated | QueryFailed, known: Outcome | None) -> Outcome:
    """The new result of a query; `known` itself when nothing changed."""
    if isinstance(message, QueryUpdated):
        if isinstance(known, Answer) and known.text == bytes(message.value):
            return known
        return decode_answer(message.value)
    failure = decode_failure(message.error_message, message.error_data)
    return known if isinstance(known, Failure) and known.text == failure.text else failure


def decode_version(version: WireVersion) -> StateVersion:
    """A version as the peer compares it. Raises `ProtocolError`."""
    return StateVersion(version.query_set, version.identity, decode_ts(version.ts))


class ChunkAssembler:
    """Puts the pieces of a large Transition together.

    The pieces come back to back and in order; anything else between them but a Ping, or a piece out of place, means
    that the text cannot be trusted.
    """

    __slots__ = ("_pieces", "_total", "_transition_id")

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._total = 0
        self._transition_id = ""

    @property
    def is_waiting(self) -> bool:
        """Whether pieces are missing."""
        return bool(self._pieces)

    def add(self, chunk: TransitionChunk) -> ServerMessage | None:
        """The whole message after its last piece, else None. Raises `ProtocolError` for a piece out of place."""
        if not self._pieces:
            self._total, self._transition_id = chunk.total_parts, chunk.transition_id
        if (
            chunk.part_number != len(self._pieces)
            or chunk.total_parts != self._total
            or chunk.part_number >= chunk.total_parts
            or chunk.transition_id != self._transition_id
        ):
            self.reset()
            raise ProtocolError(
                f"Piece {chunk.part_number} of {chunk.total_parts} of a Transition came out of place; "
                "pieces are expected in order."
            )
        self._pieces.append(chunk.chunk)
        if len(self._pieces) < self._total:
            return None
        text = "".join(self._pieces)
        self.reset()
        return decode_server_message(text.encode())

    def reset(self) -> None:
        """Forgets what came so far."""
        self._pieces = []
