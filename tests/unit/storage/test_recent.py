from __future__ import annotations

from itertools import product

from parabola.storage.recent import Recent, commit_bytes, merge
from parabola.storage.records import Commit, DocumentWrite, IndexWrite


def test_dropping_the_oldest_commit_moves_the_horizon_and_keeps_the_rest() -> None:
    recent = Recent(0)
    for ts in (1, 2):
        recent.add(Commit(ts, [DocumentWrite(1, "a", b"%d" % ts)], [IndexWrite(5, b"k%d" % ts, "a")]))
    assert recent.drop_oldest().ts == 1
    assert recent.horizon_ts == 1
    assert recent.tables[1].at("a", 9) == (2, b"2")
    assert list(recent.indexes[5].walk(b"", None, 9, descending=False)) == [(b"k2", "a")]
    recent.drop_oldest()
    assert 5 not in recent.indexes


def test_a_commit_counts_at_least_the_bytes_of_its_documents() -> None:
    small = Commit(1, [DocumentWrite(1, "a", None)], [])
    large = Commit(1, [DocumentWrite(1, "a", b"x" * 5000)], [IndexWrite(5, b"k", "a")])
    assert commit_bytes(large) > commit_bytes(small) + 5000


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
