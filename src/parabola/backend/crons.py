"""Running cron jobs: repeating calls, one run of each at a time, kept over restarts.

Theory of operation
-------------------
A job is a row of `_cron_jobs`: what to call, its schedule and splay, `nextTime`, whether a run is in progress, and the
last runs, for people to look at. Its runs are due calls like those of scheduled functions: the same code starts them
(`due_calls.py`) and settles them (`due_call.py`), with the same promises. Settling writes the next time, so that no run
begins before the last one has ended, and times that have passed by then are skipped.

A deploy replaces the set in one transaction: rows of jobs that are new are written, of those that are gone removed; a
job whose schedule, function or arguments changed gets a new time; one that is as it was keeps its time and its splay.
Should a run be in progress, its row tells by `nextTime` whether it is still the one that the run was made for.

What a run printed is noted in a transaction of its own, after the run: a crash in between loses a line of history
and nothing else.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Container, Iterable, Sequence
from typing import Any, Final

from parabola.backend.due_call import Backoff, Ending
from parabola.backend.due_calls import CallSoon, DueCalls, WaitingCall
from parabola.database.committer import CommitResult
from parabola.database.scheduled_jobs import INTERRUPTED_TEXT
from parabola.database.system_tables import CRON_JOBS
from parabola.database.transaction import Transaction
from parabola.database.write_log import LogEntry
from parabola.functions.cron_jobs import SKIPPED_COUNTED_MAX, ResolvedCron, Times, splay_range_s
from parabola.functions.outcome import Call, Outcome
from parabola.functions.runner import Runner
from parabola.functions.services import Services
from parabola.seams import CallLater
from parabola.values.order import values_equal

CONFLICT_BACKOFF: Final = Backoff(0.1, 15.0)
RUNS_KEPT: Final = 5
SHOWN_MAX: Final = 1000
"""How many characters of a run's result, and of its log lines, are kept."""

TABLE: Final = CRON_JOBS.name
_TABLE_NUMBER: Final = CRON_JOBS.number
_log: Final = logging.getLogger("parabola.backend")


