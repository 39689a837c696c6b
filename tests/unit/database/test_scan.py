from __future__ import annotations

import pytest

from parabola.database.key_functions import id_key
from parabola.database.scan import Scan, id_bound
from parabola.values.keys import encode_key, prefix_end
from tests.unit.database.helpers import fill, open_database

IDS = ["abc", "abcd", "abd", "zz"]


@pytest.mark.parametrize(
    "bound",
    [
        b"",
        b"\x0f",
        b"\x11",
        *(encode_key(text) for text in ("", "abc", "abcc", "zzz", "a\x00b", "é")),
        *(prefix_end(encode_key(text)) for text in ("abc", "abd")),
        *(encode_key(text) + b"\x00" for text in ("abc", "zz")),
    ],
)
def test_the_lowest_id_of_a_bound_cuts_ids_as_the_bound_cuts_keys(bound: bytes) -> None:
    lowest = id_bound(bound)
    by_key = [one for one in IDS if id_key(one) >= bound]
    assert [one for one in IDS if lowest is not None and one >= lowest] == by_key


def scan(batch: int, descending: bool = False) -> Scan:
    database = open_database()
    fill(database, "t", *({"n": n} for n in range(10)))
    table = database.catalog.table("t")
    assert table is not None
    index = table.by_creation_time
    return Scan(database.storage, database.latest_ts, None, table, index, b"", None, descending=descending, batch=batch)


@pytest.mark.parametrize("batch", [1, 3, 10, 11, 5000])
@pytest.mark.parametrize("descending", [False, True])
def test_batches_join_without_a_seam(batch: int, descending: bool) -> None:
    walk = scan(batch, descending)
    keys = []
    while (row := walk.pull()) is not None:
        keys.append(row.key)
    assert len(keys) == 10
    assert keys == sorted(keys, reverse=descending)


def test_the_interval_ends_at_what_was_pulled() -> None:
    walk = scan(5)
    assert walk.interval() == (b"", b"")
    row = walk.pull()
    assert row is not None
    assert walk.interval() == (b"", row.key + b"\x00")
    while walk.pull() is not None:
        pass
    assert walk.interval() == (b"", None)


def test_a_descending_interval_begins_at_what_was_pulled() -> None:
    walk = scan(5, descending=True)
    row = walk.pull()
    assert row is not None
    assert walk.interval() == (row.key, None)


def test_whole_batches_are_the_same_rows() -> None:
    walk, other = scan(3), scan(3)
    rows = []
    while not walk.at_end:
        rows += walk.pull_all() or []
    assert [tuple(row) for row in rows] == [tuple(row) for row in iter(other.pull, None)]
    assert walk.interval() == (b"", None)
