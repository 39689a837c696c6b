"""Running scheduled functions: mutations exactly once, actions at most once.

The rows of `_scheduled_functions` say what is to be called and when (`database/scheduled_jobs.py`); `due_calls.py`
decides when to start one, and `due_call.py` runs it and settles its row. This joins the three. Why it is so is in
docs/decisions/0003-scheduled-functions-are-rows.md.
"""

from __future__ import annotations

import logging
from collections.abc import Container, Sequence
from contextlib import closing
from typing import Any, Final

from parabola.backend.due_call import Backoff, Ending
from parabola.backend.due_calls import CallSoon, DueCalls, WaitingCall
from parabola.database import scheduled_jobs
from parabola.database.committer import CommitResult
from parabola.database.system_tables import SCHEDULED_FUNCTIONS
from parabola.database.transaction import Transaction
from parabola.database.write_log import LogEntry
from parabola.functions.outcome import Call, Outcome
from parabola.functions.runner import Runner
from parabola.functions.scheduling import SCHEDULER
from parabola.functions.services import Services
from parabola.seams import CallLater

CONFLICT_BACKOFF: Final = Backoff(0.1, 60.0)

_TABLE_NUMBER: Final = SCHEDULED_FUNCTIONS.number
_log: Final = logging.getLogger("parabola.backend")


class Scheduler:
    """The scheduled functions of one backend, from `start` to `stop`."""

    def __init__(self, runner: Runner, *, call_soon: CallSoon, call_later: CallLater) -> None:
        self._services = runner.services
        self.calls = DueCalls(
            runner,
            self._find_first,
            call_soon=call_soon,
            call_later=call_later,
            parallel_max=runner.services.limits.scheduled_functions_parallel_max,
        )
        # Below this key no pending job is waiting. None is not known yet.
        self._from_key: bytes | None = None
        runner.services.database.add_commit_listener(self._commits_published)

    def start(self) -> None:
        """Settles what the last process left in progress, and begins to run what is due."""
        database = self._services.database
        tx = database.begin_mutation()
        scheduled_jobs.fail_interrupted_jobs(tx, self._services.clock.now_ns() / 1_000_000)
        database.commit(tx, _interrupted_are_settled)
        self.calls.start()

    def stop(self) -> None:
        """Starts nothing more. An action that runs is left to itself; the next start settles its row."""
        self.calls.stop()

    def pending(self, at_most: int) -> list[dict[str, Any]]:
        """The rows that wait, in the order of their time; those of mutations that are running are among them."""
        with closing(self._services.database.begin_query()) as tx:
            return scheduled_jobs.pending_jobs(tx, at_most)

    def _commits_published(self, entries: Sequence[LogEntry]) -> None:
        for entry in entries:
            if _TABLE_NUMBER in entry.tables:
                lowest = scheduled_jobs.lowest_touched_key(entry)
                if lowest is not None and self._from_key is not None and lowest < self._from_key:
                    self._from_key = lowest
                self.calls.wake()

    def _find_first(self, tx: Transaction, running: Container[str], count: int) -> WaitingCall | None:
        first, self._from_key = scheduled_jobs.first_pending(tx, running, count, self._from_key)
        if first is None:
            return None
        return WaitingCall(first["_id"], first["scheduledTime"], lambda: _Job(self._services, first))


class _Job:
    """A row of `_scheduled_functions` as the target of a call."""

    conflict_backoff = CONFLICT_BACKOFF

    def __init__(self, services: Services, job: dict[str, Any]) -> None:
        self._services = services
        self._id: str = job["_id"]
        self._args: dict[str, Any] = job["args"][0]
        self.path: str = job["name"]

    def make_call(self) -> Call:
        return Call(
            self.path,
            self._args,
            visibility="internal",
            # One of its own: it is nobody's request any more.
            request_id=self._services.entropy.bytes(8).hex(),
            caller=SCHEDULER,
            request_metadata={"scheduledFunctionId": self._id},
        )

    def claim(self, tx: Transaction) -> bool:
        return scheduled_jobs.claim_job(tx, self._id)

    def settle(self, tx: Transaction, ending: Ending) -> None:
        scheduled_jobs.settle_job(tx, self._id, ending.error, self._services.clock.now_ns() / 1_000_000)

    def ended(self, outcome: Outcome) -> None:
        """The row says it all."""


def _interrupted_are_settled(result: CommitResult) -> None:
    if result.error is not None:
        _log.error("Actions that the last process left in progress could not be settled: %s", result.error)
