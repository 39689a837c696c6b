"""The rows of `_scheduled_functions`: each change of state, and finding the ones that wait."""

from __future__ import annotations

from typing import Any

import pytest

from parabola.database import scheduled_jobs as jobs
from parabola.database.database import Database
from parabola.database.transaction import Transaction
from tests.unit.database.helpers import commit, open_database, write


def plan(database: Database, scheduled_ms: float, parent: str | None = None) -> str:
    return str(write(database, lambda tx: jobs.insert_job(tx, "m:f", {"at": scheduled_ms}, scheduled_ms, 7.0, parent)))


def row(database: Database, job_id: str) -> dict[str, Any]:
    found = database.begin_query().get(job_id, system=True)
    assert found is not None
    return {name: value for name, value in found.items() if not name.startswith("_")}


def test_a_request_is_a_pending_row() -> None:
    database = open_database()
    assert row(database, plan(database, 10.0)) == {
        "name": "m:f",
        "args": [{"at": 10}],
        "scheduledTime": 10,
        "state": {"kind": "pending"},
    }


@pytest.mark.parametrize(
    ("error", "state"), [(None, {"kind": "success"}), ("boom", {"kind": "failed", "error": "boom"})]
)
def test_a_job_is_claimed_once_and_settled_once(error: str | None, state: dict[str, str]) -> None:
    database = open_database()
    job_id = plan(database, 10.0)
    assert write(database, lambda tx: jobs.claim_job(tx, job_id)) is True
    assert row(database, job_id)["state"] == {"kind": "inProgress"}
    assert write(database, lambda tx: jobs.claim_job(tx, job_id)) is False
    write(database, lambda tx: jobs.settle_job(tx, job_id, error, 20.0))
    assert row(database, job_id)["state"] == state
    assert row(database, job_id)["completedTime"] == 20
    write(database, lambda tx: jobs.settle_job(tx, job_id, "again", 30.0))
    write(database, lambda tx: jobs.cancel_job(tx, job_id, 40.0))
    assert row(database, job_id)["state"] == state
    assert row(database, job_id)["completedTime"] == 20


@pytest.mark.parametrize("claimed", [False, True])
def test_a_canceled_job_stays_canceled(claimed: bool) -> None:
    database = open_database()
    job_id = plan(database, 10.0)
    if claimed:
        write(database, lambda tx: jobs.claim_job(tx, job_id))
    write(database, lambda tx: jobs.cancel_job(tx, job_id, 20.0))
    assert write(database, lambda tx: jobs.claim_job(tx, job_id)) is False
    write(database, lambda tx: jobs.settle_job(tx, job_id, None, 30.0))
    assert row(database, job_id)["state"] == {"kind": "canceled"}
    assert row(database, job_id)["completedTime"] == 20


def test_a_job_that_is_gone_is_left_alone() -> None:
    database = open_database()
    job_id = plan(database, 10.0)
    write(database, lambda tx: tx.system_delete(jobs.TABLE, job_id))
    before = database.latest_ts
    for work in (
        lambda tx: jobs.claim_job(tx, job_id),
        lambda tx: jobs.settle_job(tx, job_id, None, 1.0),
        lambda tx: jobs.cancel_job(tx, job_id, 1.0),
    ):
        write(database, work)
    assert database.latest_ts == before


@pytest.mark.parametrize("first", ["run", "cancel"])
def test_a_run_and_a_cancel_of_one_snapshot_conflict(first: str) -> None:
    database = open_database()
    job_id = plan(database, 10.0)
    run, cancel = database.begin_mutation(), database.begin_mutation()
    assert jobs.claim_job(run, job_id)
    jobs.settle_job(run, job_id, None, 20.0)
    jobs.cancel_job(cancel, job_id, 20.0)
    winner, loser = (run, cancel) if first == "run" else (cancel, run)
    assert commit(database, winner).conflict is None
    assert commit(database, loser).conflict is not None


def test_what_a_canceled_job_asks_for_is_canceled_from_the_start_and_conflicts_with_the_cancel() -> None:
    database = open_database()
    parent = plan(database, 10.0)
    assert row(database, plan(database, 10.0, parent))["state"] == {"kind": "pending"}
    racing = database.begin_mutation()
    jobs.insert_job(racing, "m:f", {}, 10.0, 7.0, parent)
    write(database, lambda tx: jobs.cancel_job(tx, parent, 20.0))
    assert commit(database, racing).conflict is not None
    child = row(database, plan(database, 10.0, parent))
    assert (child["state"], child["completedTime"]) == ({"kind": "canceled"}, 7)


