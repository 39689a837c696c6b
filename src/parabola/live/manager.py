"""Knowing when an answer may have changed, and answering each question once.

Theory of operation. Time here is `ts`: the newest commit published to us, which is durable. A run of a query at `ts`
leaves a result and its read set. The read set goes into one interval map for each index, and the run is *valid*:
asked again now, the query would answer the same. Each published commit moves `ts` forward after its touched keys were
looked up in the maps; the runs found are *broken*, all others have thereby been proven valid at the new `ts`. Nothing
is ever scanned.

A valid run answers everybody who asks the same question (`cache`): the result of a query that a thousand sockets follow
is computed and serialised once for each commit that touches it. Followers of a broken run are told, once, and ask again
when it suits them; many commits may have passed by then, and one run covers them all.

A handler may wait for something, and commits may be published meanwhile. Its run was at the `ts` of its beginning,
and before it is believed it is walked forward over the write log to the present. If a commit in between touched what
it read, it is broken at birth: a correct answer at its own timestamp, to be asked again. There is no gap to fall
into.

Order of calls: `ask` and `follow` in one step of the event loop see one `ts`, so all the answers that a socket gets
in one update belong together. What a follower does in `run_broken` must not come back here before the commit is
through.

A new deployment, and a changed environment variable, are outside the write log: `invalidate_all` and
`invalidate_environment` break runs by hand.
"""

from __future__ import annotations

import logging
from asyncio import Future
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from parabola.auth.identity import Caller
from parabola.database.write_log import LogEntry
from parabola.definitions.paths import display_path
from parabola.errors import InvalidValue
from parabola.functions.calls import decode_arguments
from parabola.functions.outcome import TO_BE_DECODED, Call, FunctionError, Outcome
from parabola.limits import DEFAULT_LIMITS, Limits
from parabola.live.cache import QueryCache
from parabola.live.failures import Failures
from parabola.live.interval_map import IntervalMap
from parabola.live.question import Question, Questions
from parabola.live.subscription import Answer, Follower, LiveRun, RunFault
from parabola.seams import Clock, Entropy
from parabola.sync.results import QueryResult

_logger: Final = logging.getLogger("parabola.live")


class QueryRunner(Protocol):
    """The part of `functions.Runner` that is needed here."""

    def run_query(
        self, call: Call, *, ts: int | None = None, journal: str | None = None
    ) -> Outcome | Future[Outcome]: ...


class CommitLog(Protocol):
    """The part of `database.Database` that is needed here."""

    @property
    def durable_ts(self) -> int: ...

    def commits_between(self, after_ts: int, up_to_ts: int) -> Sequence[LogEntry] | None:
        """The commits with after_ts < ts <= up_to_ts; None if some are no longer known."""
        ...


CrowdListener = Callable[[LiveRun, set[Follower]], None]
"""Gets a broken run and those who followed it."""

Present = Callable[[Outcome, str], QueryResult]
"""Makes the result that sockets send from an outcome and its request id (texts, redaction)."""


