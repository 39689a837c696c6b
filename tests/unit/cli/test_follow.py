"""The small sync client behind `parabola run --watch`, against a scripted server on a real socket."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from websockets.sync.server import ServerConnection, serve

from parabola.cli.failure import CommandFailed
from parabola.cli.follow import Update, follow_query

Script = Callable[[ServerConnection, list[dict[str, Any]]], None]

TS = ["AAAAAAAAAAA=", "AQAAAAAAAAA=", "AgAAAAAAAAA="]


def transition(*modifications: dict[str, Any], end: int = 1) -> str:
    version = {"querySet": 1, "identity": 1}
    return json.dumps(
        {
            "type": "Transition",
            "startVersion": {**version, "ts": TS[end - 1]},
            "endVersion": {**version, "ts": TS[end]},
            "modifications": list(modifications),
        }
    )


def updated(value: Any, journal: str | None = None, lines: tuple[str, ...] = ()) -> dict[str, Any]:
    return {"type": "QueryUpdated", "queryId": 0, "value": value, "logLines": list(lines), "journal": journal}


@contextmanager
def scripted(*scripts: Script) -> Iterator[tuple[str, list[list[dict[str, Any]]]]]:
    """A server whose n-th connection plays the n-th script after the client's three opening messages."""
    openings: list[list[dict[str, Any]]] = []

    def play(socket: ServerConnection) -> None:
        openings.append([json.loads(socket.recv()) for _ in range(3)])
        scripts[len(openings) - 1](socket, openings[-1])

    with serve(play, "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.socket.getsockname()[1]}", openings
        finally:
            server.shutdown()
            thread.join()


def send(*texts: str, stay: bool = True) -> Script:
    def script(socket: ServerConnection, opening: list[dict[str, Any]]) -> None:
        for text in texts:
            socket.send(text)
        if stay:
            for _ in socket:
                pass

    return script


def take(url: str, count: int, **options: Any) -> list[Update]:
    updates = follow_query(url, "dev|key", "m:list", {"n": 1}, **options)
    taken = [next(updates) for _ in range(count)]
    updates.close()  # type: ignore[attr-defined]
    return taken


def test_it_connects_authenticates_and_subscribes_as_an_administrator() -> None:
    with scripted(send(transition(updated([1.0])))) as (url, openings):
        assert take(url, 1, identity={"subject": "u", "issuer": "i"}) == [Update(value=[1])]
    connect, authenticate, modify = openings[0]
    assert (connect["type"], connect["connectionCount"]) == ("Connect", 0)
    assert authenticate == {
        "type": "Authenticate",
        "tokenType": "Admin",
        "value": "dev|key",
        "baseVersion": 0,
        "impersonating": {"subject": "u", "issuer": "i"},
    }
    assert modify["modifications"] == [{"type": "Add", "queryId": 0, "udfPath": "m:list", "args": [{"n": 1}]}]


def test_each_change_is_reported_once() -> None:
    texts = [
        transition(),
        transition(updated("a", lines=("[LOG] 'hi'",))),
        json.dumps({"type": "Ping"}),
        transition(updated("a", lines=("[LOG] 'hi'",))),
        transition(updated("b")),
    ]
    with scripted(send(*texts)) as (url, _):
        assert take(url, 2) == [Update(value="a", log_lines=("[LOG] 'hi'",)), Update(value="b")]


def test_an_error_is_a_result_and_may_be_followed_by_a_value() -> None:
    failed = {
        "type": "QueryFailed",
        "queryId": 0,
        "errorMessage": "boom",
        "errorData": {"code": 1.0},
        "logLines": [],
        "journal": None,
    }
    with scripted(send(transition(failed), transition(updated(None)))) as (url, _):
        assert take(url, 2) == [Update(error="boom", error_data={"code": 1}), Update(value=None)]


def test_a_transition_in_chunks_is_put_together() -> None:
    text = transition(updated("long" * 100))
    chunks = [
        json.dumps({"type": "TransitionChunk", "chunk": part, "partNumber": n, "totalParts": 2, "transitionId": "t"})
        for n, part in enumerate((text[:50], text[50:]))
    ]
    with scripted(send(*chunks)) as (url, _):
        assert take(url, 1) == [Update(value="long" * 100)]


def test_after_a_lost_connection_it_says_how_far_it_has_seen_and_keeps_the_page() -> None:
    first = send(transition(updated("a", journal="page 1")), stay=False)
    with scripted(first, send(transition(updated("a"), end=2), transition(updated("b"), end=2))) as (url, openings):
        assert take(url, 2) == [Update(value="a"), Update(value="b")]
    connect, _, modify = openings[1]
    assert (connect["connectionCount"], connect["maxObservedTimestamp"]) == (1, TS[1])
    assert modify["modifications"][0]["journal"] == "page 1"


def test_a_refused_key_is_a_failure() -> None:
    refusal = json.dumps({"type": "AuthError", "error": "no such key", "baseVersion": 0})
    with scripted(send(refusal)) as (url, _), pytest.raises(CommandFailed, match="refused the admin key: no such key"):
        take(url, 1)


def test_a_fatal_error_is_a_failure() -> None:
    with (
        scripted(send(json.dumps({"type": "FatalError", "error": "bad path"}))) as (url, _),
        pytest.raises(CommandFailed, match="bad path"),
    ):
        take(url, 1)


def test_nothing_listening_is_a_failure_at_once() -> None:
    with scripted() as (url, _):
        pass
    with pytest.raises(CommandFailed, match=f"No Parabola server answers at {url}"):
        take(url, 1)


def test_an_address_without_a_scheme_is_explained() -> None:
    with pytest.raises(CommandFailed, match="is not the address of a server"):
        take("127.0.0.1:3210", 1)
