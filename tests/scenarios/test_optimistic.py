"""Optimistic updates of the official client: shown at once, replaced by the truth, gone when the mutation fails."""

from __future__ import annotations

import itertools

import pytest

from tests.scenarios.js_client import JsClient, JsDriver, JsError
from tests.scenarios.programs import Following
from tests.scenarios.server_process import ServerProcess


def watch(client: JsClient, room: str) -> Following:
    messages = client.subscribe("messages:list", {"channel": room})
    assert messages.next() == []
    return messages


def summary(messages: list[dict[str, str]]) -> list[tuple[str, bool]]:
    """Each body, and whether it is still only the client's own guess."""
    return [(message["body"], message["_id"] == "draft") for message in messages]


def test_an_optimistic_update_settles_into_the_servers_answer(server: ServerProcess, js: JsDriver, room: str) -> None:
    client = js.connect(server.url)
    messages = watch(client, room)
    sending = client.begin_mutation(
        "messages:send", {"channel": room, "author": "me", "body": "hi"}, optimistic="appendMessage"
    )
    assert summary(messages.next()) == [("hi", True)]
    assert summary(messages.next()) == [("hi", False)]
    sending()
    assert messages.pending() == []


def test_an_optimistic_update_is_rolled_back_when_its_mutation_fails(
    server: ServerProcess, js: JsDriver, room: str
) -> None:
    client = js.connect(server.url)
    messages = watch(client, room)
    sending = client.begin_mutation(
        "messages:send", {"channel": room, "author": "me", "body": "forbidden"}, optimistic="appendMessage"
    )
    assert summary(messages.next()) == [("forbidden", True)]
    assert messages.next() == []
    with pytest.raises(JsError) as caught:
        sending()
    assert caught.value.data == {"code": "FORBIDDEN", "body": "forbidden"}


def test_a_row_of_optimistic_updates_never_flickers(server: ServerProcess, js: JsDriver, room: str) -> None:
    client = js.connect(server.url)
    messages = watch(client, room)
    sendings = [
        client.begin_mutation(
            "messages:send", {"channel": room, "author": "me", "body": f"{number}"}, optimistic="appendMessage"
        )
        for number in range(10)
    ]
    for sending in sendings:
        sending()
    everything = [f"{number}" for number in range(10)]
    shown = messages.until(lambda rows: summary(rows) == [(body, False) for body in everything])
    assert len(shown) == 10
    # Once a message was on the screen it stayed, in its place, as a guess or as the truth.
    lists = [[row["body"] for row in rows] for rows in messages.seen if rows]
    for before, after in itertools.pairwise(lists):
        assert after[: len(before)] == before
    settled = [sum(not is_draft for _, is_draft in summary(rows)) for rows in messages.seen]
    assert settled == sorted(settled)


def test_an_optimistic_update_survives_a_restart_of_the_server(start_server, js: JsDriver, room: str) -> None:
    server = start_server()
    client = js.connect(server.url)
    messages = watch(client, room)
    server.kill()
    sending = client.begin_mutation(
        "messages:send", {"channel": room, "author": "me", "body": "patient"}, optimistic="appendMessage"
    )
    assert summary(messages.next()) == [("patient", True)]
    server.start()
    settled = messages.until(lambda rows: summary(rows) == [("patient", False)])
    assert len(settled) == 1
    sending()
    assert len(client.query("messages:bodies", {"channel": room})) == 1