class LiveQueries:
    """See the module's theory of operation. One thread, the event loop's."""

    def __init__(
        self,
        runner: QueryRunner,
        log: CommitLog,
        present: Present,
        *,
        clock: Clock,
        entropy: Entropy,
        limits: Limits = DEFAULT_LIMITS,
    ) -> None:
        self._runner = runner
        self._log = log
        self._present = present
        self._clock = clock
        self._entropy = entropy
        self.ts = log.durable_ts
        self._maps: dict[int, IntervalMap[LiveRun]] = {}
        self._questions = Questions()
        self._cache = QueryCache(limits.query_cache_bytes_max, self._evicted)
        # Failed runs are not for keeping, but sockets that one commit woke up share them: until the next commit, and
        # not for long.
        self._failures = Failures()
        # Runs that wait for something, by question; shared by those who ask at the same `ts`.
        self._pending: dict[tuple[Question, bytes, str | None, int], list[Callable[[Answer], None]]] = {}
        # Raised by whatever breaks all runs, also those that have not finished.
        self._epoch = 0
        self._environment_epoch = 0
        self._watched: set[LiveRun] = set()
        self._tell_crowd: CrowdListener | None = None
        # Counters since the start, for metrics and tests.
        self.runs = 0
        self.hits = 0
        self.broken = 0

    # Questions.

    def share(self, question: Question) -> Question:
        """The question that stands for all that ask the same; holding on to it makes every `ask` cheaper."""
        return self._questions.share(question)

    def find(self, question: Question, identity: Caller, journal: str | None) -> LiveRun | None:
        """The answer at `self.ts` if it is at hand. `question` is a shared one."""
        identity_key = b"" if identity is None else identity.cache_key
        now = self._clock.monotonic()
        run = self._cache.find(question, identity_key, journal, now)
        if run is None and self._failures:
            run = self._failures.find((question, identity_key, journal), now)
        if run is not None:
            self.hits += 1
        return run

    def ask(
        self,
        question: Question,
        identity: Caller,
        journal: str | None,
        later: Callable[[Answer], None],
        *,
        ts: int | None = None,
    ) -> Answer | None:
        """The answer at `ts` (`self.ts` if it is None), from the cache or a run; None if the query has to wait: then
        `later` gets it. `ts` may lie a little back, but not in the future.
        """
        question = self._questions.share(question)
        known = self.find(question, identity, journal)
        # What was read later may have been written in between.
        if known is not None and (ts is None or known.ts <= ts):
            return known
        return self.run(question, identity, journal, later, ts=ts)

    def ask_once(self, question: Question, identity: Caller, later: Callable[[Answer], None]) -> Answer | None:
        """As `ask`, for one who wants an answer and will not follow it: a failure is never given out again, since what
        made it fail may be over (semantics 8.2).
        """
        question = self._questions.share(question)
        identity_key = b"" if identity is None else identity.cache_key
        run = self._cache.find(question, identity_key, None, self._clock.monotonic())
        if run is None:
            return self.run(question, identity, None, later, keeps_failure=False)
        self.hits += 1
        return run

    def run(
        self,
        question: Question,
        identity: Caller,
        journal: str | None,
        later: Callable[[Answer], None],
        *,
        ts: int | None = None,
        keeps_failure: bool = True,
    ) -> Answer | None:
        """As `ask`, for a shared question that `find` has no answer to. With `keeps_failure`, others who ask the same
        are given a failure for a moment.
        """
        if ts is None:
            ts = self.ts
        identity_key = b"" if identity is None else identity.cache_key
        waiting_key = (question, identity_key, journal, ts)
        if self._pending:
            waiting = self._pending.get(waiting_key)
            if waiting is not None:
                waiting.append(later)
                return None
        request_id = self._entropy.bytes(8).hex()
        epochs = (self._epoch, self._environment_epoch)
        self.runs += 1
        outcome: Outcome | Future[Outcome]
        if question.component:
            outcome = no_such_component(question.path, question.component, ts)
        elif question.refusal is not None:
            outcome = bad_arguments(question.path, question.refusal, ts)
        else:
            call = Call(
                question.path,
                decode_arguments(question.args_json),
                identity=identity,
                visibility=question.visibility,
                request_id=request_id,
                args_json=question.args_json,
            )
            outcome = self._runner.run_query(call, ts=ts, journal=journal)
        if isinstance(outcome, Outcome):
            return self._keep(outcome, question, identity_key, journal, request_id, epochs, keeps_failure)
        self._pending[waiting_key] = [later]

        def finished(future: Future[Outcome]) -> None:
            answer: Answer
            try:
                answer = self._keep(future.result(), question, identity_key, journal, request_id, epochs, keeps_failure)
            except BaseException as error:  # a cancelled run too must not leave its askers waiting
                _logger.error("The query %s ended without an outcome.", question.path, exc_info=error)
                answer = RunFault(FunctionError(str(error), code="InternalServerError", is_system=True))
            for told in self._pending.pop(waiting_key):
                told(answer)

        outcome.add_done_callback(finished)
        return None

    def follow(self, run: LiveRun, follower: Follower) -> bool:
        """Has `follower` told when `run` breaks. False, and nothing done, if it is broken already.

        To be called in the same step of the event loop in which the answer was given: before the next commit is
        published.
        """
        if not run.is_valid:
            return False
        if run not in self._watched:
            self._watch(run)
        run.followers.add(follower)
        return True

    def tell_crowds(self, listener: CrowdListener) -> None:
        """From now on the followers of a broken run, where there is more than one, are handed to `listener` all at
        once, which then owns the set and tells them when it suits it: their runs are no longer valid, by which they
        can be known until then.
        """
        self._tell_crowd = listener

    def unfollow(self, run: LiveRun, follower: Follower) -> None:
        """Takes `follower` off `run`; the run is forgotten if nobody else has a use for it."""
        run.followers.discard(follower)
        if run.is_valid and not run.followers and not run.answer_keys and run in self._watched:
            self._unwatch(run)

    # What breaks answers.

    def commits_published(self, entries: Sequence[LogEntry]) -> None:
        """Moves on over `entries`, in order. The database's commit listener."""
        maps = self._maps
        self._failures.clear()
        for entry in entries:
            # Which keys it touched is worked out when asked for, so nobody asks in vain.
            for index_number, key in entry.touched if maps else ():
                ranges = maps.get(index_number)
                if ranges is not None:
                    for run in ranges.holding(key):
                        if run.is_valid:
                            self._break(run)
            if entry.ts > self.ts:
                self.ts = entry.ts

    def invalidate_all(self) -> None:
        """Breaks every run: the functions themselves may have changed."""
        self._epoch += 1
        self._failures.clear()
        for run in list(self._watched):
            if run.is_valid:
                self._break(run)

    def invalidate_environment(self) -> None:
        """Breaks the runs that looked at an environment variable."""
        self._environment_epoch += 1
        self._failures.clear()
        for run in list(self._watched):
            if run.is_valid and run.used_environment:
                self._break(run)

    def invalidate_time(self) -> None:
        """Breaks the runs that looked at the time: for a test, which moves it."""
        for run in list(self._watched):
            if run.is_valid and run.used_time:
                self._break(run)

    # For metrics and tests.

    def statistics(self) -> dict[str, int]:
        """Counters since the start, and what is held now."""
        return {
            "query_runs": self.runs,
            "query_cache_hits": self.hits,
            "query_cache_bytes": self._cache.bytes,
            "query_cache_entries": len(self._cache),
            "live_runs": len(self._watched),
            "runs_broken": self.broken,
        }

    def check_invariants(self) -> None:
        """Raises AssertionError when the parts disagree; for tests."""
        self._cache.check_invariants()
        held: dict[LiveRun, int] = {}
        for ranges in self._maps.values():
            ranges.check_invariants()
            for _, _, run in ranges:
                held[run] = held.get(run, 0) + 1
        for run in self._watched:
            assert run.is_valid, "a broken run is watched"
            assert run.followers or run.answer_keys, "a run is watched for nobody"
            assert held.get(run, 0) == len(run.ranges), "a run's ranges are not those in the maps"
        assert set(held) <= self._watched, "the maps hold a run that is not watched"
        assert all(run in self._watched for run in self._cache), "a cached run is not watched"

    # Parts of the above.

    def _keep(
        self,
        outcome: Outcome,
        question: Question,
        identity_key: bytes,
        journal: str | None,
        request_id: str,
        epochs: tuple[int, int],
        keeps_failure: bool,
    ) -> Answer:
        """What a finished run is worth now."""
        error = outcome.error
        if error is not None and error.is_system:
            return RunFault(error)
        # The encoder's bytes hold on to the whole block they were written in; a copy holds what it needs.
        outcome.value_json = bytes(memoryview(outcome.value_json))
        run = LiveRun(question, self._present(outcome, request_id), outcome, self._clock.monotonic())
        still_holds = self._still_holds(outcome, epochs)
        reads = outcome.read_set
        # What is kept of an outcome: its JSON, not its value, and not its evidence, which the maps will hold.
        outcome.value = None
        outcome.read_set = None
        if not still_holds:
            run.is_valid = False
            return run
        if reads is not None:
            run.ranges = tuple(
                [
                    (index_number, lower, upper)
                    for index_number, intervals in reads.intervals().items()
                    for lower, upper in intervals
                ]
            )
        if error is not None:
            if keeps_failure:
                self._failures.add((question, identity_key, journal), run)
            return run
        identity_used = identity_key if outcome.used_identity else None
        self._cache.add(run, identity_used, {journal, outcome.journal})
        if run.answer_keys:
            self._watch(run)
        return run

    def _still_holds(self, outcome: Outcome, epochs: tuple[int, int]) -> bool:
        """Whether nothing since the run began could have changed its answer."""
        if epochs[0] != self._epoch or (outcome.used_environment and epochs[1] != self._environment_epoch):
            return False
        if outcome.ts >= self.ts:
            return True
        passed = self._log.commits_between(outcome.ts, self.ts)
        if passed is None:
            return False
        reads = outcome.read_set
        return reads is None or not any(reads.overlaps(entry) for entry in passed)

    def _watch(self, run: LiveRun) -> None:
        for index_number, lower, upper in run.ranges:
            ranges = self._maps.get(index_number)
            if ranges is None:
                ranges = self._maps[index_number] = IntervalMap()
            ranges.add(lower, upper, run)
        self._watched.add(run)

    def _unwatch(self, run: LiveRun) -> None:
        for index_number, lower, upper in run.ranges:
            ranges = self._maps[index_number]
            ranges.remove(lower, upper, run)
            if not ranges:
                del self._maps[index_number]
        self._watched.discard(run)

    def _break(self, run: LiveRun) -> None:
        run.is_valid = False
        self.broken += 1
        self._cache.discard(run)
        self._unwatch(run)
        followers = run.followers
        if followers:
            run.followers = set()
            if self._tell_crowd is not None and len(followers) > 1:
                self._tell_crowd(run, followers)
            else:
                for follower in followers:
                    follower.run_broken()

    def _evicted(self, run: LiveRun) -> None:
        if run.is_valid and not run.followers:
            self._unwatch(run)


def bad_arguments(path: str, error: InvalidValue, ts: int) -> Outcome:
    """The outcome of a call whose arguments are no values (wire 4.2)."""
    module, _, function = path.rpartition(":")
    text = f"Invalid arguments for {module}.js:{function}: {error.message}"
    return Outcome(function=path, kind="unknown", error=FunctionError(text, code="InvalidArguments"), ts=ts)


def no_such_component(path: str, component: str, ts: int) -> Outcome:
    """The outcome of a call into a component: a deployment has none (wire 4.2)."""
    text = f"Could not find public function for '{display_path(path)}' in '{component}'."
    return Outcome(function=path, kind="unknown", error=FunctionError(text, code="FunctionNotFound"), ts=ts)


def outcome_again(kept: Outcome) -> Outcome:
    """A kept outcome for one more caller, with a value of its own that it may change."""
    return Outcome(
        function=kept.function,
        kind="query",
        value=TO_BE_DECODED if kept.error is None else None,
        value_json=kept.value_json,
        error=kept.error,
        log_lines=list(kept.log_lines),
        ts=kept.ts,
        used_identity=kept.used_identity,
        used_time=kept.used_time,
        used_environment=kept.used_environment,
        journal=kept.journal,
    )
