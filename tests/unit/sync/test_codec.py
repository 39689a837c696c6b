"""Messages to and from text, and the scalars in them."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from parabola.errors import InvalidValue, ProtocolError
from parabola.sync import codec, messages
from parabola.sync.client_version import ClientVersion, identify_client, parse_client_header
from parabola.sync.versions import ZERO_VERSION, StateVersion, decode_ts, encode_ts
from parabola.values.wire import decode_wire

# Recorded from the clients (wire 6).
RECORDED = [
    '{"connectionCount":0,"lastCloseReason":"InitialConnect","clientTs":1795378587340,"type":"Connect",'
    '"sessionId":"c2216264-096e-49aa-9baf-039a605f17a3"}',
    '{"connectionCount":1,"lastCloseReason":null,"clientTs":1795378726807,"type":"Connect",'
    '"sessionId":"35c11f2a-cb05-4611-921a-27274bfaa923","maxObservedTimestamp":"QML4Ly45aRg="}',
    '{"type":"ModifyQuerySet","baseVersion":0,"newVersion":1,"modifications":[{"type":"Add","queryId":0,'
    '"udfPath":"messages:list","args":[{"big":{"$integer":"BQAAAAAAAAA="},"n":1.0}]}]}',
    '{"type":"ModifyQuerySet","baseVersion":5,"newVersion":6,"modifications":[{"type":"Remove","queryId":1}]}',
    '{"args":[{"body":"hi","f":1.5,"i":3.0}],"type":"Mutation","requestId":0,"udfPath":"messages:send"}',
    '{"type":"Action","requestId":3,"udfPath":"messages:act","args":[{"x":1}]}',
    '{"type":"Authenticate","baseVersion":0,"tokenType":"User","value":"eyJ.x.sig0"}',
    '{"type":"Authenticate","tokenType":"None","baseVersion":2}',
    '{"type":"Authenticate","baseVersion":0,"tokenType":"Admin","value":"dev:foo|key",'
    '"impersonating":{"name":"Ann","subject":"s","issuer":"https://i"}}',
    '{"type":"Event","eventType":"NetworkRecoveryReconnect","event":{"timeSavedMs":12.5}}',
]


@pytest.mark.parametrize("text", RECORDED)
def test_recorded_messages_are_understood(text: str) -> None:
    message = codec.decode_client_message(text.encode())
    again = orjson.loads(codec.encode_message(message))
    for name, told in again.items():
        assert orjson.loads(text)[name] == told


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        '{"type":"Nope"}',
        '{"requestId":0}',
        '{"type":"Mutation","requestId":-1,"udfPath":"a:b","args":[]}',
        '{"type":"Mutation","requestId":4294967296,"udfPath":"a:b","args":[]}',
        '{"type":"Mutation","requestId":0,"udfPath":"a:b"}',
        '{"type":"Authenticate","baseVersion":0,"tokenType":"Guest"}',
        '{"type":"Event","event":' + "[" * 100_000 + "]" * 100_000 + "}",
    ],
)
def test_what_is_no_message_is_refused_with_the_text_of_the_fatal_error(text: str) -> None:
    with pytest.raises(ProtocolError, match=r"^Received Invalid JSON on websocket: "):
        codec.decode_client_message(text.encode())


HALF = r'{"text":"cut \ud83d here"}'
WHOLE = r'{"text":"whole \ud83d\ude80"}'


@pytest.mark.parametrize("kind", ["Mutation", "Action"])
def test_half_a_character_in_the_arguments_is_left_for_the_call_to_fail_on(kind: str) -> None:
    text = f'{{"type":"{kind}","requestId":3,"udfPath":"a:b","args":[{HALF}]}}'
    message = codec.decode_client_message(text.encode())
    assert isinstance(message, messages.Mutation | messages.Action)
    assert message.request_id == 3
    with pytest.raises(InvalidValue, match="surrogate"):
        decode_wire(bytes(message.args))


def test_half_a_character_in_one_query_of_several_does_not_touch_the_others() -> None:
    adds = [f'{{"type":"Add","queryId":{at},"udfPath":"a:b","args":[{args}]}}' for at, args in ((0, HALF), (1, WHOLE))]
    text = f"""{{"type":"ModifyQuerySet","baseVersion":0,"newVersion":1,
        "modifications":[{",".join(adds)},{{"type":"Remove","queryId":2}}]}}"""
    message = codec.decode_client_message(text.encode())
    assert isinstance(message, messages.ModifyQuerySet)
    half, whole, removed = message.modifications
    assert isinstance(half, messages.Add)
    assert isinstance(whole, messages.Add)
    assert removed == messages.Remove(2)
    assert decode_wire(bytes(whole.args)) == [{"text": "whole \U0001f680"}]
    with pytest.raises(InvalidValue, match="surrogate"):
        decode_wire(bytes(half.args))


@pytest.mark.parametrize(
    "text",
    [
        r'{"type":"Mutation","requestId":0,"udfPath":"a:\ud83d","args":[{}]}',
        r'{"type":"Mutation","requestId":"0","udfPath":"a:b","args":["\ud83d"]}',
        r'{"type":"Mutation","requestId":0,"udfPath":"a:b","other":"\ud83d"}',
        r'{"type":"ModifyQuerySet","baseVersion":0,"newVersion":1,"modifications":["\ud83d"]}',
        r'["\ud83d"]',
    ],
)
def test_half_a_character_excuses_nothing_else(text: str) -> None:
    with pytest.raises(ProtocolError, match=r"^Received Invalid JSON on websocket: "):
        codec.decode_client_message(text.encode())


def test_unknown_fields_are_ignored() -> None:
    message = codec.decode_client_message(b'{"type":"Connect","sessionId":"s","connectionCount":0,"shoeSize":44}')
    assert isinstance(message, messages.Connect)


@given(st.integers(0, 2**63 - 1))
def test_timestamps_survive_the_wire(ts: int) -> None:
    assert decode_ts(encode_ts(ts)) == ts


def test_timestamps_are_the_ones_of_the_specification() -> None:
    assert encode_ts(0) == "AAAAAAAAAAA="
    assert encode_ts(1_759_000_000_000_000_000) == "AIDpLy45aRg="


@pytest.mark.parametrize("text", ["", "AAAA", "AAAAAAAAAAA", "AAAAAAAAAIA=", "not base64!", "AAAAAAAAAAAAAAA="])
def test_what_is_no_timestamp_is_refused(text: str) -> None:
    with pytest.raises(ProtocolError):
        decode_ts(text)


def test_a_transition_reads_back_as_it_was_written() -> None:
    text = codec.write_transition(
        ZERO_VERSION,
        StateVersion(1, 2, 3),
        [
            codec.write_query_updated(0, b'{"a":1.0}', b'["[LOG] x"]', b'"j"'),
            codec.write_query_failed(1, b'"text"', b"null", b"[]", b"null"),
            codec.write_query_removed(2),
        ],
        codec.write_clocks(-5, 10**18),
    )
    transition = codec.decode_server_message(text)
    assert isinstance(transition, messages.Transition)
    assert transition.client_clock_skew == -5
    assert transition.server_ts == 10**18
    updated, failed, removed = transition.modifications
    assert isinstance(updated, messages.QueryUpdated)
    assert bytes(updated.value) == b'{"a":1.0}'
    assert updated.journal == "j"
    assert isinstance(failed, messages.QueryFailed)
    assert isinstance(failed.error_data, messages.Raw)
    assert isinstance(removed, messages.QueryRemoved)


@pytest.mark.parametrize(
    "text",
    [
        codec.write_mutation_success(1, b"null", 5, b"[]"),
        codec.write_mutation_failure(1, b'"e"', None, b"[]"),
        codec.write_action_success(1, b"2", b'["[LOG] x"]'),
        codec.write_action_failure(1, b'"e"', b"{}", b"[]"),
        codec.write_auth_error("no", None, update_attempted=True),
        codec.write_fatal_error('say "what"'),
        codec.PING,
    ],
)
def test_every_message_of_the_server_reads_back(text: bytes) -> None:
    codec.decode_server_message(text)
    assert orjson.loads(text)["type"]


def test_a_text_with_a_lone_surrogate_can_still_be_sent() -> None:
    assert orjson.loads(codec.write_fatal_error("\ud800"))["error"] == "\ufffd"


@pytest.mark.parametrize(
    ("header", "client"),
    [
        ("npm-1.48.0", ClientVersion("npm", (1, 48, 0))),
        ("npm-cli-1.48.0", ClientVersion("npm-cli", (1, 48, 0))),
        ("python-0.8.1", ClientVersion("python", (0, 8, 1))),
        ("npm-1.28.0-alpha.1", ClientVersion("npm", (1, 28, 0))),
        ("streaming-import-0.1.0", ClientVersion("streaming-import", (0, 1, 0))),
        ("nonsense", None),
        ("-1.0.0", None),
        ("npm-1.2", None),
    ],
)
def test_a_client_header_is_a_name_and_the_longest_version(header: str, client: ClientVersion | None) -> None:
    assert parse_client_header(header) == client


def test_the_header_wins_over_the_path_and_the_path_means_npm() -> None:
    assert identify_client("python-0.8.1", "1.48.0").name == "python"
    assert identify_client(None, "1.48.0") == ClientVersion("npm", (1, 48, 0))
    assert identify_client(None, "latest") == ClientVersion("unknown", None)
    assert identify_client(None, None) == ClientVersion("unknown", None)


@pytest.mark.parametrize("text", ["-1.2.3-" * 100_000 + "!", "-" * 1_000_000, "npm-1." + "0" * 1_000_000 + ".0"])
def test_a_header_longer_than_any_clients_is_not_looked_at(text: str) -> None:
    assert parse_client_header(text) is None
    assert identify_client(text, None) == identify_client(None, text) == ClientVersion("unknown", None)


def test_only_very_old_npm_clients_are_unsupported() -> None:
    assert not ClientVersion("npm", (0, 19, 1)).is_supported
    assert ClientVersion("npm", (0, 20, 0)).is_supported
    assert ClientVersion("python", (0, 1, 0)).is_supported
