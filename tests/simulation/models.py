"""What the database should do, as plainly as it can be said: models without indexes, versions, read sets or batches.

A model runs one operation after another and answers as a database with a single user would. `history.py` holds the
engine to it: whatever ran concurrently must look as if it had run one after another, here.
"""

from __future__ import annotations

from typing import Any, NamedTuple

Document = dict[str, Any]
NOTHING = "nothing there"


class Operation(NamedTuple):
    """One statement of a transaction with everything it depends on, and what it answered."""

    kind: str
    arguments: tuple[Any, ...]
    answer: Any


class Items:
    """A table of items with a `group` (0 to 3), a `rank` that may be missing, and a `value`.

    Read by id, by group in rank order, and as a whole in order of creation. Documents are kept with `_id` and
    `_creationTime`.
    """

    def __init__(self) -> None:
        self.documents: dict[str, Document] = {}

    def copy(self) -> Items:
        copied = Items()
        copied.documents = dict(self.documents)
        return copied

    def run(self, operation: Operation) -> Any:
        """Does what the operation says; returns what it should have answered."""
        kind, arguments, _ = operation
        answer: Any = getattr(self, "do_" + kind)(*arguments)
        return answer

    def do_get(self, document_id: str) -> Document | None:
        return self.documents.get(document_id)

    def do_group(self, group: int, lowest: int | None, descending: bool, limit: int | None) -> list[Document]:
        """Items of a group, those of at least rank `lowest` if it is given, in rank order, at most `limit`."""
        found = [
            document
            for document in self.documents.values()
            if document["group"] == group and (lowest is None or document.get("rank", -1) >= lowest)
        ]
        found.sort(key=lambda item: (item.get("rank", -1), item["_creationTime"], item["_id"]), reverse=descending)
        return found if limit is None else found[:limit]

    def do_all(self, descending: bool, limit: int | None) -> list[Document]:
        """Items in order of creation."""
        found = sorted(
            self.documents.values(), key=lambda item: (item["_creationTime"], item["_id"]), reverse=descending
        )
        return found if limit is None else found[:limit]

    def do_insert(self, document: Document) -> None:
        self.documents[document["_id"]] = document

    def do_patch(self, document_id: str, fields: Document, removed: tuple[str, ...]) -> str | None:
        old = self.documents.get(document_id)
        if old is None:
            return NOTHING
        kept = {name: value for name, value in old.items() if name not in removed}
        self.documents[document_id] = {**kept, **fields}
        return None

    def do_delete(self, document_id: str) -> str | None:
        return NOTHING if self.documents.pop(document_id, None) is None else None
