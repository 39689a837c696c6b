"""Deploying a schema while the database is in use (semantics 2.4, 2.5).

Theory of operation
-------------------
A change goes through three transactions and, between the first two, any number of small steps:

1. *Begin*: the schema is stored as pending, its new tables and indexes are created, the indexes as backfilling. From
   this commit on every write keeps the new indexes up to date and is checked against both schemas. A transaction that
   began earlier and wrote to one of these tables conflicts, since its table is no longer the current one, and runs
   again.
2. *Steps*: each looks at a few documents at the newest timestamp, in the order of their ids. It checks those whose
   validator did not merely widen, and adds their entries to the new indexes. What a step does not see was written
   after the begin, and so was checked and indexed when it was written. A step reads and appends without anything in
   between, so an entry cannot be of a document that has moved on.
3. *Finish*: one transaction makes the schema the one in force, enables its indexes and drops those it no longer has.

A document that fits badly, in a step or in a new write, fails the change: one transaction takes back what the begin
created, and everything is as it was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final

from parabola.database.backfill import Backfill
from parabola.database.catalog import Catalog, Index, IndexState, Table, check_for
from parabola.database.catalog_store import create_index, create_table, stored_schemas
from parabola.database.committer import CommitResult, Done
from parabola.database.system_tables import INDEXES, SCHEMAS
from parabola.database.transaction import Transaction
from parabola.errors import ParabolaError, SchemaError, WriteConflict
from parabola.schema.changes import is_wider
from parabola.schema.check import Checker
from parabola.schema.tables import Schema

if TYPE_CHECKING:
    from parabola.database.database import Database

STEP_DOCUMENTS: Final = 200
"""Documents that one step looks at: about a millisecond of work, so that traffic hardly notices."""


class SchemaChange:
    """One schema on its way to being in force. `step()` until it returns True, then `finish(done)`; or `abandon()`.

    Raises `SchemaError` from the constructor if the schema cannot be, and from `step` and `finish` once a document
    was found that does not fit; by then everything is as it was before.
    """

    def __init__(self, database: Database, schema: Schema) -> None:
        self._database = database
        self.schema = schema
        self.failure: str | None = None
        """Why it failed; set once."""
        self.finished = False
        self._backfills: list[Backfill] = []
        database.committer.on_pending_failure = self._note_failure
        _run(database, self._begin)
        catalog = database.catalog
        for table in catalog.user_tables():
            new_indexes = [index for index in table.indexes.values() if index.state == "backfilling"]
            check = table.pending_check if self._needs_checking(catalog, table) else None
            if new_indexes or check is not None:
                self._backfills.append(Backfill(database, table.name, new_indexes, check))

    def step(self) -> bool:
        """Does a little of the work; True when none is left. Raises `SchemaError` when the change has failed."""
        self._check_failure()
        while self._backfills:
            backfill = self._backfills[0]
            try:
                done = backfill.step(STEP_DOCUMENTS)
            except SchemaError as error:
                self.failure = error.message
                self.abandon()
                raise
            if not done:
                return False
            self._backfills.pop(0)
        return True

    def run(self) -> None:
        """All steps and the finish, without a pause. For tests, tools and starting up."""
        while not self.step():
            pass
        self.finish(raise_failure)

    def finish(self, done: Done) -> None:
        """Puts the schema and its indexes in force, in one transaction. Raises `SchemaError` when the change has
        failed.
        """
        assert not self._backfills, "step() must have returned True"
        self._check_failure()
        _run(self._database, self._switch, done)
        self.finished = True
        self._database.committer.on_pending_failure = _ignore

    def abandon(self) -> None:
        """Takes everything back. Does nothing once it is finished."""
        if self.finished:
            return
        self.finished = True
        self._backfills.clear()
        if self._database.catalog.pending_schema is self.schema:
            self._database.committer.on_pending_failure = _ignore
            _run(self._database, discard_pending)

    @property
    def documents_done(self) -> int:
        """How many documents the current table's walk has passed, for a progress bar."""
        return self._backfills[0].documents_done if self._backfills else 0

    def _note_failure(self, message: str) -> None:
        if self.failure is None:
            self.failure = message

    def _check_failure(self) -> None:
        if self.failure is None and self._database.catalog.pending_schema is not self.schema:
            self.failure = "The schema was overwritten by a newer deploy."
        if self.failure is not None:
            self.abandon()
            raise SchemaError(self.failure)

    def _needs_checking(self, catalog: Catalog, table: Table) -> bool:
        if table.pending_check is None:
            return False
        active = catalog.schema
        if active is None or not active.schema_validation or table.name not in active.tables:
            return True
        return not is_wider(self.schema.tables[table.name].document, active.tables[table.name].document)

    def _begin(self, tx: Transaction) -> None:
        discard_pending(tx)
        stored = tx.catalog
        tx.system_insert(SCHEMAS.name, {"state": "pending", "schema": self.schema.to_json()})
        for name in self.schema.tables:
            if tx.catalog.table(name) is None:
                create_table(tx, name)
        tables: list[Table] = []
        for table in tx.catalog.tables():
            indexes = table.declared_indexes()
            if not table.is_system and table.name in self.schema.tables:
                indexes += self._new_indexes(tx, table)
            tables.append(_rebuilt(table, indexes, stored.schema, self.schema))
        tx.catalog = tx.catalog.with_schemas(stored.schema, self.schema, tables)

    def _new_indexes(self, tx: Transaction, table: Table) -> list[Index]:
        """Documents of the indexes that the schema declares and the table does not have in this form."""
        created: list[Index] = []
        for wanted in self.schema.tables[table.name].indexes:
            fields = tuple(wanted.fields)
            existing = table.indexes.get(wanted.name)
            same = existing is not None and existing.declared_fields == fields
            if existing is not None and same and (existing.backfilled or wanted.staged):
                continue  # a staged one that is wanted now must be complete before it is enabled; this one is
            name = wanted.name if existing is None else _replacing(wanted.name)
            state: IndexState = "staged" if wanted.staged else "backfilling"
            created.append(create_index(tx, table.name, name, fields, state, backfilled=False))
        return created

    def _switch(self, tx: Transaction) -> None:
        stored = stored_schemas(tx)
        active, pending = stored["active"], stored["pending"]
        assert pending is not None, "the catalog has it, and they are written together"
        if active is not None:
            tx.system_delete(SCHEMAS.name, active["_id"])
        tx.system_patch(SCHEMAS.name, pending["_id"], {"state": "active"})
        tables: list[Table] = []
        for table in tx.catalog.tables():
            indexes = table.declared_indexes()
            if not table.is_system:
                indexes = self._switched_indexes(tx, table, indexes)
            tables.append(_rebuilt(table, indexes, self.schema, None))
        tx.catalog = tx.catalog.with_schemas(self.schema, None, tables)
        tx.writes.forget_keys()

    def _switched_indexes(self, tx: Transaction, table: Table, indexes: list[Index]) -> list[Index]:
        definition = self.schema.tables.get(table.name)
        wanted = {} if definition is None else {index.name: index for index in definition.indexes}
        replaced = {_replaced(index.name) for index in indexes if _is_replacing(index.name)}
        kept: list[Index] = []
        for index in indexes:
            name = _replaced(index.name) if _is_replacing(index.name) else index.name
            definition_of_it = wanted.get(name)
            if definition_of_it is None or (name in replaced and not _is_replacing(index.name)):
                tx.system_delete(INDEXES.name, index.document_id)
                continue
            index.name = name
            index.backfilled = index.backfilled or index.state == "backfilling"
            index.state = "staged" if definition_of_it.staged else "enabled"
            tx.system_patch(
                INDEXES.name,
                index.document_id,
                {"name": name, "state": index.state, "backfilled": index.backfilled},
            )
            kept.append(index)
        return kept


