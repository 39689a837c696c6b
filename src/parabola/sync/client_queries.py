"""The queries that a client follows, and what its socket has been told about them.

The set itself is what the application wants; `told` is what the current socket knows. The difference is the next
ModifyQuerySet, whenever one may be sent: nothing is queued, so nothing can be sent twice or get lost when a socket
comes and goes. Query ids are never used again. Source: wire 1.3, 1.5.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from msgspec import Raw

from parabola.sync.client_effects import QueryToken
from parabola.sync.client_incoming import Outcome
from parabola.sync.messages import Add, ModifyQuerySet, QuerySetModification, Remove


class LocalQuery:
    """One query that is followed, however many ask for it."""

    __slots__ = ("args", "args_text", "journal", "listeners", "path", "query_id", "result", "token")

    def __init__(self, token: QueryToken, query_id: int, path: str, args: dict[str, Any], args_text: bytes) -> None:
        self.token = token
        self.query_id = query_id
        self.path = path
        self.args = args
        self.args_text = args_text
        self.listeners = 0
        # The last that the server sent, over all sockets. Sent back, it makes the server read the same page again.
        self.journal: str | None = None
        # The newest result, also while a new socket has not answered yet; None before the first.
        self.result: Outcome | None = None


class QuerySet:
    """See the module's docstring."""

    __slots__ = ("_by_token", "_is_told", "_next_id", "_told", "by_id", "version")

    def __init__(self) -> None:
        self._by_token: dict[QueryToken, LocalQuery] = {}
        self.by_id: dict[int, LocalQuery] = {}
        self._next_id = 0
        # Of the current socket: the ids it was told to follow, and the version that this made.
        self._told: set[int] = set()
        self.version = 0
        # Whether the socket knows the whole set; `_told` says what it knows of it.
        self._is_told = False

    def __iter__(self) -> Iterator[LocalQuery]:
        return iter(self._by_token.values())

    def __len__(self) -> int:
        return len(self._by_token)

    def get(self, token: QueryToken) -> LocalQuery | None:
        """The query, if it is followed."""
        return self._by_token.get(token)

    def follow(self, token: QueryToken, args: dict[str, Any], args_text: bytes) -> LocalQuery:
        """One more who asks for this query. `args_text` is the encoded arguments object."""
        query = self._by_token.get(token)
        if query is None:
            query = LocalQuery(token, self._next_id, token[0], args, args_text)
            self._by_token[token] = self.by_id[self._next_id] = query
            self._next_id += 1
            self._is_told = False
        query.listeners += 1
        return query

    def release(self, token: QueryToken) -> bool:
        """One fewer who asks; whether that was the last one, so that the query is no longer followed."""
        query = self._by_token[token]
        query.listeners -= 1
        if query.listeners:
            return False
        del self._by_token[token]
        del self.by_id[query.query_id]
        self._is_told = False
        return True

    def restart(self) -> None:
        """A new socket knows nothing."""
        self._told = set()
        self._is_told = False
        self.version = 0

    def next_message(self) -> ModifyQuerySet | None:
        """What the socket has to be told now. The first message of a socket is sent even if it says nothing: the
        server's answer to it shows that all queries are up to date.
        """
        if self._is_told:
            return None
        self._is_told = True
        modifications: list[QuerySetModification] = [
            Add(query.query_id, query.path, Raw(b"[" + query.args_text + b"]"), query.journal)
            for query_id, query in self.by_id.items()
            if query_id not in self._told
        ]
        modifications += [Remove(query_id) for query_id in sorted(self._told - self.by_id.keys())]
        if not modifications and self.version:
            return None
        self._told = set(self.by_id)
        self.version += 1
        return ModifyQuerySet(self.version - 1, self.version, modifications)

    def check_invariants(self) -> None:
        """Raises AssertionError when the state contradicts itself."""
        assert len(self._by_token) == len(self.by_id), "the two indexes of queries differ"
        for query_id, query in self.by_id.items():
            assert query.query_id == query_id < self._next_id, "a query is filed under another id"
            assert self._by_token[query.token] is query, "a query is filed under another token"
            assert query.listeners > 0, "a query is followed that nobody asks for"
        assert self.version or not self._told, "a socket knows queries without having been told"
        assert not self._is_told or self._told == self.by_id.keys(), "the socket is thought to know what it does not"
