"""Who hears of which commit, and how often a question is really asked."""

from __future__ import annotations

from asyncio import Future
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from parabola.auth import Identity
from parabola.database.read_set import ReadSet
from parabola.database.write_log import LogEntry
from parabola.functions.outcome import Call, FunctionError, Outcome
from parabola.limits import Limits
from parabola.live.manager import LiveQueries, outcome_again
from parabola.live.question import Question
from parabola.live.subscription import Answer, LiveRun, RunFault
from parabola.seams import ManualClock, SeededEntropy
from parabola.sync.results import QueryResult

INDEX = 7
ANN, BOB = (Identity(f"https://i|{name}", "https://i", name) for name in ("ann", "bob"))


class LaterOutcome:
    """A future that is resolved by hand, without an event loop."""

    def __init__(self) -> None:
        self._callbacks: list[Callable[[Any], None]] = []
        self._outcome: Outcome | BaseException | None = None

    def add_done_callback(self, callback: Callable[[Any], None]) -> None:
        self._callbacks.append(callback)

    def result(self) -> Outcome:
        assert self._outcome is not None
        if isinstance(self._outcome, BaseException):
            raise self._outcome
        return self._outcome

    def finish(self, outcome: Outcome | BaseException) -> None:
        self._outcome = outcome
        for callback in self._callbacks:
            callback(self)


class Engine:
    """A database and runner in which a query reads the keys named in its arguments."""

    def __init__(self, limits: Limits | None = None) -> None:
        self.durable_ts = 10
        self.log: list[LogEntry] = []
        self.log_is_known = True
        self.calls: list[Call] = []
        self.settings: dict[str, Any] = {}
        self.error: FunctionError | None = None
        self.pending: list[tuple[LaterOutcome, Outcome]] | None = None
        self.clock = ManualClock()
        present = self.present
        self.live = LiveQueries(
            self, self, present, clock=self.clock, entropy=SeededEntropy(1), limits=limits or Limits()
        )

    def present(self, outcome: Outcome, request_id: str) -> QueryResult:
        if outcome.error is not None:
            return QueryResult.failure(outcome.error.message, comparable=outcome.error.message)
        return QueryResult.success(outcome.value_json, outcome.log_lines, outcome.journal)

    def commits_between(self, after_ts: int, up_to_ts: int) -> Sequence[LogEntry] | None:
        return [entry for entry in self.log if after_ts < entry.ts <= up_to_ts] if self.log_is_known else None

    def run_query(self, call: Call, *, ts: int | None = None, journal: str | None = None) -> Outcome | Future[Outcome]:
        self.calls.append(call)
        reads = ReadSet()
        for key in call.args["keys"]:
            reads.add_point(INDEX, key.encode())
        assert ts is not None
        outcome = Outcome(
            function=call.path,
            kind="query",
            value_json=b"%d" % len(self.calls),
            error=self.error,
            read_set=reads,
            ts=ts,
            **self.settings,
        )
        if self.pending is None:
            return outcome
        later = LaterOutcome()
        self.pending.append((later, outcome))
        return later  # type: ignore[return-value]

    def commit(self, *keys: str) -> None:
        self.durable_ts += 1
        entry = LogEntry(self.durable_ts, [(INDEX, key.encode()) for key in keys])
        self.log.append(entry)
        self.live.commits_published([entry])
        self.live.check_invariants()


class Listener:
    """Counts how often it was told."""

    def __init__(self) -> None:
        self.told = 0

    def run_broken(self) -> None:
        self.told += 1


@pytest.fixture
def engine() -> Engine:
    return Engine()


def question(*keys: str, path: str = "q:q") -> Question:
    names = ",".join(f'"{key}"' for key in keys)
    return Question(path, f'[{{"keys":[{names}]}}]'.encode())


def ask(engine: Engine, asked: Question, identity: Identity | None = None, journal: str | None = None) -> LiveRun:
    answer = engine.live.ask(asked, identity, journal, lambda _: None)
    assert isinstance(answer, LiveRun)
    engine.live.check_invariants()
    return answer


def test_a_commit_breaks_exactly_the_runs_that_read_what_it_touched(engine: Engine) -> None:
    listeners = {key: Listener() for key in "abc"}
    for key, listener in listeners.items():
        assert engine.live.follow(ask(engine, question(key)), listener)
    engine.commit("b", "z")
    assert {key: listener.told for key, listener in listeners.items()} == {"a": 0, "b": 1, "c": 0}


