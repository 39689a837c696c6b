"""The default storage: SQLite, with a log in front of it.

Theory of operation (DESIGN.md has the pictures and the crash table). What limits SQLite is the number of rows that a
transaction touches, not the disk's flush. So a flush appends one row that holds a whole batch of commits to
`log.sqlite`, durably; the applier's thread arranges the same commits for reading in `data.sqlite`, behind it, in
larger transactions. What may not have arrived there yet is in memory, in `Recent`.

`sqlite_reader.py` answers reads over both; `applier.py` is the thread.

Threads: the engine's stages, reads and moves the horizon; the flusher's appends to the log; the applier's writes the
data file. They share a queue of staged commits (`deque`, whose ends are atomic) and single integers that only rise.
"""

from __future__ import annotations

import sqlite3
from collections import deque
from collections.abc import Iterator
from pathlib import Path

from parabola.errors import OutOfRetention, StorageFailure
from parabola.limits import DEFAULT_LIMITS, MIB
from parabola.storage.applier import Applier
from parabola.storage.documents import Documents
from parabola.storage.log_format import decode_batch, encode_batch
from parabola.storage.recent import Recent
from parabola.storage.records import Commit, Row
from parabola.storage.sqlite_files import (
    DATA_FILE,
    LOG_FILE,
    SQL,
    FolderLock,
    connect,
    open_file,
    read_meta,
    reserve_wal,
)
from parabola.storage.sqlite_reader import SQLiteReader

# A row of the log holds at most this much, unless a single commit is larger. SQLite refuses blobs above 1 GB.
LOG_ROW_BYTES_MAX = 32 * MIB
# Each flush removes up to this many old rows of the log in the transaction that appends: more than it adds.
LOG_ROWS_REMOVED_PER_FLUSH = 4


