"""What is particular to the storage in memory; the promises it shares are in tests/contract."""

from __future__ import annotations

from parabola.storage.memory import MemoryStorage
from parabola.storage.records import Commit, DocumentWrite, IndexWrite


def test_a_power_cut_takes_exactly_what_was_not_flushed() -> None:
    storage = MemoryStorage()
    storage.stage(Commit(1, [DocumentWrite(1, "a", b"1")], [IndexWrite(5, b"k1", "a")]))
    storage.flush()
    storage.stage(Commit(2, [DocumentWrite(1, "a", b"2"), DocumentWrite(1, "b", b"2")], [IndexWrite(5, b"k1", None)]))
    storage.stage(Commit(3, [DocumentWrite(1, "a", None)], []))
    storage.lose_unflushed()
    assert storage.latest_ts() == storage.durable_ts() == 1
    assert storage.get(1, "a", 9) == b"1"
    assert storage.get(1, "b", 9) is None
    assert [row.key for row in storage.scan_index(5, 1, b"", None, 9, descending=False, limit=9)] == [b"k1"]
    storage.stage(Commit(2, [DocumentWrite(1, "a", b"other")], []))
    assert storage.get(1, "a", 2) == b"other"


def test_documents_and_their_bytes_are_counted() -> None:
    storage = MemoryStorage()
    storage.stage(Commit(1, [DocumentWrite(1, "a", b"123"), DocumentWrite(2, "b", b"45")], []))
    storage.stage(Commit(2, [DocumentWrite(1, "a", None)], []))
    statistics = storage.statistics()
    assert (statistics["documents"], statistics["resident_bytes"]) == (1, 2)
