"""The driver's pace: slow clients, silent clients, many clients, and a stop."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from parabola import query
from parabola.backend.sync_connection import PROGRESS_BYTES
from parabola.limits import Limits
from tests.sync_world import World
from tests.unit.backend.sync_example import FUNCTIONS, follow, mutate, runs


@pytest.fixture(autouse=True)
def _no_runs() -> None:
    runs.clear()


@pytest.fixture
def world() -> World:
    return World(FUNCTIONS)


# Pace.


def test_a_socket_that_cannot_write_gets_one_transition_when_it_can_again(world: World) -> None:
    slow, quick, writer = follow(world), follow(world), world.connect()
    slow.take()
    quick.take()
    slow.connection.pause_writing()
    assert slow.reading_is_paused
    for request_id in range(3):
        mutate(world, writer, request_id, body=str(request_id))
    assert slow.take() == []
    assert len(quick.take()) == 3
    slow.connection.resume_writing()
    world.settle()
    (transition,) = slow.take()
    assert transition["modifications"][0]["value"] == ["0", "1", "2"]


def test_a_client_that_never_reads_is_dropped_and_harms_nobody(world: World) -> None:
    stuck, quick = follow(world), follow(world)
    stuck.connection.pause_writing()
    world.loop.advance(119)
    assert not stuck.aborted
    world.loop.advance(10)
    assert stuck.aborted
    assert not quick.aborted


def test_a_client_that_reads_slowly_is_kept_for_as_long_as_it_reads(world: World) -> None:
    slow = follow(world)
    slow.unsent = 20 * PROGRESS_BYTES
    slow.connection.pause_writing()
    while slow.unsent:
        world.loop.advance(60)
        slow.unsent -= PROGRESS_BYTES // 2
        assert not slow.aborted
    slow.unsent = PROGRESS_BYTES  # more was sent, and from now on it takes next to nothing
    for _ in range(150):
        slow.unsent -= 1
        world.loop.advance(1)
    assert slow.aborted


def test_a_client_that_says_nothing_at_all_is_dropped(world: World) -> None:
    socket = follow(world)
    socket.silent_for = 121
    world.loop.advance(6)
    assert socket.aborted


def test_silence_is_broken_by_a_ping_within_fifteen_seconds(world: World) -> None:
    socket = follow(world)
    socket.take()
    world.loop.advance(15)
    assert socket.take() == [{"type": "Ping"}]
    world.loop.advance(60)
    assert 4 <= len(socket.take()) <= 6


def test_control_pings_come_at_once_and_every_five_seconds(world: World) -> None:
    socket = world.connect()
    assert socket.pings == 1
    world.loop.advance(50)
    assert socket.pings == 11


def test_connections_above_the_limit_are_asked_to_come_back_later() -> None:
    world = World(FUNCTIONS, limits=Limits(connections_max=2))
    kept = [world.connect(), world.connect()]
    refused = world.connect()
    world.settle()
    assert refused.closed == (1013, "TooManyConcurrentRequests")
    assert [socket.closed for socket in kept] == [None, None]
    refused.connection.lost()
    kept[0].connection.lost()
    again = world.connect()
    world.settle()
    assert again.closed is None


def test_a_stop_closes_every_socket_so_that_its_client_returns(world: World) -> None:
    sockets = [follow(world) for _ in range(3)]
    world.driver.stop()
    assert [socket.closed for socket in sockets] == [(1011, "InternalServerError")] * 3
    late = world.connect()
    world.settle()
    assert late.closed is not None


def test_a_lost_connection_leaves_nothing_behind(world: World) -> None:
    sockets = [follow(world) for _ in range(3)]
    for socket in sockets:
        socket.connection.lost()
        socket.connection.lost()
    mutate(world, world.connect(), 0, body="x")
    assert world.live.statistics()["live_runs"] == 0
    assert runs == ["general"]


def test_an_unfollowed_query_is_not_run_again(world: World) -> None:
    socket = follow(world)
    socket.remove(1, 0)
    world.settle()
    runs.clear()
    mutate(world, world.connect(), 0, body="x")
    assert runs == []


# Fairness.


def test_many_updates_are_spread_over_steps_of_the_loop_and_answers_go_first() -> None:
    worlds: list[World] = []

    @query
    async def heavy(ctx: Any, number: int) -> Any:
        worlds[0].clock.advance(0.001)  # what a millisecond of work does to the clock
        return [number, len(await ctx.db.query("messages").collect())]

    world = World({**FUNCTIONS, "messages:heavy": heavy})
    worlds.append(world)
    sockets = [follow(world, "messages:heavy", {"number": number}) for number in range(50)]
    for socket in sockets:
        socket.take()
    writer, other = world.connect(), world.connect()
    writer.send("Mutation", requestId=0, udfPath="messages:send", args=[{"body": "x"}])
    world.loop.step()
    done = sum(bool(socket.texts) for socket in sockets)
    assert 0 < done < 50
    other.send("Mutation", requestId=0, udfPath="messages:refuse", args=[{}])
    world.loop.step()
    assert [message["type"] for message in other.take()] == ["MutationResponse", "Transition"]
    assert sum(bool(socket.texts) for socket in sockets) < 50
    world.settle()
    assert [socket.take()[-1]["modifications"][0]["value"] for socket in sockets] == [[n, 1] for n in range(50)]


async def test_a_query_that_waits_for_ever_costs_its_own_client_only(caplog: pytest.LogCaptureFixture) -> None:
    never = asyncio.Event()

    @query
    async def waiting(ctx: Any) -> Any:
        await never.wait()

    world = World({**FUNCTIONS, "messages:waiting": waiting})
    stuck, fine = follow(world, "messages:waiting"), follow(world)
    world.loop.advance(29)
    assert stuck.closed is None
    world.loop.advance(2)
    assert stuck.closed == (1011, "InternalServerError")
    assert "messages:waiting" in caplog.text
    assert fine.closed is None
    never.set()
    await asyncio.sleep(0)
