"""A server that is killed and comes back on the same data: the official clients notice and go on by themselves."""

from __future__ import annotations

from collections.abc import Callable

from convex.http_client import ConvexHttpClient

from tests.scenarios.js_client import JsDriver
from tests.scenarios.py_client import ConnectPy
from tests.scenarios.server_process import ServerProcess


def test_the_javascript_client_goes_on(start_server: Callable[..., ServerProcess], js: JsDriver, room: str) -> None:
    server = start_server()
    reader, writer = js.connect(server.url), js.connect(server.url)
    bodies = reader.subscribe("messages:bodies", {"channel": room})
    writer.mutation("messages:send", {"channel": room, "author": "w", "body": "before"})
    bodies.until(lambda shown: shown == ["before"])

    server.restart()

    writer.mutation("messages:send", {"channel": room, "author": "w", "body": "after"})
    assert bodies.until(lambda shown: len(shown) > 1) == ["before", "after"]
    assert reader.connection_state()["connectionCount"] >= 2


def test_the_python_client_goes_on(
    start_server: Callable[..., ServerProcess], room: str, connect_py: ConnectPy
) -> None:
    server = start_server()
    reader, writer = connect_py(server.url), connect_py(server.url)
    bodies = reader.subscribe("messages:bodies", {"channel": room})
    writer.mutation("messages:send", {"channel": room, "author": "w", "body": "before"})
    bodies.until(lambda shown: shown == ["before"])

    server.restart()

    writer.mutation("messages:send", {"channel": room, "author": "w", "body": "after"})
    assert bodies.until(lambda shown: len(shown) > 1) == ["before", "after"]


def test_both_http_clients_go_on(start_server: Callable[..., ServerProcess], js: JsDriver, room: str) -> None:
    server = start_server()
    clients = [js.connect_http(server.url), ConvexHttpClient(server.url)]
    for number, client in enumerate(clients):
        client.mutation("messages:send", {"channel": room, "author": "w", "body": f"before {number}"})

    server.restart()

    for number, client in enumerate(clients):
        client.mutation("messages:send", {"channel": room, "author": "w", "body": f"after {number}"})
        shown = client.query("messages:bodies", {"channel": room})
        assert shown == ["before 0", "before 1", "after 0", "after 1"][: 3 + number]


def test_mutations_sent_while_the_server_is_away_are_applied_once_and_in_order(
    start_server: Callable[..., ServerProcess], js: JsDriver, room: str
) -> None:
    server = start_server()
    client = js.connect(server.url)
    bodies = client.subscribe("messages:bodies", {"channel": room})
    assert bodies.next() == []
    server.kill()
    sendings = [
        client.begin_mutation("messages:send", {"channel": room, "author": "w", "body": f"{number}"})
        for number in range(10)
    ]
    server.start()
    for sending in sendings:
        sending()
    assert client.query("messages:bodies", {"channel": room}) == [f"{number}" for number in range(10)]


def test_a_restart_in_the_middle_of_a_stream_of_mutations_applies_each_exactly_once(
    start_server: Callable[..., ServerProcess], js: JsDriver, room: str
) -> None:
    server = start_server()
    client = js.connect(server.url)
    sent = 0
    sendings = []
    for _ in range(4):
        for _ in range(50):
            sendings.append(client.begin_mutation("messages:send", {"channel": room, "author": "w", "body": f"{sent}"}))
            sent += 1
        sendings[-25]()  # some are answered, some are on their way
        server.restart()
    for sending in sendings:
        sending()
    assert client.query("messages:bodies", {"channel": room}) == [f"{number}" for number in range(sent)]


def test_an_orderly_stop_leaves_no_traceback_and_the_client_finds_the_next_server(
    start_server: Callable[..., ServerProcess], js: JsDriver, room: str
) -> None:
    server = start_server()
    client = js.connect(server.url)
    bodies = client.subscribe("messages:bodies", {"channel": room})
    bodies.next()
    assert server.stop() == 0
    assert "Traceback" not in server.log
    server.start()
    client.mutation("messages:send", {"channel": room, "author": "w", "body": "again"})
    bodies.until(lambda shown: shown == ["again"])
