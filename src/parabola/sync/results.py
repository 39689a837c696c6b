"""What one run of a query showed, ready to be sent to any number of sockets."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import Final

from parabola.sync.codec import lines_json, text_json, write_query_failed, write_query_updated

_SHORT_ENOUGH_TO_KEEP: Final = 32


class QueryResult:
    """The result of one run: a value or an error, already JSON.

    Shared by every socket that follows the same query, and immutable but for the memo of the last fragment written.
    `fingerprint` is equal for two results that a client could not tell apart: same value or error text (its request id
    left out), same error data, same log lines (wire 1.5, rule 6). The journal is no part of it.
    """

    __slots__ = (
        "_error",
        "_error_data",
        "_fragment",
        "_fragment_id",
        "_journal_json",
        "_log_lines",
        "_value",
        "fingerprint",
        "journal",
    )

    def __init__(
        self,
        value: bytes | None,
        error: bytes | None,
        error_data: bytes | None,
        log_lines: bytes,
        journal: str | None,
        fingerprint: bytes,
    ) -> None:
        self._value = value
        self._error = error
        self._error_data = error_data
        self._log_lines = log_lines
        self._journal_json = b"null" if journal is None else text_json(journal)
        self._fragment_id = -1
        self._fragment = b""
        self.journal = journal
        self.fingerprint = fingerprint

    @classmethod
    def success(cls, value: bytes, log_lines: Sequence[str] = (), journal: str | None = None) -> QueryResult:
        """A query that returned `value` (encoded JSON)."""
        lines = lines_json(log_lines)
        return cls(value, None, None, lines, journal, _fingerprint(b"v", value, lines))

    @classmethod
    def failure(
        cls,
        text: str,
        *,
        comparable: str,
        data: bytes | None = None,
        log_lines: Sequence[str] = (),
        journal: str | None = None,
    ) -> QueryResult:
        """A query that failed with `text`; `comparable` is the same text without its request id."""
        lines = lines_json(log_lines)
        parts = (b"e", text_json(comparable), lines) if data is None else (b"d", text_json(comparable), lines, data)
        return cls(None, text_json(text), data, lines, journal, _fingerprint(*parts))

    @property
    def size(self) -> int:
        """About how many bytes keeping this result costs. What is sent is kept twice: by itself, and as a fragment."""
        return 300 + 2 * self.news_bytes

    @property
    def news_bytes(self) -> int:
        """About how many bytes telling a client of this result takes."""
        said = self._value, self._error, self._error_data, self._log_lines, self._journal_json
        return sum([len(part) for part in said if part is not None])

    def fragment(self, query_id: int) -> bytes:
        """The modification that tells a client of this result. Written once for sockets that use the same query id."""
        if self._fragment_id == query_id:
            return self._fragment
        if self._value is not None:
            fragment = write_query_updated(query_id, self._value, self._log_lines, self._journal_json)
        else:
            assert self._error is not None, "a result is a value or an error"
            fragment = write_query_failed(query_id, self._error, self._error_data, self._log_lines, self._journal_json)
        self._fragment_id = query_id
        self._fragment = fragment
        return fragment


def _fingerprint(*parts: bytes) -> bytes:
    if sum(map(len, parts)) <= _SHORT_ENOUGH_TO_KEEP:
        return b"\x00".join(parts)
    digest = blake2b(digest_size=16)
    for part in parts:
        digest.update(len(part).to_bytes(8, "little"))
        digest.update(part)
    return digest.digest()
