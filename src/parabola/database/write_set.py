"""What a transaction means to write, laid over what it reads.

One `Write` per document, whatever happened to it: the stored form and keys that the snapshot has (`base…`), and those
it will have. A write is never changed, only replaced, so undoing a nested call is putting earlier ones back.

A scan must show these writes at the right place. A document whose key on the scanned index stayed the same is met
where the snapshot has it. One that is new, or whose key moved, must be merged in from elsewhere: `moved` keeps those
keys sorted, per index, and only for indexes that were scanned after something was written.
"""

from __future__ import annotations

from collections.abc import Iterator

from sortedcontainers import SortedDict

from parabola.database.catalog import Table


class Write:
    """The fate of one document. `data` is None when it is deleted, `base` when the snapshot does not have it."""

    __slots__ = ("base", "base_keys", "data", "document_id", "keys", "table")

    def __init__(
        self,
        table: Table,
        document_id: str,
        base: bytes | None,
        base_keys: tuple[bytes, ...] | None,
        data: bytes | None,
        keys: tuple[bytes, ...] | None,
    ) -> None:
        self.table = table
        self.document_id = document_id
        self.base = base
        self.base_keys = base_keys
        self.data = data
        self.keys = keys

    def moved_key(self, position: int) -> bytes | None:
        """The document's key on the index at `position`, if the snapshot has no entry of it there."""
        if self.keys is None:
            return None
        key = self.keys[position]
        return key if self.base_keys is None or self.base_keys[position] != key else None


class WriteSet:
    """The writes of one transaction, in the order of each document's first."""

    __slots__ = ("_marks", "_moved", "_undo", "by_id")

    def __init__(self) -> None:
        self.by_id: dict[str, Write] = {}
        self._moved: dict[int, tuple[int, int, SortedDict[bytes, str]]] = {}  # index number → table, position, keys
        self._undo: list[tuple[str, Write | None]] = []
        self._marks: list[int] = []

    def put(self, write: Write) -> None:
        """Replaces what is known of the document."""
        document_id = write.document_id
        if self._marks:
            self._undo.append((document_id, self.by_id.get(document_id)))
        if self._moved:
            self._rekey(self.by_id.get(document_id), write)
        self.by_id[document_id] = write

    def moved(self, table: Table, index_number: int, position: int) -> SortedDict[bytes, str]:
        """Keys of the index that only this transaction knows, with their documents; kept up to date from now on."""
        kept = self._moved.get(index_number)
        if kept is not None:
            return kept[2]
        keys: SortedDict[bytes, str] = SortedDict()
        for write in self.by_id.values():
            if write.table.number == table.number:
                key = write.moved_key(position)
                if key is not None:
                    keys[key] = write.document_id
        self._moved[index_number] = (table.number, position, keys)
        return keys

    def begin_nested(self) -> None:
        self._marks.append(len(self._undo))

    def commit_nested(self) -> None:
        self._marks.pop()
        if not self._marks:
            self._undo.clear()

    def rollback_nested(self) -> None:
        """Back to how it was at the matching `begin_nested`."""
        mark = self._marks.pop()
        while len(self._undo) > mark:
            document_id, earlier = self._undo.pop()
            current = self.by_id[document_id]
            if earlier is None:
                del self.by_id[document_id]
            else:
                self.by_id[document_id] = earlier
            if self._moved:
                self._rekey(current, earlier)

    def forget_keys(self) -> None:
        """After a table's indexes changed within the transaction: positions may mean something else."""
        self._moved.clear()

    def effective(self) -> Iterator[Write]:
        """What there is to commit: not a document that came and went, nor one that is back to what it was."""
        for write in self.by_id.values():
            if write.data != write.base:
                yield write

    def _rekey(self, before: Write | None, after: Write | None) -> None:
        table = (before or after).table  # type: ignore[union-attr]  # one of the two is always given
        for table_number, position, keys in self._moved.values():
            if table_number != table.number:
                continue
            old_key = None if before is None else before.moved_key(position)
            new_key = None if after is None else after.moved_key(position)
            if old_key != new_key:
                if old_key is not None:
                    keys.pop(old_key, None)
                if new_key is not None and after is not None:
                    keys[new_key] = after.document_id
