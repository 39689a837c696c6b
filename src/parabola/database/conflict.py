"""How a transaction is told that it has to run again."""

from __future__ import annotations


class Conflict(BaseException):
    """The transaction read something that a later commit changed. Run it again, on a newer snapshot.

    A BaseException, so that no `except Exception` of user code can take it for an error of its own.
    """

    def __init__(self, table: str | None, document_id: str | None = None, ts: int = 0) -> None:
        self.table = table
        self.document_id = document_id
        self.ts = ts
        """The commit that was in the way; 0 if that is not known any more."""
        super().__init__(self.message)

    @property
    def message(self) -> str:
        """What to tell the caller once the retries are used up (semantics 7.3)."""
        which = "" if self.document_id is None else f' Another call changed the document with ID "{self.document_id}".'
        return (
            f'Documents read from or written to the "{self.table or "unknown"}" table changed while this mutation was '
            f"being run and on every subsequent retry.{which}"
        )
