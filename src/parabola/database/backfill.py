"""Walking a table in small steps, to check its documents and to build its new indexes, while writes go on.

Each step reads the newest state from where the last one stopped, by id. A document written since the walk began may
be met or not; either way its writer has already checked and indexed it. See `schema_change.py` for why nothing is
missed.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from parabola.database.catalog import Index
from parabola.database.committer import CommitResult
from parabola.database.documents import mismatch, without_system_fields
from parabola.database.key_functions import compile_key_function
from parabola.errors import SchemaError
from parabola.schema.check import Checker
from parabola.storage.records import IndexWrite
from parabola.values.documents import decode_document

if TYPE_CHECKING:
    from parabola.database.database import Database


class Backfill:
    """One walk over one table."""

    def __init__(self, database: Database, table_name: str, indexes: Iterable[Index], check: Checker | None) -> None:
        self._database = database
        self.table_name = table_name
        built = list(indexes)
        self.index_numbers = [index.number for index in built]
        self._keys_of = compile_key_function([index.declared_fields for index in built])
        self._check = check
        self._next_id = ""
        self._done = False
        self.documents_done = 0

    def step(self, documents_max: int) -> bool:
        """Looks at up to so many documents; True at the end of the table. Raises `SchemaError` at one that does not
        fit.
        """
        if self._done:
            return True
        database = self._database
        catalog = database.catalog
        table = catalog.table(self.table_name)
        if table is None:
            self._done = True
            return True
        rows = database.storage.scan_table(
            table.number, self._next_id, None, database.latest_ts, descending=False, limit=documents_max
        )
        entries: list[IndexWrite] = []
        for row in rows:
            document = decode_document(row.document)
            if self._check is not None:
                failure = mismatch(self._check, without_system_fields(document), catalog)
                if failure is not None:
                    raise SchemaError(
                        f'Document with ID "{row.document_id}" in table "{self.table_name}" does not match the schema: '
                        f"{failure}"
                    )
            if self.index_numbers:
                keys = self._keys_of(document)[2:]
                entries += [
                    IndexWrite(number, key, row.document_id)
                    for number, key in zip(self.index_numbers, keys, strict=True)
                ]
        if entries:
            database.committer.append_index_entries(entries, _raise_failure)
        self.documents_done += len(rows)
        if len(rows) < documents_max:
            self._done = True
            return True
        self._next_id = rows[-1].document_id + "\x00"
        return False


def _raise_failure(result: CommitResult) -> None:
    if result.error is not None:
        raise result.error
