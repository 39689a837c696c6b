"""The one document of a commit that says when it was committed.

Its text is made before the commit and its timestamp only in it, so the committer puts the two together. A receipt goes
past the write set: nobody reads it in its own transaction, it replaces nothing, and it has no keys but its own.
"""

from __future__ import annotations

from typing import NamedTuple

TIMESTAMP_DIGITS = 19


class Receipt(NamedTuple):
    """A document to be stored as `head`, the timestamp in 19 digits, and `tail`."""

    table_number: int
    index_numbers: tuple[int, int]
    """Twice the table's `by_id`: where `evidence` and the document's own key lie."""
    document_id: str
    evidence: bytes
    """The key that another transaction has read if it looked for this receipt and found none."""
    head: bytes
    tail: bytes

    def document(self, ts: int) -> bytes:
        """The stored form of the receipt of a commit at `ts`."""
        return b"%b%019d%b" % (self.head, ts, self.tail)
