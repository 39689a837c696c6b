"""Each storage call fails in turn; what is found afterwards is a prefix of what was staged, with all acknowledged."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Literal

import pytest

from parabola.errors import StorageFailure
from parabola.storage.contract import Storage
from parabola.storage.memory import MemoryStorage
from parabola.storage.records import Commit, DocumentWrite, IndexWrite
from parabola.storage.sqlite import SQLiteStorage
from parabola.testing.faults import READS, WRITES, FaultyStorage
from parabola.testing.storage_suite import INDEX, TABLE, StorageMaker, StorageSuite, scan

COMMITS = 12


class TestFaultyStorageWithoutFaults(StorageSuite):
    """A wrapper that never fails is a storage like any other."""

    @pytest.fixture
    def make_storage(self, tmp_path: Path) -> StorageMaker:
        return StorageMaker(open=lambda: FaultyStorage(SQLiteStorage(tmp_path / "data")))


def commit_at(ts: int) -> Commit:
    """Moves document `mover` to a new key and leaves a trace: three documents and two entries that belong together."""
    text = b"%d" % ts
    return Commit(
        ts,
        [DocumentWrite(TABLE, "mover", text), DocumentWrite(TABLE, f"trace{ts:02d}", text)],
        [IndexWrite(INDEX, b"k%02d" % (ts - 1), None), IndexWrite(INDEX, b"k%02d" % ts, "mover")],
    )


def run_scenario(storage: Storage) -> int:
    """Stages commits, flushing now and then; returns the newest timestamp that was acknowledged."""
    acknowledged_ts = 0
    try:
        for ts in range(1, COMMITS + 1):
            storage.stage(commit_at(ts))
            if ts % 3 == 0:
                acknowledged_ts = storage.flush()
            if ts % 5 == 0:
                storage.set_retention(ts - 4)
            storage.get(TABLE, "mover", ts)
            scan(storage, ts)
            list(storage.read_log(ts - 1, ts))
        acknowledged_ts = storage.flush()
    except StorageFailure:
        pass
    return acknowledged_ts


def check_prefix(found: Storage, acknowledged_ts: int) -> None:
    """Everything up to some timestamp is there and nothing after it; what was acknowledged is below it."""
    latest_ts = found.latest_ts()
    assert acknowledged_ts <= latest_ts <= COMMITS
    traces = found.scan_table(TABLE, "trace", None, latest_ts, descending=False, limit=99)
    assert [row.document for row in traces] == [b"%d" % ts for ts in range(1, latest_ts + 1)]
    if latest_ts:
        assert scan(found, latest_ts) == [(b"k%02d" % latest_ts, "mover", b"%d" % latest_ts)]
        found.stage(commit_at(latest_ts + 1))
        assert found.flush() == latest_ts + 1


def copy_of_a_killed_folder(directory: Path, copy: Path) -> Path:
    """What a kill at this moment would leave. The data file first: the log may be ahead of it, never behind."""
    copy.mkdir()
    for name in ("data.sqlite", "data.sqlite-wal", "log.sqlite", "log.sqlite-wal"):
        shutil.copy(directory / name, copy / name)
    return copy


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("calls", [WRITES, READS])
def test_a_memory_storage_that_fails_at_any_call_keeps_a_prefix(
    when: Literal["before", "after"], calls: frozenset[str]
) -> None:
    for fail_at in count(1):
        storage = FaultyStorage(MemoryStorage(), fail_at=fail_at, calls=calls, when=when)
        acknowledged_ts = run_scenario(storage)
        check_prefix(storage.after_crash(), acknowledged_ts)
        if not storage.has_failed:
            assert acknowledged_ts == COMMITS
            return


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("is_settled", [True, False])
def test_an_sqlite_storage_that_fails_at_any_call_keeps_a_prefix(
    when: Literal["before", "after"], is_settled: bool, tmp_path: Path
) -> None:
    for fail_at in count(1):
        directory = tmp_path / f"{fail_at}"
        inner = SQLiteStorage(directory)
        storage = FaultyStorage(inner, fail_at=fail_at, when=when)
        acknowledged_ts = run_scenario(storage)
        if is_settled:
            inner.catch_up()
        found = SQLiteStorage(copy_of_a_killed_folder(directory, tmp_path / f"{fail_at}-killed"))
        check_prefix(found, acknowledged_ts)
        found.close()
        inner.close()
        if not storage.has_failed:
            assert acknowledged_ts == COMMITS
            return


class Medium:
    """Stands in for a connection, and refuses its nth statement."""

    def __init__(self, connection: object, refuse: Callable[[str], None]) -> None:
        self._connection = connection
        self._refuse = refuse

    def execute(self, statement: str, *parameters: object) -> object:
        self._refuse(statement)
        return self._connection.execute(statement, *parameters)  # type: ignore[attr-defined]

    def __getattr__(self, name: str) -> object:
        return getattr(self._connection, name)


@pytest.mark.parametrize("file", ["log", "data"])
def test_a_medium_that_refuses_any_one_statement_loses_nothing_acknowledged(
    file: Literal["log", "data"], tmp_path: Path
) -> None:
    for fail_at in count(1):
        directory = tmp_path / f"{fail_at}"
        storage = SQLiteStorage(directory)
        executed = 0

        def refuse(statement: str, fail_at: int = fail_at) -> None:
            nonlocal executed
            executed += 1
            if executed == fail_at:
                raise sqlite3.OperationalError("disk is full")

        if file == "log":
            storage._log = Medium(storage._log, refuse)  # type: ignore[assignment]
        else:
            storage._applier._data = Medium(storage._applier._data, refuse)  # type: ignore[assignment]
        acknowledged_ts = 0
        message = ""
        try:
            for ts in range(1, COMMITS + 1):
                storage.stage(commit_at(ts))
                acknowledged_ts = storage.flush()
                if ts % 4 == 0:
                    storage.catch_up()
                    storage.set_retention(ts - 2)
        except StorageFailure as failure:
            message = failure.message
        assert message == "" or ("disk is full" in message and "open the storage again" in message)
        was_untouched = executed < fail_at
        storage.close()
        found = SQLiteStorage(directory)
        check_prefix(found, acknowledged_ts)
        found.close()
        if was_untouched:
            assert acknowledged_ts == COMMITS
            return
