"""Failures are given out for a moment and take little room."""

from __future__ import annotations

from parabola.functions.outcome import FunctionError, Outcome
from parabola.live.failures import FAILURE_SHARED_S_MAX, FAILURES_BYTES_MAX, FailureKey, Failures
from parabola.live.question import Question
from parabola.live.subscription import LiveRun
from parabola.sync.results import QueryResult


def failed(number: int, *, at: float, args_bytes: int = 10) -> tuple[FailureKey, LiveRun]:
    question = Question("q:q", b'[{"n":%d,"text":"%s"}]' % (number, b"x" * args_bytes))
    outcome = Outcome(function="q:q", kind="query", error=FunctionError("no", code="X"), ts=1)
    return (question, b"", None), LiveRun(question, QueryResult.failure("no", comparable="no"), outcome, at)


def test_a_failure_answers_for_a_moment() -> None:
    failures = Failures()
    key, run = failed(0, at=10.0)
    failures.add(key, run)
    assert failures.find(key, 10.0 + FAILURE_SHARED_S_MAX) is run
    assert failures.find(key, 10.1 + FAILURE_SHARED_S_MAX) is None


def test_what_is_older_than_a_moment_goes_when_the_next_comes() -> None:
    failures = Failures()
    for number in range(100):
        failures.add(*failed(number, at=number * FAILURE_SHARED_S_MAX / 10))
        assert len(failures) <= 11


def test_a_newer_failure_of_the_same_question_takes_the_place_of_the_older() -> None:
    failures = Failures()
    key, first = failed(0, at=1.0)
    _, second = failed(0, at=1.5)
    failures.add(key, first)
    failures.add(key, second)
    assert failures.find(key, 1.6) is second
    assert len(failures) == 1


def test_many_large_ones_take_a_bounded_room() -> None:
    failures = Failures()
    for number in range(50):
        failures.add(*failed(number, at=1.0, args_bytes=FAILURES_BYTES_MAX // 10))
        assert len(failures) <= 10
    newest = failed(99, at=1.0, args_bytes=2 * FAILURES_BYTES_MAX)
    failures.add(*newest)
    assert len(failures) == 0
    failures.add(*failed(100, at=1.0))
    assert len(failures) == 1


def test_a_write_ends_all() -> None:
    failures = Failures()
    key, run = failed(0, at=1.0)
    failures.add(key, run)
    failures.clear()
    assert failures.find(key, 1.0) is None
