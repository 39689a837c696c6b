"""The step that a thousand sockets take alike, worked out once.

When a commit breaks one query, each socket that follows it and has nothing else to hear is due the same Transition:
from the version that it shares with the others, to the new result. The first of them makes it the ordinary way
(`ServerPeer.lone_stale_query`, `finish_lone`); the others are asked whether it is theirs too (`ServerPeer.take`), which
is a few comparisons of pointers.
"""

from __future__ import annotations

from typing import Final

from parabola.sync.results import QueryResult
from parabola.sync.versions import StateVersion

ANYBODY: Final = object()
"""In place of an identity: the result is the same whoever asks."""


class SharedStep:
    """One Transition with what must be true of a socket that is due exactly this one.

    `asked` says by identity what the query asks (`FollowedQuery.asked`), `identity` for whom the result holds; `before`
    is what the query's fingerprint and journal were, `result` what the query shows now.
    """

    __slots__ = (
        "asked",
        "end",
        "fingerprint_before",
        "identity",
        "journal_before",
        "query_id",
        "result",
        "start",
        "texts",
    )

    def __init__(
        self,
        *,
        start: StateVersion,
        end: StateVersion,
        query_id: int,
        asked: object,
        identity: object,
        journal_before: str | None,
        fingerprint_before: bytes | None,
        result: QueryResult,
        text: bytes,
    ) -> None:
        self.start = start
        self.end = end
        self.query_id = query_id
        self.asked = asked
        self.identity = identity
        self.journal_before = journal_before
        self.fingerprint_before = fingerprint_before
        self.result = result
        self.texts = (text,)