def order(database: Database, running: frozenset[str] = frozenset()) -> list[str]:
    """The ids of the pending jobs, one by one from the first."""
    found: list[str] = []
    key: bytes | None = None
    while True:
        seen = running | set(found)
        job, key = jobs.first_pending(database.begin_query(), seen, len(seen), key)
        if job is None:
            return found
        found.append(job["_id"])


def test_pending_jobs_are_found_in_the_order_of_their_times_and_then_of_their_creation() -> None:
    database = open_database()
    late, early, also_early, never = (plan(database, at) for at in (30.0, 10.0, 10.0, 20.0))
    write(database, lambda tx: jobs.cancel_job(tx, never, 1.0))
    assert order(database) == [early, also_early, late]
    assert order(database, frozenset({early})) == [also_early, late]
    assert [job["_id"] for job in jobs.pending_jobs(database.begin_query(), 2)] == [early, also_early]


def test_a_look_begins_behind_the_places_of_jobs_that_have_run() -> None:
    database = open_database()
    done = [plan(database, 10.0) for _ in range(50)]
    next_one = plan(database, 10.0)
    for job_id in done:
        write(database, lambda tx, job_id=job_id: jobs.settle_job(tx, job_id, None, 20.0))
    found, key = jobs.first_pending(database.begin_query(), frozenset(), 0, None)
    assert found is not None
    assert found["_id"] == next_one
    # From there on the 50 are not met again: below the key is nothing that waits.
    assert key is not None
    assert jobs.FIRST_KEY < key < jobs.END_KEY
    again, same_key = jobs.first_pending(database.begin_query(), frozenset(), 0, key)
    assert (again, same_key) == (found, key)
    assert jobs.first_pending(database.begin_query(), frozenset({next_one}), 1, key) == (None, jobs.END_KEY)
    assert jobs.first_pending(database.begin_query(), frozenset(), 0, jobs.END_KEY) == (None, jobs.END_KEY)


def test_a_commit_says_from_where_on_to_look_again() -> None:
    database = open_database()
    before = database.latest_ts
    late, early = plan(database, 30.0), plan(database, 10.0)
    write(database, lambda tx: jobs.settle_job(tx, late, None, 40.0))
    write(database, lambda tx: tx.insert("others", {}))
    entries = database.write_log.since(before)
    keys = [jobs.lowest_touched_key(entry) for entry in entries]
    assert keys[1] is not None
    assert keys[0] is not None
    assert keys[1] < keys[0]
    # Settling touches the place that the job had.
    assert keys[2] == keys[0]
    assert keys[3:] == [None] * (len(keys) - 3)
    found, _ = jobs.first_pending(database.begin_query(), frozenset(), 0, keys[1])
    assert found is not None
    assert found["_id"] == early


def test_only_jobs_in_progress_are_failed_by_a_restart() -> None:
    database = open_database()
    pending, running, canceled = (plan(database, 10.0) for _ in range(3))
    write(database, lambda tx: jobs.claim_job(tx, running))
    write(database, lambda tx: jobs.claim_job(tx, canceled))
    write(database, lambda tx: jobs.cancel_job(tx, canceled, 20.0))
    write(database, lambda tx: jobs.fail_interrupted_jobs(tx, 30.0))
    assert row(database, pending)["state"] == {"kind": "pending"}
    assert row(database, canceled)["state"] == {"kind": "canceled"}
    assert row(database, running)["state"] == {"kind": "failed", "error": "Transient error while executing action"}


def test_completed_jobs_are_removed_by_their_time_a_few_at_once_and_pending_ones_never() -> None:
    database = open_database()
    pending, *others = (plan(database, 1.0) for _ in range(5))
    for at, job_id in enumerate(others):
        write(database, lambda tx, job_id=job_id, at=at: jobs.settle_job(tx, job_id, None, 100.0 + at))

    def remove(tx: Transaction) -> int:
        return jobs.remove_completed_jobs(tx, 103.0, 2)

    assert [write(database, remove) for _ in range(3)] == [2, 1, 0]
    left = database.begin_query().query(jobs.TABLE, system=True).collect()
    assert [job["_id"] for job in left] == [pending, others[3]]


def test_users_cannot_use_the_indexes_that_jobs_are_found_by() -> None:
    database = open_database()
    plan(database, 1.0)
    tx = database.begin_query()
    assert len(tx.query(jobs.TABLE, system=True).with_index("by_id").collect()) == 1
    assert len(tx.query(jobs.TABLE, system=True).with_index("by_creation_time").collect()) == 1
    with pytest.raises(Exception, match=r"Index _scheduled_functions\.by_state_and_time not found\."):
        tx.query(jobs.TABLE, system=True).with_index("by_state_and_time").collect()