def test_a_follower_is_told_once_and_then_no_more(engine: Engine) -> None:
    listener = Listener()
    engine.live.follow(ask(engine, question("a")), listener)
    for _ in range(3):
        engine.commit("a")
    assert listener.told == 1


def test_a_key_touched_twice_in_a_commit_breaks_once(engine: Engine) -> None:
    listener = Listener()
    engine.live.follow(ask(engine, question("a", "b")), listener)
    engine.commit("a", "a", "b")
    assert listener.told == 1


def test_the_same_question_is_asked_once_until_it_breaks(engine: Engine) -> None:
    first = ask(engine, question("a"))
    assert ask(engine, question("a")) is first
    engine.commit("z")
    assert ask(engine, question("a")) is first
    engine.commit("a")
    assert ask(engine, question("a")) is not first
    assert len(engine.calls) == 2


def test_equal_arguments_are_one_question_however_they_are_written(engine: Engine) -> None:
    first = Question("q:q", b'[{"keys":["a"],"n":1}]')
    second = Question("q:q", b'[ {"n":1.0, "keys":["a"]} ]')
    assert ask(engine, first) is ask(engine, second)


def test_a_run_that_ignored_its_caller_answers_everybody(engine: Engine) -> None:
    assert ask(engine, question("a"), ANN) is ask(engine, question("a"), BOB)
    assert ask(engine, question("a")) is ask(engine, question("a"), ANN)


def test_a_run_that_looked_at_its_caller_answers_equal_callers_only(engine: Engine) -> None:
    engine.settings = {"used_identity": True}
    anns = ask(engine, question("a"), ANN)
    assert ask(engine, question("a"), BOB) is not anns
    assert ask(engine, question("a")) is not anns
    assert ask(engine, question("a"), Identity("https://i|ann", "https://i", "ann")) is anns


def test_visibility_is_part_of_the_question(engine: Engine) -> None:
    public = ask(engine, question("a"))
    internal = ask(engine, Question("q:q", b'[{"keys":["a"]}]', "internal"))
    assert internal is not public
    assert [call.visibility for call in engine.calls] == ["public", "internal"]


def test_a_run_answers_under_the_journal_it_was_asked_with_and_the_one_it_made(engine: Engine) -> None:
    engine.settings = {"journal": "made"}
    run = ask(engine, question("a"))
    assert ask(engine, question("a"), journal="made") is run
    assert ask(engine, question("a")) is run
    assert ask(engine, question("a"), journal="other") is not run


def test_a_failed_run_is_shared_until_the_next_commit_and_kept_no_longer(engine: Engine) -> None:
    engine.error = FunctionError("boom", code="x")
    first = ask(engine, question("a"))
    assert ask(engine, question("a")) is first
    engine.commit("z")
    assert ask(engine, question("a")) is not first
    assert engine.live.statistics()["live_runs"] == 0, "nobody follows it"


def test_a_failed_run_that_is_followed_breaks_like_any_other(engine: Engine) -> None:
    engine.error = FunctionError("boom", code="x")
    listener = Listener()
    engine.live.follow(ask(engine, question("a")), listener)
    engine.commit("a")
    assert listener.told == 1


def test_a_fault_of_the_system_is_no_answer_and_is_not_kept(engine: Engine) -> None:
    engine.error = FunctionError("disk", code="StorageFailure", is_system=True)
    answer = engine.live.ask(question("a"), None, None, lambda _: None)
    assert isinstance(answer, RunFault)
    engine.error = None
    ask(engine, question("a"))


def test_a_waiting_run_is_shared_by_all_who_ask_at_its_timestamp(engine: Engine) -> None:
    engine.pending = []
    answers: list[Answer] = []
    for _ in range(3):
        assert engine.live.ask(question("a"), None, None, answers.append) is None
    ((later, outcome),) = engine.pending
    later.finish(outcome)
    assert len(answers) == 3
    assert answers[0] is answers[1] is answers[2]


def test_a_waiting_run_is_walked_forward_before_it_is_believed(engine: Engine) -> None:
    engine.pending = []
    answers: list[Answer] = []
    engine.live.ask(question("a"), None, None, answers.append)
    engine.live.ask(question("b"), None, None, answers.append)
    engine.commit("a")
    for later, outcome in engine.pending:
        later.finish(outcome)
    touched, untouched = answers
    assert isinstance(touched, LiveRun)
    assert isinstance(untouched, LiveRun)
    assert not touched.is_valid
    assert not engine.live.follow(touched, Listener())
    assert engine.live.follow(untouched, Listener())
    assert touched.ts == 10, "it is still the right answer at its own timestamp"


