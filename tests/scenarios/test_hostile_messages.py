"""Messages that break the sync protocol: a clear answer to whoever sent them, and nothing to anybody else."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.scenarios.raw_client import RawClient, Witness, frame, raw_handshake, read_close_code
from tests.scenarios.server_process import ServerProcess


@pytest.fixture
def client(server: ServerProcess, room: str) -> Iterator[RawClient]:
    """A connection to misbehave on; another one, opened before, must notice nothing."""
    witness = Witness(server, room)
    witness.still_served()
    with RawClient(server) as misbehaving:
        yield misbehaving
    witness.still_served()
    witness.close()
    assert server.is_running


MALFORMED = {
    "not JSON": "{not json",
    "half a message": '{"type":"Connect"',
    "two messages in one": '{"type":"Event"} {"type":"Event"}',
    "an array": "[]",
    "a number": "17",
    "null": "null",
    "nothing": "",
    "NaN": '{"type":"Mutation","requestId":NaN,"udfPath":"messages:send","args":[{}]}',
    "no type": '{"baseVersion":0}',
    "an unknown type": '{"type":"Explode"}',
    "a type that is a number": '{"type":5}',
    "a missing field": '{"type":"Mutation","requestId":0,"args":[{}]}',
    "a path that is a number": '{"type":"Mutation","requestId":0,"udfPath":7,"args":[{}]}',
    "a request id that is text": '{"type":"Mutation","requestId":"0","udfPath":"messages:send","args":[{}]}',
    "a request id below zero": '{"type":"Mutation","requestId":-1,"udfPath":"messages:send","args":[{}]}',
    "a request id beyond 32 bits": '{"type":"Mutation","requestId":4294967296,"udfPath":"messages:send","args":[{}]}',
    "a request id with a fraction": '{"type":"Mutation","requestId":0.5,"udfPath":"messages:send","args":[{}]}',
    "modifications that are an object": '{"type":"ModifyQuerySet","baseVersion":0,"newVersion":1,"modifications":{}}',
    "an unknown modification": (
        '{"type":"ModifyQuerySet","baseVersion":0,"newVersion":1,"modifications":[{"type":"Swap","queryId":0}]}'
    ),
    "an unknown token type": '{"type":"Authenticate","baseVersion":0,"tokenType":"Magic","value":"x"}',
}


@pytest.mark.parametrize("text", MALFORMED.values(), ids=MALFORMED.keys())
def test_a_malformed_message_is_answered_with_a_fatal_error_and_a_close(client: RawClient, text: str) -> None:
    client.hello().send_text(text)
    closed = client.until_closed()
    assert closed.last is not None
    assert closed.last["type"] == "FatalError"
    assert "Received Invalid JSON on websocket" in closed.last["error"]


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ('{"type":"Mutation","requestId":0,"udfPath":"a b:::c?","args":[{}]}', "a b:::c?"),
        ('{"type":"Authenticate","baseVersion":0,"tokenType":"User"}', "needs a value"),
    ],
    ids=["a path that cannot be", "a user token without a value"],
)
def test_a_message_that_makes_no_sense_is_answered_with_the_reason_and_a_close(
    client: RawClient, text: str, word: str
) -> None:
    client.hello().send_text(text)
    closed = client.until_closed()
    assert closed.last is not None
    assert closed.last["type"] == "FatalError"
    assert word in closed.last["error"]


def test_json_nested_a_hundred_thousand_deep_is_refused(client: RawClient) -> None:
    deep = "[" * 100_000 + "]" * 100_000
    client.hello().send_text(
        '{"type":"Mutation","requestId":0,"udfPath":"values:echo","args":[{"value":' + deep + "}]}"
    )
    refusal = client.refusal()
    assert "Invalid JSON" in refusal or "nested" in refusal


def test_unknown_fields_and_events_are_ignored(client: RawClient) -> None:
    client.hello()
    client.send_text('{"type":"Event","eventType":"ClientConnect","event":[{"name":"x","startTime":1}],"extra":1}')
    client.add_query(0, "identity:subject", {})
    assert client.until_update(0)["value"] is None


def test_a_query_set_built_on_the_wrong_version_is_refused(client: RawClient) -> None:
    client.hello().add_query(0, "identity:subject", {}, version=7)
    closed = client.until_closed()
    assert closed.last is not None
    assert closed.last["type"] == "FatalError"
    assert closed.last["error"] == "Base version 7 passed up doesn't match the current version 0"


def modify(client: RawClient, base: int, new: int, *modifications: dict[str, object]) -> None:
    client.send(type="ModifyQuerySet", baseVersion=base, newVersion=new, modifications=list(modifications))


def test_a_query_set_whose_version_does_not_rise_ends_the_connection(client: RawClient) -> None:
    modify(client.hello(), 0, 0)
    assert client.until_closed().code == 1011


def test_adding_a_query_id_twice_ends_the_connection(client: RawClient) -> None:
    query = {"type": "Add", "queryId": 0, "udfPath": "identity:subject", "args": [{}]}
    modify(client.hello(), 0, 1, query, query)
    assert client.until_closed().code == 1011


def test_removing_an_unknown_query_ends_the_connection(client: RawClient) -> None:
    modify(client.hello(), 0, 1, {"type": "Remove", "queryId": 9})
    assert client.until_closed().code == 1011


def test_authenticating_on_the_wrong_version_ends_the_connection(client: RawClient) -> None:
    client.hello().send(type="Authenticate", baseVersion=5, tokenType="None")
    assert client.until_closed().code == 1011


def test_a_claim_to_have_seen_the_far_future_is_not_believed(client: RawClient) -> None:
    # 2^62 nanoseconds: the year 2116. The server cannot promise reads from there, so the client has to come again.
    client.send(
        type="Connect",
        sessionId="f060dd14-cc4a-43db-872e-8bf2932f3d4d",
        connectionCount=1,
        lastCloseReason=None,
        maxObservedTimestamp="AAAAAAAAAEA=",
    )
    assert client.until_closed().code == 1011


@pytest.mark.parametrize("args", [7, {}, [], [1], [{}, {}], "x", None], ids=json.dumps)
def test_arguments_that_are_not_one_object_in_an_array_are_refused(client: RawClient, args: object) -> None:
    client.hello().send(type="Mutation", requestId=0, udfPath="messages:clear", args=args)
    refusal = client.refusal()
    assert "Invalid JSON" in refusal or "rgument" in refusal


BAD_FRAMES = {
    "a binary message": (frame(2, b'{"type":"Event"}'), None),
    "text that is not UTF-8": (frame(1, b"\xff\xfe\xfd"), 1007),
    "a frame without a mask": (frame(1, b'{"type":"Event"}', masked=False), 1002),
    "a reserved bit": (frame(1, b'{"type":"Event"}', reserved=4), 1002),
    "a reserved opcode": (frame(3, b""), 1002),
    "a continuation of nothing": (frame(0, b"x"), 1002),
    "a fragmented ping": (frame(9, b"", final=False), 1002),
    "a ping of 126 bytes": (frame(9, b"x" * 126), 1002),
    "a new message inside a fragmented one": (frame(1, b"{", final=False) + frame(1, b"{}"), 1002),
    "a message announced with 2 to the 62 bytes": (b"\x81\xff\x40" + b"\x00" * 7 + b"mask" + b"x" * 100, 1009),
    "a close frame of one byte": (frame(8, b"x"), 1002),
}


@pytest.mark.parametrize(("sent", "code"), BAD_FRAMES.values(), ids=BAD_FRAMES.keys())
def test_a_bad_frame_ends_its_own_connection(
    client: RawClient, server: ServerProcess, sent: bytes, code: int | None
) -> None:
    plain = raw_handshake(server)
    try:
        plain.sendall(sent)
        answered = read_close_code(plain)
        assert answered == code or code is None
    finally:
        plain.close()


def test_a_message_above_64_mebibytes_ends_its_own_connection(client: RawClient, server: ServerProcess) -> None:
    plain = raw_handshake(server)
    part = frame(0, b"x" * (8 << 20), final=False)
    try:
        plain.sendall(frame(1, b'{"type":"Event","event":"', final=False))
        for _ in range(9):
            plain.sendall(part)
    except (BrokenPipeError, ConnectionResetError):
        pass  # closed before everything was sent, which is the point
    else:
        assert read_close_code(plain) in (1009, None)
    finally:
        plain.close()