class SQLiteStorage:
    """See `contract.Storage`. One process at a time owns `directory`."""

    def __init__(
        self,
        directory: Path,
        *,
        cache_bytes_max: int = DEFAULT_LIMITS.storage_cache_bytes_max,
        recent_bytes_max: int = 64 * MIB,
    ) -> None:
        """Opens or creates the storage in `directory`.

        `cache_bytes_max` bounds what is kept in memory of the data file: seven parts of sixteen in SQLite's own caches
        and memory map, the rest as documents and index ranges. `recent_bytes_max` bounds what is durable but not yet
        in the data file; above it, flushes wait. Raises `StorageFailure` if the folder is in use, is not ours, is of a
        newer version, or is damaged.
        """
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._directory = directory
        self._lock = FolderLock(directory)
        self._closed = False
        self._failure: str | None = None  # once set, nothing is written any more
        self._connections: list[sqlite3.Connection] = []
        self._unflushed: deque[tuple[Commit, int]] = deque()
        self._staged_commits = 0
        self._flushes = 0
        try:
            self._open(directory, cache_bytes_max, recent_bytes_max)
        except sqlite3.DatabaseError as error:
            self._release_files()
            raise StorageFailure(
                f"The files in {directory} cannot be read: {error}. Restore the data folder from a backup."
            ) from error
        except BaseException:
            self._release_files()
            raise

    def _open(self, directory: Path, cache_bytes_max: int, recent_bytes_max: int) -> None:
        open_file(directory / LOG_FILE, "create_log")
        open_file(directory / DATA_FILE, "create_data")
        share_bytes = cache_bytes_max // 16
        self._log = self._connect(LOG_FILE, MIB)
        reserve_wal(self._log)
        self._log_reader = self._connect(LOG_FILE, MIB)
        reading = self._connect(DATA_FILE, share_bytes, mmap_bytes=2 * share_bytes)
        applied_ts = read_meta(reading, "applied_ts")
        newest_log_ts = int(self._log.execute(SQL["newest_log_ts"]).fetchone()[0] or 0)
        self._removed_ts = read_meta(self._log, "removed_ts")
        if not self._removed_ts <= applied_ts <= newest_log_ts:
            raise StorageFailure(
                f"The files in {directory} do not belong together: {DATA_FILE} is at {applied_ts}, and {LOG_FILE} goes "
                f"from {self._removed_ts} to {newest_log_ts}. Restore both from the same backup."
            )
        self._oldest_ts = read_meta(reading, "oldest_ts")
        self._recent = Recent(applied_ts, Documents(7 * share_bytes))
        self._reader = SQLiteReader(reading, self._recent, ranges_bytes_max=2 * share_bytes)
        self._applier = Applier(
            self._connect(DATA_FILE, 4 * share_bytes), self._connect(LOG_FILE, MIB), pending_bytes_max=recent_bytes_max
        )
        self._latest_ts = self._durable_ts = applied_ts
        self._replay()
        assert self._latest_ts == newest_log_ts
        self._applier.start()

    def _connect(self, name: str, cache_bytes: int, *, mmap_bytes: int = 0) -> sqlite3.Connection:
        connection = connect(self._directory / name, cache_bytes=cache_bytes, mmap_bytes=mmap_bytes)
        self._connections.append(connection)
        return connection

    def _replay(self) -> None:
        """Reads what the log has above the data file, as if it had just been staged and flushed."""
        for commits in self._log_rows(self._recent.horizon_ts):
            self._applier.submit(commits, sum(map(self._recent.add, commits)))
            self._latest_ts = self._durable_ts = commits[-1].ts

    def latest_ts(self) -> int:
        return self._latest_ts

    def durable_ts(self) -> int:
        return self._durable_ts

    def oldest_ts(self) -> int:
        return self._oldest_ts

    # Writing

    def stage(self, commit: Commit) -> None:
        if self._failure is not None:
            raise StorageFailure(self._failure)
        if commit.ts <= self._latest_ts:
            raise ValueError(f"A commit must be newer than the last one, at {self._latest_ts}; got one at {commit.ts}.")
        recent = self._recent
        if recent.old.last_ts <= self._applier.applied_ts:
            self._reader.move_horizon(self._applier.applied_ts)
        self._unflushed.append((commit, recent.add(commit)))
        self._latest_ts = commit.ts
        self._staged_commits += 1

    def flush(self) -> int:
        if self._failure is not None:
            raise StorageFailure(self._failure)
        waiting = len(self._unflushed)
        if waiting == 0:
            return self._durable_ts
        try:
            self._applier.wait_for_room()
            rows: list[list[Commit]] = []
            sizes: list[int] = []
            for _ in range(waiting):
                commit, size = self._unflushed.popleft()
                if rows and sizes[-1] + size <= LOG_ROW_BYTES_MAX:
                    rows[-1].append(commit)
                    sizes[-1] += size
                else:
                    rows.append([commit])
                    sizes.append(size)
            self._append(rows)
        except (sqlite3.Error, OSError, StorageFailure) as error:
            self._failure = (
                f"The log in {self._directory} cannot be written: {error}. Nothing that was acknowledged is lost. "
                "Make room or repair the disk, then open the storage again."
            )
            raise StorageFailure(self._failure) from error
        durable_ts = rows[-1][-1].ts
        for commits, size in zip(rows, sizes, strict=True):
            self._applier.submit(commits, size)
        self._durable_ts = durable_ts
        self._flushes += 1
        return durable_ts

    def _append(self, rows: list[list[Commit]]) -> None:
        """Writes the rows durably, and removes old ones that have done their work."""
        log = self._log
        removable = self._applier.removable_ts > self._removed_ts
        if not removable and len(rows) == 1:
            log.execute(SQL["append_log"], _log_row(rows[0]))
            return
        log.execute("BEGIN IMMEDIATE")
        try:
            for commits in rows:
                log.execute(SQL["append_log"], _log_row(commits))
            removed_ts = self._remove_log_rows(LOG_ROWS_REMOVED_PER_FLUSH) if removable else self._removed_ts
            log.execute("COMMIT")
        except BaseException:
            log.rollback()
            raise
        self._removed_ts = removed_ts

    def _remove_log_rows(self, count: int) -> int:
        oldest = self._log.execute(SQL["oldest_log_rows"], (self._applier.removable_ts, count)).fetchall()
        if not oldest:
            return self._removed_ts
        removed_ts = int(oldest[-1][0])
        self._log.execute(SQL["remove_log_rows"], (removed_ts,))
        self._log.execute(SQL["write_meta"], ("removed_ts", removed_ts))
        return removed_ts

    # Reading

    def get(self, table_number: int, document_id: str, ts: int) -> bytes | None:
        if ts < self._oldest_ts:
            raise self._out_of_retention(ts)
        return self._reader.get(table_number, document_id, ts)

    def scan_index(
        self,
        index_number: int,
        table_number: int,
        lower: bytes,
        upper: bytes | None,
        ts: int,
        *,
        descending: bool,
        limit: int,
    ) -> list[Row]:
        if ts < self._oldest_ts:
            raise self._out_of_retention(ts)
        return self._reader.scan_index(index_number, table_number, lower, upper, ts, descending, limit)

    def scan_table(
        self, table_number: int, lower: str, upper: str | None, ts: int, *, descending: bool, limit: int
    ) -> list[Row]:
        if ts < self._oldest_ts:
            raise self._out_of_retention(ts)
        return self._reader.scan_table(table_number, lower, upper, ts, descending, limit)

    def read_log(self, after_ts: int, up_to_ts: int) -> Iterator[Commit]:
        if after_ts < self._oldest_ts:
            raise self._out_of_retention(after_ts)
        return self._read_log(after_ts, up_to_ts)

    def _read_log(self, after_ts: int, up_to_ts: int) -> Iterator[Commit]:
        for commits in self._log_rows(after_ts):
            for commit in commits:
                if after_ts < commit.ts <= up_to_ts:
                    yield commit
            after_ts = max(after_ts, commits[-1].ts)
            if after_ts >= min(up_to_ts, self._recent.horizon_ts):
                break
            if after_ts < self._oldest_ts:
                raise self._out_of_retention(after_ts)
        yield from [commit for commit in self._recent.commits() if after_ts < commit.ts <= up_to_ts]

    def _log_rows(self, after_ts: int) -> Iterator[list[Commit]]:
        """The rows of the log that have commits after `after_ts`, each complete."""
        while True:
            row = self._log_reader.execute(SQL["next_log_row"], (after_ts,)).fetchone()
            if row is None:
                return
            yield decode_batch(row[2], row[1])
            after_ts = row[0]

    # Keeping house

    def set_retention(self, oldest_ts: int) -> None:
        self._oldest_ts = max(self._oldest_ts, min(oldest_ts, self._durable_ts))
        self._reader.move_horizon(self._applier.applied_ts)
        self._applier.allow_trimming(self._oldest_ts, min(self._oldest_ts, self._recent.horizon_ts))

    def catch_up(self) -> None:
        """Blocks until all that is durable has reached the data file. For tests, benchmarks and backups."""
        self._applier.catch_up()

    def statistics(self) -> dict[str, int]:
        """Counters. `documents` is as of the data file, which `catch_up` brings up to date."""
        return {
            "staged_commits": self._staged_commits,
            "flushes": self._flushes,
            "resident_bytes": self._reader.resident_bytes,
            "documents": self._applier.documents,
            "recent_commits": len(self._recent),
            "durable_ts": self._durable_ts,
            "applied_ts": self._applier.applied_ts,
            "trimmed_ts": self._applier.trimmed_ts,
        }

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        try:
            if self._failure is None:
                self.flush()
        finally:
            if self._failure is None:
                self._failure = f"The storage in {self._directory} is closed. Open it again to write."
            self._applier.stop()
            self._release_files()

    def _release_files(self) -> None:
        for connection in self._connections:
            connection.close()
        self._lock.release()

    def _out_of_retention(self, ts: int) -> OutOfRetention:
        return OutOfRetention(
            f"Timestamp {ts} is no longer kept; the oldest that can be read is {self._oldest_ts}. "
            "Begin again at a newer timestamp."
        )


def _log_row(commits: list[Commit]) -> tuple[int, int, int, bytes]:
    data, checksum = encode_batch(commits)
    return commits[-1].ts, commits[0].ts, checksum, data
