"""One call that is due, from its start to its settled row: a scheduled function, or one run of a cron job.

Theory of operation
-------------------
A row of the database asks for the call, and whoever changes that row's state decides about it. `Target` knows the row:
`claim` marks it and says whether the call is still wanted, `settle` writes how it ended. What makes a mutation run
exactly once, and an action at most once, is in which transaction the two happen:

* A mutation: `claim`, the handler and `settle` in one transaction. A crash leaves all of it or nothing. Somebody who
  took the row meanwhile makes it conflict, and the next attempt's `claim` says no. A mutation that failed has written
  nothing, so its row is settled in a transaction of its own, and that is final.
* An action: `claim` in a transaction that is durable before the handler begins, `settle` in another one after it has
  ended. A crash in between leaves the mark; nobody starts a marked row, and the next start of the server settles it.

Conflicts that used up their retries, and faults of the server, are tried again without limit, with backoff: the same
call, by the code that is deployed by then. Nothing that user code did is ever tried again.

After `stop` nothing new is begun and nothing is written: the rows say where to go on.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any, Final, NamedTuple, Protocol

from parabola.database.committer import CommitResult
from parabola.database.scheduled_jobs import INTERRUPTED_TEXT
from parabola.database.transaction import Transaction
from parabola.definitions.paths import display_path
from parabola.errors import WriteConflict
from parabola.functions.calls import KIND_NAMES
from parabola.functions.outcome import Call, FunctionError, Outcome
from parabola.functions.runner import Runner


class Backoff(NamedTuple):
    """How long to wait before the next attempt: doubled each time, from the first to the longest."""

    first_s: float
    longest_s: float

    def after(self, failures: int) -> float:
        """The wait after so many failed attempts in a row, at least 1."""
        return min(self.longest_s, self.first_s * 2.0 ** min(failures - 1, 60))


FAULT_BACKOFF: Final = Backoff(0.5, 7200.0)

_log: Final = logging.getLogger("parabola.backend")


class Ending(NamedTuple):
    """How a call ended: with a value, or with the text of an error."""

    value: Any = None
    error: str | None = None


class Target(Protocol):
    """The row that asks for a call."""

    path: str
    conflict_backoff: Backoff

    def make_call(self) -> Call:
        """The call, for one attempt."""
        ...

    def claim(self, tx: Transaction) -> bool:
        """Marks the row; False, and nothing written, if the call is not wanted any more."""
        ...

    def settle(self, tx: Transaction, ending: Ending) -> None:
        """Writes how the call ended, unless somebody else decided about the row meanwhile."""
        ...

    def ended(self, outcome: Outcome) -> None:
        """The call has ended, and the row is settled, durably."""
        ...


class DueCall:
    """One call on its way. `start` it once; `done` is called once, unless it is stopped."""

    def __init__(self, runner: Runner, target: Target, done: Callable[[], None]) -> None:
        self._runner = runner
        self._target = target
        self._done = done
        self._claimed = False
        self._failures = 0
        self._is_stopped = False

    def start(self) -> None:
        """Runs the function that now has the name, whatever its kind."""
        if self._is_stopped:
            return
        function = self._runner.deployment.find(self._target.path)
        if function is not None and function.kind == "action":
            self._claim_action()
        elif function is None or function.kind == "mutation":
            # One that is not there any more fails as a mutation of that name would.
            self._run_mutation()
        else:
            text = (
                f"Unsupported function type. {display_path(function.path)} is defined as a "
                f"{KIND_NAMES[function.kind]}. Only Mutation and Action can be scheduled."
            )
            error = FunctionError(text, code="UnsupportedFunctionType")
            outcome = Outcome(function=function.path, kind=function.kind, error=error)
            self._runner.note(self._target.make_call(), outcome)
            self._settle(Ending(error=text), outcome)

    def stop(self) -> None:
        """Begins nothing more and writes nothing more. A handler that runs is left to itself."""
        self._is_stopped = True

    # A mutation: one transaction.

    def _run_mutation(self) -> None:
        self._claimed = False

        def claim(tx: Transaction) -> bool:
            self._claimed = self._target.claim(tx)
            return self._claimed

        self._runner.run_mutation(
            self._target.make_call(),
            self._mutation_ended,
            claim=claim,
            before_commit=lambda tx, value: self._target.settle(tx, Ending(value)),
        )

    def _mutation_ended(self, outcome: Outcome) -> None:
        if self._is_stopped:
            return
        error = outcome.error
        if error is None:
            self._ended(outcome if self._claimed else None)
        elif error.is_system:
            self._again(self.start, is_conflict=error.code == WriteConflict.default_code)
        else:
            self._settle(Ending(error=error.message), outcome)

    # An action: two transactions, and the action between them.

    def _claim_action(self) -> None:
        tx = self._runner.services.database.begin_mutation()
        self._claimed = self._target.claim(tx)
        self._runner.services.database.commit(tx, self._action_is_claimed)

    def _action_is_claimed(self, result: CommitResult) -> None:
        if self._is_stopped:
            return
        if result.conflict is not None or result.error is not None:
            self._again(self.start, is_conflict=result.conflict is not None)
        elif not self._claimed:
            self._ended(None)
        else:
            running = asyncio.ensure_future(self._runner.run_action(self._target.make_call()))
            running.add_done_callback(self._action_ended)

    def _action_ended(self, running: asyncio.Future[Outcome]) -> None:
        # Cancelled only together with the loop: what is not settled is settled by the next start.
        if self._is_stopped or running.cancelled():
            return
        outcome = running.result()
        error = outcome.error
        if error is None:
            self._settle(Ending(outcome.value), outcome)
        else:
            self._settle(Ending(error=INTERRUPTED_TEXT if error.is_system else error.message), outcome)

    # The end.

    def _settle(self, ending: Ending, outcome: Outcome) -> None:
        """Settles the row in a transaction of its own."""
        if self._is_stopped:
            return
        database = self._runner.services.database
        tx = database.begin_mutation()
        self._target.settle(tx, ending)

        def done(result: CommitResult) -> None:
            if self._is_stopped:
                return
            if result.conflict is not None:
                self._settle(ending, outcome)
            elif result.error is not None:
                self._again(lambda: self._settle(ending, outcome), is_conflict=False)
            else:
                self._ended(outcome)

        database.commit(tx, done)

    def _ended(self, outcome: Outcome | None) -> None:
        """With None, the row turned out to be somebody else's."""
        if outcome is not None:
            self._target.ended(outcome)
        self._done()

    def _again(self, step: Callable[[], None], *, is_conflict: bool) -> None:
        self._failures += 1
        backoff = self._target.conflict_backoff if is_conflict else FAULT_BACKOFF
        # Half of it at least, so that those who lost together do not meet again.
        share = 0.5 + self._runner.services.entropy.seed() / (1 << 65)
        wait_s = backoff.after(self._failures) * share
        _log.warning("The due call of %s is tried again in %.1f s.", self._target.path, wait_s)
        self._runner.call_later(wait_s, step)
