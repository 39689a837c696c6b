"""Semantics 7.1 and 7.4: conflicts, timestamps, durability."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from parabola.database.committer import CommitResult
from parabola.database.database import Database
from parabola.database.flusher import ManualFlusher
from parabola.database.write_log import LogEntry
from parabola.errors import StorageFailure
from parabola.schema.tables import define_schema, define_table
from parabola.schema.validators import v
from parabola.storage.memory import MemoryStorage
from parabola.storage.records import Commit
from tests.unit.database.helpers import commit, fill, open_database, write

SCHEMA = define_schema(t=define_table(v.any()).index("by_n", ["n"]))


def manual() -> tuple[Database, ManualFlusher]:
    storage = MemoryStorage()
    flusher = ManualFlusher(storage)
    database = open_database(SCHEMA, storage=storage, flusher=flusher)
    flusher.flush()
    return database, flusher


# conflicts


def test_a_counter_read_and_written_by_two_conflicts() -> None:
    database = open_database(SCHEMA)
    (one,) = fill(database, "t", {"n": 1})
    first, second = database.begin_mutation(), database.begin_mutation()
    for tx in (first, second):
        document = tx.get(one)
        assert document is not None
        tx.patch(one, {"n": document["n"] + 1})
    assert commit(database, first).conflict is None
    conflict = commit(database, second).conflict
    assert conflict is not None
    assert (conflict.table, conflict.document_id) == ("t", one)
    assert conflict.message.startswith(
        'Documents read from or written to the "t" table changed while this mutation was being run and on every '
        "subsequent retry."
    )


def test_write_skew_is_prevented() -> None:
    database = open_database(SCHEMA)
    left, right = fill(database, "t", {"n": 1}, {"n": 1})
    first, second = database.begin_mutation(), database.begin_mutation()
    for tx, target in ((first, left), (second, right)):
        tx.get(left)
        tx.get(right)
        tx.patch(target, {"n": 0})
    assert commit(database, first).conflict is None
    assert commit(database, second).conflict is not None


def test_phantoms_are_prevented() -> None:
    database = open_database(SCHEMA)
    first, second = database.begin_mutation(), database.begin_mutation()
    for tx in (first, second):
        assert tx.query("t").with_index("by_n", lambda q: q.eq("n", 7)).unique() is None
        tx.insert("t", {"n": 7})
    assert commit(database, first).conflict is None
    assert commit(database, second).conflict is not None


def test_writes_next_to_a_range_do_not_conflict() -> None:
    database = open_database(SCHEMA)
    first, second = database.begin_mutation(), database.begin_mutation()
    first.query("t").with_index("by_n", lambda q: q.eq("n", 0)).collect()
    first.insert("t", {"n": 0})
    second.query("t").with_index("by_n", lambda q: q.eq("n", 1)).collect()
    second.insert("t", {"n": 1})
    assert commit(database, first).conflict is None
    assert commit(database, second).conflict is None


def test_a_transaction_that_wrote_nothing_never_conflicts() -> None:
    database = open_database(SCHEMA)
    (one,) = fill(database, "t", {"n": 1})
    tx = database.begin_mutation()
    begun = tx.begin_ts
    tx.get(one)
    write(database, lambda tx: tx.patch(one, {"n": 2}))
    assert commit(database, tx) == CommitResult(ts=begun)


def test_a_transaction_older_than_the_log_conflicts() -> None:
    database = open_database(SCHEMA)
    tx = database.begin_mutation()
    tx.insert("t", {})
    write(database, lambda tx: tx.insert("t", {}))
    write(database, lambda tx: tx.insert("t", {}))
    database.write_log.forget_before(database.latest_ts - 1)
    assert commit(database, tx).conflict is not None


def test_a_committed_transaction_is_closed() -> None:
    database = open_database(SCHEMA)
    tx = database.begin_mutation()
    commit(database, tx)
    assert tx.closed


# timestamps and snapshots


def test_timestamps_rise_also_when_the_clock_stands() -> None:
    database = open_database(SCHEMA)
    stamps = []
    for _ in range(5):
        tx = database.begin_mutation()
        tx.insert("t", {})
        stamps.append(commit(database, tx).ts)
    assert sorted(set(stamps)) == stamps


def test_timestamps_never_go_back_over_a_restart() -> None:
    database = open_database(SCHEMA)
    for _ in range(5):
        write(database, lambda tx: tx.insert("t", {}))
    again = open_database(storage=database.storage)
    write(again, lambda tx: tx.insert("t", {}))
    assert again.latest_ts > database.latest_ts


def test_queries_read_what_is_durable_and_mutations_what_is_newest() -> None:
    database, flusher = manual()
    results: list[CommitResult] = []
    tx = database.begin_mutation()
    tx.insert("t", {"n": 1})
    database.commit(tx, results.append)
    assert results == []
    assert database.begin_query().query("t").collect() == []
    assert len(database.begin_mutation().query("t").collect()) == 1
    flusher.flush()
    assert len(results) == 1
    assert results[0].ts == database.durable_ts == database.latest_ts
    assert len(database.begin_query().query("t").collect()) == 1


def test_a_query_reads_the_past_as_it_was() -> None:
    database = open_database(SCHEMA)
    (one,) = fill(database, "t", {"n": 1})
    before = database.durable_ts
    write(database, lambda tx: tx.patch(one, {"n": 2}))
    assert [document["n"] for document in database.begin_query(before).query("t").collect()] == [1]


# durability and publication


def test_a_batch_is_answered_in_order_and_then_published() -> None:
    database, flusher = manual()
    events: list[Any] = []

    def heard(entries: Sequence[LogEntry]) -> None:
        events.append([entry.ts for entry in entries])

    database.add_commit_listener(heard)
    stamps = []
    for n in range(3):
        tx = database.begin_mutation()
        tx.insert("t", {"n": n})
        database.commit(tx, lambda result: events.append(result.ts))
        stamps.append(database.latest_ts)
    assert events == []
    flusher.flush()
    assert events == [*stamps, stamps]


def test_what_read_undurable_state_is_answered_when_that_is_durable() -> None:
    database, flusher = manual()
    results: list[CommitResult] = []
    tx = database.begin_mutation()
    tx.insert("t", {})
    database.commit(tx, results.append)
    reader = database.begin_mutation()
    reader.query("t").collect()
    database.commit(reader, results.append)
    assert results == []
    flusher.flush()
    assert [result.ts for result in results] == [database.durable_ts] * 2


def test_a_conflict_is_reported_at_once() -> None:
    database, _ = manual()
    write_results: list[CommitResult] = []
    first, second = database.begin_mutation(), database.begin_mutation()
    for tx in (first, second):
        tx.query("t").collect()
        tx.insert("t", {})
    database.commit(first, write_results.append)
    database.commit(second, write_results.append)
    assert len(write_results) == 1
    assert write_results[0].conflict is not None


class FailingStorage(MemoryStorage):
    """A storage whose medium breaks when told to."""

    broken = ""

    def flush(self) -> int:
        if self.broken == "flush":
            raise StorageFailure("disk full")
        return super().flush()

    def stage(self, commit: Commit) -> None:
        if self.broken == "stage":
            raise StorageFailure("disk full")
        super().stage(commit)


@pytest.mark.parametrize("step", ["flush", "stage"])
def test_a_failure_fails_everything_pending_and_all_that_follows(step: str) -> None:
    storage = FailingStorage()
    flusher = ManualFlusher(storage)
    database = open_database(SCHEMA, storage=storage, flusher=flusher)
    flusher.flush()
    results: list[CommitResult] = []

    def insert() -> None:
        tx = database.begin_mutation()
        tx.insert("t", {})
        database.commit(tx, results.append)

    insert()
    storage.broken = step
    insert()
    flusher.flush()
    insert()
    assert len(results) == 3
    for result in results:
        assert isinstance(result.error, StorageFailure)
        assert "disk full" in result.error.message
        assert "No more writes are accepted" in result.error.message
    assert database.begin_query().query("t").collect() == []


# what is written


class RecordingStorage(MemoryStorage):
    """Remembers what was staged."""

    def __init__(self) -> None:
        super().__init__()
        self.staged: list[Commit] = []

    def stage(self, commit: Commit) -> None:
        self.staged.append(commit)
        super().stage(commit)


def test_only_keys_that_changed_are_written_and_all_are_touched() -> None:
    storage = RecordingStorage()
    database = open_database(SCHEMA, storage=storage)
    (one,) = fill(database, "t", {"n": 1})
    write(database, lambda tx: tx.patch(one, {"other": 1}))
    assert list(storage.staged[-1].index_entries) == []
    assert len(database.write_log.since(0)[-1].touched) == 3
    write(database, lambda tx: tx.patch(one, {"n": 2}))
    entries = storage.staged[-1].index_entries
    assert [document_id for _, _, document_id in entries] == [None, one]
    assert len(database.write_log.since(0)[-1].touched) == 4
    write(database, lambda tx: tx.delete(one))
    assert [document_id for _, _, document_id in storage.staged[-1].index_entries] == [None, None]
