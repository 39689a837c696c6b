"""Whatever runs concurrently looks as if it had run one after another; and the check that says so can be trusted.

The first half runs histories against the engine as it is. The second half breaks the engine in the classic ways, one
at a time, and demands that the very same check notices each.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from parabola.database.catalog import Table
from parabola.database.committer import Committer
from parabola.database.scan import Scan
from parabola.database.transaction import Conflict, Transaction
from parabola.database.write_log import LogEntry
from tests.simulation.history import History, LiveQuery, report, simulate, violations

SEEDS = [int(os.environ["PARABOLA_SEED"])] if "PARABOLA_SEED" in os.environ else list(range(40))
SEEDS_UNTIL_NOTICED = 40


@pytest.mark.parametrize("seed", SEEDS)
def test_committed_transactions_are_equivalent_to_the_order_of_their_timestamps(seed: int) -> None:
    history = simulate(seed)
    found = violations(history)
    assert not found, report(history, found)


def test_the_histories_are_worth_checking() -> None:
    histories = [simulate(seed) for seed in range(5)]
    assert sum(history.conflicts for history in histories) > 20
    assert sum(history.commits for history in histories) > 100
    kinds = {operation.kind for history in histories for one in history.attempts for operation in one.operations}
    assert {"get", "group", "all", "insert", "patch", "delete", "commit_nested", "rollback_nested"} <= kinds


def test_a_seed_gives_the_same_history_again() -> None:
    def told(history: History) -> list[Any]:
        return [(one.number, one.operations, one.result and one.result.ts) for one in history.attempts]

    assert told(simulate(7)) == told(simulate(7))


# The engine, broken on purpose


def lost_update(history: History, patch: pytest.MonkeyPatch) -> None:
    """Reads by id leave no evidence."""
    load = Transaction._load

    def load_quietly(self: Transaction, table: Table, document_id: str, *, unmetered: bool) -> bytes | None:
        data = load(self, table, document_id, unmetered=unmetered)
        (self._system_reads if unmetered else self._reads.recent).pop()
        return data

    patch.setattr(Transaction, "_load", load_quietly)


def write_skew(history: History, patch: pytest.MonkeyPatch) -> None:
    """Only writes to the same document conflict, as under snapshot isolation."""

    def find_conflict(self: Committer, tx: Transaction) -> Conflict | None:
        mine = {
            (write.table.by_id_number, keys[0])
            for write in tx.writes.by_id.values()
            for keys in (write.base_keys or write.keys,)
            if keys is not None
        }
        for entry in history.database.write_log.since(tx.begin_ts):
            if mine.intersection(entry.touched):
                return Conflict("items")
        return None

    patch.setattr(Committer, "find_conflict", find_conflict)


def stale_read(history: History, patch: pytest.MonkeyPatch) -> None:
    """Documents come from a snapshot one commit older than the one that the transaction is judged by."""
    storage = history.database.storage
    get = storage.get

    def stale_get(table_number: int, document_id: str, ts: int) -> bytes | None:
        return get(table_number, document_id, history.database.write_log.before(ts))

    patch.setattr(storage, "get", stale_get)


def dirty_read(history: History, patch: pytest.MonkeyPatch) -> None:
    """Documents come with what other transactions mean to write."""
    storage = history.database.storage
    get = storage.get

    def dirty_get(table_number: int, document_id: str, ts: int) -> bytes | None:
        for attempt, _ in history.open:
            write = attempt.tx.writes.by_id.get(document_id)
            if write is not None:
                return write.data
        return get(table_number, document_id, ts)

    patch.setattr(storage, "get", dirty_get)


def phantom(history: History, patch: pytest.MonkeyPatch) -> None:
    """Scans leave evidence of the rows that they found, and none of the gaps."""
    pull = Scan.pull
    pull_all = Scan.pull_all

    def noted_pull(self: Scan) -> Any:
        row = pull(self)
        if row is not None:
            rows_of.setdefault(id(self), []).append(row.key)
        return row

    def noted_pull_all(self: Scan) -> Any:
        rows = pull_all(self)
        if rows is not None:
            rows_of.setdefault(id(self), []).extend(row.key for row in rows)
        return rows

    def record_scan(self: Transaction, scan: Scan, unmetered: bool) -> None:
        for key in rows_of.pop(id(scan), []):
            self._reads.add_point(scan.index.number, key)

    rows_of: dict[int, list[bytes]] = {}
    patch.setattr(Scan, "pull", noted_pull)
    patch.setattr(Scan, "pull_all", noted_pull_all)
    patch.setattr(Transaction, "record_scan", record_scan)


def forgotten_nested_reads(history: History, patch: pytest.MonkeyPatch) -> None:
    """A nested call that is rolled back takes its evidence along."""
    begin, rollback = Transaction.begin_nested, Transaction.rollback_nested
    saved: dict[int, list[list[Any]]] = {}

    def begin_nested(self: Transaction) -> None:
        saved.setdefault(id(self), []).append(list(self._reads.recent))
        begin(self)

    def rollback_nested(self: Transaction) -> None:
        rollback(self)
        self._reads.recent[:] = saved[id(self)].pop()

    patch.setattr(Transaction, "begin_nested", begin_nested)
    patch.setattr(Transaction, "rollback_nested", rollback_nested)


def old_keys_only(history: History, patch: pytest.MonkeyPatch) -> None:
    """A write touches where the document was, not where it now is."""
    append = history.database.write_log.append

    def half_append(entry: LogEntry) -> None:
        seen: set[int] = set()
        touched = []
        for number, key in entry.touched:
            if number not in seen:
                touched.append((number, key))
            seen.add(number)
        entry.touched = touched
        append(entry)

    patch.setattr(history.database.write_log, "append", half_append)


def missed_invalidation(history: History, patch: pytest.MonkeyPatch) -> None:
    """Live queries hear of writes by id only."""

    def deaf(self: LiveQuery, database: Any, entries: Sequence[LogEntry]) -> None:
        by_id = 2 * 10_001
        if any(
            self.read_set.overlaps(LogEntry(entry.ts, [key for key in entry.touched if key[0] == by_id]))
            for entry in entries
        ):
            self.run(database)

    patch.setattr(LiveQuery, "hear", deaf)


Fault = Callable[[History, pytest.MonkeyPatch], None]
FAULTS: list[Fault] = [
    lost_update,
    write_skew,
    stale_read,
    dirty_read,
    phantom,
    forgotten_nested_reads,
    old_keys_only,
    missed_invalidation,
]


@pytest.fixture
def patch() -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as context:
        yield context


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_the_check_notices_a_broken_engine(fault: Fault) -> None:
    for seed in range(SEEDS_UNTIL_NOTICED):
        with pytest.MonkeyPatch.context() as patch:
            history = simulate(seed, prepare=lambda history: fault(history, patch))
            if violations(history):
                return
    pytest.fail(f"{fault.__doc__} None of {SEEDS_UNTIL_NOTICED} histories showed it, so the check is blind to it.")
