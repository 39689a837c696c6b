"""One transaction: a snapshot, what was read of it, and what is to be written.

Reading is in `snapshot_reader`. Every write waits in the write set; nothing outside notices before the committer has
taken that and the read set.

The order of checks, and their texts, are those of the specification (semantics 5).
"""

from __future__ import annotations

from collections.abc import Callable
from math import nextafter
from typing import TYPE_CHECKING, Any, Final

from parabola.database import arguments
from parabola.database.arguments import table_to_write
from parabola.database.catalog import Catalog, Table
from parabola.database.conflict import Conflict
from parabola.database.cursors import CursorCodec
from parabola.database.documents import (
    Changed,
    check_schema,
    new_document,
    patched_document,
    replaced_document,
    system_limits,
)
from parabola.database.key_functions import Document
from parabola.database.nested import Nested
from parabola.database.receipt import Receipt
from parabola.database.snapshot_reader import Kind, SnapshotReader
from parabola.database.write_set import Write
from parabola.errors import InvalidFunctionCall
from parabola.limits import Limits
from parabola.values.documents import decode_document
from parabola.values.ids import encode_id, new_internal_id

if TYPE_CHECKING:
    from parabola.seams import Entropy
    from parabola.storage.contract import Storage

_INFINITY: Final = float("inf")
_DAY_NS: Final = 86_400_000_000_000

__all__ = ["Conflict", "Kind", "Transaction"]


