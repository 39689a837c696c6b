"""One mutation, from its call to its commit: attempts, retries, and the record that makes it happen once.

Theory of operation
-------------------
An attempt is a transaction at the newest timestamp and one run of the handler in it. If it succeeds the transaction
goes to the committer, which says yes with a timestamp (once durable) or no with a conflict. After a conflict
everything of the attempt is thrown away, log lines too, and another begins: fresh arguments, fresh seed, fresh time.
A handler that failed is final: it read one snapshot, which is a state that was, and it wrote nothing.

The first retry is made at once. The engine runs in one thread and attempts begin at the newest timestamp, so a
handler that does not wait cannot meet a conflict at all: nobody else has a turn between its begin and its commit. A
conflict means that the handler waited, and that the other commit is already in; starting again is all there is to do.
Should that fail too, there is real contention, and those who lost over the same document take turns (`retry_turns`).
Who loses even then, against mutations that are new, keeps its turn and backs off exponentially, with jitter, as
semantics 7.3 says. The turn is given back when the mutation is answered.

Exactly once. A mutation sent over a session carries (session id, request id). Before the handler runs, that key is
looked up in `_session_requests`; after it, the record is written in the same transaction. So both are there or
neither; and since the lookup is in the read set, two sendings that race conflict, and the second finds the record of
the first. A failed mutation leaves no record.

Once `Database.commit` was called nothing outside can stop the mutation: the caller is only told.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final

from parabola.database.committer import CommitResult
from parabola.database.transaction import Conflict, Transaction
from parabola.errors import WriteConflict
from parabola.functions.calls import check_arguments, check_result_size, find_function
from parabola.functions.contexts import MutationContext
from parabola.functions.driver import Waiting
from parabola.functions.errors_text import describe
from parabola.functions.heavy_use import warn_of_heavy_use
from parabola.functions.levels import Level, TransactionRun, waited_too_long
from parabola.functions.loader import Deployment
from parabola.functions.outcome import Call, Outcome
from parabola.functions.retry_turns import Contended, contended_by
from parabola.functions.services import Services
from parabola.functions.session_requests import Record, SessionRequest
from parabola.functions.time_limit import HandlerStopped
from parabola.values.wire import decode_wire, encode_wire

BACKOFF_FIRST_S: Final = 0.1
BACKOFF_MAX_S: Final = 2.0


class MutationAttempts:
    """One mutation on its way."""

    __slots__ = (
        "_call",
        "_call_later",
        "_claim",
        "_deployment",
        "_done",
        "_level",
        "_recorded",
        "_retries",
        "_run",
        "_services",
        "_session_request",
        "_started",
        "_turn",
        "_value",
        "_value_json",
        "before_commit",
    )

    def __init__(
        self,
        services: Services,
        deployment: Deployment,
        call: Call,
        done: Callable[[Outcome], None],
        session_request: SessionRequest | None,
        call_later: Callable[[float, Callable[[], None]], Any],
        before_commit: Callable[[Transaction, Any], None] | None = None,
        claim: Callable[[Transaction], bool] | None = None,
    ) -> None:
        self._services = services
        self._deployment = deployment
        self._call = call
        self._done = done
        self._session_request = session_request
        self._call_later = call_later
        # Called after the handler succeeded, to write in the same transaction.
        self.before_commit = before_commit
        # Called before the handler, in each attempt: whether the mutation is still wanted.
        self._claim = claim
        self._started = services.clock.monotonic()
        self._retries = 0
        # What it lost over and has the turn for, if it has one.
        self._turn: Contended | None = None
        self._run: TransactionRun
        self._level: Level | None = None
        self._value: Any = None
        self._value_json = b"null"
        self._recorded: Record | None = None

    def start(self) -> None:
        """Makes one attempt."""
        services, call = self._services, self._call
        run = self._run = TransactionRun(services, self._deployment, call, services.database.begin_mutation())
        self._level = None
        try:
            if self._session_request is not None and self._answer_from_record(run.tx, self._session_request):
                return
            if self._claim is not None and not self._claim(run.tx):
                # What took it back may not be durable yet. A commit of nothing is answered when it is.
                self._services.database.commit(run.tx, self._was_not_wanted)
                return
            function = find_function(run.deployment.registry, call.path, call.visibility, "mutation")
            args = call.take_args(services.limits)
            args = check_arguments(function, args, run.tx.catalog, services.limits)
        except Exception as error:
            self._failed(error, from_user_code=False)
            return
        level = self._level = Level(run, function, 0, run.tx)
        run.active = level
        try:
            result = level.start(MutationContext(level), args)
        except BaseException as error:
            self._stopped_by(error)
            return
        if isinstance(result, Waiting):
            result.continue_until(services.limits.total_time_s, self._task_ended, self._out_of_time)
        else:
            self._returned(result)

    def _was_not_wanted(self, result: CommitResult) -> None:
        if result.error is not None:
            self._failed(result.error, from_user_code=False)
        else:
            self._answer(self._outcome(result.ts))

    def _task_ended(self, task: asyncio.Future[Any]) -> None:
        try:
            value = task.result()
        except BaseException as error:
            self._stopped_by(error)
            return
        self._returned(value)

    def _out_of_time(self) -> None:
        self._failed(waited_too_long(self._run), from_user_code=False)

    def _returned(self, value: Any) -> None:
        run, level = self._run, self._level
        assert level is not None
        try:
            if run.stop_requested:
                raise HandlerStopped
            result = level.end(value)
            value_json = encode_wire(result)
            check_result_size(level.function, len(value_json), self._services.limits)
            warn_of_heavy_use(run)
            if self._session_request is not None:
                record = Record(value_json, run.log.lines)
                self._services.session_records.write(run.tx, self._session_request, record)
            if self.before_commit is not None:
                self.before_commit(run.tx, result)
        except (Exception, HandlerStopped) as error:
            self._failed(error, from_user_code=False)
            return
        self._value = result
        self._value_json = value_json
        tx = run.tx
        # Refused from now on: whatever a forgotten task still writes would come too late. The committer closes the
        # transaction.
        run.active = None
        self._services.database.commit(tx, self._committed)

    def _committed(self, result: CommitResult) -> None:
        if result.conflict is not None:
            self._conflicted(result.conflict)
        elif result.error is not None:
            self._failed(result.error, from_user_code=False)
        else:
            outcome = self._outcome(result.ts)
            outcome.value = self._value
            outcome.value_json = self._value_json
            self._answer(outcome)

    def _conflicted(self, conflict: Conflict) -> None:
        self._run.close()
        limits = self._services.limits
        if self._retries >= limits.mutation_retries_max:
            self._failed(WriteConflict(conflict.message), from_user_code=False)
            return
        self._retries += 1
        if self._retries == 1:
            self.start()
            return
        if self._turn is None:
            self._turn = contended_by(conflict)
            # Begun from the loop: those in line would else begin inside one another.
            self._services.retry_turns.take(self._turn, lambda: self._call_later(0, self.start))
            return
        chance = self._services.entropy.seed() / (1 << 64)
        longest = min(BACKOFF_MAX_S, BACKOFF_FIRST_S * 2 ** (self._retries - 3))
        self._call_later(longest * (0.5 + chance / 2), self.start)

    def _answer(self, outcome: Outcome) -> None:
        """The end of every mutation."""
        turn, self._turn = self._turn, None
        if turn is not None:
            self._services.retry_turns.give_back(turn)
        self._done(outcome)

    def _stopped_by(self, error: BaseException) -> None:
        if isinstance(error, (KeyboardInterrupt, SystemExit)):
            self._run.close()
            raise error
        if isinstance(error, Conflict):
            self._conflicted(error)
            return
        self._failed(error, from_user_code=True)

    def _failed(self, error: BaseException, *, from_user_code: bool) -> None:
        described = describe(
            error,
            folder=self._deployment.folder,
            from_user_code=from_user_code,
            time_limit_s=self._services.limits.user_time_s,
        )
        outcome = self._outcome(self._run.tx.begin_ts)
        outcome.error = described
        self._answer(outcome)

    def _outcome(self, ts: int) -> Outcome:
        run, level = self._run, self._level
        outcome = Outcome(
            function=self._call.path if level is None else level.function.path,
            kind="mutation",
            log_lines=run.log.lines,
            ts=ts,
            used_identity=run.used_identity,
            used_time=run.used_time,
            used_environment=run.used_environment,
            duration=self._services.clock.monotonic() - self._started,
            retries=self._retries,
        )
        run.close()
        return outcome

    # Exactly once

    def _answer_from_record(self, tx: Transaction, request: SessionRequest) -> bool:
        """Answers from the record of an earlier sending, if there is one."""
        record = self._services.session_records.find(tx, request)
        if record is None:
            return False
        self._recorded = record
        # Read at the newest timestamp, so the record may not be durable yet. A commit of nothing is answered when it
        # is.
        self._services.database.commit(tx, self._record_is_durable)
        return True

    def _record_is_durable(self, result: CommitResult) -> None:
        record = self._recorded
        assert record is not None
        if result.error is not None:
            self._failed(result.error, from_user_code=False)
            return
        outcome = self._outcome(record.ts)
        outcome.kind = "mutation"
        outcome.value_json = record.value_json
        outcome.value = decode_wire(record.value_json)
        outcome.log_lines = record.log_lines
        self._answer(outcome)
