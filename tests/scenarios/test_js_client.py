"""The official npm client, unmodified, over its WebSocket and over HTTP."""

from __future__ import annotations

import base64
import struct
import time

import pytest

from tests.scenarios.js_client import JsDriver, JsError
from tests.scenarios.server_process import ServerProcess


def int64(value: int) -> dict[str, str]:
    return {"$integer": base64.b64encode(value.to_bytes(8, "little", signed=True)).decode()}


def special(value: float) -> dict[str, str]:
    return {"$float": base64.b64encode(struct.pack("<d", value)).decode()}


EVERY_KIND = {
    "int64": int64(2**62 + 1),
    "least": int64(-(2**63)),
    "bytes": {"$bytes": base64.b64encode(bytes(range(256))).decode()},
    "nan": special(float("nan")),
    "infinity": special(float("-inf")),
    "minusZero": special(-0.0),
    "whole": 3,
    "fraction": 0.1,
    "large": 1e300,
    "astral": "\U0001f680 é \u0000",
    "empty": [[], {}, "", None],
    "yes": True,
}


def test_a_subscriber_sees_what_a_second_client_writes(server: ServerProcess, js: JsDriver, room: str) -> None:
    reader, writer = js.connect(server.url), js.connect(server.url)
    bodies = reader.subscribe("messages:bodies", {"channel": room})
    assert bodies.next() == []

    document_id = writer.mutation("messages:send", {"channel": room, "author": "writer", "body": "hi"})

    assert bodies.next() == ["hi"]
    (message,) = reader.query("messages:list", {"channel": room})
    assert message["_id"] == document_id
    assert message["_creationTime"] == pytest.approx(time.time() * 1000, abs=60_000)


def test_a_mutation_resolves_only_when_its_own_client_sees_it(server: ServerProcess, js: JsDriver, room: str) -> None:
    client = js.connect(server.url)
    bodies = client.subscribe("messages:bodies", {"channel": room})
    assert bodies.next() == []
    for count in range(1, 21):
        client.mutation("messages:send", {"channel": room, "author": "me", "body": f"{count}"})
        arrived = bodies.seen + bodies.pending()
        bodies.seen = arrived
        assert len(arrived[-1]) == count


def test_an_unsubscribed_query_stops_and_the_others_go_on(server: ServerProcess, js: JsDriver, room: str) -> None:
    client = js.connect(server.url)
    kept = client.subscribe("messages:bodies", {"channel": room})
    dropped_number = js.next_id()
    kept.next()
    other = client.subscribe("messages:list", {"channel": room})
    other.next()
    number = next(number for number, following in js.updates.items() if following is other)
    assert number != dropped_number
    js.begin("unsubscribe", subscription=number)()
    client.mutation("messages:send", {"channel": room, "author": "me", "body": "hi"})
    assert kept.next() == ["hi"]
    assert other.pending() == []


def test_functions_answer_to_camel_case_and_to_js_paths(server: ServerProcess, js: JsDriver) -> None:
    client = js.connect(server.url)
    assert client.query("identity:subject") is None
    assert client.mutation("identity:subjectOfMutation") is None
    assert client.action("identity.js:subject_of_action") is None


def test_the_http_client_reads_writes_and_acts(server: ServerProcess, js: JsDriver, room: str) -> None:
    client = js.connect_http(server.url)
    client.mutation("messages:send", {"channel": room, "author": "http", "body": "over HTTP"})
    assert client.query("messages:bodies", {"channel": room}) == ["over HTTP"]
    assert client.consistent_query("messages:bodies", {"channel": room}) == ["over HTTP"]
    assert client.action("values:echoAction", {"value": 5}) == 5


@pytest.mark.parametrize("transport", ["socket", "http"])
def test_values_of_every_kind_survive_the_round_trip(
    server: ServerProcess, js: JsDriver, room: str, transport: str
) -> None:
    client = js.connect(server.url) if transport == "socket" else js.connect_http(server.url)
    label = f"{room}-{transport}"
    assert client.query("values:echo", {"value": EVERY_KIND}) == EVERY_KIND
    assert client.action("values:echoAction", {"value": EVERY_KIND}) == EVERY_KIND
    assert client.mutation("values:store", {"label": label, "value": EVERY_KIND}) == EVERY_KIND
    assert client.query("values:stored", {"label": label}) == EVERY_KIND
    assert client.mutation("values:increment", {"value": int64(2**53)}) == int64(2**53 + 1)


