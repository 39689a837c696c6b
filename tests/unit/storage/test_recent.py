from __future__ import annotations

from itertools import product

from parabola.storage.documents import Documents
from parabola.storage.recent import Recent, merge
from parabola.storage.records import Commit, DocumentWrite, IndexWrite


def write(document_id: str, document: bytes | None) -> DocumentWrite:
    return DocumentWrite(1, document_id, document)


def test_dropping_a_generation_moves_the_horizon_and_keeps_the_rest() -> None:
    recent = Recent(0, Documents(100_000))
    for ts in (1, 2):
        recent.add(Commit(ts, [write("a", b"%d" % ts)], [IndexWrite(5, b"k%d" % ts, "a")]))
        recent.drop_old()
    assert [commit.ts for commit in recent.commits()] == [2]
    assert recent.horizon_ts == 1
    assert list(recent.walk_table(1, "", None, 9, descending=False)) == [("a", b"2")]
    walk = recent.walk_index(5, b"", None, 9, descending=False)
    assert walk is not None
    assert list(walk) == [(b"k2", "a")]
    recent.drop_old()
    assert (len(recent), recent.horizon_ts) == (0, 2)
    assert recent.walk_index(5, b"", None, 9, descending=False) is None
    assert list(recent.walk_table(1, "", None, 9, descending=False)) == []
    assert recent.documents.table(1).newest("a") is None  # nobody has read it


def test_a_walk_goes_over_both_generations_at_each_timestamp() -> None:
    recent = Recent(0, Documents(100_000))
    recent.add(Commit(1, [write("a", b"1"), write("c", b"1")], [IndexWrite(5, b"a", "a"), IndexWrite(5, b"c", "c")]))
    recent.drop_old()
    recent.add(Commit(2, [write("a", None), write("b", b"2")], [IndexWrite(5, b"a", None), IndexWrite(5, b"b", "b")]))
    expected_by_ts = {1: [("a", b"1"), ("c", b"1")], 2: [("a", None), ("b", b"2"), ("c", b"1")]}
    for ts, expected in expected_by_ts.items():
        for descending in (False, True):
            documents = list(recent.walk_table(1, "", None, ts, descending=descending))
            walk = recent.walk_index(5, b"", None, ts, descending=descending)
            assert walk is not None
            entries = [(key.decode(), pointed_at) for key, pointed_at in walk]
            if descending:
                documents, entries = documents[::-1], entries[::-1]
            assert documents == expected
            assert entries == [(key, None if document is None else key) for key, document in expected]
    recent.add(Commit(3, [write("d", b"3")], []))
    assert list(recent.walk_table(1, "b", None, 3, descending=False)) == [("b", b"2"), ("c", b"1"), ("d", b"3")]


def test_a_commit_counts_at_least_the_bytes_of_its_documents() -> None:
    recent = Recent(0, Documents(100_000))
    small = Commit(1, [write("a", None)], [])
    large = Commit(2, [write("a", b"x" * 5000)], [IndexWrite(5, b"k", "a")])
    small_bytes = recent.add(small)
    assert recent.add(large) > small_bytes + 5000


def test_merging_two_sorted_iterators_prefers_the_recent_value_of_a_key() -> None:
    keys = ["a", "b", "c"]
    for in_stored, in_recent in product(product([False, True], repeat=3), repeat=2):
        stored = {key: f"old {key}" for key, there in zip(keys, in_stored, strict=True) if there}
        recent = {key: f"new {key}" for key, there in zip(keys, in_recent, strict=True) if there}
        expected = sorted({**stored, **recent}.items())
        assert list(merge(iter(sorted(stored.items())), iter(sorted(recent.items())), descending=False)) == expected
        backwards = merge(
            iter(sorted(stored.items(), reverse=True)), iter(sorted(recent.items(), reverse=True)), descending=True
        )
        assert list(backwards) == expected[::-1]
