"""What is held of documents: as long as it is read or the data file may lack it, and within its bound."""

from __future__ import annotations

import random

from parabola.storage.documents import ENTRY_BYTES, Documents, Held
from parabola.storage.recent import Recent
from parabola.storage.records import Commit, DocumentWrite


def test_what_was_read_never_takes_more_than_the_bound() -> None:
    documents = Documents(20_000)
    table = documents.table(1)
    random_lengths = random.Random(7)
    for number in range(500):
        documents.remember(table, f"d{number}", (1, b"x" * random_lengths.randrange(900)), ())
        assert documents.resident_bytes <= 20_000
        held = [*table.hot.values(), *table.cold.values()]
        assert sum(ENTRY_BYTES + len(document or b"") for _, document in held) == documents.resident_bytes
    assert 0 < len(table.hot) + len(table.cold) < 500


def test_what_is_used_stays_and_what_is_not_goes() -> None:
    documents = Documents(20 * ENTRY_BYTES)
    table = documents.table(1)
    held: Held = (1, None)
    for number in range(1000):
        documents.remember(table, f"d{number}", held, ())
        if "d0" not in table.hot:
            assert table.newest("d0") == held
            documents.remember(table, "d0", held, ())
    assert table.newest("d1") is None


def test_a_document_larger_than_half_of_the_bound_is_not_held() -> None:
    documents = Documents(4000)
    table = documents.table(1)
    documents.remember(table, "small", (1, b"x"), ())
    documents.remember(table, "large", (1, b"x" * 3000), ())
    assert table.newest("large") is None
    assert table.newest("small") == (1, b"x")


def test_a_staged_version_takes_the_place_of_what_was_read_and_gives_its_bytes_back() -> None:
    documents = Documents(10_000)
    recent = Recent(0, documents)
    table = documents.table(1)
    documents.remember(table, "a", (0, b"x" * 100), ())
    recent.add(Commit(1, [DocumentWrite(1, "a", b"xyz")], []))
    recent.add(Commit(2, [DocumentWrite(1, "a", None)], []))
    assert table.newest("a") == (2, None)
    assert documents.resident_bytes == ENTRY_BYTES
    seen = [table.earlier("a", ts) for ts in (0, 1)]
    assert [version and version[:2] for version in seen] == [(0, b"x" * 100), (1, b"xyz")]
    for _ in range(2):
        recent.drop_old()
    assert table.newest("a") == (2, None)
    assert table.earlier("a", 1) is None


def test_what_the_data_file_may_lack_is_held_however_small_the_bound() -> None:
    recent = Recent(0, Documents(2 * ENTRY_BYTES))
    table = recent.documents.table(1)
    ids = [f"d{number}" for number in range(30)]
    for ts, document_id in enumerate(ids, start=1):
        recent.documents.remember(table, document_id, (0, b""), recent.commits())
        recent.add(Commit(ts, [DocumentWrite(1, document_id, b"new")], []))
    assert [table.newest(document_id) for document_id in ids] == [(ts, b"new") for ts in range(1, 31)]
    assert dict(recent.walk_table(1, "", None, 99, descending=False)) == dict.fromkeys(ids, b"new")
