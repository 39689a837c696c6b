"""The official PyPI client, unmodified, over its WebSocket and over HTTP."""

from __future__ import annotations

import math
import time
from typing import Any

import pytest
from convex import ConvexError, ConvexInt64
from convex.http_client import ConvexExecutionError, ConvexHttpClient

from tests.scenarios.py_client import ConnectPy
from tests.scenarios.server_process import ServerProcess

EVERY_KIND: dict[str, Any] = {
    "int64": ConvexInt64(2**62 + 1),
    "least": ConvexInt64(-(2**63)),
    "bytes": bytes(range(256)),
    "infinity": float("-inf"),
    "whole": 3.0,
    "fraction": 0.1,
    "large": 1e300,
    "astral": "\U0001f680 é \u0000",
    "empty": [[], {}, "", None],
    "yes": True,
}


def test_a_subscriber_sees_what_a_second_client_writes(server: ServerProcess, room: str, connect_py: ConnectPy) -> None:
    reader, writer = connect_py(server.url), connect_py(server.url)
    bodies = reader.subscribe("messages:bodies", {"channel": room})
    assert bodies.next() == []
    document_id = writer.mutation("messages:send", {"channel": room, "author": "writer", "body": "hi"})
    assert bodies.next() == ["hi"]
    (message,) = reader.query("messages:list", {"channel": room})
    assert message["_id"] == document_id


def test_a_client_reads_its_own_writes(server: ServerProcess, room: str, connect_py: ConnectPy) -> None:
    client = connect_py(server.url)
    for count in range(1, 21):
        client.mutation("messages:send", {"channel": room, "author": "me", "body": f"{count}"})
        assert len(client.query("messages:bodies", {"channel": room})) == count


def test_the_http_client_reads_writes_and_acts(server: ServerProcess, room: str) -> None:
    client = ConvexHttpClient(server.url)
    client.mutation("messages:send", {"channel": room, "author": "http", "body": "over HTTP"})
    assert client.query("messages:bodies", {"channel": room}) == ["over HTTP"]
    assert client.action("values:echo_action", {"value": 5}) == 5.0


def special_floats_survive(echo: Any) -> bool:
    minus_zero = echo(-0.0)
    return math.isnan(echo(math.nan)) and minus_zero == 0 and math.copysign(1, minus_zero) == -1


def test_values_of_every_kind_survive_the_round_trip_on_the_socket(
    server: ServerProcess, room: str, connect_py: ConnectPy
) -> None:
    client = connect_py(server.url)
    assert client.query("values:echo", {"value": EVERY_KIND}) == EVERY_KIND
    assert client.action("values:echo_action", {"value": EVERY_KIND}) == EVERY_KIND
    assert client.mutation("values:store", {"label": room, "value": EVERY_KIND}) == EVERY_KIND
    assert client.query("values:stored", {"label": room}) == EVERY_KIND
    assert special_floats_survive(lambda value: client.query("values:echo", {"value": value}))


def test_values_of_every_kind_survive_the_round_trip_over_http(server: ServerProcess, room: str) -> None:
    client = ConvexHttpClient(server.url)
    assert client.query("values:echo", {"value": EVERY_KIND}) == EVERY_KIND
    assert client.action("values:echo_action", {"value": EVERY_KIND}) == EVERY_KIND
    assert client.mutation("values:store", {"label": room, "value": EVERY_KIND}) == EVERY_KIND
    assert client.query("values:stored", {"label": room}) == EVERY_KIND
    assert special_floats_survive(lambda value: client.query("values:echo", {"value": value}))


def test_whole_numbers_that_functions_make_reach_the_http_client(server: ServerProcess) -> None:
    # This client refuses `3` in an answer; the server has to write `3.0`.
    assert ConvexHttpClient(server.url).query("values:kinds")["whole"] == 3.0


