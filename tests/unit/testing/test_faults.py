from __future__ import annotations

from pathlib import Path

import pytest

from parabola.errors import StorageFailure
from parabola.storage.memory import MemoryStorage
from parabola.storage.records import Commit, DocumentWrite
from parabola.storage.sqlite import SQLiteStorage
from parabola.testing.faults import READS, FaultyStorage, InjectedFailure


def commit_at(ts: int) -> Commit:
    return Commit(ts, [DocumentWrite(1, "a", b"%d" % ts)], [])


def test_the_nth_call_fails_and_every_later_write_is_refused() -> None:
    storage = FaultyStorage(MemoryStorage(), fail_at=2)
    storage.stage(commit_at(1))
    with pytest.raises(InjectedFailure, match="flush, call 2, failed before its work because a test asked for it"):
        storage.flush()
    with pytest.raises(StorageFailure, match="A call failed before"):
        storage.stage(commit_at(2))
    assert storage.has_failed
    assert storage.durable_ts() == 0


def test_a_call_that_fails_after_its_work_has_done_it() -> None:
    storage = FaultyStorage(MemoryStorage(), fail_at=2, when="after")
    storage.stage(commit_at(1))
    with pytest.raises(InjectedFailure, match="after its work"):
        storage.flush()
    assert storage.durable_ts() == 1


def test_reads_fail_only_when_they_are_named() -> None:
    storage = FaultyStorage(MemoryStorage(), fail_at=1)
    assert storage.get(1, "a", 0) is None
    storage = FaultyStorage(MemoryStorage(), fail_at=1, calls=READS)
    storage.stage(commit_at(1))
    with pytest.raises(InjectedFailure, match="get"):
        storage.get(1, "a", 1)
    assert storage.call_counts == {"stage": 1, "get": 1}


def test_an_unknown_call_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"cannot fail close.*Name some of: .*flush"):
        FaultyStorage(MemoryStorage(), calls=frozenset({"close"}))


def test_a_crash_of_a_memory_storage_loses_what_was_not_flushed(tmp_path: Path) -> None:
    storage = FaultyStorage(MemoryStorage())
    storage.stage(commit_at(1))
    storage.flush()
    storage.stage(commit_at(2))
    assert storage.after_crash().latest_ts() == 1
    inner = SQLiteStorage(tmp_path)
    with pytest.raises(TypeError, match="needs a MemoryStorage, not SQLiteStorage"):
        FaultyStorage(inner).after_crash()
    inner.close()
