"""A storage that fails on the nth call, and what a power cut leaves of one in memory.

    for n in count(1):
        storage = FaultyStorage(MemoryStorage(), fail_at=n)
        ...run the scenario; it may raise InjectedFailure or StorageFailure...
        if not storage.has_failed:
            break  # the scenario finished untouched: every call has had its turn
        survivor = storage.after_crash()
        ...what is acknowledged is there, and nothing is there in part...

Two kinds of fault. `before`: the call does nothing and raises, as when the medium refuses. `after`: the call does its
work and raises nevertheless, as when the answer is lost: whoever called cannot know. For a read it makes no difference.
After a fault the storage refuses every further write, as the contract asks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Literal

from parabola.errors import StorageFailure
from parabola.storage.contract import Storage
from parabola.storage.memory import MemoryStorage
from parabola.storage.records import Commit, Row

# The calls that count when none are named: the ones that change something.
WRITES = frozenset({"stage", "flush", "set_retention"})
READS = frozenset({"get", "scan_index", "scan_table", "read_log"})


class InjectedFailure(StorageFailure):
    """The fault that a test asked for."""


class FaultyStorage:
    """Passes every call on to `storage`, except that one of them fails."""

    def __init__(
        self,
        storage: Storage,
        *,
        fail_at: int = 0,
        calls: frozenset[str] = WRITES,
        when: Literal["before", "after"] = "before",
    ) -> None:
        """The `fail_at`th call (from 1; 0 for never) among those named in `calls` fails, before or after its work."""
        unknown = calls - WRITES - READS
        if unknown:
            raise ValueError(
                f"FaultyStorage cannot fail {', '.join(sorted(unknown))}. "
                f"Name some of: {', '.join(sorted(WRITES | READS))}."
            )
        self.inner = storage
        self.has_failed = False
        self.call_counts: Counter[str] = Counter()
        self._fail_at = fail_at
        self._calls = calls
        self._when = when
        self._counted = 0

    def after_crash(self) -> Storage:
        """What is found after the power has failed at this moment. Only for a `MemoryStorage`."""
        if not isinstance(self.inner, MemoryStorage):
            raise TypeError(
                f"after_crash() needs a MemoryStorage, not {type(self.inner).__name__}. "
                "Copy the folder of that one, and open the copy."
            )
        self.inner.lose_unflushed()
        return self.inner

    def _fails(self, name: str) -> bool:
        self.call_counts[name] += 1
        if name not in self._calls:
            return False
        self._counted += 1
        return self._counted == self._fail_at

    def _refuse_if_failed(self) -> None:
        if self.has_failed:
            raise StorageFailure(
                "A call failed before (injected by FaultyStorage). Close the storage and open it again."
            )

    def _fail(self, name: str) -> InjectedFailure:
        self.has_failed = True
        return InjectedFailure(
            f"{name}, call {self._fail_at}, failed {self._when} its work because a test asked for it."
        )

    def latest_ts(self) -> int:
        return self.inner.latest_ts()

    def durable_ts(self) -> int:
        return self.inner.durable_ts()

    def oldest_ts(self) -> int:
        return self.inner.oldest_ts()

    def stage(self, commit: Commit) -> None:
        self._refuse_if_failed()
        fails = self._fails("stage")
        if fails and self._when == "before":
            raise self._fail("stage")
        self.inner.stage(commit)
        if fails:
            raise self._fail("stage")

    def flush(self) -> int:
        self._refuse_if_failed()
        fails = self._fails("flush")
        if fails and self._when == "before":
            raise self._fail("flush")
        durable_ts = self.inner.flush()
        if fails:
            raise self._fail("flush")
        return durable_ts

    def set_retention(self, oldest_ts: int) -> None:
        fails = self._fails("set_retention")
        if fails and self._when == "before":
            raise self._fail("set_retention")
        self.inner.set_retention(oldest_ts)
        if fails:
            raise self._fail("set_retention")

    def get(self, table_number: int, document_id: str, ts: int) -> bytes | None:
        if self._fails("get"):
            raise self._fail("get")
        return self.inner.get(table_number, document_id, ts)

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
        if self._fails("scan_index"):
            raise self._fail("scan_index")
        return self.inner.scan_index(index_number, table_number, lower, upper, ts, descending=descending, limit=limit)

    def scan_table(
        self, table_number: int, lower: str, upper: str | None, ts: int, *, descending: bool, limit: int
    ) -> list[Row]:
        if self._fails("scan_table"):
            raise self._fail("scan_table")
        return self.inner.scan_table(table_number, lower, upper, ts, descending=descending, limit=limit)

    def read_log(self, after_ts: int, up_to_ts: int) -> Iterator[Commit]:
        if self._fails("read_log"):
            raise self._fail("read_log")
        return self.inner.read_log(after_ts, up_to_ts)

    def statistics(self) -> dict[str, int]:
        return self.inner.statistics()

    def close(self) -> None:
        self.inner.close()
