"""Messages to and from text.

Reading is strict in what matters (types, required fields) and ignores what it does not know inside a message. Writing
splices results that are already JSON, so that a result shared by a thousand sockets is never encoded again. Key order
and the fields that must or must not be present are those of wire 1.4.
"""

from __future__ import annotations

import json
import re
from binascii import b2a_base64
from collections.abc import Sequence
from typing import Any, Final

import msgspec
import orjson

from parabola.errors import ProtocolError
from parabola.sync.messages import Action, Add, ClientMessage, ModifyQuerySet, Mutation, ServerMessage
from parabola.sync.versions import StateVersion

PING: Final = b'{"type":"Ping"}'
UNREADABLE: Final = "Received Invalid JSON on websocket:"
"""How the FatalError begins that answers a message which cannot be read."""

_client_decoder: msgspec.json.Decoder[ClientMessage] = msgspec.json.Decoder(ClientMessage)
_server_decoder: msgspec.json.Decoder[ServerMessage] = msgspec.json.Decoder(ServerMessage)
_encoder = msgspec.json.Encoder()
_SURROGATE_ESCAPE: Final = re.compile(rb"\\u[dD][89a-fA-F]")


def decode_client_message(text: bytes) -> ClientMessage:
    """What a client sent. Raises `ProtocolError` with the text of the FatalError that answers it."""
    try:
        return _client_decoder.decode(text)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        message = _decode_with_half_characters(text)
        if message is None:
            raise ProtocolError(f"{UNREADABLE} {error}") from error
        return message
    except RecursionError as error:
        raise ProtocolError(f"{UNREADABLE} it is nested too deeply") from error


def _decode_with_half_characters(text: bytes) -> ClientMessage | None:
    """A message whose arguments hold half of a surrogate pair, as JavaScript makes by cutting through an emoji. It is
    JSON, though no value: the call that brings it has to fail, and not the connection with all others. None if
    that is not what is wrong with `text`.

    The arguments of the message are as they came, so that whoever decodes them finds the half and says so.
    """
    if not _SURROGATE_ESCAPE.search(text):
        return None
    try:
        document = json.loads(text)
        holders: list[Any] = document.get("modifications", [document])
        kept = [holder.pop("args", None) for holder in holders]
        for holder, args in zip(holders, kept, strict=True):
            if args is not None:
                holder["args"] = []
        message = _client_decoder.decode(json.dumps(document))
        takers = message.modifications if isinstance(message, ModifyQuerySet) else [message]
        for taker, args in zip(takers, kept, strict=True):
            if isinstance(taker, (Add, Mutation, Action)):
                taker.args = msgspec.Raw(json.dumps(args).encode())
    except (ValueError, TypeError, AttributeError, RecursionError, msgspec.MsgspecError):
        return None
    return message


def decode_server_message(text: bytes) -> ServerMessage:
    """What a server sent. Raises `ProtocolError`."""
    try:
        return _server_decoder.decode(text)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ProtocolError(f"The server sent a message that this client cannot read: {error}") from error


def encode_message(message: ClientMessage | ServerMessage) -> bytes:
    """Any message as text; the slow, general way. The server's hot messages have writers of their own below."""
    return _encoder.encode(message)


def text_json(text: str) -> bytes:
    """A string as JSON, also one with lone surrogates (they become U+FFFD: no client could read them)."""
    try:
        return orjson.dumps(text)
    except TypeError:
        return orjson.dumps(text.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))


def lines_json(lines: Sequence[str]) -> bytes:
    """Log lines as a JSON array."""
    if not lines:
        return b"[]"
    return b"[" + b",".join([text_json(line) for line in lines]) + b"]"


def write_transition(
    start: StateVersion, end: StateVersion, modifications: Sequence[bytes], clocks: bytes = b""
) -> bytes:
    """A Transition. `clocks` is what `write_clocks` gave, or nothing where the times are of no use to the client."""
    return b'{"type":"Transition","startVersion":%b,"endVersion":%b,"modifications":[%b]%b}' % (
        start.to_json(),
        end.to_json(),
        b",".join(modifications),
        clocks,
    )


def write_clocks(skew_ms: int | None, server_ns: int) -> bytes:
    """The two clock fields of a Transition: always integers or null, as clients in Rust insist."""
    return b',"clientClockSkew":%b,"serverTs":%d' % (b"null" if skew_ms is None else b"%d" % skew_ms, server_ns)


def write_query_updated(query_id: int, value: bytes, log_lines: bytes, journal: bytes) -> bytes:
    """One modification; all but the id is JSON already."""
    return b'{"type":"QueryUpdated","queryId":%d,"value":%b,"logLines":%b,"journal":%b}' % (
        query_id,
        value,
        log_lines,
        journal,
    )


def write_query_failed(query_id: int, error: bytes, data: bytes | None, log_lines: bytes, journal: bytes) -> bytes:
    """One modification. `data` is None for a plain error: the key must then be absent."""
    return b'{"type":"QueryFailed","queryId":%d,"errorMessage":%b,"logLines":%b,"journal":%b%b}' % (
        query_id,
        error,
        log_lines,
        journal,
        b"" if data is None else b',"errorData":' + data,
    )


def write_query_removed(query_id: int) -> bytes:
    """One modification."""
    return b'{"type":"QueryRemoved","queryId":%d}' % query_id


def write_mutation_success(request_id: int, value: bytes, ts: int, log_lines: bytes) -> bytes:
    """The answer to a mutation that committed at `ts` (or read at `ts` and wrote nothing)."""
    return b'{"type":"MutationResponse","requestId":%d,"success":true,"result":%b,"ts":"%b","logLines":%b}' % (
        request_id,
        value,
        b2a_base64(ts.to_bytes(8, "little"), newline=False),
        log_lines,
    )


def write_mutation_failure(request_id: int, error: bytes, data: bytes | None, log_lines: bytes) -> bytes:
    """The answer to a mutation that failed: nothing was written."""
    return b'{"type":"MutationResponse","requestId":%d,"success":false,"result":%b,"ts":null,"logLines":%b%b}' % (
        request_id,
        error,
        log_lines,
        b"" if data is None else b',"errorData":' + data,
    )


def write_action_success(request_id: int, value: bytes, log_lines: bytes) -> bytes:
    """The answer to an action that returned."""
    return b'{"type":"ActionResponse","requestId":%d,"success":true,"result":%b,"logLines":%b}' % (
        request_id,
        value,
        log_lines,
    )


def write_action_failure(request_id: int, error: bytes, data: bytes | None, log_lines: bytes) -> bytes:
    """The answer to an action that failed."""
    return b'{"type":"ActionResponse","requestId":%d,"success":false,"result":%b,"logLines":%b%b}' % (
        request_id,
        error,
        log_lines,
        b"" if data is None else b',"errorData":' + data,
    )


def write_auth_error(error: str, base_version: int | None, *, update_attempted: bool) -> bytes:
    """The identity does not hold. `update_attempted` tells a refused new token from an old one that ran out."""
    return b'{"type":"AuthError","error":%b,"baseVersion":%b,"authUpdateAttempted":%b}' % (
        text_json(error),
        b"null" if base_version is None else b"%d" % base_version,
        b"true" if update_attempted else b"false",
    )


def write_fatal_error(error: str) -> bytes:
    """The client broke the protocol."""
    return b'{"type":"FatalError","error":%b}' % text_json(error)
