"""An update of one query, made in one step: the same as one that begins and ends, wherever it may be made at all."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from parabola.sync.results import QueryResult
from tests.unit.sync.peer_socket import LATER, NOW, Socket, mutation_success, value


def settled(*query_ids: int, now: int = NOW) -> Socket:
    """A socket that follows these queries and has been told of all."""
    socket = Socket(now=now)
    socket.add(0, *query_ids)
    socket.update(1, {query_id: value("old") for query_id in query_ids})
    return socket


@pytest.mark.parametrize(
    "result", [value("old"), value("new"), value("new", journal="page"), value("old", lines=("x",))]
)
def test_it_sends_and_leaves_behind_what_a_whole_update_does(result: QueryResult) -> None:
    whole, lone = settled(0, 1), settled(0, 1)
    for socket in (whole, lone):
        socket.peer.invalidate(1)
    sent = whole.update(2, {1: result})
    query = lone.peer.lone_stale_query(NOW)
    assert query is lone.peer.queries[1]
    lone.peer.outgoing.append(lone.peer.finish_lone(query, result, 2))
    assert lone.take() == sent
    assert lone.peer.current == whole.peer.current
    assert (query.journal, query.fingerprint) == (whole.peer.queries[1].journal, whole.peer.queries[1].fingerprint)
    assert not lone.peer.update_wanted
    assert lone.peer.lone_stale_query(NOW) is None
    lone.peer.invalidate(0)
    whole.peer.invalidate(0)
    assert lone.update(3, {0: value("third")}) == whole.update(3, {0: value("third")})


def expire(socket: Socket) -> None:
    socket.sign_in(0, expires_ns=LATER)
    socket.update(2, {0: value("old"), 1: value("old")})
    socket.peer.invalidate(0)
    socket.now = LATER


def begin(socket: Socket) -> None:
    socket.peer.invalidate(0)
    assert socket.peer.begin_update(socket.now) is not None
    socket.peer.invalidate(1)


def close(socket: Socket) -> None:
    socket.peer.invalidate(0)
    socket.peer.fail(1011, "InternalServerError")


REASONS: list[Callable[[Socket], object]] = [
    lambda socket: None,
    lambda socket: [socket.peer.invalidate(0), socket.peer.invalidate(1)],
    lambda socket: [socket.peer.invalidate(0), socket.add(1, 2)],
    lambda socket: [socket.peer.invalidate(0), socket.remove(1, 1)],
    lambda socket: [
        socket.peer.invalidate(0),
        socket.send("ModifyQuerySet", baseVersion=1, newVersion=2, modifications=[]),
    ],
    lambda socket: [socket.peer.invalidate(0), socket.sign_in(0)],
    expire,
    begin,
    close,
]


@pytest.mark.parametrize(
    "prepare",
    REASONS,
    ids=["nothing", "two stale", "added", "removed", "query set", "identity", "expired", "under way", "closed"],
)
def test_whatever_else_is_to_be_done_takes_a_whole_update(prepare: Callable[[Socket], object]) -> None:
    socket = settled(0, 1)
    prepare(socket)
    assert socket.peer.lone_stale_query(socket.now) is None


def test_an_answer_goes_out_before_it() -> None:
    socket = settled(0)
    socket.mutate(1)
    socket.effects()
    socket.peer.mutation_finished(mutation_success(1, 5))
    socket.peer.invalidate(0)
    query = socket.peer.lone_stale_query(NOW)
    assert query is not None
    socket.peer.outgoing.append(socket.peer.finish_lone(query, value("new"), 5))
    assert [message["type"] for message in socket.take()] == ["MutationResponse", "Transition"]