def discard_pending(tx: Transaction) -> None:
    """Takes back what the begin of a change created: the pending schema and the indexes that it was building."""
    pending = stored_schemas(tx)["pending"]
    if pending is None:
        return
    tx.system_delete(SCHEMAS.name, pending["_id"])
    tables: list[Table] = []
    schema = tx.catalog.schema
    for table in tx.catalog.tables():
        kept: list[Index] = []
        for index in table.declared_indexes():
            staged_by_it = index.state == "staged" and not _declares(schema, table.name, index.name)
            if index.state == "backfilling" or staged_by_it or _is_replacing(index.name):
                tx.system_delete(INDEXES.name, index.document_id)
            else:
                kept.append(index)
        tables.append(table if table.is_system else _rebuilt(table, kept, schema, None))
    tx.catalog = tx.catalog.with_schemas(schema, None, tables)


def staged_backfills(database: Database) -> list[Backfill]:
    """The work that staged indexes wait for: nobody's deploy, so the backend does it when there is time."""
    found: list[Backfill] = []
    for table in database.catalog.user_tables():
        indexes = [index for index in table.indexes.values() if index.state == "staged" and not index.backfilled]
        if indexes:
            found.append(Backfill(database, table.name, indexes, None))
    return found


def finish_staged_backfill(database: Database, backfill: Backfill) -> None:
    """Notes that the staged indexes of a finished backfill are complete."""

    def mark(tx: Transaction) -> None:
        table = tx.catalog.table(backfill.table_name)
        if table is None:
            return
        indexes = table.declared_indexes()
        for index in indexes:
            if index.number in backfill.index_numbers:
                index.backfilled = True
                tx.system_patch(INDEXES.name, index.document_id, {"backfilled": True})
        tx.catalog = tx.catalog.with_table(_rebuilt(table, indexes, tx.catalog.schema, tx.catalog.pending_schema))

    _run(database, mark)


def raise_failure(result: CommitResult) -> None:
    """For commits that meet no traffic: raises what went wrong."""
    if result.error is not None:
        raise result.error
    if result.conflict is not None:
        raise WriteConflict(result.conflict.message)


def _run(database: Database, work: Callable[[Transaction], None], done: Done = raise_failure) -> None:
    """Runs one transaction to its commit. No traffic comes in between, so it can only conflict with itself: never."""
    tx = database.begin_mutation()
    try:
        work(tx)
    except ParabolaError:
        tx.close()
        raise
    tx.check_open()
    database.commit(tx, done)


def _rebuilt(table: Table, indexes: Iterable[Index], schema: Schema | None, pending: Schema | None) -> Table:
    """The table with these indexes and checks; the very same one if nothing about it changes."""
    if table.is_system:
        return table
    fresh = list(indexes)
    check: Checker | None = check_for(schema, table.name)
    return Table(
        table.number,
        table.name,
        fresh,
        check=check,
        pending_check=check_for(pending, table.name),
        document_id=table.document_id,
    )


def _declares(schema: Schema | None, table: str, index: str) -> bool:
    definition = None if schema is None else schema.tables.get(table)
    return definition is not None and any(declared.name == index for declared in definition.indexes)


# An index whose fields change is built beside the old one, under a name that no user can give, until the switch.
_REPLACING: Final = "_replacing:"


def _replacing(name: str) -> str:
    return _REPLACING + name


def _is_replacing(name: str) -> bool:
    return name.startswith(_REPLACING)


def _replaced(name: str) -> str:
    return name.removeprefix(_REPLACING)


def _ignore(message: str) -> None:
    """No schema is being deployed."""
