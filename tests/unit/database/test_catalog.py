from __future__ import annotations

from parabola.database.catalog import Table, system_catalog
from parabola.database.catalog_versions import CatalogVersions
from parabola.database.system_tables import SYSTEM_TABLE_NUMBER_MAX, SYSTEM_TABLES, table_number_of_builtin_index


def test_system_tables_have_fixed_numbers_below_a_hundred() -> None:
    assert [(table.number, table.name) for table in SYSTEM_TABLES] == [
        (1, "_tables"),
        (2, "_indexes"),
        (3, "_schemas"),
        (4, "_session_requests"),
        (5, "_scheduled_functions"),
        (6, "_storage"),
        (7, "_settings"),
        (8, "_environment_variables"),
        (9, "_cron_jobs"),
    ]
    assert all(table.number <= SYSTEM_TABLE_NUMBER_MAX for table in SYSTEM_TABLES)


def test_every_index_number_leads_back_to_its_table() -> None:
    catalog = system_catalog().with_table(Table(10_001, "t"))
    for table in catalog.tables():
        for number in table.index_numbers:
            assert catalog.table_of_index(number) is table
            assert table_number_of_builtin_index(number) == table.number


def test_a_changed_catalog_shares_what_stayed() -> None:
    before = system_catalog().with_table(Table(10_001, "a"))
    after = before.with_table(Table(10_002, "b"))
    assert after.table("a") is before.table("a")
    assert before.table("b") is None
    assert after.table_name(10_002) == "b"
    assert after.table_name(77) is None


def test_versions_are_found_by_timestamp() -> None:
    first, second = system_catalog(), system_catalog()
    versions = CatalogVersions(10, first)
    versions.add(20, second)
    assert [versions.at(ts) for ts in (5, 10, 19, 20, 99)] == [first, first, first, second, second]
    versions.forget_before(20)
    assert len(versions) == 1
    assert versions.at(5) is second
