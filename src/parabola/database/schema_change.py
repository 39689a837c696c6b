"""Deploying a schema while the database is in use (semantics 2.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from parabola.database.transaction import Transaction

if TYPE_CHECKING:
    from parabola.database.database import Database
    from parabola.schema.tables import Schema


def discard_pending(tx: Transaction) -> None:
    """Forgets a schema that was being deployed."""


class SchemaChange:
    """A schema on its way."""

    def __init__(self, database: Database, schema: Schema) -> None:
        self.database = database
        self.schema = schema
