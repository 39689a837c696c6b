"""An update of one query or of none, made in one step: the same as a whole one, wherever it may be made at all."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from parabola.sync.results import QueryResult
from parabola.sync.shared_step import ANYBODY, SharedStep
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


IDS = ["nothing", "two stale", "added", "removed", "query set", "identity", "expired", "under way", "closed"]


@pytest.mark.parametrize("prepare", REASONS, ids=IDS)
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


def answered(socket: Socket) -> Socket:
    """One whose mutation has been answered: it is due a Transition, also where no query has to run."""
    socket.mutate(1)
    socket.effects()
    socket.peer.mutation_finished(mutation_success(1, 5))
    return socket


def test_a_step_without_queries_sends_and_leaves_behind_what_a_whole_update_does() -> None:
    whole, short = answered(settled(0)), answered(settled(0))
    sent = whole.update(5, {})
    assert short.peer.step_on(5, NOW)
    assert [message["type"] for message in sent] == ["MutationResponse", "Transition"]
    assert short.take() == sent
    assert short.peer.current == whole.peer.current
    assert not short.peer.update_wanted
    short.peer.invalidate(0)
    whole.peer.invalidate(0)
    assert short.update(6, {0: value("third")}) == whole.update(6, {0: value("third")})


@pytest.mark.parametrize("prepare", REASONS[2:], ids=IDS[2:])
def test_a_step_without_queries_is_refused_where_there_is_more_to_do(prepare: Callable[[Socket], object]) -> None:
    socket = settled(0, 1)
    prepare(socket)
    socket.peer.stale.clear()  # what else there is must be reason enough
    before = (socket.peer.current, list(socket.peer.outgoing))
    assert not socket.peer.step_on(3, socket.now)
    assert (socket.peer.current, socket.peer.outgoing) == before


def test_a_step_without_queries_is_refused_where_one_has_to_run() -> None:
    socket = settled(0, 1)
    socket.peer.invalidate(0)
    assert not socket.peer.step_on(3, NOW)
    assert socket.peer.update_wanted


ASKED = object()


def made_step(first: Socket, result: QueryResult, *, identity: object = ANYBODY) -> SharedStep:
    """The step that `first` takes, offered to others."""
    first.peer.queries[0].asked = ASKED
    first.peer.invalidate(0)
    query = first.peer.lone_stale_query(first.now)
    assert query is not None
    start, journal, fingerprint = first.peer.current, query.journal, query.fingerprint
    text = first.peer.finish_lone(query, result, 2)
    return SharedStep(
        start=start,
        end=first.peer.current,
        query_id=0,
        asked=ASKED,
        identity=identity,
        journal_before=journal,
        fingerprint_before=fingerprint,
        result=result,
        text=text,
    )


def follower_of(first: Socket, *query_ids: int) -> Socket:
    """Another socket that has been told the same as `first`."""
    socket = settled(*(query_ids or (0, 1)))
    assert socket.peer.current == first.peer.current
    # As they come to share it when one writer writes for both.
    socket.peer.current = first.peer.current
    socket.peer.queries[0].asked = ASKED
    return socket


@pytest.mark.parametrize("result", [value("old"), value("new"), value("new", journal="page")])
def test_a_step_taken_from_another_leaves_behind_what_a_lone_update_does(result: QueryResult) -> None:
    first, lone = settled(0, 1), settled(0, 1)
    taker = follower_of(first)
    step = made_step(first, result)
    lone.peer.invalidate(0)
    own = lone.peer.lone_stale_query(NOW)
    assert own is not None
    text = lone.peer.finish_lone(own, result, 2)
    query = taker.peer.queries[0]
    assert taker.peer.take(step, query, NOW)
    assert step.texts == (text,)
    assert taker.peer.current is step.end
    assert taker.peer.current == lone.peer.current
    assert (query.journal, query.fingerprint) == (own.journal, own.fingerprint)
    assert not taker.peer.update_wanted
    taker.peer.check_invariants()
    assert not taker.peer.take(step, query, NOW)


def run_out(socket: Socket) -> None:
    socket.sign_in(0, expires_ns=LATER)
    socket.update(2, {0: value("old"), 1: value("old")})
    socket.peer.queries[0].asked = ASKED
    socket.now = LATER


@pytest.mark.parametrize("prepare", [*REASONS[1:6], run_out, *REASONS[7:]], ids=IDS[1:])
def test_a_socket_that_is_due_anything_else_does_not_take_it(prepare: Callable[[Socket], object]) -> None:
    first = settled(0, 1)
    taker = follower_of(first)
    prepare(taker)
    step = made_step(first, value("new"))
    # Where it stands is no reason, so that what there is must be reason enough.
    before = step.start = taker.peer.current
    assert not taker.peer.take(step, taker.peer.queries[0], taker.now)
    assert taker.peer.current is before


def test_a_socket_with_an_answer_to_send_does_not_take_it() -> None:
    first = settled(0, 1)
    taker = follower_of(first)
    taker.mutate(1)
    taker.effects()
    taker.peer.mutation_finished(mutation_success(1, 2))
    assert not taker.peer.take(made_step(first, value("new")), taker.peer.queries[0], NOW)


def test_a_socket_that_asks_something_else_or_was_told_something_else_does_not_take_it() -> None:
    first = settled(0, 1)
    other_question, other_journal, other_result, other_query, other_start = (follower_of(first) for _ in range(5))
    other_question.peer.queries[0].asked = object()
    other_journal.peer.queries[0].journal = "page"
    other_result.peer.queries[0].fingerprint = b"something else"
    other_query.peer.queries[1].asked = ASKED
    other_start.peer.current = other_start.peer.current._replace(ts=0)
    step = made_step(first, value("new"))
    for socket in (other_question, other_journal, other_result, other_start):
        assert not socket.peer.take(step, socket.peer.queries[0], NOW)
    assert not other_query.peer.take(step, other_query.peer.queries[1], NOW)
    assert other_query.peer.take(step, other_query.peer.queries[0], NOW)


def test_a_result_for_one_person_is_not_taken_by_another() -> None:
    first = settled(0, 1)
    taker = follower_of(first)
    step = made_step(first, value("new"), identity="ann")
    assert not taker.peer.take(step, taker.peer.queries[0], NOW)
