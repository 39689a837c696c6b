"""The rows of `_scheduled_functions`: what is asked for, and each change of state that it can go through.

A row is `{name, args, scheduledTime, completedTime?, state}` (semantics 11.3). Times are milliseconds since 1970. Every
function here reads the row before it changes it, in the transaction that it is given: that read is the evidence by
which a run, a `cancel` and a restart that want the same row are told apart when they commit. See
docs/decisions/0003-scheduled-functions-are-rows.md.
"""

from __future__ import annotations

from collections.abc import Container
from typing import Any, Final

from parabola.database.key_functions import Document
from parabola.database.system_tables import SCHEDULED_FUNCTIONS, system_index_number
from parabola.database.transaction import Transaction
from parabola.database.write_log import LogEntry
from parabola.values.keys import encode_key, prefix_end

TABLE: Final = SCHEDULED_FUNCTIONS.name
INTERRUPTED_TEXT: Final = "Transient error while executing action"

PENDING: Final = "pending"
IN_PROGRESS: Final = "inProgress"
SUCCESS: Final = "success"
FAILED: Final = "failed"
CANCELED: Final = "canceled"

_BY_STATE_AND_TIME: Final = SCHEDULED_FUNCTIONS.indexes[0][0]
_BY_COMPLETED_TIME: Final = SCHEDULED_FUNCTIONS.indexes[1][0]
_BY_STATE_AND_TIME_NUMBER: Final = system_index_number(SCHEDULED_FUNCTIONS.number, 0)

FIRST_KEY: Final = encode_key(PENDING)
"""Of the pending jobs in the index that has them in the order of their times."""
END_KEY: Final = prefix_end(FIRST_KEY)
"""Above all of them."""


def insert_job(
    tx: Transaction, name: str, args: dict[str, Any], scheduled_ms: float, now_ms: float, parent_id: str | None
) -> str:
    """Asks for a call of `name` at `scheduled_ms`; returns the id of the row.

    `parent_id` is the job that asks, if one does: what a canceled job asks for is canceled from the start.
    """
    row: Document = {"name": name, "args": [args], "scheduledTime": scheduled_ms, "state": {"kind": PENDING}}
    if parent_id is not None:
        parent = tx.system_get(TABLE, parent_id)
        if parent is not None and parent["state"]["kind"] == CANCELED:
            row |= {"state": {"kind": CANCELED}, "completedTime": now_ms}
    return tx.system_insert(TABLE, row)


def cancel_job(tx: Transaction, job_id: str, now_ms: float) -> None:
    """A job that has not ended is canceled; one that has, or that is gone, is left alone."""
    if _state(tx, job_id) in (PENDING, IN_PROGRESS):
        _complete(tx, job_id, {"kind": CANCELED}, now_ms)


def claim_job(tx: Transaction, job_id: str) -> bool:
    """Marks a pending job as being in progress; False, and nothing written, if it is not pending any more."""
    if _state(tx, job_id) != PENDING:
        return False
    tx.system_patch(TABLE, job_id, {"state": {"kind": IN_PROGRESS}})
    return True


def settle_job(tx: Transaction, job_id: str, error: str | None, now_ms: float) -> None:
    """The run has ended: with success, or with `error`. A job that was canceled meanwhile stays so."""
    if _state(tx, job_id) in (PENDING, IN_PROGRESS):
        _complete(tx, job_id, {"kind": SUCCESS} if error is None else {"kind": FAILED, "error": error}, now_ms)


def pending_jobs(tx: Transaction, at_most: int) -> list[Document]:
    """The first of the jobs that wait, in the order in which they are due."""
    return tx.system_query(TABLE).with_index(_BY_STATE_AND_TIME, lambda q: q.eq("state.kind", PENDING)).take(at_most)


def first_pending(
    tx: Transaction, running: Container[str], count: int, from_key: bytes | None
) -> tuple[Document | None, bytes | None]:
    """The first pending job that is not one of the `count` that run, and its key, to begin at the next time.

    Jobs that have run leave their places in the index behind for a while, in front of those that wait. Whoever looks
    again and again has to begin behind them.
    """
    table = tx.catalog.by_name[TABLE]
    index = table.indexes[_BY_STATE_AND_TIME]
    if from_key == END_KEY:
        return None, END_KEY
    found = tx.read_first(
        table, index, from_key or FIRST_KEY, END_KEY, descending=False, limit=count + 1, unmetered=True
    )
    for job in found or ():
        if job["_id"] not in running:
            return job, table.keys_of(job)[index.position]
    return None, END_KEY


def lowest_touched_key(entry: LogEntry) -> bytes | None:
    """The lowest key of a pending job that a commit touched: from there on there may be others than before."""
    keys = [key for number, key in entry.touched if number == _BY_STATE_AND_TIME_NUMBER and key.startswith(FIRST_KEY)]
    return min(keys, default=None)


def fail_interrupted_jobs(tx: Transaction, now_ms: float) -> None:
    """Settles the actions that were in progress when the last process ended: no more than could run at once."""
    in_progress = tx.system_query(TABLE).with_index(_BY_STATE_AND_TIME, lambda q: q.eq("state.kind", IN_PROGRESS))
    for job in in_progress.collect():
        settle_job(tx, job["_id"], INTERRUPTED_TEXT, now_ms)


def remove_completed_jobs(tx: Transaction, before_ms: float, at_most: int) -> int:
    """Removes jobs that were completed before that time; returns how many."""
    old = (
        tx.system_query(TABLE)
        .with_index(_BY_COMPLETED_TIME, lambda q: q.gt("completedTime", None).lt("completedTime", before_ms))
        .take(at_most)
    )
    for job in old:
        tx.system_delete(TABLE, job["_id"])
    return len(old)


def _state(tx: Transaction, job_id: str) -> str | None:
    row = tx.system_get(TABLE, job_id)
    return None if row is None else str(row["state"]["kind"])


def _complete(tx: Transaction, job_id: str, state: Document, now_ms: float) -> None:
    tx.system_patch(TABLE, job_id, {"state": state, "completedTime": now_ms})