def test_what_functions_make_themselves_reaches_the_client_exactly(server: ServerProcess, js: JsDriver) -> None:
    assert js.connect(server.url).query("values:kinds") == {
        "int64": int64(2**62),
        "int64Least": int64(-(2**63)),
        "bytes": {"$bytes": "ABCD/w=="},
        "nan": special(float("nan")),
        "infinity": special(float("inf")),
        "minusZero": special(-0.0),
        "whole": 3,
        "fraction": 0.1,
        "astral": "\U0001f680",
        "nothing": None,
    }


@pytest.mark.parametrize("transport", ["socket", "http"])
@pytest.mark.parametrize("kind", ["query", "mutation", "action"])
@pytest.mark.parametrize("data", ["out of stock", {"code": "OUT", "left": 0}, None, int64(7)], ids=repr)
def test_the_data_of_a_convex_error_arrives(
    server: ServerProcess, shared_js: JsDriver, transport: str, kind: str, data: object
) -> None:
    client = shared_js.connect(server.url) if transport == "socket" else shared_js.connect_http(server.url)
    with pytest.raises(JsError) as caught:
        getattr(client, kind)(f"failures:refuse_{kind}", {"data": data})
    assert caught.value.is_convex_error
    assert caught.value.data == data
    client.close()


@pytest.mark.parametrize("kind", ["query", "mutation", "action"])
def test_a_crash_is_told_in_development_with_what_went_wrong(
    server: ServerProcess, js: JsDriver, room: str, kind: str
) -> None:
    client = js.connect(server.url)
    with pytest.raises(JsError, match=r"Server Error\nUncaught RuntimeError: the \w+ crashed") as caught:
        getattr(client, kind)(f"failures:crash_{kind}", {"channel": room} if kind == "mutation" else {})
    assert not caught.value.is_convex_error
    assert client.query("messages:bodies", {"channel": room}) == []


def test_a_failed_live_query_recovers_when_its_data_does(server: ServerProcess, js: JsDriver, room: str) -> None:
    client = js.connect(server.url)
    label = {"label": room}
    following = client.subscribe("values:stored", label)
    assert following.next() is None
    for value in ("first", "second"):
        client.mutation("values:store", {**label, "value": value})
    # unique() refuses two rows, and the subscriber is told so in place of a value.
    assert following.next() == "first"
    with pytest.raises(JsError, match="unique"):
        following.next()


def test_production_hides_what_went_wrong_but_not_a_convex_error(start_server, js: JsDriver) -> None:
    server = start_server(command="serve")
    client = js.connect(server.url)
    with pytest.raises(JsError) as caught:
        client.action("failures:crashAction")
    assert "Server Error" in caught.value.message
    assert "crashed" not in caught.value.message
    with pytest.raises(JsError) as caught:
        client.mutation("failures:refuseMutation", {"data": {"code": "KEPT"}})
    assert caught.value.data == {"code": "KEPT"}
    client.query("failures:announce")
    assert "hello" not in js.console()
    server.wait_for_log("the action crashed")


def test_log_lines_reach_the_developers_console(server: ServerProcess, js: JsDriver) -> None:
    following = js.connect(server.url).subscribe("failures:announce")
    assert following.next() is None
    shown = js.expect("console", level="log")["text"]
    assert "[CONVEX Q(failures:announce)] [LOG]" in shown
    assert "'hello' { a: 1 }" in shown
    assert "Could not parse" not in js.console()


def test_item_15_a_transition_of_six_megabytes_arrives_in_chunks(server: ServerProcess, js: JsDriver) -> None:
    result = js.connect(server.url).query("values:large", {"size": 1_000_000, "count": 6})
    assert [len(text) for text in result] == [1_000_000] * 6


@pytest.mark.timeout(180)
def test_item_14_a_client_that_is_idle_for_65_seconds_stays_connected(
    server: ServerProcess, js: JsDriver, room: str
) -> None:
    client = js.connect(server.url)
    bodies = client.subscribe("messages:bodies", {"channel": room})
    assert bodies.next() == []
    time.sleep(65)  # the client gives up a connection on which 60 s pass without a text message
    state = client.connection_state()
    assert state["isWebSocketConnected"]
    assert state["connectionCount"] == 1
    client.mutation("messages:send", {"channel": room, "author": "me", "body": "still here"})
    assert bodies.next() == ["still here"]
    assert "InactiveServer" not in js.console()
