"""Semantics 2.4 and 2.5: deploying a schema while the database is in use."""

from __future__ import annotations

from typing import Any

import pytest

from parabola.database.committer import CommitResult
from parabola.database.database import Database
from parabola.database.schema_change import SchemaChange, finish_staged_backfill, staged_backfills
from parabola.errors import QueryError, SchemaError
from parabola.schema.tables import Schema, define_schema, define_table
from parabola.schema.validators import v
from tests.unit.database.helpers import commit, fails, fill, open_database, write

OLD = define_schema(t=define_table(n=v.number()))
INDEXED = define_schema(t=define_table(n=v.number()).index("by_n", ["n"]))
STRICTER = define_schema(t=define_table(n=v.union(v.literal(1), v.literal(2))))


def numbered(count: int, schema: Schema | None = OLD) -> Database:
    database = open_database(schema)
    fill(database, "t", *({"n": n} for n in range(count)))
    return database


def by_n(database: Database) -> list[Any]:
    return [document["n"] for document in database.begin_query().query("t").with_index("by_n").collect()]


def run_steps(change: SchemaChange) -> int:
    steps = 1
    while not change.step():
        steps += 1
    return steps


def finish(change: SchemaChange) -> None:
    results: list[CommitResult] = []
    change.finish(results.append)
    assert results[0].conflict is None


def test_a_new_index_has_all_documents_of_before_during_and_after() -> None:
    database = numbered(1000)
    change = database.prepare_schema(INDEXED)
    ids = [document["_id"] for document in database.begin_query().query("t").with_index("by_id").collect()]
    steps = 0
    while not change.step():
        steps += 1
        fill(database, "t", {"n": 5000 + steps})
        tx = database.begin_mutation()
        tx.patch(ids[steps], {"n": 6000 + steps})  # behind the walk
        tx.patch(ids[-steps], {"n": 7000 + steps})  # ahead of it
        tx.delete(ids[500 + steps])
        assert commit(database, tx).conflict is None
    assert steps > 3
    finish(change)
    query = database.begin_query()
    expected = sorted(document["n"] for document in query.query("t").collect())
    assert by_n(database) == expected
    write(database, lambda tx: tx.insert("t", {"n": 9999}))
    assert by_n(database)[-1] == 9999


def test_an_index_cannot_be_queried_before_the_switch() -> None:
    database = numbered(3)
    database.prepare_schema(INDEXED)
    fails(
        "IndexBackfillingError",
        "Index t.by_n is currently backfilling and not available to query yet.",
        lambda: by_n(database),
    )


def test_a_document_that_does_not_fit_fails_the_change_and_nothing_else() -> None:
    database = numbered(4)
    catalog_tables = sorted(table.name for table in database.catalog.user_tables())
    schema = define_schema(t=STRICTER.tables["t"].index("by_n", ["n"]), u=define_table(a=v.string()))
    change = database.prepare_schema(schema)
    with pytest.raises(SchemaError) as caught:
        run_steps(change)
    assert caught.value.message.startswith('Document with ID "')
    assert '" in table "t" does not match the schema: Value does not match validator.' in caught.value.message
    assert database.catalog.schema == OLD
    assert database.catalog.pending_schema is None
    assert "by_n" not in database.catalog.table("t").indexes  # type: ignore[union-attr]
    write(database, lambda tx: tx.insert("t", {"n": 50}))
    assert set(catalog_tables) <= {table.name for table in database.catalog.user_tables()}
    again = open_database(storage=database.storage)
    assert again.catalog.schema == OLD


def test_writes_are_checked_against_both_schemas() -> None:
    database = open_database(OLD)
    fill(database, "t", {"n": 1})
    change = database.prepare_schema(STRICTER)
    with pytest.raises(SchemaError, match="Failed to insert or update"):
        database.begin_mutation().insert("t", {"n": "text"})
    write(database, lambda tx: tx.insert("t", {"n": 3}))
    with pytest.raises(SchemaError) as caught:
        run_steps(change)
    assert caught.value.message.startswith('New document in table "t" does not match the schema: ')
    assert database.catalog.schema == OLD


def test_a_write_that_was_undone_does_not_fail_the_change() -> None:
    database = open_database(OLD)
    change = database.prepare_schema(STRICTER)
    tx = database.begin_mutation()
    tx.begin_nested()
    tx.insert("t", {"n": 3})
    tx.rollback_nested()
    tx.insert("t", {"n": 2})
    commit(database, tx)
    run_steps(change)
    finish(change)
    assert database.catalog.schema == STRICTER


def test_a_table_that_only_widened_is_not_read_again() -> None:
    database = numbered(500)
    wider = define_schema(t=define_table(n=v.number(), extra=v.optional(v.string())))
    assert run_steps(database.prepare_schema(wider)) == 1


def test_validation_can_be_off() -> None:
    database = numbered(3)
    loose = define_schema({"t": define_table(n=v.string())}, schema_validation=False)
    database.prepare_schema(loose).run()
    write(database, lambda tx: tx.insert("t", {"n": 5, "more": True}))