def test_a_run_older_than_the_write_log_is_not_believed(engine: Engine) -> None:
    engine.pending = []
    answers: list[Answer] = []
    engine.live.ask(question("a"), None, None, answers.append)
    engine.commit("z")
    engine.log_is_known = False
    later, outcome = engine.pending[0]
    later.finish(outcome)
    assert isinstance(answers[0], LiveRun)
    assert not answers[0].is_valid


def test_a_run_that_ends_without_an_outcome_tells_its_askers(engine: Engine) -> None:
    engine.pending = []
    answers: list[Answer] = []
    engine.live.ask(question("a"), None, None, answers.append)
    engine.pending[0][0].finish(RuntimeError("cancelled"))
    assert isinstance(answers[0], RunFault)


def test_a_new_deployment_breaks_every_run_also_those_under_way(engine: Engine) -> None:
    listener = Listener()
    engine.live.follow(ask(engine, question("a")), listener)
    engine.pending = []
    answers: list[Answer] = []
    engine.live.ask(question("b"), None, None, answers.append)
    engine.live.invalidate_all()
    engine.live.check_invariants()
    assert listener.told == 1
    later, outcome = engine.pending[0]
    later.finish(outcome)
    assert isinstance(answers[0], LiveRun)
    assert not answers[0].is_valid


def test_a_changed_environment_breaks_the_runs_that_looked_at_it(engine: Engine) -> None:
    plain, looking = Listener(), Listener()
    engine.live.follow(ask(engine, question("a")), plain)
    engine.settings = {"used_environment": True}
    engine.live.follow(ask(engine, question("b")), looking)
    engine.live.invalidate_environment()
    assert (plain.told, looking.told) == (0, 1)


def test_a_run_that_looked_at_the_time_is_given_out_for_seventeen_seconds(engine: Engine) -> None:
    engine.settings = {"used_time": True}
    first = ask(engine, question("a"))
    engine.clock.advance(17)
    assert ask(engine, question("a")) is first
    engine.clock.advance(0.1)
    assert ask(engine, question("a")) is not first


def test_the_cache_forgets_the_least_recently_asked_and_the_maps_with_it() -> None:
    engine = Engine(Limits(query_cache_bytes_max=6000))
    for key in "abcd":
        ask(engine, question(key))
    ask(engine, question("a"))
    ask(engine, question("e"))
    asked = len(engine.calls)
    ask(engine, question("a"))
    assert len(engine.calls) == asked, "a was asked lately"
    statistics = engine.live.statistics()
    assert statistics["query_cache_bytes"] <= 6000
    assert statistics["live_runs"] == statistics["query_cache_entries"]


def test_a_result_too_large_for_the_cache_is_live_all_the_same() -> None:
    engine = Engine(Limits(query_cache_bytes_max=2000))
    listener = Listener()
    run = ask(engine, question("a"))
    assert run.result is not None
    assert engine.live.follow(run, listener)
    engine.commit("a")
    assert listener.told == 1


def test_who_stops_following_is_not_told_and_the_run_is_forgotten() -> None:
    engine = Engine(Limits(query_cache_bytes_max=2000))
    listener = Listener()
    run = ask(engine, question("a"))
    engine.live.follow(run, listener)
    engine.live.unfollow(run, listener)
    engine.commit("a")
    assert listener.told == 0
    assert engine.live.statistics()["live_runs"] == 0


def test_arguments_that_are_no_values_are_answered_without_a_run(engine: Engine) -> None:
    run = ask(engine, Question("messages:list", b'[{"n":{"$integer":"x"}}]'))
    assert run.error is not None
    assert run.error.message.startswith("Invalid arguments for messages.js:list: ")
    assert engine.calls == []


def test_an_outcome_for_one_more_caller_has_a_value_of_its_own(engine: Engine) -> None:
    run = ask(engine, question("a"))
    assert run.outcome is not None
    first, second = outcome_again(run.outcome), outcome_again(run.outcome)
    assert first.value == second.value == 1
    assert first.log_lines is not second.log_lines


def test_questions_that_nobody_holds_are_forgotten(engine: Engine) -> None:
    for number in range(50):
        shared = engine.live.share(question(str(number)))
        assert engine.live.share(question(str(number))) is shared
        del shared
    assert len(engine.live._questions) == 0  # pyright: ignore[reportPrivateUsage]
