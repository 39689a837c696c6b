"""What a storage holds: versions of documents, and of the index entries that point at them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class DocumentWrite(NamedTuple):
    """A new version of one document. `document` is its stored form (`values.documents`), None when it is deleted."""

    table_number: int
    document_id: str
    document: bytes | None


class IndexWrite(NamedTuple):
    """A new version of one index key. `document_id` is what the key points at, None when the key is gone.

    Only keys that a commit adds or removes are written; a document that keeps its key needs no entry.
    """

    index_number: int
    key: bytes
    document_id: str | None


class Row(NamedTuple):
    """One hit of a scan."""

    key: bytes
    document_id: str
    document: bytes


class Commit(NamedTuple):
    """All that one transaction writes, at one timestamp. At most one write per document and per index key.

    The writes are `DocumentWrite` and `IndexWrite`, or plain tuples of the same. Recent commits are many and are kept:
    the garbage collector soon leaves plain tuples of text and numbers alone, and named ones and lists never.
    """

    ts: int
    documents: Sequence[tuple[int, str, bytes | None]]
    index_entries: Sequence[tuple[int, bytes, str | None]]
