"""Semantics 4.2 to 4.5, and 7.2 as far as queries are concerned."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from parabola.database.database import Database
from parabola.database.query import Query
from parabola.database.transaction import Transaction
from parabola.errors import InvalidArgument, QueryError
from parabola.limits import Limits
from parabola.schema.tables import define_schema, define_table
from parabola.schema.validators import v
from parabola.values.model import UNDEFINED, Int64
from tests.unit.database.helpers import fails, fill, open_database, touches, write

SCHEMA = define_schema(
    t=define_table(v.any()).index("by_n", ["n"]).index("by_group_and_n", ["g", "n"]).index("by_inner", ["o.x"])
)


def filled(*documents: dict[str, Any]) -> Database:
    database = open_database(SCHEMA)
    fill(database, "t", *documents)
    return database


def numbers(documents: list[dict[str, Any]]) -> list[Any]:
    return [document.get("n") for document in documents]


def numbered(count: int) -> Database:
    return filled(*({"n": n, "g": n % 2} for n in range(count)))


# forms


def test_a_plain_query_is_in_order_of_creation_and_desc_is_the_reverse() -> None:
    tx = filled({"n": 2}, {"n": 1}, {"n": 2}).begin_query()
    assert numbers(tx.query("t").collect()) == [2, 1, 2]
    assert numbers(tx.query("t").order("desc").collect()) == [2, 1, 2]
    ids = [document["_id"] for document in tx.query("t").full_table_scan().collect()]
    assert [document["_id"] for document in tx.query("t").order("desc").collect()] == ids[::-1]


def test_an_index_orders_and_bounds() -> None:
    tx = numbered(10).begin_query()
    assert numbers(tx.query("t").with_index("by_n", lambda q: q.gte("n", 3).lt("n", 6)).collect()) == [3, 4, 5]
    query = tx.query("t").with_index("by_group_and_n", lambda q: q.eq("g", 1).gt("n", 2)).order("desc")
    assert numbers(query.collect()) == [9, 7, 5, 3]


def test_values_of_all_types_come_in_the_total_order() -> None:
    values = [[1], b"b", "b", "a", True, False, 2.5, 1, Int64(7), None]
    database = filled({"o": {"x": {}}}, *({"o": {"x": value}} for value in values), {"o": 1})
    query = database.begin_query().query("t").with_index("by_inner").order("desc")
    found = [document["o"]["x"] if document["o"] != 1 else UNDEFINED for document in query.collect()]
    assert found == [{}, *values, UNDEFINED]


def test_missing_and_null_are_told_apart() -> None:
    tx = filled({"n": None}, {"g": 1}).begin_query()
    missing = tx.query("t").with_index("by_n", lambda q: q.eq("n", UNDEFINED)).collect()
    null = tx.query("t").with_index("by_n", lambda q: q.eq("n", None)).collect()
    assert [len(missing), len(null)] == [1, 1]
    assert "n" not in missing[0]


def test_by_id_is_an_index_of_ids() -> None:
    database = numbered(20)
    tx = database.begin_query()
    documents = tx.query("t").with_index("by_id").collect()
    ids = [document["_id"] for document in documents]
    assert ids == sorted(ids)
    assert len(ids) == 20
    below = tx.query("t").with_index("by_id", lambda q: q.lt("_id", ids[5])).order("desc").collect()
    assert [document["_id"] for document in below] == ids[4::-1]
    above = tx.query("t").with_index("by_id", lambda q: q.gt("_id", ids[5])).take(2)
    assert [document["_id"] for document in above] == ids[6:8]
    assert tx.query("t").with_index("by_id", lambda q: q.gt("_id", 5)).collect() == documents
    assert tx.query("t").with_index("by_id", lambda q: q.gt("_id", [])).collect() == []
    with pytest.raises(QueryError, match="doesn't index this field"):
        tx.query("t").with_index("by_id", lambda q: q.gt("_creationTime", 1)).collect()


def test_by_creation_time_is_an_index_too() -> None:
    tx = numbered(5).begin_query()
    times = [document["_creationTime"] for document in tx.query("t").collect()]
    query = tx.query("t").with_index("by_creation_time", lambda q: q.lte("_creationTime", times[2]))
    assert numbers(query.collect()) == [0, 1, 2]


def test_filters_are_conjoined() -> None:
    query = numbered(10).begin_query().query("t")
    query = query.filter(lambda q: q.gt(q.field("n"), 3)).filter(lambda q: q.eq(q.field("g"), 0))
    assert numbers(query.collect()) == [4, 6, 8]


def test_first_take_and_unique() -> None:
    database = numbered(5)
    tx = database.begin_query()
    first = tx.query("t").first()
    assert first is not None
    assert first["n"] == 0
    assert numbers(tx.query("t").order("desc").take(2)) == [4, 3]
    assert tx.query("t").take(0) == []
    assert numbers(tx.query("t").take(99)) == [0, 1, 2, 3, 4]
    assert tx.query("t").with_index("by_n", lambda q: q.eq("n", 77)).unique() is None
    only = tx.query("t").filter(lambda q: q.eq(q.field("n"), 3)).unique()
    assert only is not None
    assert only["n"] == 3
    ids = [document["_id"] for document in tx.query("t").take(2)]
    fails(
        "NotUnique",
        f"unique() query returned more than one result from table t:\n [{ids[0]}, {ids[1]}, ...]",
        lambda: tx.query("t").unique(),
    )


@pytest.mark.parametrize("n", [-1, 1.5, "1", True, None])
def test_take_wants_a_non_negative_integer(n: Any) -> None:
    tx = open_database().begin_query()
    with pytest.raises(InvalidArgument, match="Arg 1 `n` to `take` must be a non-negative integer"):
        tx.query("t").take(n)


def test_results_stream() -> None:
    tx = numbered(300).begin_query()
    seen = []
    for document in tx.query("t"):
        seen.append(document["n"])
        if len(seen) == 150:
            break
    assert seen == list(range(150))
    assert tx.metrics()["documentsRead"]["used"] == 150


# builders


def test_a_query_is_chained_once() -> None:
    tx = numbered(1).begin_query()
    query = tx.query("t")
    query.order("asc")
    text = "A query can only be chained once and can't be chained after iteration begins."
    fails("InvalidQuery", text, lambda: query.filter(lambda q: True))
    fails(
        "InvalidQuery",
        "This query has been chained with another operator and can't be reused.",
        lambda: query.collect(),
    )


def test_a_query_is_consumed_once() -> None:
    query = numbered(1).begin_query().query("t")
    query.collect()
    fails("InvalidQuery", "This query is closed and can't emit any more values.", lambda: query.collect())
    text = "A query can only be chained once and can't be chained after iteration begins."
    fails("InvalidQuery", text, lambda: query.order("asc"))


def test_iteration_begins_once() -> None:
    query = numbered(3).begin_query().query("t")
    next(iter(query))
    fails("InvalidQuery", "Iteration can only begin on a query once.", lambda: iter(query))


def test_order_is_given_once() -> None:
    query = numbered(1).begin_query().query("t").order("asc")
    fails("InvalidQuery", "Queries may only specify order at most once", lambda: query.order("desc"))


def test_an_index_comes_first() -> None:
    tx = numbered(1).begin_query()
    with pytest.raises(QueryError, match="first step"):
        tx.query("t").order("asc").with_index("by_n")
    with pytest.raises(QueryError, match="first step"):
        tx.query("t").with_index("by_n").full_table_scan()


def test_a_query_has_a_bounded_number_of_steps() -> None:
    query = open_database(limits=Limits(query_operators_max=5)).begin_query().query("t")
    for _ in range(5):
        query = query.filter(lambda q: True)
    text = "Can't construct query with more than 5 operators"
    fails("InvalidQuery", text, lambda: query.filter(lambda q: True))


def test_a_range_function_must_return_what_it_was_given() -> None:
    with pytest.raises(QueryError, match="it returned bool"):
        numbered(1).begin_query().query("t").with_index("by_n", lambda q: True)


def test_unknown_indexes() -> None:
    database = numbered(1)
    tx = database.begin_query()
    fails("IndexNotFoundError", "Index t.by_x not found.", lambda: tx.query("t").with_index("by_x").collect())


def test_each_side_queries_its_own_tables() -> None:
    tx = open_database().begin_query()
    fails(
        "SystemTableError", "System tables can only be accessed from db.system.query().", lambda: tx.query("_storage")
    )
    fails("SystemTableError", "User tables can only be accessed from db.query().", lambda: tx.query("t", system=True))
    assert tx.query("_nonsense", system=True).collect() == []
    assert tx.query("_settings", system=True).collect() == []


def test_a_table_is_named_by_a_string() -> None:
    tx = open_database().begin_query()
    nameless: Any = 5
    for method, call in (("query", tx.query), ("normalizeId", lambda table: tx.normalize_id(table, "x"))):
        text = f"Invalid argument `table` for `db.{method}`, expected string but got 'int'"
        fails("InvalidArgument", text, lambda call=call: call(nameless))


# own writes


def test_a_scan_shows_own_writes_in_place_both_ways_round() -> None:
    database = numbered(6)
    tx = database.begin_mutation()
    ids = [document["_id"] for document in database.begin_query().query("t").collect()]
    tx.patch(ids[0], {"n": 4.5})  # moves ahead
    tx.patch(ids[5], {"n": 0.5})  # moves back
    tx.patch(ids[2], {"g": "changed"})  # stays
    tx.delete(ids[3])
    tx.insert("t", {"n": 2.5})
    expected = [0.5, 1, 2, 2.5, 4, 4.5]
    assert numbers(tx.query("t").with_index("by_n").collect()) == expected
    assert numbers(tx.query("t").with_index("by_n").order("desc").collect()) == expected[::-1]
    assert numbers(tx.query("t").with_index("by_n").take(3)) == expected[:3]
    assert numbers(tx.query("t").with_index("by_n").order("desc").take(3)) == expected[:2:-1]
    assert numbers(tx.query("t").with_index("by_n", lambda q: q.gte("n", 2.5).lt("n", 4.5)).collect()) == [2.5, 4]
    assert len(tx.query("t").with_index("by_id").collect()) == 6
    assert numbers(tx.query("t").collect()) == [4.5, 1, 2, 4, 0.5, 2.5]


def test_scans_follow_writes_undone_and_made_between_them() -> None:
    tx = numbered(2).begin_mutation()
    tx.insert("t", {"n": 5})
    assert numbers(tx.query("t").with_index("by_n").collect()) == [0, 1, 5]
    tx.begin_nested()
    added = tx.insert("t", {"n": 0.5})
    assert numbers(tx.query("t").with_index("by_n").collect()) == [0, 0.5, 1, 5]
    tx.patch(added, {"n": 9})
    assert numbers(tx.query("t").with_index("by_n").collect()) == [0, 1, 5, 9]
    tx.rollback_nested()
    assert numbers(tx.query("t").with_index("by_n").collect()) == [0, 1, 5]


# the read set


Consume = Callable[[Query], Any]


def reads(database: Database, build: Callable[[Transaction], Any]) -> Transaction:
    tx = database.begin_query()
    build(tx)
    return tx


def insert(n: Any) -> Callable[[Transaction], Any]:
    return lambda tx: tx.insert("t", {"n": n})


def test_a_range_read_to_its_end_depends_on_all_of_it_and_on_nothing_else() -> None:
    database = numbered(10)
    tx = reads(database, lambda tx: tx.query("t").with_index("by_n", lambda q: q.gte("n", 3).lte("n", 5)).collect())
    assert touches(database, tx, insert(4.5))
    assert touches(database, tx, insert(5))
    assert not touches(database, tx, insert(2.9))
    assert not touches(database, tx, insert(5.1))


@pytest.mark.parametrize("consume", [lambda query: query.first(), lambda query: next(iter(query))])
def test_a_scan_stopped_early_depends_on_what_was_pulled_and_the_gap_before(consume: Consume) -> None:
    database = filled({"n": 2}, {"n": 4}, {"n": 6})
    tx = reads(database, lambda tx: consume(tx.query("t").with_index("by_n")))
    assert touches(database, tx, insert(1))
    assert not touches(database, tx, insert(3))
    back = reads(database, lambda tx: consume(tx.query("t").with_index("by_n").order("desc")))
    assert touches(database, back, insert(7))
    assert not touches(database, back, insert(5))


def test_filtered_rows_that_were_pulled_count() -> None:
    database = filled({"n": 1}, {"n": 2}, {"n": 5})
    tx = reads(database, lambda tx: tx.query("t").with_index("by_n").filter(lambda q: q.eq(q.field("n"), 2)).first())
    assert touches(database, tx, insert(1.5))
    assert not touches(database, tx, insert(3))
    assert tx.metrics()["documentsRead"]["used"] == 2


def test_an_empty_range_is_a_dependency() -> None:
    database = filled({"n": 9})
    tx = reads(database, lambda tx: tx.query("t").with_index("by_n", lambda q: q.eq("n", 1)).unique())
    assert not touches(database, tx, insert(2))
    assert touches(database, tx, insert(1))


def test_an_impossible_range_reads_nothing() -> None:
    database = numbered(3)
    tx = reads(database, lambda tx: tx.query("t").with_index("by_n", lambda q: q.gt("n", 5).lt("n", 3)).collect())
    assert tx.read_set.range_count == 0


def test_a_document_that_moves_touches_where_it_was_and_where_it_is() -> None:
    database = filled({"n": 1})
    (one,) = [document["_id"] for document in database.begin_query().query("t").collect()]
    old = reads(database, lambda tx: tx.query("t").with_index("by_n", lambda q: q.eq("n", 1)).collect())
    new = reads(database, lambda tx: tx.query("t").with_index("by_n", lambda q: q.eq("n", 2)).collect())
    write(database, lambda tx: tx.patch(one, {"n": 2}))
    entry = database.write_log.since(0)[-1]
    assert old.read_set.overlaps(entry)
    assert new.read_set.overlaps(entry)


def test_a_change_of_other_fields_touches_every_index() -> None:
    database = filled({"n": 1})
    tx = reads(database, lambda tx: tx.query("t").with_index("by_n", lambda q: q.eq("n", 1)).collect())
    (one,) = [document["_id"] for document in database.begin_query().query("t").collect()]
    assert touches(database, tx, lambda tx: tx.patch(one, {"other": 1}))


def test_an_iterator_left_lying_about_has_its_evidence_at_any_time() -> None:
    database = numbered(40)
    tx = database.begin_query()
    iterator = iter(tx.query("t").with_index("by_n"))
    for _ in range(3):
        next(iterator)
    assert touches(database, tx, insert(1.5))
    assert not touches(database, tx, insert(2.5))
    next(iterator)
    assert touches(database, tx, insert(2.7))


def test_an_index_that_is_not_there_is_a_dependency_on_its_coming() -> None:
    database = numbered(1)
    tx = database.begin_query()
    with pytest.raises(QueryError):
        tx.query("t").with_index("by_x").collect()
    before = database.latest_ts
    database.prepare_schema(define_schema(t=define_table(v.any()).index("by_x", ["x"]))).run()
    assert any(tx.read_set.overlaps(entry) for entry in database.write_log.since(before))
