"""Brings the data file up to date behind the log, on a thread of its own.

Theory of operation. The log is the truth; the data file is the same commits arranged for reading. Batches that a flush
has made durable are handed in by `submit`, in order. The thread lets a few collect, writes them in one transaction
together with the timestamp that they reach (`applied_ts`), and only then says so. A crash in between leaves the data
file at an earlier `applied_ts`, and opening replays the log from there: no commit can be in the data file in part, and
none can be in it that is not in the log.

The data file's transactions are not flushed to the disk one by one; a checkpoint every few thousand rows does that.
After a power cut the data file may therefore be at an earlier `applied_ts` than it was: the log must keep what a
checkpoint has not made durable yet, and `removable_ts` says how far that is.

Trimming follows the same log a second time, from `trimmed_ts` up to what `allow_trimming` permits: each write in it
names a key whose older versions nobody reads any more. A step of it rides in each transaction, and moves `trimmed_ts`.
The rows of the log below have then done all their work; the next flush after a checkpoint removes them.

The interpreter lock is what this thread must not hold: a row at a time would take and give it back for each. So one
statement carries up to `ROWS_PER_STATEMENT` rows into a table in memory, which SQLite keeps in the order of the data
file; a single statement then takes all of them over. SQLite does both without the lock, and rows that arrive in order
cost it about a third of what the same rows cost in the order of commits.
"""

from __future__ import annotations

import sqlite3
import threading
from collections import deque
from collections.abc import Sequence
from typing import Any

from parabola.errors import StorageFailure
from parabola.storage.log_format import decode_batch
from parabola.storage.records import Commit
from parabola.storage.sqlite_files import SQL, read_meta

ROWS_PER_STATEMENT = (1024, 256, 64, 16, 4, 1)
SORTED_COLUMNS = 4
# How long batches may collect before they are applied, and how many bytes at once. A transaction touches each page
# once, and makes readers drop the pages they hold: larger ones cost less. Smaller ones hold less memory and replay
# faster.
COLLECT_S = 1.0
TRANSACTION_BYTES_MAX = 16 * 1024 * 1024
# A checkpoint after so many rows: it writes each page once, however often the rows changed it, and stops SQLite's
# write-ahead log from growing. A row dirties about one page of 4 KB.
CHECKPOINT_ROWS = 32_768
# How many writes of the log one trimming step looks at, at least one row of the log.
TRIM_WRITES_PER_STEP = 16_384


