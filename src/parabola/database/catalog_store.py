"""The catalog as documents: reading it back when a database opens, and changing it within a transaction.

`_tables` has one document per user table (`name`, `number`), `_indexes` one per declared index (`table`, `name`,
`fields`, `number`, `state`, `backfilled`), `_schemas` at most one with `state` "active" and one "pending",
`_settings` the next free numbers. Whoever changes the catalog also changes that last document or a schema, so two
such changes always conflict.
"""

from __future__ import annotations

from typing import Any, TypedDict

from parabola.database.catalog import Catalog, Index, IndexState, Table, check_for, system_catalog
from parabola.database.key_functions import Document
from parabola.database.system_tables import (
    FIRST_INDEX_NUMBER,
    FIRST_USER_TABLE_NUMBER,
    INDEXES,
    NUMBERS_KEY,
    SCHEMAS,
    SETTINGS,
    TABLES,
)
from parabola.database.transaction import Transaction
from parabola.errors import SchemaError
from parabola.schema.tables import Schema
from parabola.storage.contract import Storage
from parabola.values.documents import decode_document


class StoredSchemas(TypedDict):
    """The ids of the schema documents, None where there is none."""

    active: Document | None
    pending: Document | None


def load_catalog(storage: Storage, ts: int) -> Catalog:
    """The catalog at `ts`, from its documents."""
    catalog = system_catalog()
    indexes: dict[str, list[Index]] = {}
    for document in _all_documents(storage, INDEXES.number, ts):
        indexes.setdefault(document["table"], []).append(index_from_document(document))
    schemas: dict[str, Schema] = {}
    for document in _all_documents(storage, SCHEMAS.number, ts):
        schemas[document["state"]] = Schema.from_json(document["schema"])
    active, pending = schemas.get("active"), schemas.get("pending")
    tables = catalog.tables()
    documents = _all_documents(storage, TABLES.number, ts)
    for document in sorted(documents, key=lambda document: int(document["number"])):
        name = document["name"]
        tables.append(
            Table(
                document["number"],
                name,
                sorted(indexes.get(name, ()), key=lambda index: index.number),
                check=check_for(active, name),
                pending_check=check_for(pending, name),
                document_id=document["_id"],
            )
        )
    return catalog.with_schemas(active, pending, tables)


def _all_documents(storage: Storage, table_number: int, ts: int) -> list[Document]:
    documents: list[Document] = []
    lower = ""
    while True:
        rows = storage.scan_table(table_number, lower, None, ts, descending=False, limit=1000)
        documents += [decode_document(row.document) for row in rows]
        if len(rows) < 1000:
            return documents
        lower = rows[-1].document_id + "\x00"


def index_from_document(document: Document) -> Index:
    """The index that a document of `_indexes` describes."""
    state: IndexState = document["state"]
    return Index(
        document["number"],
        document["name"],
        tuple(document["fields"]),
        state,
        backfilled=document["backfilled"],
        document_id=document["_id"],
    )


def setting(tx: Transaction, key: str) -> Document | None:
    """The document of `_settings` with that key."""
    return tx.system_query(SETTINGS.name).with_index("by_key", lambda q: q.eq("key", key)).unique()


def first_numbers() -> dict[str, Any]:
    """The document of `_settings` that an empty database begins with."""
    return {"key": NUMBERS_KEY, "nextTable": FIRST_USER_TABLE_NUMBER, "nextIndex": FIRST_INDEX_NUMBER}


def take_number(tx: Transaction, which: str) -> int:
    """A number that no table ("nextTable") or index ("nextIndex") ever had."""
    numbers = setting(tx, NUMBERS_KEY)
    assert numbers is not None, "open() writes it"
    number: int = numbers[which]
    tx.system_patch(SETTINGS.name, numbers["_id"], {which: number + 1})
    return number


def create_table(tx: Transaction, name: str) -> Table:
    """Adds a table to the transaction's catalog. The schemas in force apply to it from the first document on."""
    catalog = tx.catalog
    tables_max = tx.limits.tables_max
    if len(catalog.user_tables()) >= tables_max:
        raise SchemaError(f"Number of tables cannot exceed {tables_max}.", code="TooManyTables")
    number = take_number(tx, "nextTable")
    document_id = tx.system_insert(TABLES.name, {"name": name, "number": number})
    table = Table(
        number,
        name,
        check=check_for(catalog.schema, name),
        pending_check=check_for(catalog.pending_schema, name),
        document_id=document_id,
    )
    tx.catalog = tx.catalog.with_table(table)
    return table


def create_index(
    tx: Transaction, table: str, name: str, fields: tuple[str, ...], state: IndexState, *, backfilled: bool
) -> Index:
    """Adds the document of a new index; the caller builds the catalog that has it."""
    number = take_number(tx, "nextIndex")
    document_id = tx.system_insert(
        INDEXES.name,
        {
            "table": table,
            "name": name,
            "fields": list(fields),
            "number": number,
            "state": state,
            "backfilled": backfilled,
        },
    )
    return Index(number, name, fields, state, backfilled=backfilled, document_id=document_id)


def stored_schemas(tx: Transaction) -> StoredSchemas:
    """The documents of the schema in force and of the one being deployed."""

    def in_state(state: str) -> Document | None:
        return tx.system_query(SCHEMAS.name).with_index("by_state", lambda q: q.eq("state", state)).unique()

    return {"active": in_state("active"), "pending": in_state("pending")}