class CronRunner:
    """The cron jobs of one backend, from `start` to `stop`."""

    def __init__(self, runner: Runner, *, call_soon: CallSoon, call_later: CallLater) -> None:
        self._services = runner.services
        self.calls = DueCalls(
            runner,
            self._find_first,
            call_soon=call_soon,
            call_later=call_later,
            # Each job has one run at a time, and no more limit than that: they are few.
            parallel_max=1_000_000,
        )
        runner.services.database.add_commit_listener(self._commits_published)

    def start(self) -> None:
        """Begins to run what is due. `deploy` comes first."""
        self.calls.start()

    def stop(self) -> None:
        """Starts no more runs."""
        self.calls.stop()

    async def deploy(
        self, wanted: Iterable[ResolvedCron], switch: Callable[[], None] | None = None, *, is_start: bool = False
    ) -> None:
        """Makes `wanted` the set of jobs; returns when that is durable. `switch` is called in the same moment: no job
        of the one set meets the functions of the other.

        At the start of a server no run can be in progress: what reads so was cut off, and is settled.
        """
        jobs = {job.identifier: job for job in wanted}
        committed: asyncio.Future[CommitResult]

        def done(result: CommitResult) -> None:
            if switch is not None and result.error is None and result.conflict is None:
                switch()
            if not committed.done():
                committed.set_result(result)

        while True:
            tx = self._services.database.begin_mutation()
            self._replace_jobs(tx, jobs)
            if is_start:
                self._settle_interrupted(tx)
            committed = asyncio.get_running_loop().create_future()
            self._services.database.commit(tx, done)
            result = await committed
            if result.error is not None:
                raise result.error
            if result.conflict is None:
                return

    def _replace_jobs(self, tx: Transaction, jobs: dict[str, ResolvedCron]) -> None:
        now_ms = self._services.clock.now_ns() / 1_000_000
        known: set[str] = set()
        for row in tx.system_query(TABLE).collect():
            job = jobs.get(row["name"])
            if job is None:
                tx.system_delete(TABLE, row["_id"])
                continue
            known.add(job.identifier)
            if not _is_same(row, job):
                tx.system_patch(TABLE, row["_id"], self._planned(job, now_ms))
        for job in jobs.values():
            if job.identifier not in known:
                row = {"name": job.identifier, "isRunning": False, "runs": [], **self._planned(job, now_ms)}
                tx.system_insert(TABLE, row)

    def _planned(self, job: ResolvedCron, now_ms: float) -> dict[str, Any]:
        splay_s = self._services.entropy.seed() % splay_range_s(job.schedule)
        return {
            "path": job.path,
            "args": [job.args],
            "schedule": job.schedule,
            "splay": splay_s,
            "nextTime": Times(job.schedule, splay_s).first(now_ms),
        }

    def _settle_interrupted(self, tx: Transaction) -> None:
        for row in tx.system_query(TABLE).collect():
            if row["isRunning"]:
                run = {"scheduledTime": row["nextTime"], "status": "failed", "result": INTERRUPTED_TEXT}
                tx.system_patch(TABLE, row["_id"], {"runs": _with_run(row, run)})
                self.settle(tx, row["_id"], row["nextTime"])

    def _commits_published(self, entries: Sequence[LogEntry]) -> None:
        for entry in entries:
            if _TABLE_NUMBER in entry.tables:
                self.calls.wake()
                return

    def _find_first(self, tx: Transaction, running: Container[str], count: int) -> WaitingCall | None:
        rows = [row for row in tx.system_query(TABLE).collect() if row["_id"] not in running and not row["isRunning"]]
        if not rows:
            return None
        first = min(rows, key=lambda row: float(row["nextTime"]))
        return WaitingCall(first["_id"], first["nextTime"], lambda: _CronRun(self, self._services, first))

    # For the runs.

    def claim(self, tx: Transaction, job_id: str, due_ms: float) -> bool:
        """Marks a job as running; False if the run that was due then is not wanted any more."""
        row = tx.system_get(TABLE, job_id)
        if row is None or row["isRunning"] or row["nextTime"] != due_ms:
            return False
        tx.system_patch(TABLE, job_id, {"isRunning": True})
        return True

    def settle(self, tx: Transaction, job_id: str, due_ms: float) -> None:
        """The run that was due then has ended: plans the next one, unless a deploy did so meanwhile."""
        row = tx.system_get(TABLE, job_id)
        if row is None:
            return
        ended: dict[str, Any] = {"isRunning": False}
        if row["nextTime"] == due_ms:
            times = Times(row["schedule"], row["splay"])
            ended["nextTime"], missed = times.after(due_ms, self._services.clock.now_ns() / 1_000_000)
            if missed:
                count = f"{missed} or more" if missed == SKIPPED_COUNTED_MAX else f"{missed}"
                _log.warning("Skipping %s run(s) of the cron job %s: their time has passed.", count, row["name"])
        tx.system_patch(TABLE, job_id, ended)

    def note_run(self, job_id: str, run: dict[str, Any]) -> None:
        """Adds a run to the last ones that are kept."""
        database = self._services.database
        tx = database.begin_mutation()
        row = tx.system_get(TABLE, job_id)
        if row is not None:
            tx.system_patch(TABLE, job_id, {"runs": _with_run(row, run)})
        database.commit(tx, _run_is_noted)


class _CronRun:
    """One run of a cron job as the target of a call."""

    conflict_backoff = CONFLICT_BACKOFF

    def __init__(self, crons: CronRunner, services: Services, row: dict[str, Any]) -> None:
        self._crons = crons
        self._services = services
        self._id: str = row["_id"]
        self._args: dict[str, Any] = row["args"][0]
        self._due_ms: float = row["nextTime"]
        self.path: str = row["path"]

    def make_call(self) -> Call:
        request_id = self._services.entropy.bytes(8).hex()
        return Call(self.path, self._args, visibility="internal", request_id=request_id, caller="cron")

    def claim(self, tx: Transaction) -> bool:
        return self._crons.claim(tx, self._id, self._due_ms)

    def settle(self, tx: Transaction, ending: Ending) -> None:
        self._crons.settle(tx, self._id, self._due_ms)

    def ended(self, outcome: Outcome) -> None:
        error = outcome.error
        result = outcome.value_json.decode() if error is None else error.message
        run = {
            "scheduledTime": self._due_ms,
            "status": "success" if error is None else "failed",
            "result": result[:SHOWN_MAX],
            "duration": outcome.duration,
            "logLines": "\n".join(outcome.log_lines)[:SHOWN_MAX],
        }
        self._crons.note_run(self._id, run)


def _is_same(row: dict[str, Any], job: ResolvedCron) -> bool:
    return (
        row["path"] == job.path
        and values_equal(row["schedule"], job.schedule)
        and values_equal(row["args"], [job.args])
    )


def _with_run(row: dict[str, Any], run: dict[str, Any]) -> list[dict[str, Any]]:
    return [*row["runs"], run][-RUNS_KEPT:]


def _run_is_noted(result: CommitResult) -> None:
    """A line of history that is lost is no harm."""
