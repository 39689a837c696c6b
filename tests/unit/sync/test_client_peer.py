"""The client's side of the sync protocol (wire 1.3 to 1.11): what it says, and what it believes."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from parabola.errors import InvalidArgument, InvalidValue
from parabola.sync import client_peer
from parabola.sync.client_effects import ConnectionChanged, Ended, FunctionLogged, OpenSocket, Report, ResultsChanged
from parabola.sync.client_incoming import Answer, Failure
from parabola.sync.client_requests import ACTION_LOST, ON_WIRE_MAX
from parabola.sync.versions import encode_ts
from parabola.values.model import UNDEFINED, Int64
from tests.unit.sync.client_socket import START_NS, Wire, failed, kinds, updated, wire_version

ADD = {"type": "Add", "udfPath": "messages:list", "args": [{}]}


# Connecting.


def test_a_socket_begins_with_connect_and_an_empty_query_set() -> None:
    assert Wire().open() == [
        {
            "type": "Connect",
            "sessionId": "a-session",
            "connectionCount": 0,
            "lastCloseReason": "InitialConnect",
            "clientTs": START_NS // 1_000_000,
        },
        {"type": "ModifyQuerySet", "baseVersion": 0, "newVersion": 1, "modifications": []},
    ]


def test_nothing_is_asked_of_the_outside_before_the_start() -> None:
    wire = Wire()
    wire.subscribe()
    wire.mutate()
    assert wire.peer.outgoing == []
    assert wire.reported(OpenSocket) == []


def test_a_new_socket_is_told_everything_in_order() -> None:
    wire = Wire()
    wire.open()
    wire.subscribe()
    wire.mutate()
    wire.act()
    wire.transition(5)
    wire.lose(1013, "CommitterFullError")
    wire.mutate(args={"second": True})
    said = wire.reopen()
    assert kinds(said) == ["Connect", "ModifyQuerySet", "Mutation", "Mutation"]
    assert said[0] == {
        "type": "Connect",
        "sessionId": "a-session",
        "connectionCount": 1,
        "lastCloseReason": "CommitterFullError",
        "maxObservedTimestamp": encode_ts(5),
        "clientTs": wire.clock.now_ns() // 1_000_000,
    }
    assert [said[2]["requestId"], said[3]["requestId"]] == [0, 2]


@pytest.mark.parametrize(
    ("code", "reason", "told"),
    [
        (1011, "InternalServerError", "InternalServerError"),
        (1005, "", "closed with code 1005"),
        (None, "", "closed with code 1006"),
    ],
)
def test_the_next_connect_says_why_the_last_socket_ended(code: int | None, reason: str, told: str) -> None:
    wire = Wire()
    wire.open()
    wire.lose(code, reason)
    assert wire.reopen()[0]["lastCloseReason"] == told


@pytest.mark.parametrize(
    ("code", "reason", "is_news"),
    [(1011, "InternalServerError", True), (None, "", True), (1000, "", False), (1001, "", False), (1005, "", False)],
)
def test_a_connection_that_was_lost_is_news_once_and_so_is_its_return(
    code: int | None, reason: str, is_news: bool
) -> None:
    wire = Wire()
    wire.open()
    wire.lose(code, reason)
    wire.pass_time_to_deadline()
    wire.lose(None)  # the attempts after that are not
    news = [report.text for report in wire.reported(Report) if report.level == "warning"]
    assert len(news) == is_news
    told = f"The connection was lost ({reason or 'closed with code 1006'}), trying again in"
    assert all(text.startswith(told) for text in news)
    wire.reopen()
    assert [report.text for report in wire.reported(Report) if report.level == "info"] == ["Connected again."]


def test_the_newest_timestamp_counts_also_when_only_an_answer_told_it() -> None:
    wire = Wire()
    wire.open()
    wire.transition(5)
    wire.succeed(wire.mutate(), None, 9)
    wire.lose()
    assert wire.reopen()[0]["maxObservedTimestamp"] == encode_ts(9)


def test_a_silent_socket_is_given_up_after_a_minute() -> None:
    wire = Wire()
    wire.open()
    wire.pass_time(59)
    wire.send("Ping")
    wire.pass_time(59)
    assert wire.closed() == []
    wire.pass_time(2)
    assert wire.closed() == [wire.socket]
    assert wire.reopen()[0]["lastCloseReason"] == "InactiveServer"


def test_a_socket_that_does_not_open_is_given_up_too() -> None:
    wire = Wire(inactivity_s=5)
    wire.peer.start()
    (first,) = wire.reported(OpenSocket)
    wire.pass_time(5)
    assert wire.closed() == [first.number]
    wire.pass_time_to_deadline()
    (second,) = wire.reported(OpenSocket)
    assert second.number == first.number + 1


def test_news_of_an_old_socket_are_ignored() -> None:
    wire = Wire()
    query = wire.subscribe()
    wire.open()
    old = wire.socket
    wire.lose()
    wire.reopen()
    wire.peer.receive(old, b"not even JSON")
    wire.peer.socket_closed(old, 1011, "late")
    wire.peer.socket_opened(old)
    assert wire.take() == []
    wire.transition(5, updated(0, "fresh"))
    assert wire.value(query) == Answer("fresh")


def test_the_backoff_grows_until_a_new_socket_has_brought_all_that_it_owed() -> None:
    wire = Wire()
    wire.open()
    wire.subscribe()
    wire.mutate()
    for retries in (1, 2, 3):
        wire.lose()
        assert wire.peer.connection_state.connection_retries == retries
        wire.reopen()
    wire.transition(5)
    assert wire.peer.connection_state.connection_retries == 3  # the query was not answered
    wire.transition(6, updated(0, 1))
    assert wire.peer.connection_state.connection_retries == 3  # nor the mutation
    wire.fail(0, "no")
    assert wire.peer.connection_state.connection_retries == 0


# Queries.


def test_a_query_asked_for_twice_is_followed_once() -> None:
    wire = Wire()
    wire.open()
    first = wire.subscribe("messages:list", {"n": 1})
    assert wire.take()[0]["modifications"] == [{**ADD, "queryId": 0, "args": [{"n": 1}]}]
    assert wire.subscribe("messages.js:list", {"n": 1.0}) == first
    wire.peer.unsubscribe(first)
    assert wire.take() == []
    wire.peer.unsubscribe(first)
    assert wire.take() == [
        {
            "type": "ModifyQuerySet",
            "baseVersion": 2,
            "newVersion": 3,
            "modifications": [{"type": "Remove", "queryId": 0}],
        }
    ]


def test_a_query_asked_for_again_gets_a_new_id() -> None:
    wire = Wire()
    wire.open()
    query = wire.subscribe()
    wire.peer.unsubscribe(query)
    wire.take()
    wire.subscribe()
    assert wire.take()[0]["modifications"] == [{**ADD, "queryId": 1}]


def test_a_query_dropped_before_a_socket_heard_of_it_is_never_mentioned() -> None:
    wire = Wire()
    wire.peer.unsubscribe(wire.subscribe())
    assert wire.open()[1]["modifications"] == []


def test_the_journal_of_a_query_is_sent_back_on_the_next_socket() -> None:
    wire = Wire()
    wire.subscribe()
    wire.open()
    wire.transition(5, updated(0, 1, journal="where the page ends"))
    wire.lose()
    assert wire.reopen()[1]["modifications"] == [{**ADD, "queryId": 0, "journal": "where the page ends"}]


def test_special_values_are_decoded_and_encoded() -> None:
    wire = Wire()
    wire.open()
    query = wire.subscribe(
        "values:echo", {"big": Int64(5), "data": b"\x00\x10\x83", "none": UNDEFINED, "inf": float("inf")}
    )
    (said,) = wire.take()
    args = {"big": {"$integer": "BQAAAAAAAAA="}, "data": {"$bytes": "ABCD"}, "inf": {"$float": "AAAAAAAA8H8="}}
    assert said["modifications"][0]["args"] == [args]
    wire.transition(5, updated(0, args))
    assert wire.value(query) == Answer({"big": Int64(5), "data": b"\x00\x10\x83", "inf": float("inf")})


def test_arguments_that_are_no_values_are_refused_before_anything_is_sent() -> None:
    with pytest.raises(InvalidValue):
        Wire().subscribe("messages:list", {"when": object()})


@pytest.mark.parametrize("args", [["Milk"], "Milk", 5, [("title", "Milk")]], ids=repr)
def test_arguments_without_names_are_refused_with_an_example(args: Any) -> None:
    with pytest.raises(InvalidArgument, match="given by name, as in"):
        Wire().subscribe("messages:list", args)


def test_arguments_that_no_message_can_hold_are_refused_instead_of_being_sent_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(client_peer, "ARGUMENTS_BYTES_MAX", 1000)
    wire = Wire()
    wire.open()
    wire.take()
    body = "x" * 1000
    with pytest.raises(InvalidArgument, match=r"of messages:send take 1,011 bytes; a message .* 1,000"):
        wire.mutate(args={"body": body})
    with pytest.raises(InvalidArgument, match="The arguments of messages:list take"):
        wire.subscribe(args={"body": body})
    assert wire.take() == []
    wire.mutate()
    assert [message["requestId"] for message in wire.take()] == [0]


def test_a_failed_query_has_its_text_and_its_data_even_if_null() -> None:
    wire = Wire()
    query = wire.subscribe()
    wire.open()
    wire.transition(5, failed(0, "Server Error"))
    assert wire.value(query) == Failure("Server Error", UNDEFINED)
    wire.transition(6, failed(0, "Server Error", errorData=None))
    assert wire.value(query) == Failure("Server Error", None)


def test_a_result_that_is_no_value_fails_its_query_and_no_other() -> None:
    wire = Wire()
    broken, sound = wire.subscribe("a:a"), wire.subscribe("a:b")
    wire.open()
    wire.transition(5, updated(0, {"$set": []}), updated(1, 2))
    assert isinstance(wire.value(broken), Failure)
    assert wire.value(sound) == Answer(2)


def test_all_queries_of_a_transition_change_in_one_step() -> None:
    wire = Wire()
    queries = {wire.subscribe("a:a"), wire.subscribe("a:b")}
    wire.open()
    wire.transition(5, updated(0, 1), updated(1, 2))
    (step,) = wire.reported(ResultsChanged)
    assert step.tokens == queries


def test_a_result_sent_again_on_a_new_socket_is_no_change() -> None:
    wire = Wire()
    query = wire.subscribe()
    wire.open()
    wire.transition(5, updated(0, ["hi"]))
    assert wire.changed() == {query}
    wire.lose()
    wire.reopen()
    assert wire.value(query) == Answer(["hi"])  # still on display meanwhile
    wire.transition(6, updated(0, ["hi"]))
    assert wire.changed() == set()


def test_a_result_for_a_query_that_was_dropped_meanwhile_is_ignored() -> None:
    wire = Wire()
    query = wire.subscribe()
    wire.open()
    wire.peer.unsubscribe(query)
    wire.transition(5, updated(0, 1), query_set=1)
    wire.transition(6, {"type": "QueryRemoved", "queryId": 0})
    assert wire.changed() == set()


# Versions.


@pytest.mark.parametrize("start", [(0, 0, 5), (2, 0, 0), (1, 1, 5)])
def test_a_transition_that_does_not_start_where_the_last_one_ended_costs_the_socket(
    start: tuple[int, int, int],
) -> None:
    wire = Wire()
    query = wire.subscribe()
    wire.open()
    wire.transition(5, updated(0, "kept"))
    wire.send(
        "Transition",
        startVersion=wire_version(start),
        endVersion=wire_version((1, 0, 9)),
        modifications=[updated(0, "not believed")],
    )
    assert wire.closed() == [wire.socket]
    assert wire.value(query) == Answer("kept")
    assert "starts at version" in wire.reported(Report)[0].text
    said = wire.reopen()
    assert said[0]["lastCloseReason"] == "ProtocolFailure"
    wire.transition(6, updated(0, "new"))
    assert wire.value(query) == Answer("new")


@pytest.mark.parametrize("end", [(1, 0, 4), (7, 0, 9)])
def test_a_transition_that_ends_where_no_server_could_be_costs_the_socket(end: tuple[int, int, int]) -> None:
    wire = Wire()
    wire.open()
    wire.transition(5)
    wire.send("Transition", startVersion=wire_version((1, 0, 5)), endVersion=wire_version(end), modifications=[])
    assert wire.closed() == [wire.socket]


@pytest.mark.parametrize("text", [b"", b"{", b'{"type":"Surprise"}', b'{"type":"Transition"}', b"\xff"])
def test_a_message_that_cannot_be_read_costs_the_socket(text: bytes) -> None:
    wire = Wire()
    wire.open()
    wire.peer.receive(wire.socket, text)
    assert wire.closed() == [wire.socket]


# Large Transitions.


def chunks(wire: Wire, count: int, *modifications: dict[str, object]) -> list[dict[str, object]]:
    text = orjson.dumps({"type": "Transition", **wire.transition_fields(5, *modifications)}).decode()
    size = len(text) // count + 1
    return [
        {"chunk": text[at * size : (at + 1) * size], "partNumber": at, "totalParts": count, "transitionId": "t"}
        for at in range(count)
    ]


def test_a_transition_in_pieces_is_put_together_also_around_a_ping() -> None:
    wire = Wire()
    query = wire.subscribe()
    wire.open()
    for chunk in chunks(wire, 3, updated(0, "é" * 1000)):
        assert wire.changed() == set()
        wire.send("TransitionChunk", **chunk)
        wire.send("Ping")
    assert wire.changed() == {query}
    assert wire.value(query) == Answer("é" * 1000)


@pytest.mark.parametrize("order", [[1], [0, 2], [0, 0]])
def test_a_piece_out_of_place_costs_the_socket(order: list[int]) -> None:
    wire = Wire()
    wire.subscribe()
    wire.open()
    pieces = chunks(wire, 3, updated(0, "x" * 1000))
    for at in order:
        wire.send("TransitionChunk", **pieces[at])
    assert wire.closed() == [wire.socket]


# Mutations and actions.


def test_a_mutation_is_over_when_the_queries_have_reached_it() -> None:
    wire = Wire()
    query = wire.subscribe()
    wire.open()
    wire.transition(5, updated(0, []))
    wire.reported(ResultsChanged)
    request = wire.mutate()
    assert wire.take()[-1] == {"type": "Mutation", "requestId": 0, "udfPath": "messages:send", "args": [{}]}
    wire.succeed(request, "id", 8)
    wire.transition(7)
    assert wire.done() == {}
    wire.transition(8, updated(0, ["hi"]))
    (step,) = wire.reported(ResultsChanged)
    assert (step.tokens, step.settled) == ({query}, {request})
    assert wire.done() == {request: Answer("id")}


def test_the_results_that_reflect_a_mutation_are_reported_before_it_is() -> None:
    wire = Wire()
    wire.subscribe()
    wire.open()
    request = wire.mutate()
    wire.succeed(request, None, 8)
    wire.effects.clear()
    wire.transition(8, updated(0, 1))
    assert [type(effect).__name__ for effect in wire.effects] == ["ResultsChanged", "RequestDone", "ConnectionChanged"]


def test_a_failed_mutation_is_over_at_once() -> None:
    wire = Wire()
    wire.open()
    plain, thrown = wire.mutate(), wire.mutate()
    wire.fail(plain, "Server Error")
    wire.fail(thrown, "Server Error", errorData={"code": "NO"})
    assert wire.done() == {plain: Failure("Server Error"), thrown: Failure("Server Error", {"code": "NO"})}


def test_a_mutation_answered_but_not_reflected_is_sent_again_and_its_second_answer_is_ignored() -> None:
    wire = Wire()
    wire.open()
    request = wire.mutate()
    wire.succeed(request, "first", 8)
    wire.lose()
    assert kinds(wire.reopen()) == ["Connect", "ModifyQuerySet", "Mutation"]
    wire.transition(9)
    assert wire.done() == {request: Answer("first")}
    wire.succeed(request, "again", 8)
    wire.transition(10)
    assert wire.done() == {}


def test_a_repeated_mutation_that_the_results_reflect_already_is_over_with_its_answer() -> None:
    wire = Wire()
    wire.open()
    request = wire.mutate()
    wire.lose()
    wire.reopen()
    wire.transition(20)
    wire.succeed(request, "done long ago", 8)
    assert wire.done() == {request: Answer("done long ago")}


def test_a_transition_that_covers_the_identity_alone_proves_nothing_about_results() -> None:
    wire = Wire()
    wire.subscribe()
    wire.peer.set_admin_auth("key")
    wire.open()
    request = wire.mutate()
    wire.succeed(request, None, 8)
    wire.lose()
    wire.reopen()
    wire.transition(9, query_set=0, identity=1)
    assert wire.done() == {}  # what is on display is still that of the old socket
    wire.transition(9, updated(0, 1))
    assert wire.done() == {request: Answer(None)}


def test_an_action_is_over_with_its_answer_and_an_error_too() -> None:
    wire = Wire()
    wire.open()
    good, bad = wire.act(), wire.act()
    wire.send("ActionResponse", requestId=bad, success=False, result="boom", logLines=[])
    wire.send("ActionResponse", requestId=good, success=True, result={"ok": True}, logLines=["[LOG] 'hi'"])
    assert wire.done() == {bad: Failure("boom"), good: Answer({"ok": True})}
    assert wire.reported(FunctionLogged) == [FunctionLogged("action", "messages:act", ("[LOG] 'hi'",))]


def test_an_action_under_way_fails_when_its_socket_is_lost_and_is_not_repeated() -> None:
    wire = Wire()
    wire.open()
    request = wire.act()
    wire.take()
    wire.lose()
    assert wire.done() == {request: Failure(ACTION_LOST, kind="lost")}
    assert kinds(wire.reopen()) == ["Connect", "ModifyQuerySet"]


def test_an_action_called_while_there_is_no_socket_waits_for_one() -> None:
    wire = Wire()
    request = wire.act()
    assert kinds(wire.open()) == ["Connect", "ModifyQuerySet", "Action"]
    wire.send("ActionResponse", requestId=request, success=True, result=1, logLines=[])
    assert wire.done() == {request: Answer(1)}


def test_request_ids_go_on_over_all_sockets_and_kinds() -> None:
    wire = Wire()
    wire.open()
    assert [wire.mutate(), wire.act()] == [0, 1]
    wire.lose()
    wire.reopen()
    assert [wire.act(), wire.mutate()] == [2, 3]


def test_no_more_calls_await_their_answer_on_a_socket_than_a_server_takes() -> None:
    wire = Wire()
    wire.open()
    for _ in range(ON_WIRE_MAX + 2):
        wire.mutate()
    assert len(wire.take()) == ON_WIRE_MAX
    wire.fail(0, "no")
    assert [message["requestId"] for message in wire.take()] == [ON_WIRE_MAX]
    wire.lose()
    assert [message["requestId"] for message in wire.reopen()[2:]] == list(range(1, ON_WIRE_MAX + 1))
    wire.succeed(1, None, 5)
    assert [message["requestId"] for message in wire.take()] == [ON_WIRE_MAX + 1]


def test_an_answer_to_nothing_is_ignored() -> None:
    wire = Wire()
    wire.open()
    wire.succeed(7, None, 5)
    assert wire.closed() == []


def test_the_connection_state_counts_what_is_under_way() -> None:
    wire = Wire()
    assert not wire.peer.connection_state.has_ever_connected
    wire.open()
    wire.mutate()
    wire.clock.advance(1)
    wire.act()
    state = wire.peer.connection_state
    assert (state.is_connected, state.mutations_in_flight, state.actions_in_flight) == (True, 1, 1)
    assert state.oldest_in_flight_ns == START_NS
    assert wire.reported(ConnectionChanged)
    wire.lose()
    state = wire.peer.connection_state
    assert (state.is_connected, state.has_ever_connected, state.connection_count) == (False, True, 1)
    assert (state.mutations_in_flight, state.actions_in_flight) == (1, 0)


# The end.


def test_a_fatal_error_ends_the_client_for_good() -> None:
    wire = Wire()
    wire.open()
    request = wire.mutate()
    wire.send("FatalError", error="Base version 3 passed up")
    assert wire.reported(Ended) == [Ended("Base version 3 passed up", True)]
    assert wire.done() == {request: Failure("Base version 3 passed up", kind="closed")}
    assert wire.closed() == [wire.socket]
    assert wire.peer.deadline is None
    wire.pass_time(100)
    assert wire.reported(OpenSocket) == []


def test_a_closed_client_gives_up_what_is_not_over() -> None:
    wire = Wire()
    wire.open()
    request = wire.mutate()
    wire.peer.close()
    wire.peer.close()
    assert wire.done()[request].kind == "closed"
    assert len(wire.reported(Ended)) == 1
    assert wire.closed() == [wire.socket]
