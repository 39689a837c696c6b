"""Updates of many queries, or of large ones: they cost their own client, and nobody else."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from typing import Any

import pytest

from parabola import query
from parabola.backend.sync_connection import SyncConnection
from parabola.backend.sync_subscription import Subscription
from parabola.backend.sync_updates import QueryUpdates
from parabola.limits import Limits
from parabola.sync.followed_query import FollowedQuery
from parabola.sync.server_peer import ServerPeer
from parabola.sync.versions import encode_ts
from tests.sync_world import MemorySocket, World, end_ts
from tests.unit.backend.sync_example import FUNCTIONS, follow, mutate, runs

QUERIES = 40


@pytest.fixture(autouse=True)
def _no_runs() -> None:
    runs.clear()


def world_of_slow_queries(query_s: float = 0.001, **options: Any) -> World:
    """Each query takes a millisecond, or `query_s`; a step of the driver may take four milliseconds."""
    worlds: list[World] = []

    @query
    async def heavy(ctx: Any, number: int) -> Any:
        worlds[0].clock.advance(query_s)
        return [number, len(await ctx.db.query("messages").collect())]

    worlds.append(World({**FUNCTIONS, "messages:heavy": heavy}, **options))
    return worlds[0]


def follow_many(world: World, count: int = QUERIES) -> MemorySocket:
    socket = world.connect()
    socket.add(0, {number: ("messages:heavy", {"number": number}) for number in range(count)})
    return socket


def values(transition: dict[str, Any]) -> list[Any]:
    return [change["value"] for change in transition["modifications"]]


def test_an_update_of_many_queries_lets_others_have_their_turn() -> None:
    world = world_of_slow_queries()
    greedy, other = follow_many(world), world.connect()
    world.loop.step()
    other.send("Mutation", requestId=0, udfPath="messages:refuse", args=[{}])
    world.loop.step()
    assert [message["type"] for message in other.take()] == ["MutationResponse", "Transition"]
    assert greedy.take() == []
    world.settle()
    (transition,) = greedy.take()
    assert values(transition) == [[number, 0] for number in range(QUERIES)]


def test_all_its_queries_are_answered_as_of_its_beginning_and_what_came_meanwhile_follows() -> None:
    world = world_of_slow_queries()
    greedy, writer = follow_many(world), world.connect()
    world.loop.step()
    began = world.live.ts
    writer.send("Mutation", requestId=0, udfPath="messages:send", args=[{"body": "x"}])
    world.settle()
    first, second = greedy.take()
    assert values(first) == [[number, 0] for number in range(QUERIES)]
    assert end_ts(first) == began
    assert values(second) == [[number, 1] for number in range(QUERIES)]


def test_an_answer_from_after_its_beginning_is_not_taken_for_one_of_its_own() -> None:
    world = world_of_slow_queries()
    greedy, writer, late = follow_many(world), world.connect(), world.connect()
    world.loop.step()
    writer.send("Mutation", requestId=0, udfPath="messages:send", args=[{"body": "x"}])
    world.loop.step()
    # Asked by somebody else after the commit, and before the greedy client's turn comes to it.
    late.add(0, {0: ("messages:heavy", {"number": QUERIES - 1})})
    world.settle()
    assert values(late.take()[0]) == [[QUERIES - 1, 1]]
    first, second = greedy.take()
    assert values(first)[-1] == [QUERIES - 1, 0]
    assert values(second)[-1] == [QUERIES - 1, 1]


def test_a_client_that_leaves_in_the_middle_stops_its_update() -> None:
    world = world_of_slow_queries()
    greedy = follow_many(world)
    world.loop.step()
    asked = world.live.statistics()["query_runs"]
    greedy.connection.lost()
    world.settle()
    assert world.live.statistics()["query_runs"] == asked
    assert all(not run.followers for run in world.live._watched)


def test_an_update_in_many_steps_is_not_taken_for_one_that_waits(caplog: pytest.LogCaptureFixture) -> None:
    world = world_of_slow_queries()
    greedy = follow_many(world)
    world.loop.step()
    world.loop.advance(31)
    assert greedy.closed is None
    assert caplog.text == ""


def test_an_update_that_takes_too_long_in_all_ends_with_its_client(caplog: pytest.LogCaptureFixture) -> None:
    world = world_of_slow_queries(query_s=1.0)
    other, greedy = follow(world), follow_many(world)
    world.loop.advance(31)
    assert greedy.closed == (1011, "InternalServerError")
    assert "Queries took more than 30 s and held up a client" in caplog.text
    world.settle()
    # One of the other client's, and one a second of this one's until its time was up: then nobody is there to be told.
    assert world.live.statistics()["query_runs"] == 1 + 31
    assert other.closed is None


def test_more_than_fits_into_one_message_is_refused_with_what_to_do() -> None:
    world = World(FUNCTIONS, limits=Limits(transition_bytes_max=2000))
    mutate(world, world.connect(), 0, body="x" * 900)
    small = follow(world)
    assert len(small.take()) == 1
    large = world.connect()
    large.add(0, {number: ("messages:list", {}) for number in range(3)})
    world.settle()
    (message,) = large.take()
    assert message["type"] == "FatalError"
    assert "at most 2000 can be told at once" in message["error"]
    assert large.closed is not None
    assert small.closed is None


# What a client may have waiting.


def test_no_more_is_read_from_who_has_sent_more_than_anybody_has_come_to() -> None:
    world = World(FUNCTIONS, limits=Limits(waiting_bytes_max=1000))
    socket = world.connect()
    socket.send("Connect", sessionId="s", connectionCount=0, maxObservedTimestamp=encode_ts(world.live.ts + 1))
    socket.send("Mutation", requestId=0, udfPath="messages:send", args=[{"body": "x" * 600}])
    assert not socket.reading_is_paused
    socket.send("Mutation", requestId=1, udfPath="messages:send", args=[{"body": "x" * 600}])
    assert socket.reading_is_paused
    mutate(world, world.connect(), 0, body="now the state is there that the client has seen")
    world.loop.advance(1)
    assert not socket.reading_is_paused
    assert [m["success"] for m in socket.take() if m["type"] == "MutationResponse"] == [True, True]


def test_a_full_socket_and_a_full_queue_both_have_to_drain_before_more_is_read() -> None:
    world = World(FUNCTIONS, limits=Limits(waiting_bytes_max=1000))
    socket = world.connect()
    socket.send("Connect", sessionId="s", connectionCount=0, maxObservedTimestamp=encode_ts(world.live.ts + 1))
    socket.connection.pause_writing()
    socket.send("Mutation", requestId=0, udfPath="messages:send", args=[{"body": "x" * 1200}])
    socket.connection.resume_writing()
    assert socket.reading_is_paused
    world.loop.advance(120)  # it is not silent: it is not listened to
    assert not socket.aborted


# What is left of a client that is gone.


@pytest.fixture
def _no_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def held(*kinds: type) -> int:
    return sum(isinstance(thing, kinds) for thing in gc.get_objects())


@pytest.mark.usefixtures("_no_collector")
@pytest.mark.parametrize("ends", ["lost", "broken", "left"])
def test_nothing_of_a_lost_connection_waits_for_the_garbage_collector(ends: str) -> None:
    kinds = (SyncConnection, ServerPeer, QueryUpdates, Subscription, FollowedQuery)
    world = World(FUNCTIONS)
    mutate(world, world.connect(), 0, body="x")
    before = held(*kinds)
    socket = follow(world)
    socket.add(1, {1: ("users:whoami", {})})
    socket.send("Mutation", requestId=0, udfPath="messages:send", args=[{"body": "x"}])
    world.settle()
    assert held(*kinds) == before + 3 + 4
    if ends == "broken":
        socket.send("Nonsense")
    elif ends == "left":
        socket.remove(2, 0, 1)
        world.settle()
        assert held(*kinds) == before + 3
    world.settle()
    socket.connection.lost()
    del socket
    assert held(*kinds) == before
