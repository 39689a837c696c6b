from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from parabola.errors import StorageFailure
from parabola.storage.sqlite_files import FolderLock, open_file


def test_a_folder_can_be_locked_once_and_again_after_release(tmp_path: Path) -> None:
    lock = FolderLock(tmp_path)
    with pytest.raises(StorageFailure, match=f"{tmp_path} is in use by another process.*a folder of its own"):
        FolderLock(tmp_path)
    lock.release()
    FolderLock(tmp_path).release()


def test_a_file_of_a_newer_format_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "log.sqlite"
    open_file(path, "create_log")
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 2")
    connection.close()
    with pytest.raises(
        StorageFailure, match=r"newer version of Parabola \(format 2; this one reads up to 1\).*Upgrade"
    ):
        open_file(path, "create_log")


def test_somebody_elses_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "log.sqlite"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE theirs (x)")
    connection.close()
    with pytest.raises(StorageFailure, match="not one of Parabola's"):
        open_file(path, "create_log")


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "log.sqlite"
    path.write_bytes(b"this is not a database, not at all" * 40)
    with pytest.raises(StorageFailure, match=r"cannot be opened.*Restore the data folder from a backup"):
        open_file(path, "create_log")
