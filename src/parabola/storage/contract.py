"""The storage contract: an ordered, many-version log of documents.

What every storage promises, before the calls it has:

1. **Timestamps rise.** Commits are staged with strictly increasing timestamps; one that does not rise is refused.
   `latest_ts` never goes back, also not over a crash.
2. **Staged is visible, flushed is durable.** After `stage(commit)` a read at `commit.ts` or later sees it; a read
   before it never does. After `flush()` returned, every commit staged before the call began survives `kill -9`
   and power loss. A crash keeps a prefix of the staged commits: never a later one without an earlier one, never half
   of one.
3. **The past does not move.** A read at timestamp `ts` gives the same answer for ever, whatever is staged later, until
   `ts` falls out of retention; from then on a read at `ts` raises `OutOfRetention`.
4. **Ranges are half open**, `[lower, upper)`, over bytes compared as unsigned bytes; an upper bound of None is the end.
5. **Memory is bounded** by a setting, whatever the data holds.

Threads: `stage`, the reads and `set_retention` are called from one thread (the engine's). `flush` may be called from
one other thread at a time, concurrently with all of them. Reads and `stage` never wait for a flush.

Reads are plain calls: an embedded store answers in microseconds, and an `await` for each would cost more than the
read. A store that must wait for a network raises `NeedsLoad` instead of answering; whoever called from async code
awaits `wait()` and asks again. Nothing in the hot path pays for that possibility.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from typing import Protocol

from parabola.storage.records import Commit, Row


class NeedsLoad(BaseException):
    """Raised by a read whose answer is not on this machine yet: await `wait()`, then ask again."""

    def __init__(self, wait: Callable[[], Awaitable[None]]) -> None:
        super().__init__("This read has to wait for its data.")
        self.wait = wait


class Storage(Protocol):
    """See the module's promises. Implementations: `memory.MemoryStorage`, `sqlite.SQLiteStorage`."""

    def latest_ts(self) -> int:
        """The newest staged timestamp, or after opening the newest that survived; 0 when empty."""
        ...

    def durable_ts(self) -> int:
        """The newest timestamp that a flush has made durable."""
        ...

    def stage(self, commit: Commit) -> None:
        """Makes `commit` readable at its timestamp. Raises ValueError if the timestamp does not rise."""
        ...

    def flush(self) -> int:
        """Makes everything staged so far durable; returns the newest durable timestamp. Blocks.

        Raises `StorageFailure` when the medium refuses; the storage then refuses all further `stage` and `flush` calls,
        since it cannot know what survived: close it and open it again. With nothing staged since the last flush it
        returns at once.
        """
        ...

    def get(self, table_number: int, document_id: str, ts: int) -> bytes | None:
        """The document's stored form at `ts`, or None."""
        ...

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
        """Up to `limit` rows of the index with keys in [lower, upper), in key order (or its reverse), as of `ts`."""
        ...

    def scan_table(
        self, table_number: int, lower: str, upper: str | None, ts: int, *, descending: bool, limit: int
    ) -> list[Row]:
        """The same over the documents of a table by id. `Row.key` is the id's ASCII bytes."""
        ...

    def read_log(self, after_ts: int, up_to_ts: int) -> Iterator[Commit]:
        """Commits with after_ts < ts <= up_to_ts, in order. Raises `OutOfRetention` if after_ts < oldest_ts()."""
        ...

    def set_retention(self, oldest_ts: int) -> None:
        """Versions that no read at `oldest_ts` or later can see may be removed, now or in the background.

        Only rises, and never above `durable_ts()`: what lies outside of that is taken as the nearest allowed.
        """
        ...

    def oldest_ts(self) -> int:
        """The oldest timestamp that can still be read."""
        ...

    def statistics(self) -> dict[str, int]:
        """Counters for metrics and tests: at least `staged_commits`, `flushes`, `resident_bytes`, `documents`."""
        ...

    def close(self) -> None:
        """Flushes, then releases files and threads. Idempotent."""
        ...
