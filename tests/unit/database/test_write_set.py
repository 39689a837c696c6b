from __future__ import annotations

from parabola.database.catalog import Table
from parabola.database.write_set import Write, WriteSet

TABLE = Table(10_001, "t")


def put(writes: WriteSet, document_id: str, base: bytes | None, data: bytes | None, *, key: bytes = b"k") -> None:
    base_keys = None if base is None else (b"i" + document_id.encode(), b"base")
    keys = None if data is None else (b"i" + document_id.encode(), key)
    writes.put(Write(TABLE, document_id, base, base_keys, data, keys))


def moved(writes: WriteSet) -> dict[bytes, str]:
    return dict(writes.moved(TABLE, TABLE.by_creation_time.number, 1))


def test_only_keys_that_the_snapshot_does_not_have_are_moved() -> None:
    writes = WriteSet()
    put(writes, "new", None, b"1", key=b"n")
    put(writes, "same", b"0", b"1", key=b"base")
    put(writes, "gone", b"0", None)
    put(writes, "moved", b"0", b"1", key=b"m")
    assert moved(writes) == {b"m": "moved", b"n": "new"}


def test_moved_keys_follow_later_writes_and_undoing() -> None:
    writes = WriteSet()
    assert moved(writes) == {}
    put(writes, "a", None, b"1", key=b"1")
    writes.begin_nested()
    put(writes, "a", None, b"2", key=b"2")
    put(writes, "b", None, b"2", key=b"3")
    assert moved(writes) == {b"2": "a", b"3": "b"}
    writes.rollback_nested()
    assert moved(writes) == {b"1": "a"}
    assert list(writes.by_id) == ["a"]


def test_undoing_nests() -> None:
    writes = WriteSet()
    writes.begin_nested()
    put(writes, "a", None, b"1")
    writes.begin_nested()
    put(writes, "a", None, b"2")
    writes.commit_nested()
    put(writes, "a", None, b"3")
    writes.rollback_nested()
    assert writes.by_id == {}
