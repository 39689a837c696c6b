"""Housekeeping on a timer: what nobody may ask for any more is given back.

Three things grow with time rather than with the application's data: old versions of documents (limit `retention_s`),
the records of answered mutations that make a re-sent one happen once (`session_requests_retention_s`), and the rows of
scheduled functions that have ended (`scheduled_functions_retention_s`). They are removed in small steps (records by
whole days), so that a server that was off for a month does not stall when it is started again.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Final

from parabola.database.committer import CommitResult
from parabola.database.database import Database
from parabola.database.scheduled_jobs import remove_completed_jobs
from parabola.database.system_tables import SESSION_REQUESTS
from parabola.database.transaction import Transaction
from parabola.functions.session_requests import first_id_of_day
from parabola.limits import Limits
from parabola.seams import Clock

INTERVAL_S: Final = 5.0
"""How often to look. Removal of versions itself happens in the storage, in the background."""

RECORDS_PER_LOOK_MAX: Final = 100
"""How many records one look removes; everybody waits meanwhile, for less than 10 ms on SQLite. While there are more,
the next look comes soon: some thousands a second, about as fast as a busy server makes them."""

_SOON_S: Final = 0.02

_log = logging.getLogger("parabola.backend")


class Maintenance:
    """Moves the windows of what is kept along with the clock, from `start` to `stop`."""

    def __init__(self, database: Database, clock: Clock, limits: Limits) -> None:
        self._database = database
        self._clock = clock
        self._retention_ns = int(limits.retention_s * 1_000_000_000)
        self._records_retention_ns = int(limits.session_requests_retention_s * 1_000_000_000)
        self._jobs_retention_ms = limits.scheduled_functions_retention_s * 1000
        self._timer: asyncio.TimerHandle | None = None

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Looks every `INTERVAL_S` from now on, and sooner while there is much to remove."""
        self._timer = loop.call_later(INTERVAL_S, self._tick, loop)

    def stop(self) -> None:
        """Looks no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def look(self) -> int:
        """Lets go of what is older than the windows; returns how many records and rows were removed, of each kind at
        most `RECORDS_PER_LOOK_MAX`.
        """
        now_ns = self._clock.now_ns()
        self._database.set_retention(now_ns - self._retention_ns)
        tx = self._database.begin_mutation()
        removed = self._remove_records(tx, now_ns - self._records_retention_ns)
        removed += remove_completed_jobs(tx, now_ns / 1_000_000 - self._jobs_retention_ms, RECORDS_PER_LOOK_MAX)
        # With nothing to remove this writes nothing; a conflict or a failing store leaves the records to the next look.
        self._database.commit(tx, _committed)
        return removed

    def _remove_records(self, tx: Transaction, oldest_ns: int) -> int:
        oldest_kept = first_id_of_day(max(0, oldest_ns))
        expired = (
            tx.system_query(SESSION_REQUESTS.name)
            .with_index("by_id", lambda q: q.lt("_id", oldest_kept))
            .take(RECORDS_PER_LOOK_MAX)
        )
        for record in expired:
            tx.system_delete(SESSION_REQUESTS.name, record["_id"])
        return len(expired)

    def _tick(self, loop: asyncio.AbstractEventLoop) -> None:
        removed = 0
        try:
            removed = self.look()
        except Exception:
            # A store that refuses is reported to those who write; housekeeping only tries again.
            _log.exception("What is no longer needed could not be removed.")
        self._timer = loop.call_later(_SOON_S if removed >= RECORDS_PER_LOOK_MAX else INTERVAL_S, self._tick, loop)


def _committed(result: CommitResult) -> None:
    """Nobody waits for the removal of a record."""