def test_a_write_begun_before_the_change_conflicts() -> None:
    database = numbered(1)
    tx = database.begin_mutation()
    tx.insert("t", {"n": 77})
    change = database.prepare_schema(INDEXED)
    assert commit(database, tx).conflict is not None
    run_steps(change)
    tx = database.begin_mutation()
    tx.insert("t", {"n": 78})
    finish(change)
    assert commit(database, tx).conflict is not None
    assert by_n(database) == [0]


def test_a_read_of_an_index_that_was_dropped_conflicts() -> None:
    database = numbered(2, INDEXED)
    fill(database, "other", {})
    tx = database.begin_mutation()
    tx.query("t").with_index("by_n", lambda q: q.eq("n", 7)).collect()
    tx.insert("other", {})
    database.prepare_schema(OLD).run()
    assert commit(database, tx).conflict is not None


def test_an_index_that_is_gone_from_the_schema_is_dropped() -> None:
    database = numbered(2, INDEXED)
    database.prepare_schema(OLD).run()
    with pytest.raises(QueryError, match=r"Index t.by_n not found\."):
        by_n(database)
    database.prepare_schema(INDEXED).run()
    fill(database, "t", {"n": 1.5})
    assert by_n(database) == [0, 1, 1.5]


def test_an_index_may_change_its_fields_under_its_name() -> None:
    old = define_schema(t=define_table(v.any()).index("by_x", ["a"]))
    new = define_schema(t=define_table(v.any()).index("by_x", ["b"]))
    database = open_database(old)
    fill(database, "t", {"a": 1, "b": 2}, {"a": 2, "b": 1})
    change = database.prepare_schema(new)

    def order() -> list[Any]:
        query = database.begin_query().query("t").with_index("by_x")
        return [document["a"] for document in query.collect()]

    assert order() == [1, 2]
    run_steps(change)
    finish(change)
    assert order() == [2, 1]


def test_a_newer_change_overwrites_an_older_one() -> None:
    database = numbered(3)
    older = database.prepare_schema(STRICTER)
    newer = database.prepare_schema(INDEXED)
    run_steps(newer)
    finish(newer)
    assert database.catalog.schema == INDEXED
    with pytest.raises(SchemaError):
        older.step()
    assert database.catalog.schema == INDEXED
    assert by_n(database) == [0, 1, 2]


def test_a_change_that_a_restart_interrupted_is_forgotten() -> None:
    database = numbered(300)
    database.prepare_schema(INDEXED).step()
    again = open_database(storage=database.storage)
    assert again.catalog.schema == OLD
    assert again.catalog.pending_schema is None
    again.prepare_schema(INDEXED).run()
    assert by_n(again) == list(range(300))


def test_everything_survives_a_restart() -> None:
    database = numbered(3, INDEXED)
    again = open_database(storage=database.storage)
    assert again.catalog.schema == INDEXED
    fill(again, "t", {"n": 1.5})
    assert by_n(again) == [0, 1, 1.5, 2]
    with pytest.raises(SchemaError):
        again.begin_mutation().insert("t", {"n": "x"})


def test_a_staged_index_is_built_beside_and_enabled_later() -> None:
    staged = define_schema(t=define_table(n=v.number()).index("by_n", ["n"], staged=True))
    database = numbered(300)
    change = database.prepare_schema(staged)
    assert run_steps(change) == 1
    finish(change)
    fails(
        "IndexStagedError",
        "Index t.by_n is currently staged and not available to query until it is enabled.",
        lambda: by_n(database),
    )
    (backfill,) = staged_backfills(database)
    while not backfill.step(100):
        pass
    finish_staged_backfill(database, backfill)
    assert staged_backfills(database) == []
    fill(database, "t", {"n": 1000})
    enabling = database.prepare_schema(INDEXED)
    assert run_steps(enabling) == 1
    finish(enabling)
    assert by_n(database) == [*range(300), 1000]


def test_a_staged_index_that_is_not_complete_is_completed_before_it_is_enabled() -> None:
    staged = define_schema(t=define_table(n=v.number()).index("by_n", ["n"], staged=True))
    database = numbered(300)
    database.prepare_schema(staged).run()
    database.prepare_schema(INDEXED).run()
    assert by_n(database) == list(range(300))


def test_abandoning_takes_everything_back() -> None:
    database = numbered(3)
    change = database.prepare_schema(INDEXED)
    change.abandon()
    change.abandon()
    assert database.catalog.pending_schema is None
    assert list(database.catalog.table("t").indexes) == ["by_id", "by_creation_time"]  # type: ignore[union-attr]


def test_an_overwritten_change_leaves_the_newer_one_alone() -> None:
    database = numbered(3)
    older = database.prepare_schema(STRICTER)
    newer = database.prepare_schema(INDEXED)
    fails("SchemaEnforcementError", "The schema was overwritten by a newer deploy.", older.step)
    older.abandon()
    run_steps(newer)
    finish(newer)
    assert by_n(database) == [0, 1, 2]