class Transaction(SnapshotReader):
    """Made by `Database.begin_query` and `Database.begin_mutation`; ended by `Database.commit` and `close`."""

    __slots__ = ("_entropy", "_inserted", "create_table", "newest_creation_time", "pending_failure", "receipt")

    def __init__(
        self,
        *,
        kind: Kind,
        begin_ts: int,
        now_ns: int,
        catalog: Catalog,
        storage: Storage,
        entropy: Entropy,
        limits: Limits,
        cursor_codec: CursorCodec,
        create_table: Callable[[Transaction, str], Table],
        journal: str | None = None,
        newest_creation_time: float = 0.0,
    ) -> None:
        super().__init__(
            kind=kind,
            begin_ts=begin_ts,
            now_ns=now_ns,
            catalog=catalog,
            storage=storage,
            limits=limits,
            cursor_codec=cursor_codec,
            journal=journal,
        )
        self.create_table = create_table
        self.pending_failure: str | None = None
        """How a written document breaks the schema that is being deployed: fails the deploy, not this."""
        self.receipt: Receipt | None = None
        """A document beside the writes that is to say when they were committed."""
        self.newest_creation_time = newest_creation_time
        """Of any document so far, in milliseconds; the next one's is later, also while the clock stands still."""
        self._entropy = entropy
        self._inserted = False

    @property
    def has_writes(self) -> bool:
        """Whether anything is to be committed."""
        return bool(self.writes.by_id) or self.receipt is not None

    # Writing

    def insert(self, table: str, value: Any) -> str:
        """Stores a new document; returns its id. Creates the table if it is new."""
        self._check_writable()
        if not isinstance(value, dict):
            raise arguments.not_an_object("insert")
        arguments.check_table_name(table)
        found = self._find_table(table)
        if found is None:
            found = self.create_table(self, table)
        return self._insert(found, value, None, metered=True)

    def patch(self, document_id: Any, fields: Any, table: str | None = None) -> None:
        """Sets the given top-level fields, removes those that are `UNDEFINED`, keeps the others."""
        if self.closed or self.kind != "mutation":
            self._check_writable()
        found = table_to_write(self.catalog, document_id, "patch", table)
        if not isinstance(fields, dict):
            raise arguments.not_an_object("patch")
        self._patch(found, document_id, fields, metered=True)

    def replace(self, document_id: Any, value: Any, table: str | None = None) -> None:
        """Sets all fields of a document but its `_id` and `_creationTime`."""
        self._check_writable()
        found = table_to_write(self.catalog, document_id, "replace", table)
        if not isinstance(value, dict):
            raise arguments.not_an_object("replace")
        self._replace(found, document_id, value, metered=True)

    def delete(self, document_id: Any, table: str | None = None) -> None:
        """Removes a document."""
        self._check_writable()
        found = table_to_write(self.catalog, document_id, "delete", table)
        self._delete(found, document_id, metered=True)

    def count_scheduled(self, argument_bytes: int) -> None:
        """Counts one scheduled function with arguments of so many Convex bytes. Raises `LimitExceeded`."""
        self._check_writable()
        self.usage.count_scheduled(argument_bytes)

    # Nested calls

    def begin_nested(self) -> None:
        """Begins a call within the transaction, to be ended by one of the next two. They nest strictly."""
        self.check_open()
        self._nested.append(Nested(self.usage.mark(), self.catalog, self._paginated, self.pending_failure))
        self._paginated = False
        self.writes.begin_nested()

    def commit_nested(self) -> None:
        """Keeps what the call wrote."""
        self._paginated = self._nested.pop().paginated
        self.writes.commit_nested()

    def rollback_nested(self) -> None:
        """Drops what the call wrote. Keeps what it read: the caller saw that it failed."""
        nested = self._nested.pop()
        self.writes.rollback_nested()
        self.usage.restore(nested.usage)
        self._paginated = nested.paginated
        self.pending_failure = nested.pending_failure
        if self.catalog is not nested.catalog:
            self.catalog = nested.catalog
            self.writes.forget_keys()

    # Parabola's own tables, for the layers above: no guards, no limits, evidence as always

    def system_insert(self, table: str, value: Document, document_id: str | None = None, *, plain: bool = False) -> str:
        """Stores a document in a system table; returns its id. One that is given must have been read to be free.

        With `plain` the caller knows that `value` is valid, small, and made of nothing but what plain JSON can say.
        """
        self._check_writable()
        return self._insert(self._existing(table), value, document_id, metered=False, plain=plain)

    def system_patch(self, table: str, document_id: str, fields: Document) -> None:
        self._check_writable()
        self._patch(self._existing(table), document_id, fields, metered=False)

    def system_replace(self, table: str, document_id: str, value: Document) -> None:
        self._check_writable()
        self._replace(self._existing(table), document_id, value, metered=False)

    def system_delete(self, table: str, document_id: str) -> None:
        self._check_writable()
        self._delete(self._existing(table), document_id, metered=False)

    # Inside

    def _check_writable(self) -> None:
        if self.closed:
            self.check_open()
        if self.kind != "mutation":
            raise InvalidFunctionCall("A query cannot write to the database. Make it a mutation.")

    def _insert(
        self, table: Table, value: Document, document_id: str | None, *, metered: bool, plain: bool = False
    ) -> str:
        if document_id is None:
            internal = new_internal_id(self._entropy.bytes(14), self.now_ns // _DAY_NS)
            document_id = encode_id(table.number, internal)
        creation_time = nextafter(self.newest_creation_time, _INFINITY)
        if not self._inserted:
            creation_time = max(creation_time, max(self.now_ns, self.begin_ts + 1) / 1_000_000)
        if "_id" in value or "_creationTime" in value:
            arguments.check_system_fields(value, document_id, creation_time)
        limits = None if plain else self.limits if metered else system_limits(self.limits)
        new = new_document(value, document_id, creation_time, limits)
        self._inserted = True
        self.newest_creation_time = creation_time
        self._put(table, new, None, None, table.keys_of(new[0]), metered=metered)
        return document_id

    def _patch(self, table: Table, document_id: str, fields: Document, *, metered: bool) -> None:
        data = self._load(table, document_id, unmetered=not metered)
        if data is None:
            raise arguments.nonexistent("Update", document_id)
        old = decode_document(data)
        if "_id" in fields or "_creationTime" in fields:
            arguments.check_system_fields(fields, document_id, old["_creationTime"])
        new = patched_document(old, data, fields, self.limits if metered else system_limits(self.limits))
        if new is not None:
            old_keys = self._keys_of_base(table, document_id, old) if self.writes.by_id else table.keys_of(old)
            keys = old_keys if table.indexed_fields.isdisjoint(fields) else table.keys_of(new[0])
            self._put(table, new, data, old_keys, keys, metered=metered)

    def _replace(self, table: Table, document_id: str, value: Document, *, metered: bool) -> None:
        data = self._load(table, document_id, unmetered=not metered)
        if data is None:
            raise arguments.nonexistent("Replace", document_id)
        old = decode_document(data)
        if "_id" in value or "_creationTime" in value:
            arguments.check_system_fields(value, document_id, old["_creationTime"])
        new = replaced_document(old, value, self.limits)
        if new is not None:
            old_keys = self._keys_of_base(table, document_id, old)
            self._put(table, new, data, old_keys, table.keys_of(new[0]), metered=metered)

    def _delete(self, table: Table, document_id: str, *, metered: bool) -> None:
        data = self._load(table, document_id, unmetered=not metered)
        if data is None:
            raise arguments.nonexistent("Delete", document_id)
        earlier = self.writes.by_id.get(document_id)
        if metered:
            self.usage.count_write(data)
        if earlier is None:
            old_keys = table.keys_of(decode_document(data))
            self.writes.put(Write(table, document_id, data, old_keys, None, None))
        else:
            self.writes.put(Write(table, document_id, earlier.base, earlier.base_keys, None, None))

    def _keys_of_base(self, table: Table, document_id: str, old: Document) -> tuple[bytes, ...]:
        """The keys of the document as it is now: known if this transaction wrote it, else computed."""
        write = self.writes.by_id.get(document_id)
        if write is not None and write.keys is not None and write.table is table:
            return write.keys
        return table.keys_of(old)

    def _put(
        self,
        table: Table,
        new: Changed,
        data: bytes | None,
        old_keys: tuple[bytes, ...] | None,
        keys: tuple[bytes, ...],
        *,
        metered: bool,
    ) -> None:
        """Checks a changed document against the schema and takes it into the write set. `data` is its form so far."""
        document, encoded = new
        if table.check is not None or table.pending_check is not None:
            failure = check_schema(table, document, self.catalog)
            if failure is not None:
                self.pending_failure = failure
        if metered:
            self.usage.count_write(encoded)
        document_id: str = document["_id"]
        earlier = self.writes.by_id.get(document_id)
        if earlier is None:
            self.writes.put(Write(table, document_id, data, old_keys, encoded, keys))
        else:
            self.writes.put(Write(table, document_id, earlier.base, earlier.base_keys, encoded, keys))