class Applier:
    """Owns the writing connection to the data file."""

    def __init__(self, data: sqlite3.Connection, log: sqlite3.Connection, *, pending_bytes_max: int) -> None:
        """`data` and `log` are the applier's alone until `stop` has returned; of the log it only reads."""
        self._data = data
        self._log = log
        self._pending_bytes_max = pending_bytes_max
        self._changed = threading.Condition()
        self._pending: deque[tuple[Sequence[Commit], int]] = deque()
        self._pending_bytes = 0
        self._taken_bytes = 0  # of _pending_bytes, what the thread is working on
        self._urgent = 0  # how many callers wait for something, so that collecting must not take its time
        self._stopping = False
        self._trim_allowed_ts = 0  # versions hidden at this timestamp may go
        self._oldest_ts = 0
        self.failure: BaseException | None = None
        self._rows_since_checkpoint = 0
        data.execute("PRAGMA synchronous = NORMAL")
        data.execute("PRAGMA wal_autocheckpoint = 0")
        data.execute("PRAGMA temp_store = MEMORY")
        data.executescript(SQL["create_sorted"])
        # Plain numbers that only rise, read by any thread.
        self.applied_ts = read_meta(data, "applied_ts")  # the data file has every commit up to here
        self.trimmed_ts = read_meta(data, "trimmed_ts")  # and no version that was hidden at this timestamp
        self.removable_ts = self.trimmed_ts  # up to here it has so durably, and needs the log no more
        self.documents = read_meta(data, "documents")
        self._thread = threading.Thread(target=self._run, name="parabola-applier", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def submit(self, commits: Sequence[Commit], size: int) -> None:
        """Hands in durable commits, `size` bytes of memory in all, newer than all that were handed in before."""
        with self._changed:
            self._pending.append((commits, size))
            self._pending_bytes += size
            # A thread that is collecting is not woken for each batch: it would want the interpreter for nothing.
            if len(self._pending) == 1 or self._is_enough():
                self._changed.notify_all()

    def wait_for_room(self) -> None:
        """Blocks while more than the bound is waiting. Raises `StorageFailure` if the applier cannot go on."""
        if self._pending_bytes > self._pending_bytes_max or self.failure is not None:
            self._wait_until_pending(self._pending_bytes_max)

    def catch_up(self) -> None:
        """Blocks until everything handed in is applied. Raises `StorageFailure` if the applier cannot go on."""
        self._wait_until_pending(0)

    def _wait_until_pending(self, bytes_max: int) -> None:
        with self._changed:
            self._urgent += 1
            self._changed.notify_all()
            while self._pending_bytes > bytes_max and self.failure is None:
                self._changed.wait()
            self._urgent -= 1
        if self.failure is not None:
            raise StorageFailure(
                f"The data file cannot be written: {self.failure}. What was acknowledged is safe in the log; "
                "make room or repair the disk, then open the storage again."
            ) from self.failure

    def allow_trimming(self, oldest_ts: int, trim_ts: int) -> None:
        """No read is at a timestamp below `oldest_ts`; versions hidden at `trim_ts` <= `oldest_ts` may go."""
        with self._changed:
            self._oldest_ts = max(self._oldest_ts, oldest_ts)
            self._trim_allowed_ts = max(self._trim_allowed_ts, trim_ts)
            self._changed.notify_all()

    def stop(self) -> None:
        """Applies what is waiting and ends the thread. Does not raise: what could not be applied is safe in the log."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        if self._thread.is_alive():
            self._thread.join()

    # What follows runs on the applier's thread.

    def _run(self) -> None:
        try:
            while True:
                batches = self._next_batches()
                if not batches and not self._may_trim():
                    self._write_oldest_ts()
                    return
                self._transact(batches)
                if self._rows_since_checkpoint >= CHECKPOINT_ROWS:
                    self._checkpoint()
        except BaseException as error:
            with self._changed:
                self.failure = error
                self._changed.notify_all()

    def _next_batches(self) -> list[Sequence[Commit]]:
        """Waits for something to do. An empty answer means: trim, or if there is nothing to trim, end."""
        with self._changed:
            while not self._pending and not self._stopping and not self._may_trim():
                self._changed.wait()
            if self._pending:
                self._changed.wait_for(self._is_enough, timeout=COLLECT_S)
            batches: list[Sequence[Commit]] = []
            taken_bytes = 0
            while self._pending and (not batches or taken_bytes + self._pending[0][1] <= TRANSACTION_BYTES_MAX):
                commits, size = self._pending.popleft()
                batches.append(commits)
                taken_bytes += size
            self._taken_bytes = taken_bytes
            return batches

    def _is_enough(self) -> bool:
        return self._stopping or self._urgent > 0 or self._pending_bytes >= TRANSACTION_BYTES_MAX

    def _transact(self, batches: list[Sequence[Commit]]) -> None:
        """One transaction: applies `batches` and trims a step, so that neither starves and pages are written once."""
        data = self._data
        data.execute("BEGIN IMMEDIATE")
        try:
            applied_ts, documents = self._apply(batches) if batches else (self.applied_ts, self.documents)
            trimmed_ts = self._trim_step() if self._may_trim() else self.trimmed_ts
            data.execute("COMMIT")
        except BaseException:
            data.rollback()
            raise
        self.documents = documents
        self.trimmed_ts = trimmed_ts
        with self._changed:
            self.applied_ts = applied_ts
            self._pending_bytes -= self._taken_bytes
            self._changed.notify_all()

    def _apply(self, batches: list[Sequence[Commit]]) -> tuple[int, int]:
        """Writes the rows of `batches`; returns the timestamp reached and how many documents there are then."""
        documents: list[Any] = []
        entries: list[Any] = []
        applied_ts = self.applied_ts
        for commits in batches:
            for commit in commits:
                ts = commit.ts
                assert ts > applied_ts, "commits are applied once, in order"
                applied_ts = ts
                for table_number, document_id, document in commit.documents:
                    documents += (table_number, document_id, ts, document)
                for index_number, key, pointed_at in commit.index_entries:
                    entries += (index_number, key, ts, pointed_at)
        data = self._data
        self._sort(documents, entries)
        count = self.documents + int(data.execute(SQL["count_sorted"]).fetchone()[0])
        data.execute(SQL["put_documents"])
        data.execute(SQL["put_entries"])
        self._forget_sorted()
        data.execute(SQL["write_meta"], ("documents", count))
        self._data.execute(SQL["write_meta"], ("applied_ts", applied_ts))
        return applied_ts, count

    def _sort(self, documents: Sequence[Any], entries: Sequence[Any]) -> None:
        """Fills the tables in memory from which a statement goes over many rows in their order. Given are the four
        values of each row, one after another.
        """
        for title, values in (("sort_documents", documents), ("sort_entries", entries)):
            start = 0
            for rows in ROWS_PER_STATEMENT:
                size = rows * SORTED_COLUMNS
                while len(values) - start >= size:
                    self._data.execute(_for_rows(title, rows), values[start : start + size])
                    start += size
        self._rows_since_checkpoint += (len(documents) + len(entries)) // SORTED_COLUMNS

    def _forget_sorted(self) -> None:
        self._data.execute(SQL["forget_sorted_documents"])
        self._data.execute(SQL["forget_sorted_entries"])

    def _write_oldest_ts(self) -> None:
        """Keeps the retention over a restart also where there was nothing to trim."""
        if self._oldest_ts > read_meta(self._data, "oldest_ts"):
            self._data.execute(SQL["write_meta"], ("oldest_ts", self._oldest_ts))

    def _checkpoint(self) -> None:
        """Makes durable what was committed so far; a reader in the middle of a read can make it partial."""
        busy, frames, moved = self._data.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        if not busy and frames == moved:
            self._rows_since_checkpoint = 0
            self.removable_ts = self.trimmed_ts

    def _may_trim(self) -> bool:
        return not self._stopping and self.trimmed_ts < min(self._trim_allowed_ts, self.applied_ts)

    def _trim_step(self) -> int:
        """Removes what the next writes of the log have hidden; returns the timestamp reached."""
        limit_ts = min(self._trim_allowed_ts, self.applied_ts)
        trimmed_ts = self.trimmed_ts
        documents: list[Any] = []
        entries: list[Any] = []
        while trimmed_ts < limit_ts and len(documents) + len(entries) < SORTED_COLUMNS * TRIM_WRITES_PER_STEP:
            row = self._log.execute(SQL["next_log_row"], (trimmed_ts,)).fetchone()
            assert row is not None, "the newest row of the log stays"
            for commit in decode_batch(row[2], row[1]):
                if trimmed_ts < commit.ts <= limit_ts:
                    for table_number, document_id, _ in commit.documents:
                        documents += (table_number, document_id, commit.ts, None)
                    for index_number, key, _ in commit.index_entries:
                        entries += (index_number, key, commit.ts, None)
            trimmed_ts = min(row[0], limit_ts)
        self._sort(documents, entries)
        self._data.execute(SQL["trim_documents"])
        self._data.execute(SQL["trim_entries"])
        self._forget_sorted()
        self._data.execute(SQL["write_meta"], ("oldest_ts", self._oldest_ts))
        self._data.execute(SQL["write_meta"], ("trimmed_ts", trimmed_ts))
        return trimmed_ts


_statements: dict[tuple[str, int], str] = {}


def _for_rows(title: str, rows: int) -> str:
    """The titled statement for that many rows; the same string object each time, so that SQLite's cache finds it."""
    statement = _statements.get((title, rows))
    if statement is None:
        row = "(" + ", ".join("?" * SORTED_COLUMNS) + ")"
        statement = _statements[title, rows] = SQL[title].replace("{rows}", ", ".join([row] * rows))
    return statement