@pytest.mark.parametrize("kind", ["query", "mutation", "action"])
@pytest.mark.parametrize("data", ["out of stock", {"code": "OUT", "left": 0.0}, None, ConvexInt64(7)], ids=repr)
def test_the_data_of_a_convex_error_arrives_on_the_socket(
    server: ServerProcess, kind: str, data: object, connect_py: ConnectPy
) -> None:
    client = connect_py(server.url)
    with pytest.raises(ConvexError) as caught:
        getattr(client, kind)(f"failures:refuse_{kind}", {"data": data})
    assert caught.value.data == data


@pytest.mark.parametrize("kind", ["query", "mutation", "action"])
@pytest.mark.parametrize("data", ["out of stock", {"code": "OUT", "left": 0.0}, None], ids=repr)
def test_the_data_of_a_convex_error_arrives_over_http(server: ServerProcess, kind: str, data: object) -> None:
    with pytest.raises(ConvexError) as caught:
        getattr(ConvexHttpClient(server.url), kind)(f"failures:refuse_{kind}", {"data": data})
    assert caught.value.data == data


@pytest.mark.parametrize("kind", ["query", "mutation", "action"])
def test_a_crash_is_told_in_development_with_what_went_wrong(
    server: ServerProcess, room: str, kind: str, connect_py: ConnectPy
) -> None:
    args = {"channel": room} if kind == "mutation" else {}
    with pytest.raises(Exception, match=r"Uncaught RuntimeError: the \w+ crashed") as caught:
        getattr(connect_py(server.url), kind)(f"failures:crash_{kind}", args)
    assert not isinstance(caught.value, ConvexError)
    with pytest.raises(ConvexExecutionError, match=r"Uncaught RuntimeError: the \w+ crashed"):
        getattr(ConvexHttpClient(server.url), kind)(f"failures:crash_{kind}", args)


def test_a_function_that_does_not_exist_is_named_on_both_transports(
    server: ServerProcess, connect_py: ConnectPy
) -> None:
    with pytest.raises(Exception, match="Could not find public function for 'messages:nope'"):
        connect_py(server.url).query("messages:nope")
    with pytest.raises(ConvexExecutionError, match="Could not find public function for 'messages:nope'"):
        ConvexHttpClient(server.url).query("messages:nope")


def test_item_15_a_result_of_six_megabytes_arrives_whole(server: ServerProcess, connect_py: ConnectPy) -> None:
    result = connect_py(server.url).query("values:large", {"size": 1_000_000, "count": 6})
    assert [len(text) for text in result] == [1_000_000] * 6


def test_item_15_a_transition_of_twenty_mebibytes_arrives_in_fragments(
    server: ServerProcess, room: str, connect_py: ConnectPy
) -> None:
    # This client ends a connection at a frame above 16 MiB. No single result may be that large, but two queries that
    # one commit changes travel in one transition.
    client = connect_py(server.url)
    followings = [
        client.subscribe("values:large_live", {"label": room, "size": 1_048_576, "count": count}) for count in (10, 11)
    ]
    assert [following.next()[0][:4] for following in followings] == ["none", "none"]
    client.mutation("values:store", {"label": room, "value": "some"})
    for following, count in zip(followings, (10, 11), strict=True):
        # This client shows a value again with every transition, also one that is about the other query alone: where the
        # two first results came apart, the old one is shown twice.
        result = following.until(lambda texts: texts[0][:4] == "some")
        assert [len(text) for text in result] == [1_048_576] * count


def test_item_14_a_client_that_is_idle_for_35_seconds_stays_connected(
    server: ServerProcess, room: str, connect_py: ConnectPy
) -> None:
    client = connect_py(server.url)
    bodies = client.subscribe("messages:bodies", {"channel": room})
    assert bodies.next() == []
    time.sleep(35)  # the client gives up a connection on which 30 s pass without any frame
    client.mutation("messages:send", {"channel": room, "author": "me", "body": "still here"})
    assert bodies.next() == ["still here"]
