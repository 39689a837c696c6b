"""Many followers of one query: they are told together, and each hears what it would have heard alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from tests.sync_world import MemorySocket, World, end_ts
from tests.unit.backend.sync_example import FUNCTIONS, follow, mutate, runs


@pytest.fixture
def world() -> World:
    runs.clear()
    return World(FUNCTIONS)


def values(transition: dict[str, Any]) -> dict[int, Any]:
    return {change["queryId"]: change.get("value") for change in transition["modifications"]}


def follow_two(world: World, first: str, second: str) -> MemorySocket:
    socket = world.connect()
    socket.add(0, {0: (first, {}), 1: (second, {})})
    world.settle()
    socket.take()
    return socket


class SlowSends:
    """From now on each send takes as long as a quarter of a step of the driver may."""

    def __init__(self, world: World, sockets: Sequence[MemorySocket]) -> None:
        self._world = world
        for socket in sockets:
            socket.send_texts = self._slowed(socket.send_texts)  # type: ignore[method-assign]

    def _slowed(self, send: Any) -> Any:
        def send_texts(texts: Sequence[bytes]) -> None:
            self._world.clock.advance(0.001)
            send(texts)

        return send_texts


def half_told(world: World, count: int = 40) -> tuple[MemorySocket, list[MemorySocket], list[MemorySocket]]:
    """A writer, and the followers of the list after a first step: those that were told of "a", and those not yet."""
    sockets = [follow(world) for _ in range(count)]
    for socket in sockets:
        socket.take()
    SlowSends(world, sockets)
    writer = world.connect()
    writer.send("Mutation", requestId=0, udfPath="messages:send", args=[{"body": "a"}])
    world.loop.step()
    told = [socket for socket in sockets if socket.texts]
    waiting = [socket for socket in sockets if not socket.texts]
    assert told
    assert waiting
    return writer, told, waiting


def test_each_of_a_crowd_is_told_once_in_several_steps_of_the_loop(world: World) -> None:
    _, told, waiting = half_told(world)
    world.settle()
    assert [[values(message) for message in socket.take()] for socket in told + waiting] == [[{0: ["a"]}]] * 40


def test_an_answer_in_between_comes_with_what_the_commit_changed(world: World) -> None:
    _, _, waiting = half_told(world)
    last = waiting[-1]
    last.send("Mutation", requestId=0, udfPath="messages:refuse", args=[{}])
    world.loop.step()
    answer, transition = last.take()
    assert answer["type"] == "MutationResponse"
    assert values(transition) == {0: ["a"]}
    world.settle()
    assert last.take() == []


def test_a_second_commit_in_between_reaches_each_in_order(world: World) -> None:
    writer, told, waiting = half_told(world)
    writer.send("Mutation", requestId=1, udfPath="messages:send", args=[{"body": "b"}])
    world.settle()
    for socket in told:
        first, second = socket.take()
        assert (values(first), values(second)) == ({0: ["a"]}, {0: ["a", "b"]})
        assert first["endVersion"] == second["startVersion"]
    for socket in waiting:
        transitions = socket.take()
        assert values(transitions[-1]) == {0: ["a", "b"]}
        assert end_ts(transitions[-1]) == end_ts(transitions[0])


def test_a_query_followed_in_between_comes_with_what_the_commit_changed(world: World) -> None:
    _, _, waiting = half_told(world)
    last = waiting[-1]
    last.add(1, {7: ("messages:failing", {})})
    world.settle()
    (transition,) = last.take()
    assert set(values(transition)) == {0, 7}
    assert values(transition)[0] == ["a"]


def test_who_leaves_the_query_or_the_server_in_between_hears_nothing_of_it(world: World) -> None:
    _, _, waiting = half_told(world)
    leaver, lost = waiting[-2:]
    leaver.remove(1, 0)
    lost.connection.lost()
    world.settle()
    (transition,) = leaver.take()
    assert [change["type"] for change in transition["modifications"]] == ["QueryRemoved"]
    assert lost.take() == []
    assert world.live.statistics()["live_runs"] == 1


def test_who_cannot_write_in_between_hears_of_it_when_it_can(world: World) -> None:
    writer, _, waiting = half_told(world)
    slow = waiting[-1]
    slow.connection.pause_writing()
    writer.send("Mutation", requestId=1, udfPath="messages:send", args=[{"body": "b"}])
    world.settle()
    assert slow.take() == []
    slow.connection.resume_writing()
    world.settle()
    (transition,) = slow.take()
    assert values(transition) == {0: ["a", "b"]}


def test_a_stop_in_between_closes_all(world: World) -> None:
    _, told, waiting = half_told(world)
    world.driver.stop()
    world.settle()
    assert {socket.closed for socket in told + waiting} == {(1011, "InternalServerError")}


def test_two_queries_of_one_client_that_a_commit_broke_move_together(world: World) -> None:
    sockets = [follow_two(world, "messages:list", "messages:failing") for _ in range(20)]
    mutate(world, world.connect(), 0, body="a")
    for socket in sockets:
        (transition,) = socket.take()
        assert set(values(transition)) == {0, 1}


def test_a_step_of_who_follows_less_is_not_taken_by_who_is_due_more(world: World) -> None:
    sockets = [
        follow(world) if number % 2 else follow_two(world, "messages:list", "messages:failing") for number in range(40)
    ]
    for body in "ab":
        for socket in sockets:
            socket.take()
        mutate(world, world.connect(), 0, body=body)
    for number, socket in enumerate(sockets):
        (transition,) = socket.take()
        assert set(values(transition)) == ({0} if number % 2 else {0, 1})


def test_one_query_followed_twice_by_one_client_changes_at_both_places_at_once(world: World) -> None:
    sockets = [follow_two(world, "messages:list", "messages.js:list") for _ in range(20)]
    mutate(world, world.connect(), 0, body="a")
    for socket in sockets:
        (transition,) = socket.take()
        assert values(transition) == {0: ["a"], 1: ["a"]}


def test_other_queries_of_a_client_do_not_keep_it_from_sharing_the_step(world: World) -> None:
    sockets = [follow_two(world, "messages:list", "users:whoami") for _ in range(20)]
    mutate(world, world.connect(), 0, body="a")
    texts = [socket.texts for socket in sockets]
    assert all(len(sent) == 1 for sent in texts)
    # One object, made once.
    assert len({id(text) for (text,) in texts[2:]}) == 1
