"""Semantics 6: pages, cursors, journals."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from parabola.database.cursors import InvalidCursor
from parabola.database.database import Database
from parabola.database.query import Query
from parabola.database.transaction import Transaction
from parabola.errors import QueryError
from parabola.limits import Limits
from parabola.schema.tables import define_schema, define_table
from parabola.schema.validators import v
from tests.unit.database.helpers import fails, fill, open_database, touches, write

SCHEMA = define_schema(t=define_table(v.any()).index("by_n", ["n"]))


def numbered(count: int, **limits: Any) -> Database:
    database = open_database(SCHEMA, limits=Limits(**limits))
    fill(database, "t", *({"n": n} for n in range(count)))
    return database


def page(
    database: Database, cursor: str | None = None, items: int = 3, *, order: str = "asc", **more: Any
) -> dict[str, Any]:
    return query(database.begin_query(), order).paginate({"numItems": items, "cursor": cursor, **more})


def query(tx: Transaction, order: str = "asc") -> Query:
    return tx.query("t").with_index("by_n").order(order)


def numbers(result: dict[str, Any]) -> list[Any]:
    return [document["n"] for document in result["page"]]


@pytest.mark.parametrize("order", ["asc", "desc"])
def test_pages_follow_one_another_to_the_end(order: str) -> None:
    database = numbered(7)
    seen: list[int] = []
    cursor = None
    sizes = []
    while True:
        result = page(database, cursor, order=order)
        seen += numbers(result)
        sizes.append(len(result["page"]))
        cursor = result["continueCursor"]
        if result["isDone"]:
            break
    assert seen == sorted(range(7), reverse=order == "desc")
    assert sizes == [3, 3, 1]
    again = page(database, cursor, order=order)
    assert (again["page"], again["isDone"], again["continueCursor"]) == ([], True, cursor)


def test_a_page_that_is_exactly_full_is_not_the_end() -> None:
    database = numbered(3)
    full = page(database)
    assert not full["isDone"]
    after = page(database, full["continueCursor"])
    assert (after["page"], after["isDone"]) == ([], True)


def test_filters_apply_before_the_page_is_full() -> None:
    database = numbered(20)
    tx = database.begin_query()
    result = query(tx).filter(lambda q: q.eq(q.mod(q.field("n"), 5), 0)).paginate({"numItems": 3, "cursor": None})
    assert numbers(result) == [0, 5, 10]
    assert tx.metrics()["documentsRead"]["used"] == 11


def test_a_cursor_survives_deletes_and_inserts() -> None:
    database = numbered(7)
    first = page(database)
    write(database, lambda tx: tx.delete(first["page"][2]["_id"]))
    fill(database, "t", {"n": 1.5}, {"n": 2.5})
    assert numbers(page(database, first["continueCursor"])) == [2.5, 3, 4]


def test_an_end_cursor_decides_the_page_alone() -> None:
    database = numbered(9)
    first = page(database)
    second = page(database, first["continueCursor"])
    fill(database, "t", {"n": 4.5})
    again = page(
        database,
        first["continueCursor"],
        1,
        endCursor=second["continueCursor"],
        maximumRowsRead=1,
        maximumBytesRead=1,
    )
    assert numbers(again) == [3, 4, 4.5, 5]
    assert again["continueCursor"] == second["continueCursor"]
    assert not again["isDone"]


def test_the_same_page_has_the_same_cursor_text() -> None:
    database = numbered(5)
    assert page(database) == page(database)


# wrong options and cursors


@pytest.mark.parametrize("items", [-1, "3", None, True, float("nan")])
def test_the_number_of_items_is_a_number(items: Any) -> None:
    with pytest.raises(Exception, match="must be a positive number"):
        page(numbered(1), items=items)


def test_the_limits_on_items_and_maxima() -> None:
    database = numbered(1)
    text = (
        "`options.numItems` must be a positive number. Received `undefined`. "
        "Write `.paginate(num_items=10)`, or pass on the options that a client sent: `.paginate(options)`."
    )
    fails("InvalidArgument", text, lambda: query(database.begin_query()).paginate({"cursor": None}))
    fails("InvalidArgument", "Must request at least 1 document while paginating", lambda: page(database, items=0))
    fails("InvalidArgument", "Requested too many items: 32001", lambda: page(database, items=32_001))
    text = "maximumRowsRead and maximumBytesRead must be greater than 0"
    fails("InvalidArgument", text, lambda: page(database, maximumRowsRead=0))
    fails("InvalidArgument", text, lambda: page(database, maximumBytesRead=0))


def test_a_cursor_of_another_query_is_refused() -> None:
    database = numbered(9)
    cursor = page(database)["continueCursor"]
    others: list[Callable[[Transaction], Query]] = [
        lambda tx: tx.query("t"),
        lambda tx: query(tx, "desc"),
        lambda tx: query(tx).filter(lambda q: True),
        lambda tx: tx.query("t").with_index("by_n", lambda q: q.gt("n", 1)),
    ]
    for other in others:
        with pytest.raises(InvalidCursor) as caught:
            other(database.begin_query()).paginate({"numItems": 1, "cursor": cursor})
        assert caught.value.data == {"isConvexSystemError": True, "paginationError": "InvalidCursor"}
        assert caught.value.message.startswith("InvalidCursor: Tried to run a query starting from a cursor")


@pytest.mark.parametrize("cursor", ["", "garbage", "AAAA", 5, "é"])
def test_a_text_that_is_no_cursor_is_refused(cursor: Any) -> None:
    with pytest.raises(InvalidCursor):
        page(numbered(3), cursor)


def test_cursors_stay_good_over_a_restart() -> None:
    database = numbered(5)
    cursor = page(database)["continueCursor"]
    again = open_database(storage=database.storage, seed=2)
    assert numbers(page(again, cursor)) == [3, 4]


def test_one_execution_paginates_once() -> None:
    tx = numbered(5).begin_query()
    options = {"numItems": 1, "cursor": None}
    query(tx).paginate(options)
    fails(
        "MultiplePaginatedDatabaseQueries",
        "This query or mutation function ran multiple paginated queries. Convex only supports a single paginated query "
        "in each function.",
        lambda: query(tx).paginate(options),
    )
    tx.begin_nested()
    query(tx).paginate(options)
    tx.commit_nested()
    with pytest.raises(QueryError):
        query(tx).paginate(options)


# stopping early


def test_the_maximum_of_rows_stops_a_page() -> None:
    database = numbered(8)
    seen: list[int] = []
    cursor = None
    for _ in range(20):
        result = (
            query(database.begin_query())
            .filter(lambda q: q.gt(q.field("n"), 1))
            .paginate({"numItems": 5, "cursor": cursor, "maximumRowsRead": 3})
        )
        assert len(result["page"]) <= 3
        seen += numbers(result)
        cursor = result["continueCursor"]
        if result["isDone"]:
            break
        assert result["pageStatus"] == "SplitRequired"
        assert result["splitCursor"] is not None
    assert seen == list(range(2, 8))


def test_the_maximum_of_bytes_lets_one_row_through() -> None:
    result = page(numbered(5), maximumBytesRead=1)
    assert numbers(result) == [0]
    assert result["pageStatus"] == "SplitRequired"
    assert not result["isDone"]


def test_the_transactions_own_limit_stops_a_page() -> None:
    database = numbered(10, documents_read_max=4)
    result = page(database, items=9)
    assert numbers(result) == [0, 1, 2, 3]
    assert result["pageStatus"] == "SplitRequired"


def test_a_large_page_should_be_split_in_the_middle_of_what_was_read() -> None:
    database = numbered(9, documents_read_max=10)
    result = page(database, items=8)
    assert result["pageStatus"] == "SplitRecommended"
    left = page(database, endCursor=result["splitCursor"])
    right = page(database, result["splitCursor"], endCursor=result["continueCursor"])
    assert numbers(left) + numbers(right) == numbers(result)
    assert numbers(left) == [0, 1, 2, 3]


def test_a_small_page_has_no_status() -> None:
    result = page(numbered(2))
    assert (result["pageStatus"], result["splitCursor"]) == (None, None)


# journals


def live(database: Database, journal: str | None, items: int = 3) -> tuple[list[Any], str | None, Transaction]:
    tx = database.begin_query(journal=journal)
    result = query(tx).paginate({"numItems": items, "cursor": None})
    return numbers(result), tx.next_journal, tx


def test_a_live_page_keeps_its_range() -> None:
    database = numbered(9)
    shown, journal, _ = live(database, None)
    assert shown == [0, 1, 2]
    fill(database, "t", {"n": 0.5}, {"n": 2.5})
    shown, same, tx = live(database, journal)
    assert shown == [0, 0.5, 1, 2]
    assert same == journal
    assert not touches(database, tx, lambda tx: tx.insert("t", {"n": 2.7}))
    assert touches(database, tx, lambda tx: tx.insert("t", {"n": 1.7}))


def test_a_live_last_page_keeps_growing() -> None:
    database = numbered(2)
    _, journal, tx = live(database, None)
    assert touches(database, tx, lambda tx: tx.insert("t", {"n": 50}))
    fill(database, "t", *({"n": n} for n in range(60, 70)))
    shown, _, _ = live(database, journal)
    assert len(shown) == 13


def test_a_journal_that_cannot_be_read_counts_as_absent() -> None:
    shown, _, _ = live(numbered(9), "rubbish")
    assert shown == [0, 1, 2]


def test_a_journal_of_another_query_is_refused() -> None:
    database = numbered(9)
    _, journal, _ = live(database, None)
    tx = database.begin_query(journal=journal)
    with pytest.raises(InvalidCursor):
        tx.query("t").paginate({"numItems": 1, "cursor": None})


def test_a_page_with_a_given_end_writes_no_journal() -> None:
    database = numbered(9)
    end = page(database)["continueCursor"]
    tx = database.begin_query()
    query(tx).paginate({"numItems": 1, "cursor": None, "endCursor": end})
    assert tx.next_journal is None


def test_only_the_outermost_function_follows_the_journal() -> None:
    database = numbered(9)
    _, journal, _ = live(database, None)
    tx = database.begin_query(journal=journal)
    tx.begin_nested()
    assert numbers(query(tx).paginate({"numItems": 5, "cursor": None})) == [0, 1, 2, 3, 4]
    tx.commit_nested()
    assert tx.next_journal is None


# evidence, own writes, missing tables


def test_a_page_depends_on_its_own_range() -> None:
    database = numbered(9)
    first = page(database)
    tx = database.begin_query()
    query(tx).paginate({"numItems": 3, "cursor": first["continueCursor"]})
    assert not touches(database, tx, lambda tx: tx.insert("t", {"n": 1}))
    assert not touches(database, tx, lambda tx: tx.insert("t", {"n": 6}))
    assert touches(database, tx, lambda tx: tx.insert("t", {"n": 2.5}))
    assert touches(database, tx, lambda tx: tx.insert("t", {"n": 4.5}))


def test_pages_show_own_writes() -> None:
    database = numbered(4)
    tx = database.begin_mutation()
    tx.insert("t", {"n": 0.5})
    first = query(tx).paginate({"numItems": 2, "cursor": None})
    assert numbers(first) == [0, 0.5]


def test_a_table_that_does_not_exist_is_an_empty_page() -> None:
    database = open_database()
    tx = database.begin_query()
    result = tx.query("nowhere").paginate({"numItems": 2, "cursor": None})
    assert (result["page"], result["isDone"]) == ([], True)
    assert touches(database, tx, lambda tx: tx.insert("nowhere", {}))
