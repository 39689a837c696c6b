"""The folder of an SQLite storage: its lock, its two files, and whether they are ours and belong together."""

from __future__ import annotations

import os
import sqlite3
import sys
from pathlib import Path

from parabola.errors import StorageFailure
from parabola.storage.statements import load_statements

SQL = load_statements("sqlite")

LOG_FILE = "log.sqlite"
DATA_FILE = "data.sqlite"
LOCK_FILE = "lock"

FORMAT_VERSION = 1
# A checkpoint of the log after so many pages: more would have to be reserved, fewer would have it wait more often.
WAL_PAGES = 256
PAGE_BYTES = 4096
APPLICATION_ID = 0x50617262  # "Parb", so that `file` and we can tell our files from others


class FolderLock:
    """An operating system lock on a data folder: held while a process has it open, gone when the process is."""

    def __init__(self, directory: Path) -> None:
        self._file = os.open(directory / LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            _lock(self._file)
        except OSError:
            os.close(self._file)
            raise StorageFailure(
                f"The data folder {directory} is in use by another process. "
                "Stop that process, or give this one a folder of its own."
            ) from None

    def release(self) -> None:
        """Gives the folder back."""
        os.close(self._file)


if sys.platform == "win32":
    import msvcrt

    def _lock(file: int) -> None:
        msvcrt.locking(file, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock(file: int) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def open_file(path: Path, creation: str) -> None:
    """Makes sure that `path` is a file of ours that this version can read; creates it by `creation` if it is new."""
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        version = int(connection.execute("PRAGMA user_version").fetchone()[0])
        application = int(connection.execute("PRAGMA application_id").fetchone()[0])
        if version == 0 and application == 0 and _is_empty(connection):
            connection.execute("PRAGMA journal_mode = WAL")
            connection.executescript(
                f"BEGIN IMMEDIATE; {SQL[creation]};"
                f"PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {FORMAT_VERSION}; COMMIT;"
            )
        elif application != APPLICATION_ID:
            raise StorageFailure(
                f"{path} is an SQLite database, but not one of Parabola's. Give Parabola a folder of its own."
            )
        elif version > FORMAT_VERSION:
            raise StorageFailure(
                f"{path} was written by a newer version of Parabola (format {version}; this one reads up to "
                f"{FORMAT_VERSION}). Upgrade Parabola, or restore a backup made before the upgrade."
            )
    except sqlite3.DatabaseError as error:
        raise StorageFailure(f"{path} cannot be opened: {error}. Restore the data folder from a backup.") from error
    finally:
        connection.close()


def _is_empty(connection: sqlite3.Connection) -> bool:
    return int(connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]) == 0


def connect(path: Path, *, cache_bytes: int, mmap_bytes: int = 0) -> sqlite3.Connection:
    """A connection to one of our files, in autocommit, usable from any one thread at a time.

    What it commits is durable when the commit returns (`synchronous = FULL`), unless its owner says otherwise.
    """
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, cached_statements=64, timeout=30)
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute(f"PRAGMA cache_size = {-(cache_bytes // 1024)}")
    connection.execute(f"PRAGMA mmap_size = {mmap_bytes}")
    return connection


def reserve_wal(connection: sqlite3.Connection) -> None:
    """Makes the write-ahead log as large as it will ever need to be, and has it used again from its beginning.

    A file that grows has its new size made durable with each flush, which takes several times as long as the data.
    Where there is no room for this, it works without.
    """
    connection.execute(f"PRAGMA wal_autocheckpoint = {WAL_PAGES}")
    try:
        connection.execute("DROP TABLE IF EXISTS room")
        connection.execute("CREATE TABLE room AS SELECT zeroblob(?) AS content", (WAL_PAGES * PAGE_BYTES * 5 // 4,))
        connection.execute("DROP TABLE room")
    except sqlite3.OperationalError:
        connection.rollback()


def read_meta(connection: sqlite3.Connection, name: str) -> int:
    """One of the numbers that a file keeps about itself."""
    return int(connection.execute(SQL["read_meta"], (name,)).fetchone()[0])
