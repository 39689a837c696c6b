"""The peer, driven with messages only. Each heading of `sync/PROTOCOL.md` has its tests here."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from parabola.limits import Limits
from parabola.sync import codec
from parabola.sync.effects import Close, RunAction, RunMutation, VerifyToken
from parabola.sync.results import QueryResult
from parabola.sync.versions import encode_ts
from tests.unit.sync.peer_socket import LATER, NOW, Socket, mutation_success, value, version

# Versions.


def test_the_first_transition_starts_at_zero_and_each_later_one_where_the_last_ended() -> None:
    socket = Socket()
    socket.add(0, 0)
    (first,) = socket.update(10, {0: value("a")})
    socket.peer.invalidate(0)
    (second,) = socket.update(20, {0: value("b")})
    assert first["startVersion"] == version(0, 0, 0)
    assert first["endVersion"] == version(1, 0, 10)
    assert second["startVersion"] == version(1, 0, 10)
    assert second["endVersion"] == version(1, 0, 20)


def test_an_empty_modification_gets_a_transition_to_query_set_one() -> None:
    socket = Socket()
    assert socket.add(0) == []
    (transition,) = socket.update(7)
    assert transition["endVersion"] == version(1, 0, 7)
    assert transition["modifications"] == []


def test_several_messages_may_be_covered_by_one_transition() -> None:
    socket = Socket()
    socket.add(0, 0)
    socket.add(1, 1)
    socket.send("Authenticate", baseVersion=0, tokenType="None")
    (transition,) = socket.update(5, {0: value("a"), 1: value("b")})
    assert transition["endVersion"] == version(2, 1, 5)
    assert [change["queryId"] for change in transition["modifications"]] == [0, 1]


def test_a_wrong_base_version_is_fatal_with_both_versions_named() -> None:
    socket = Socket()
    (fatal,) = socket.add(3)
    assert fatal == {
        "type": "FatalError",
        "error": "Base version 3 passed up doesn't match the current version 0",
    }
    assert socket.peer.close == Close(None, "")


def test_a_new_version_that_does_not_rise_is_an_internal_error() -> None:
    socket = Socket()
    assert socket.send("ModifyQuerySet", baseVersion=0, newVersion=0, modifications=[]) == []
    assert socket.peer.close == Close(1011, "InternalServerError")


@pytest.mark.parametrize("second", ["add", "remove"])
def test_adding_a_known_query_or_removing_an_unknown_one_is_an_internal_error(second: str) -> None:
    socket = Socket()
    socket.add(0, 0)
    socket.update(1, {0: value("a")})
    if second == "add":
        socket.add(1, 0)
    else:
        socket.remove(1, 9)
    assert socket.peer.begin_update(NOW) is None
    assert socket.peer.close == Close(1011, "InternalServerError")


def test_more_queries_than_one_client_may_follow_are_refused() -> None:
    socket = Socket(Limits(followed_queries_max=3))
    socket.add(0, 0, 1, 2)
    socket.update(1, {0: value("a"), 1: value("b"), 2: value("c")})
    socket.remove(1, 0)
    socket.add(2, 3)
    socket.update(2, {3: value("d")})
    socket.add(3, 4)
    assert socket.peer.begin_update(NOW) is None
    (fatal,) = socket.take()
    assert fatal["type"] == "FatalError"
    assert fatal["error"].startswith("This client follows 4 queries, and at most 3 are possible")


def test_more_modifications_than_could_be_followed_are_refused_before_anything_is_done_about_them() -> None:
    socket = Socket(Limits(followed_queries_max=3))
    socket.add(0, 0, 1, 2)
    socket.update(1, {0: value("a"), 1: value("b"), 2: value("c")})
    (fatal,) = socket.add(1, *range(3, 10), udfPath="no such path at all")
    assert fatal["error"].startswith("This client follows 10 queries, and at most 3 are possible")


def test_the_arguments_of_all_followed_queries_are_bounded_together() -> None:
    socket = Socket(Limits(followed_queries_bytes_max=100))
    socket.add(0, 0, args=[{"text": "x" * 60}])
    socket.update(1, {0: value("a")})
    socket.remove(1, 0)
    socket.add(2, 1, args=[{"text": "x" * 60}])
    socket.update(2, {1: value("a")})
    socket.add(3, 2, args=[{"text": "x" * 60}])
    assert socket.peer.begin_update(NOW) is None
    (fatal,) = socket.take()
    assert fatal["type"] == "FatalError"
    assert "at most 100 are possible on one connection" in fatal["error"]


def test_bytes_that_nobody_has_come_to_are_counted_until_somebody_does() -> None:
    socket = Socket()
    socket.mutate(0)
    assert socket.peer.waiting_bytes == 0  # it is running
    socket.mutate(1)
    waiting = socket.peer.waiting_bytes
    assert waiting > 0
    socket.peer.mutation_finished(mutation_success(0, 1))
    assert socket.peer.waiting_bytes == 0
    socket.mutate(2)
    socket.peer.gone()
    assert socket.peer.waiting_bytes == 0
    assert socket.peer.outgoing == []


# Updates.


def test_an_update_covers_what_was_received_when_it_began_and_no_more() -> None:
    socket = Socket()
    socket.add(0, 0)
    update = socket.peer.begin_update(NOW)
    assert update is not None
    socket.add(1, 1)
    assert socket.peer.begin_update(NOW) is None, "one update at a time"
    socket.peer.finish_update(5, [(update.runs[0], value("a"))], NOW)
    (first,) = socket.take()
    assert first["endVersion"] == version(1, 0, 5)
    (second,) = socket.update(6, {1: value("b")})
    assert second["endVersion"] == version(2, 0, 6)
    assert [change["queryId"] for change in second["modifications"]] == [1]


def test_only_stale_queries_run_again() -> None:
    socket = Socket()
    socket.add(0, 0, 1, 2)
    socket.update(1, {0: value("a"), 1: value("b"), 2: value("c")})
    socket.peer.invalidate(1)
    update = socket.peer.begin_update(NOW)
    assert update is not None
    assert [query.query_id for query in update.runs] == [1]


def test_a_result_equal_to_the_last_one_sent_is_not_sent_but_time_moves() -> None:
    socket = Socket()
    socket.add(0, 0)
    socket.update(1, {0: value("a")})
    socket.peer.invalidate(0)
    (transition,) = socket.update(2, {0: value("a")})
    assert transition["modifications"] == []
    assert transition["endVersion"] == version(1, 0, 2)


def test_other_log_lines_make_another_result() -> None:
    socket = Socket()
    socket.add(0, 0)
    socket.update(1, {0: value("a")})
    socket.peer.invalidate(0)
    (transition,) = socket.update(2, {0: value("a", lines=("[LOG] 'x'",))})
    assert transition["modifications"][0]["logLines"] == ["[LOG] 'x'"]


def test_errors_that_differ_only_in_their_request_id_are_equal() -> None:
    socket = Socket()
    socket.add(0, 0)
    first = QueryResult.failure("[Request ID: 1] Server Error", comparable="Server Error")
    second = QueryResult.failure("[Request ID: 2] Server Error", comparable="Server Error")
    (transition,) = socket.update(1, {0: first})
    (failed,) = transition["modifications"]
    assert failed == {
        "type": "QueryFailed",
        "queryId": 0,
        "errorMessage": "[Request ID: 1] Server Error",
        "logLines": [],
        "journal": None,
    }
    socket.peer.invalidate(0)
    (transition,) = socket.update(2, {0: second})
    assert transition["modifications"] == []


@pytest.mark.parametrize("data", [b"null", b'"boom"'])
def test_error_data_is_present_exactly_for_convex_errors_even_when_null(data: bytes) -> None:
    socket = Socket()
    socket.add(0, 0)
    (transition,) = socket.update(1, {0: QueryResult.failure("text", comparable="text", data=data)})
    assert transition["modifications"][0]["errorData"] == orjson.loads(data)


def test_a_fresh_socket_is_always_sent_a_result() -> None:
    shared = value("a")
    for _ in range(2):
        socket = Socket()
        socket.add(0, 0)
        (transition,) = socket.update(1, {0: shared})
        assert len(transition["modifications"]) == 1


def test_a_removed_query_is_said_to_be_removed_in_the_transition_that_covers_it() -> None:
    socket = Socket()
    socket.add(0, 0, 1)
    socket.update(1, {0: value("a"), 1: value("b")})
    socket.remove(1, 0)
    socket.peer.invalidate(1)
    (transition,) = socket.update(2, {1: value("c")})
    assert [(change["type"], change["queryId"]) for change in transition["modifications"]] == [
        ("QueryRemoved", 0),
        ("QueryUpdated", 1),
    ]


def test_a_query_added_and_removed_before_an_update_is_only_removed() -> None:
    socket = Socket()
    socket.add(0, 4)
    socket.remove(1, 4)
    (transition,) = socket.update(1)
    assert transition["modifications"] == [{"type": "QueryRemoved", "queryId": 4}]


def test_an_abandoned_update_is_made_again_with_all_that_it_owed() -> None:
    socket = Socket()
    socket.add(0, 0, 1)
    socket.update(1, {0: value("a"), 1: value("b")})
    socket.remove(1, 1)
    socket.peer.invalidate(0)
    update = socket.peer.begin_update(NOW)
    assert update is not None
    socket.peer.abandon_update(update.runs)
    assert socket.take() == []
    (transition,) = socket.update(3, {0: value("c")})
    assert transition["startVersion"] == version(1, 0, 1)
    assert [change["type"] for change in transition["modifications"]] == ["QueryUpdated", "QueryRemoved"]


def test_invalidating_an_unknown_query_wants_nothing() -> None:
    socket = Socket()
    socket.peer.invalidate(3)
    assert socket.peer.begin_update(NOW) is None


# Journals.


def test_the_journal_of_each_run_is_used_for_the_next_and_sent() -> None:
    socket = Socket()
    socket.add(0, 0, journal="j0")
    update = socket.peer.begin_update(NOW)
    assert update is not None
    assert update.runs[0].journal == "j0"
    socket.peer.finish_update(1, [(update.runs[0], value("a", journal="j1"))], NOW)
    assert socket.take()[0]["modifications"][0]["journal"] == "j1"
    socket.peer.invalidate(0)
    update = socket.peer.begin_update(NOW)
    assert update is not None
    assert update.runs[0].journal == "j1"


@pytest.mark.parametrize("fields", [{}, {"journal": None}])
def test_an_absent_and_a_null_journal_are_alike(fields: dict[str, Any]) -> None:
    socket = Socket()
    socket.add(0, 0, **fields)
    update = socket.peer.begin_update(NOW)
    assert update is not None
    assert update.runs[0].journal is None


def test_the_journal_of_an_unsent_result_is_taken_over() -> None:
    socket = Socket()
    socket.add(0, 0)
    socket.update(1, {0: value("a", journal="j1")})
    socket.peer.invalidate(0)
    socket.update(2, {0: value("a", journal="j2")})
    assert socket.peer.queries[0].journal == "j2"


# Mutations and actions.


def test_mutations_run_one_at_a_time_in_the_order_sent() -> None:
    socket = Socket()
    for request_id in (5, 3, 4):
        socket.mutate(request_id)
    order = []
    for _ in range(3):
        (run,) = socket.effects()
        order.append(run.request_id)
        socket.peer.mutation_finished(mutation_success(run.request_id, 1))
    assert order == [5, 3, 4]
    assert socket.effects() == []


def test_a_failed_mutation_does_not_hold_up_the_next() -> None:
    socket = Socket()
    socket.mutate(0)
    socket.mutate(1)
    socket.effects()
    socket.peer.mutation_finished(codec.write_mutation_failure(0, b'"no"', None, b"[]"))
    assert [run.request_id for run in socket.effects()] == [1]


def test_actions_run_side_by_side() -> None:
    socket = Socket()
    for request_id in range(3):
        socket.send("Action", requestId=request_id, udfPath="a:b", args=[{}])
    runs = socket.effects()
    assert [type(run) for run in runs] == [RunAction] * 3


def test_every_answer_is_followed_by_a_transition_also_when_nothing_changed() -> None:
    socket = Socket()
    socket.mutate(0)
    socket.effects()
    socket.peer.mutation_finished(codec.write_mutation_failure(0, b'"no"', b'"data"', b"[]"))
    (answer,) = socket.take()
    (transition,) = socket.update(3)
    assert answer["errorData"] == "data"
    assert answer["ts"] is None
    assert transition["modifications"] == []
    socket.send("Action", requestId=1, udfPath="a:b", args=[{}])
    socket.peer.action_finished(codec.write_action_success(1, b"1", b"[]"))
    (answer,) = socket.take()
    assert answer == {"type": "ActionResponse", "requestId": 1, "success": True, "result": 1, "logLines": []}
    assert socket.update(3)[0]["type"] == "Transition"


def test_an_answer_during_an_update_waits_until_its_stale_transition_is_out() -> None:
    socket = Socket()
    socket.add(0, 0)
    socket.mutate(0)
    update = socket.peer.begin_update(NOW)
    assert update is not None
    socket.peer.mutation_finished(mutation_success(0, 9))
    assert socket.take() == []
    socket.peer.finish_update(5, [(update.runs[0], value("a"))], NOW)
    assert [message["type"] for message in socket.take()] == ["Transition", "MutationResponse"]
    assert socket.update(9)[0]["endVersion"]["ts"] == encode_ts(9)


def test_a_mutation_runs_as_who_sent_it_even_if_the_identity_changes_meanwhile() -> None:
    socket = Socket()
    socket.sign_in(0, "ann")
    socket.mutate(0)
    socket.mutate(1)
    socket.send("Authenticate", baseVersion=1, tokenType="None")
    (first,) = socket.effects()
    socket.peer.mutation_finished(mutation_success(0, 1))
    (second,) = socket.effects()
    assert (first.identity, second.identity) == ("ann", "ann")
    assert socket.peer.identity is None


def test_a_mutation_is_recorded_under_its_session_and_request() -> None:
    socket = Socket()
    socket.send("Connect", sessionId="abc", connectionCount=0)
    socket.mutate(7)
    (run,) = socket.effects()
    assert isinstance(run, RunMutation)
    assert run.session_request == ("abc", 7)
    assert run.path == "messages:send"
    assert orjson.loads(run.args) == [{"body": "hi"}]


def test_too_many_waiting_mutations_close_the_socket_for_later() -> None:
    socket = Socket(Limits(pending_mutations_max=3))
    for request_id in range(3):
        socket.mutate(request_id)
    assert socket.peer.close is None
    socket.mutate(3)
    assert socket.peer.close == Close(1013, "TooManyConcurrentMutations")


def test_too_many_running_actions_close_the_socket_for_later() -> None:
    socket = Socket(Limits(running_actions_max=2))
    for request_id in range(3):
        socket.send("Action", requestId=request_id, udfPath="a:b", args=[{}])
    assert socket.peer.close == Close(1013, "TooManyInflightActionsForSingleClient")


@pytest.mark.parametrize("path", ["messages.js:send", "messages:send"])
def test_spellings_of_a_path_are_one(path: str) -> None:
    socket = Socket()
    socket.mutate(0, path)
    assert socket.effects()[0].path == "messages:send"


@pytest.mark.parametrize("kind", ["Mutation", "Action"])
def test_a_path_that_cannot_be_read_is_fatal(kind: str) -> None:
    socket = Socket()
    (fatal,) = socket.send(kind, requestId=0, udfPath="../x:y", args=[{}])
    assert fatal["type"] == "FatalError"
    assert fatal["error"].startswith("Received Invalid JSON on websocket: '../x:y' is not a function path")
    assert socket.effects() == []


def test_a_path_that_cannot_be_read_is_fatal_in_a_query_too() -> None:
    socket = Socket()
    sent = socket.send(
        "ModifyQuerySet",
        baseVersion=0,
        newVersion=1,
        modifications=[{"type": "Add", "queryId": 0, "udfPath": "a b:c", "args": [{}]}],
    )
    assert sent[0]["type"] == "FatalError"


def test_nothing_is_said_or_done_after_a_close() -> None:
    socket = Socket()
    socket.add(0, 0)
    socket.mutate(0)
    socket.mutate(1)
    socket.effects()
    socket.peer.fail(1011, "InternalServerError")
    socket.peer.mutation_finished(mutation_success(0, 1))
    socket.peer.invalidate(0)
    socket.mutate(2)
    assert socket.take() == []
    assert socket.effects() == []
    assert socket.peer.begin_update(NOW) is None


# Authentication.


def test_an_accepted_token_raises_the_identity_version_by_one() -> None:
    socket = Socket()
    socket.sign_in(0)
    (transition,) = socket.update(1)
    assert transition["endVersion"] == version(0, 1, 1)


def test_every_query_is_evaluated_again_when_the_identity_moves() -> None:
    socket = Socket()
    socket.add(0, 0, 1)
    socket.update(1, {0: value("a"), 1: value("b")})
    socket.sign_in(0)
    (transition,) = socket.update(2, {0: value("ann's"), 1: value("b")})
    assert [change["queryId"] for change in transition["modifications"]] == [0]


def test_messages_behind_a_token_wait_for_it_in_order() -> None:
    socket = Socket()
    socket.send("Authenticate", baseVersion=0, tokenType="User", value="t")
    socket.add(0, 0)
    socket.mutate(0)
    assert [type(effect) for effect in socket.effects()] == [VerifyToken]
    assert socket.peer.begin_update(NOW) is None
    socket.peer.token_accepted("ann", None, NOW)
    (run,) = socket.effects()
    assert run.identity == "ann"
    (transition,) = socket.update(1, {0: value("a")})
    assert transition["endVersion"] == version(1, 1, 1)


def test_a_second_token_behind_the_first_is_checked_after_it() -> None:
    socket = Socket()
    socket.send("Authenticate", baseVersion=0, tokenType="User", value="one")
    socket.send("Authenticate", baseVersion=1, tokenType="User", value="two")
    assert [effect.token for effect in socket.effects()] == ["one"]
    socket.peer.token_accepted("ann", None, NOW)
    assert [effect.token for effect in socket.effects()] == ["two"]
    socket.peer.token_accepted("ann", None, NOW)
    assert socket.update(1)[0]["endVersion"] == version(0, 2, 1)


def test_a_refused_token_names_the_version_last_told_and_ends_the_socket() -> None:
    socket = Socket()
    socket.sign_in(0)
    socket.update(1)
    socket.send("Authenticate", baseVersion=1, tokenType="User", value="bad")
    socket.peer.token_refused("Could not validate token")
    (error,) = socket.take()
    assert error == {
        "type": "AuthError",
        "error": "Could not validate token",
        "baseVersion": 1,
        "authUpdateAttempted": True,
    }
    assert socket.peer.close == Close(None, "")


def test_an_accepted_token_with_a_wrong_base_version_is_an_internal_error() -> None:
    socket = Socket()
    socket.send("Authenticate", baseVersion=4, tokenType="User", value="t")
    socket.peer.token_accepted("ann", None, NOW)
    assert socket.peer.close == Close(1011, "InternalServerError")


def test_logging_out_makes_the_caller_anonymous() -> None:
    socket = Socket()
    socket.sign_in(0)
    socket.send("Authenticate", baseVersion=1, tokenType="None")
    assert socket.peer.identity is None
    assert socket.update(1)[0]["endVersion"] == version(0, 2, 1)


@pytest.mark.parametrize("key", ["impersonating", "acting_as"])
def test_an_admin_may_act_as_a_user_under_either_key(key: str) -> None:
    socket = Socket()
    user = {"subject": "s", "issuer": "i"}
    socket.send("Authenticate", baseVersion=0, tokenType="Admin", value="k", **{key: user})
    (effect,) = socket.effects()
    assert effect.is_admin
    assert orjson.loads(effect.acting_as) == user


def test_a_token_type_without_its_token_is_fatal() -> None:
    socket = Socket()
    assert socket.send("Authenticate", baseVersion=0, tokenType="User")[0]["type"] == "FatalError"


@pytest.mark.parametrize("notice", ["mutation", "action", "update", "heartbeat"])
def test_an_expired_token_is_noticed_wherever_it_would_be_used(notice: str) -> None:
    socket = Socket()
    socket.add(0, 0)
    socket.sign_in(0, expires_ns=LATER)
    socket.update(1, {0: value("a")})
    socket.now = LATER
    if notice == "mutation":
        sent = socket.mutate(0)
    elif notice == "action":
        sent = socket.send("Action", requestId=0, udfPath="a:b", args=[{}])
    elif notice == "update":
        socket.peer.invalidate(0)
        assert socket.peer.begin_update(LATER) is None
        sent = socket.take()
    else:
        assert socket.peer.check_expiry(LATER)
        sent = socket.take()
    assert sent == [
        {
            "type": "AuthError",
            "error": "Convex token identity expired",
            "baseVersion": 1,
            "authUpdateAttempted": False,
        }
    ]
    assert socket.effects() == []
    assert socket.peer.close == Close(None, "")


def test_a_token_holds_until_the_instant_it_expires() -> None:
    socket = Socket()
    socket.sign_in(0, expires_ns=LATER)
    assert not socket.peer.check_expiry(LATER - 1)


def test_what_waits_behind_a_token_is_bounded() -> None:
    socket = Socket(Limits(pending_mutations_max=5, running_actions_max=5))
    socket.send("Authenticate", baseVersion=0, tokenType="User", value="t")
    for _ in range(11):
        socket.send("Event", eventType="x", event={})
    assert socket.peer.close == Close(1013, "TooManyConcurrentRequests")


def test_telemetry_is_read_and_dropped() -> None:
    socket = Socket()
    assert socket.send("Event", eventType="ClientConnect", event=[{"name": "a", "startTime": 1.5}]) == []
    assert socket.peer.begin_update(NOW) is None


def test_answers_held_by_an_update_that_is_abandoned_are_let_go() -> None:
    socket = Socket()
    socket.add(0, 0)
    socket.mutate(0)
    update = socket.peer.begin_update(NOW)
    assert update is not None
    socket.peer.mutation_finished(mutation_success(0, 9))
    socket.peer.abandon_update(update.runs)
    assert [message["type"] for message in socket.take()] == ["MutationResponse"]
