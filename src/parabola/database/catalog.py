"""Which tables and indexes exist, and what their documents must look like.

A catalog is a value: it never changes. Creating a table or switching a schema makes a new one, which shares every table
that stayed as it was. That sharing is how the committer notices that a table changed under a transaction: the
transaction's `Table` is then no longer the current one (`is`, not `==`).

The catalog is derived from documents in `_tables`, `_indexes` and `_schemas` (`catalog_store.py`), so it is as durable,
transactional and recoverable as anything else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, Literal

from parabola.database import system_tables
from parabola.database.key_functions import KeyFunction, compile_key_function
from parabola.database.system_tables import (
    SYSTEM_TABLE_NUMBER_MAX,
    by_creation_time_index_number,
    by_id_index_number,
    system_index_number,
)
from parabola.schema.check import Checker, compile_check
from parabola.schema.tables import Schema

IndexState = Literal["backfilling", "enabled", "staged"]

BY_ID: Final = "by_id"
BY_CREATION_TIME: Final = "by_creation_time"


class Index:
    """One index of a table. `fields` are all its parts, with the implicit `_creationTime` and `_id` at the end."""

    __slots__ = ("backfilled", "declared_fields", "document_id", "fields", "name", "number", "position", "state")

    def __init__(
        self,
        number: int,
        name: str,
        declared_fields: tuple[str, ...],
        state: IndexState = "enabled",
        *,
        backfilled: bool = True,
        document_id: str = "",
    ) -> None:
        self.number = number
        self.name = name
        self.declared_fields = declared_fields
        self.state: IndexState = state
        self.backfilled = backfilled
        """Whether every document has its entry; a staged index may or may not."""
        self.document_id = document_id
        """Of its document in `_indexes`; empty for the built-in ones."""
        self.fields: tuple[str, ...]
        if name == BY_ID:
            self.fields = ("_id",)
        elif name == BY_CREATION_TIME:
            self.fields = ("_creationTime", "_id")
        else:
            self.fields = (*declared_fields, "_creationTime", "_id")
        self.position = 0  # set by the table: where its key stands in what `keys_of` returns

    def __repr__(self) -> str:
        return f"Index({self.name}, {list(self.declared_fields)}, {self.state}, number={self.number})"


class Table:
    """One table: its indexes, its keys, its checks."""

    __slots__ = (
        "_declared",
        "by_creation_time",
        "by_id_number",
        "check",
        "document_id",
        "index_numbers",
        "indexed_fields",
        "indexes",
        "is_system",
        "keys_of",
        "name",
        "number",
        "pending_check",
    )

    def __init__(
        self,
        number: int,
        name: str,
        declared: Iterable[Index] = (),
        *,
        check: Checker | None = None,
        pending_check: Checker | None = None,
        document_id: str = "",
        by_creation_time: bool = True,
    ) -> None:
        self.number = number
        self.name = name
        self.document_id = document_id
        self.is_system = number <= SYSTEM_TABLE_NUMBER_MAX
        by_id = Index(by_id_index_number(number), BY_ID, ())
        # What a scan without an index walks.
        self.by_creation_time = (
            Index(by_creation_time_index_number(number), BY_CREATION_TIME, ()) if by_creation_time else by_id
        )
        built_in = [by_id, self.by_creation_time] if by_creation_time else [by_id]
        ordered = [*built_in, *declared]
        for position, index in enumerate(ordered):
            index.position = position
        self.indexes: Mapping[str, Index] = {index.name: index for index in ordered}
        self.index_numbers = tuple(index.number for index in ordered)
        """In the order of what `keys_of` returns; the first is `by_id`, which has no entries in the storage."""
        self.by_id_number = by_id.number
        self._declared = ordered[len(built_in) :]
        self.keys_of: KeyFunction = compile_key_function(
            [index.declared_fields for index in self._declared], by_creation_time=by_creation_time
        )
        self.indexed_fields = frozenset(
            field.split(".", 1)[0] for index in self._declared for field in index.declared_fields
        )
        """Top-level fields that a key can depend on. A patch of others leaves all keys as they are."""
        self.check = check
        self.pending_check = pending_check
        """Of the schema that is being deployed: a document that breaks it breaks the deploy, not the write."""

    def declared_indexes(self) -> list[Index]:
        """Those that the schema declares: all but `by_id` and `by_creation_time`. Fresh, for another Table."""
        return [
            Index(
                index.number,
                index.name,
                index.declared_fields,
                index.state,
                backfilled=index.backfilled,
                document_id=index.document_id,
            )
            for index in self._declared
        ]

    def __repr__(self) -> str:
        return f"Table({self.name}, number={self.number}, indexes={list(self.indexes)})"


class Catalog:
    """Every table, by name and by number, and the schemas in force. Also the `TableNames` that id validators ask."""

    __slots__ = ("_by_number", "by_name", "pending_schema", "schema")

    def __init__(
        self, tables: Iterable[Table], *, schema: Schema | None = None, pending_schema: Schema | None = None
    ) -> None:
        self.by_name: Mapping[str, Table] = {table.name: table for table in tables}
        """Every table, system tables included."""
        self._by_number = {table.number: table for table in self.by_name.values()}
        self.schema = schema
        self.pending_schema = pending_schema

    def table(self, name: str) -> Table | None:
        """The table of that name, also a system table."""
        return self.by_name.get(name)

    def table_by_number(self, number: int) -> Table | None:
        return self._by_number.get(number)

    def table_name(self, number: int) -> str | None:
        """The name of a table, given the number that its ids carry."""
        table = self._by_number.get(number)
        return None if table is None else table.name

    def tables(self) -> list[Table]:
        """Every table, system tables included."""
        return list(self.by_name.values())

    def user_tables(self) -> list[Table]:
        """The application's own tables."""
        return [table for table in self.by_name.values() if not table.is_system]

    def has_index(self, index_number: int) -> bool:
        """Whether writes still keep this index up to date."""
        return self.table_of_index(index_number) is not None

    def table_of_index(self, index_number: int) -> Table | None:
        """The table that an index belongs to."""
        number = system_tables.table_number_of_builtin_index(index_number)
        if number is not None:
            return self._by_number.get(number)
        for table in self.by_name.values():
            if index_number in table.index_numbers:
                return table
        return None

    def with_table(self, table: Table) -> Catalog:
        """This catalog with one table added or put in the place of its namesake."""
        changed = dict(self.by_name)
        changed[table.name] = table
        return Catalog(changed.values(), schema=self.schema, pending_schema=self.pending_schema)

    def with_schemas(self, schema: Schema | None, pending: Schema | None, tables: Iterable[Table]) -> Catalog:
        """This catalog with other schemas; `tables` are all tables of it, checks included."""
        return Catalog(tables, schema=schema, pending_schema=pending)


def check_for(schema: Schema | None, table_name: str) -> Checker | None:
    """The compiled check of a table's documents (without their system fields), or None if anything goes."""
    if schema is None or not schema.schema_validation:
        return None
    definition = schema.tables.get(table_name)
    return None if definition is None else compile_check(definition.document)


def system_catalog() -> Catalog:
    """The catalog of an empty database: Parabola's own tables."""
    return Catalog(
        Table(
            table.number,
            table.name,
            [
                Index(system_index_number(table.number, position), name, fields)
                for position, (name, fields) in enumerate(table.indexes)
            ],
            by_creation_time=table.by_creation_time,
        )
        for table in system_tables.SYSTEM_TABLES
    )


READABLE_SYSTEM_TABLES: Final = frozenset(table.name for table in system_tables.SYSTEM_TABLES if table.readable)
