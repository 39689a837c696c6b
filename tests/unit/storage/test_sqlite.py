"""What is particular to the SQLite storage; the promises it shares are in tests/contract."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
from pathlib import Path

import pytest

from parabola.errors import StorageFailure
from parabola.storage.documents import Documents
from parabola.storage.recent import Recent
from parabola.storage.records import Commit, DocumentWrite, IndexWrite
from parabola.storage.sqlite import SQLiteStorage
from parabola.storage.sqlite_reader import SQLiteReader


def commit_at(ts: int, document: bytes = b"x") -> Commit:
    return Commit(ts, (DocumentWrite(1, "a", document),), (IndexWrite(5, b"k", "a"),))


def count_rows(path: Path, table: str) -> int:
    connection = sqlite3.connect(path)
    try:
        return int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])
    finally:
        connection.close()


def test_a_flush_is_one_row_of_the_log_however_many_commits_it_holds(tmp_path: Path) -> None:
    storage = SQLiteStorage(tmp_path)
    for ts in range(1, 101):
        storage.stage(commit_at(ts))
    storage.flush()
    storage.close()
    assert count_rows(tmp_path / "log.sqlite", "log") == 1


def test_a_batch_beyond_what_one_row_may_hold_is_split_and_stays_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("parabola.storage.sqlite.LOG_ROW_BYTES_MAX", 10_000)
    storage = SQLiteStorage(tmp_path)
    commits = [commit_at(ts, b"x" * 3000) for ts in range(1, 11)]
    for commit in commits:
        storage.stage(commit)
    storage.flush()
    assert list(storage.read_log(0, 99)) == commits
    storage.close()
    assert count_rows(tmp_path / "log.sqlite", "log") > 3


def test_old_versions_and_old_rows_of_the_log_are_removed_once_nobody_reads_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("parabola.storage.applier.CHECKPOINT_ROWS", 1)
    storage = SQLiteStorage(tmp_path)
    ts = 0
    for _ in range(30):
        for _ in range(10):
            ts += 1
            storage.stage(commit_at(ts))
        storage.flush()
        storage.catch_up()
        storage.set_retention(ts - 5)
    storage.close()
    assert count_rows(tmp_path / "data.sqlite", "documents") < 100
    assert count_rows(tmp_path / "log.sqlite", "log") < 20


def test_memory_stays_bounded_when_the_data_file_cannot_keep_up(tmp_path: Path) -> None:
    storage = SQLiteStorage(tmp_path, recent_bytes_max=100_000)
    for ts in range(1, 1001):
        storage.stage(commit_at(ts, b"x" * 10_000))
        storage.flush()
        assert storage.statistics()["recent_commits"] < 100
    storage.close()


def test_what_the_data_file_lacks_is_replayed_from_the_log(tmp_path: Path) -> None:
    storage = SQLiteStorage(tmp_path / "running")
    for ts in range(1, 51):
        storage.stage(commit_at(ts, b"%d" % ts))
    storage.flush()
    shutil.copytree(tmp_path / "running", tmp_path / "killed")
    storage.close()
    storage = SQLiteStorage(tmp_path / "killed")
    assert storage.latest_ts() == storage.durable_ts() == 50
    assert [storage.get(1, "a", ts) for ts in (1, 25, 50)] == [b"1", b"25", b"50"]
    storage.close()


def test_files_that_do_not_belong_together_are_refused(tmp_path: Path) -> None:
    for name, commits in (("short", 1), ("long", 9)):
        storage = SQLiteStorage(tmp_path / name)
        for ts in range(1, commits + 1):
            storage.stage(commit_at(ts))
        storage.close()
    shutil.copy(tmp_path / "short" / "log.sqlite", tmp_path / "long" / "log.sqlite")
    with pytest.raises(StorageFailure, match=r"do not belong together.*Restore both from the same backup"):
        SQLiteStorage(tmp_path / "long")
    SQLiteStorage(tmp_path / "short").close()


def test_a_new_folder_is_its_owner_s_alone_and_an_old_one_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir(mode=0o755)
    for name, mode in (("new", 0o700), ("old", 0o755)):
        SQLiteStorage(tmp_path / name).close()
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == mode


def test_a_refused_folder_is_unlocked_again(tmp_path: Path) -> None:
    (tmp_path / "log.sqlite").write_bytes(b"no database" * 100)
    for _ in range(2):
        with pytest.raises(StorageFailure, match="cannot be opened"):
            SQLiteStorage(tmp_path)


def test_a_read_leaves_no_transaction_open_that_would_hold_up_a_checkpoint(tmp_path: Path) -> None:
    storage = SQLiteStorage(tmp_path)
    storage.stage(commit_at(1))
    storage.flush()
    storage.catch_up()
    storage.set_retention(1)
    assert storage.get(1, "a", 1) == b"x"
    assert len(storage.scan_index(5, 1, b"", None, 1, descending=False, limit=1)) == 1
    connection = sqlite3.connect(tmp_path / "data.sqlite")
    assert connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0
    connection.close()
    storage.close()


@pytest.mark.parametrize("name", ["log.sqlite", "data.sqlite"])
def test_a_file_that_was_cut_short_is_refused_in_one_sentence(tmp_path: Path, name: str) -> None:
    storage = SQLiteStorage(tmp_path)
    for ts in range(1, 200):
        storage.stage(commit_at(ts, b"x" * 3000))
    storage.close()
    file = tmp_path / name
    file.write_bytes(file.read_bytes()[:5000])
    with pytest.raises(StorageFailure, match=r"cannot be (read|opened): .* Restore the data folder from a backup"):
        SQLiteStorage(tmp_path)
    # Nobody is left holding the folder.
    with pytest.raises(StorageFailure, match=r"Restore the data folder from a backup"):
        SQLiteStorage(tmp_path)


def test_a_data_file_whose_pages_are_damaged_is_reported_by_every_read(tmp_path: Path) -> None:
    storage = SQLiteStorage(tmp_path)
    for ts in range(1, 101):
        storage.stage(commit_at(ts, b"{}" + b" " * 2000))
    storage.flush()
    storage.close()
    page_bytes = 4096
    with (tmp_path / "data.sqlite").open("r+b") as file:
        size = file.seek(0, os.SEEK_END)
        for start in range(0, size, page_bytes):
            # The first page also holds the head of the file and what its tables are: those stay.
            file.seek(start + (page_bytes if start == 0 else 0))
            file.write(b"\xff" * (0 if start == 0 else page_bytes))
    connection = sqlite3.connect(tmp_path / "data.sqlite", isolation_level=None)
    reader = SQLiteReader(connection, Recent(100, Documents(1 << 20)), ranges_bytes_max=1 << 20)
    try:
        for read in (
            lambda: reader.get(1, "a", 100),
            lambda: reader.scan_index(5, 1, b"", None, 100, False, 10),
            lambda: reader.scan_table(1, "", None, 100, False, 10),
        ):
            with pytest.raises(StorageFailure, match=r"The data file cannot be read: .* Restore"):
                read()
    finally:
        connection.close()
