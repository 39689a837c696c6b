from __future__ import annotations

from parabola.database.database import Database
from parabola.database.system_tables import SYSTEM_TABLES
from parabola.schema.tables import define_schema, define_table
from parabola.schema.validators import v
from parabola.seams import ManualClock, SeededEntropy
from parabola.storage.memory import MemoryStorage
from tests.unit.database.helpers import commit, fill, open_database


def test_an_empty_database_has_its_own_tables_and_no_others() -> None:
    database = open_database()
    assert {table.name for table in database.catalog.tables()} == {table.name for table in SYSTEM_TABLES}
    assert database.catalog.user_tables() == []


def test_user_tables_are_numbered_from_10001_and_never_alike() -> None:
    database = open_database()
    fill(database, "a", {})
    fill(database, "b", {})
    numbers = [table.number for table in database.catalog.user_tables()]
    assert numbers == [10_001, 10_002]
    indexes = [number for table in database.catalog.tables() for number in table.index_numbers]
    assert len(indexes) == len(set(indexes))


def test_opening_again_finds_everything() -> None:
    schema = define_schema(t=define_table(n=v.number()).index("by_n", ["n"]))
    database = open_database(schema)
    fill(database, "t", {"n": 1})
    fill(database, "free", {"x": "y"})
    again = open_database(storage=database.storage, seed=3)
    assert again.catalog.schema == schema
    assert [table.name for table in again.catalog.user_tables()] == ["t", "free"]
    fill(again, "third", {})
    assert again.catalog.table("third").number == 10_003  # type: ignore[union-attr]


def test_opening_again_writes_nothing() -> None:
    database = open_database()
    before = database.latest_ts
    assert open_database(storage=database.storage).latest_ts == before


def test_a_query_at_a_past_timestamp_sees_the_tables_of_then() -> None:
    database = open_database()
    before = database.durable_ts
    fill(database, "t", {})
    assert database.catalog_at(before).table("t") is None
    assert database.begin_query(before).query("t").collect() == []
    assert len(database.begin_query().query("t").collect()) == 1


def test_creation_times_rise_over_transactions_while_the_clock_stands_still() -> None:
    database = open_database()
    for n in range(5):
        fill(database, "t", {"n": 2 * n}, {"n": 2 * n + 1})
    assert [document["n"] for document in database.begin_query().query("t").collect()] == list(range(10))


def test_creation_times_are_those_of_the_clock() -> None:
    clock = ManualClock()
    database = Database(MemoryStorage(), clock=clock, entropy=SeededEntropy(1))
    database.open()
    fill(database, "t", {})
    clock.advance(5)
    (one,) = fill(database, "t", {})
    document = database.begin_query().get(one)
    assert document is not None
    assert document["_creationTime"] == clock.now_ns() / 1_000_000


def test_retention_forgets_the_past_in_every_part() -> None:
    database = open_database()
    (one,) = fill(database, "t", {"n": 0})
    for n in range(10):
        tx = database.begin_mutation()
        tx.patch(one, {"n": n + 1})
        commit(database, tx)
    database.set_retention(database.latest_ts)
    statistics = database.statistics()
    assert statistics["write_log_entries"] == 0
    assert statistics["catalog_versions"] == 1
    document = database.begin_query().get(one)
    assert document is not None
    assert document["n"] == 10


def test_statistics_count_commits_and_conflicts() -> None:
    database = open_database()
    before = database.statistics()["commits"]
    fill(database, "t", {})
    statistics = database.statistics()
    assert statistics["commits"] == before + 1
    assert statistics["conflicts"] == 0
