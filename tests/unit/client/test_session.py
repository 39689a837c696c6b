"""One client without sockets: watches, calls, listeners, and what it asks of the outside world."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest

from parabola.client.states import LOADING, QueryState, to_exception
from parabola.definitions.references import api
from parabola.errors import CallFailed, ClientClosed, ClientError, ConnectionLost, ConvexError, InvalidArgument
from parabola.sync.client_incoming import Failure
from tests.unit.client.session_world import Scripted


def ignore(outcome: object) -> None:
    """For calls whose outcome does not matter."""


def test_watches_of_equal_queries_share_one_query_on_the_server() -> None:
    world = Scripted().connect()
    watches = [
        world.session.watch("messages:list", {"n": 1}),
        world.session.watch("messages:list", {"n": 1.0}),
        world.session.watch(api.messages.list, {"n": 1}),
    ]
    world.take()
    assert list(world.queries.values()) == [("messages:list", {"n": 1})]
    world.answer(lambda path, args: "here")
    assert [watch.current().value for watch in watches] == ["here"] * 3
    for watch in watches:
        world.take()
        assert len(world.queries) == 1
        watch.close()
        watch.close()
    world.take()
    assert world.queries == {}


def test_a_later_watch_has_the_result_at_once() -> None:
    world = Scripted().connect()
    world.session.watch("messages:list")
    world.answer(lambda path, args: ["hi"])
    assert world.session.watch("messages:list").current() == QueryState("success", ["hi"])


def test_a_watch_goes_from_loading_to_a_value_to_an_error_and_back() -> None:
    world = Scripted().connect()
    watch = world.session.watch("messages:list")
    states: list[QueryState] = []
    watch.on_update(states.append)
    assert watch.current() is LOADING
    world.answer(lambda path, args: 1)
    world.answer(lambda path, args: RuntimeError("Server Error"))
    world.answer(lambda path, args: 2)
    assert [state.status for state in states] == ["success", "error", "success"]
    assert isinstance(states[1].error, CallFailed)
    assert str(states[1].error) == "Server Error"


def test_a_listener_that_is_taken_away_hears_nothing_more_also_in_the_middle_of_a_step() -> None:
    world = Scripted().connect()
    watch = world.session.watch("messages:list")
    heard: list[str] = []

    def first(state: QueryState) -> None:
        heard.append("first")
        stop_second()

    watch.on_update(first)
    stop_second = watch.on_update(lambda state: heard.append("second"))
    world.answer(lambda path, args: 1)
    stop_second()
    assert heard == ["first"]


def test_a_listener_that_fails_is_logged_and_keeps_nothing_from_the_others(caplog: pytest.LogCaptureFixture) -> None:
    world = Scripted().connect()
    watch = world.session.watch("messages:list")
    heard: list[Any] = []
    watch.on_update(lambda state: 1 / 0)
    watch.on_update(lambda state: heard.append(state.value))
    with caplog.at_level(logging.ERROR):
        world.answer(lambda path, args: 1)
    assert heard == [1]
    assert "ZeroDivisionError" in caplog.text


def test_a_listener_may_watch_call_and_close_from_inside_a_step() -> None:
    world = Scripted().connect()
    watch = world.session.watch("messages:list")

    def react(state: QueryState) -> None:
        world.session.watch("messages:next")
        world.session.request("mutation", "messages:seen", {}, ignore)
        watch.close()

    watch.on_update(react)
    world.answer(lambda path, args: 1)
    assert [message["type"] for message in world.take()] == ["ModifyQuerySet", "Mutation", "ModifyQuerySet"]
    assert list(world.queries.values()) == [("messages:next", {})]


def test_the_listeners_of_one_step_are_called_inside_the_batch() -> None:
    world = Scripted().connect()
    trace: list[str] = []

    def batch(call_them: Callable[[], None]) -> None:
        trace.append("begin")
        call_them()
        trace.append("end")

    world.session.batch_updates_with(batch)
    for path in ("a:a", "a:b"):
        world.session.watch(path).on_update(lambda state, path=path: trace.append(path))  # type: ignore[misc]
    world.answer(lambda path, args: 1)
    assert trace == ["begin", "a:a", "a:b", "end"]


def test_an_outcome_is_told_once_and_as_the_right_exception() -> None:
    world = Scripted().connect()
    outcomes: list[Any] = []
    world.session.request("mutation", "a:b", {"n": 1}, outcomes.append)
    world.session.request("action", "a:c", {}, outcomes.append)
    world.fail(0, "Server Error")
    world.session.socket_closed(world.io.opened[-1], 1006, "")
    assert [type(to_exception(outcome)) for outcome in outcomes] == [CallFailed, ConnectionLost]
    assert isinstance(to_exception(Failure("x", {"code": 1})), ConvexError)
    assert isinstance(to_exception(Failure("x", None)), ConvexError)


def test_connection_listeners_hear_of_changes_only() -> None:
    world = Scripted()
    states: list[Any] = []
    stop = world.session.on_connection_change(states.append)
    world.connect()
    world.session.request("mutation", "a:b", {}, ignore)
    world.session.socket_closed(world.io.opened[-1], 1011, "InternalServerError")
    stop()
    world.fail(0)
    assert [(state.is_connected, state.mutations_in_flight) for state in states] == [(True, 0), (True, 1), (False, 1)]


def test_auth_listeners_hear_what_the_server_says_of_the_token() -> None:
    world = Scripted().connect()
    heard: list[Any] = []
    world.session.on_auth_change(heard.append)
    world.session.on_auth_refresh(lambda is_refreshing: heard.append(("refreshing", is_refreshing)))
    world.session.begin_auth()
    world.session.token_fetched(world.io.tokens[-1][0], "t0")
    world.answer(lambda path, args: ...)
    assert world.session.is_authenticated
    world.session.token_fetched(world.io.tokens[-1][0], "t0")
    world.receive(type="AuthError", error="expired", baseVersion=1, authUpdateAttempted=False)
    assert world.io.closed == [world.io.opened[-1]]
    world.session.token_fetched(world.io.tokens[-1][0], None)
    assert heard == [True, ("refreshing", True), ("refreshing", False), False]
    assert not world.session.is_authenticated
    world.session.clear_auth()
    assert heard[-1] is False


def test_the_lines_that_a_function_printed_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    world = Scripted().connect()
    world.session.request("action", "a:b", {}, ignore)
    with caplog.at_level(logging.INFO, logger="parabola.client.functions"):
        world.receive(type="ActionResponse", requestId=0, success=True, result=None, logLines=["[LOG] 'hi'"])
    assert caplog.messages == ["[A(a:b)] [LOG] 'hi'"]


def test_a_closed_session_fails_what_is_open_and_refuses_what_is_new() -> None:
    world = Scripted().connect()
    outcomes: list[Any] = []
    ended: list[str] = []
    world.session.on_end(lambda: ended.append("ended"))
    watch = world.session.watch("messages:list")
    world.session.request("mutation", "a:b", {}, outcomes.append)
    world.session.close()
    assert isinstance(to_exception(outcomes[0]), ClientClosed)
    assert ended == ["ended"]
    assert world.io.closed == [world.io.opened[-1]]
    assert world.io.deadline is None
    watch.close()
    for use in (
        lambda: world.session.watch("messages:list"),
        lambda: world.session.request("mutation", "a:b", {}, ignore),
        world.session.begin_auth,
        world.session.clear_auth,
    ):
        with pytest.raises(ClientClosed, match="Make a new client"):
            use()


def test_a_fatal_end_is_shown_by_every_query_in_one_step_and_an_end_that_was_asked_for_is_not() -> None:
    world = Scripted().connect()
    loaded, loading = world.session.watch("messages:list"), world.session.watch("messages:later")
    states: list[tuple[QueryState, QueryState]] = []
    world.answer(lambda path, args: [1] if path == "messages:list" else ...)
    for watch in (loaded, loading):
        watch.on_update(lambda state: states.append((loaded.current(), loading.current())))
    world.receive(type="FatalError", error="you are broken")
    assert len(states) == 2
    for moment in states:
        assert [type(state.error) for state in moment] == [ClientClosed, ClientClosed]
        assert "you are broken" in str(moment[0].error)

    closed = Scripted().connect()
    watch = closed.session.watch("messages:list")
    closed.answer(lambda path, args: [1])
    closed.session.close()
    assert watch.current() == QueryState("success", [1])


def test_a_name_that_no_function_has_is_refused_at_once() -> None:
    world = Scripted().connect()
    with pytest.raises(InvalidArgument):
        world.session.watch(api.messages)
    with pytest.raises(InvalidArgument, match="not a functionReference"):
        world.session.request("mutation", 7, {}, ignore)
    assert world.take() == []


def test_a_state_unwraps_to_its_value_or_raises() -> None:
    assert QueryState("success", 7).unwrap() == 7
    with pytest.raises(ClientError, match="no result yet"):
        LOADING.unwrap()
    with pytest.raises(ConvexError):
        QueryState("error", error=ConvexError("no")).unwrap()


def test_the_session_sleeps_until_the_peer_has_something_to_do() -> None:
    world = Scripted().connect()
    assert world.io.deadline == pytest.approx(60.0)
    world.session.socket_closed(world.io.opened[-1], 1006, "")
    assert world.io.deadline is not None
    assert world.io.deadline <= 1.5
    world.clock.advance(1.5)
    world.session.tick()
    assert len(world.io.opened) == 2
