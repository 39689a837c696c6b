"""The queries that a client follows on one socket, and what an update has to do with them."""

from __future__ import annotations

from typing import NamedTuple


class FollowedQuery:
    """A query that the client follows on this socket."""

    __slots__ = ("args", "asked", "component", "fingerprint", "journal", "path", "query_id", "subscription")

    def __init__(self, query_id: int, path: str, component: str, args: bytes, journal: str | None) -> None:
        self.query_id = query_id
        self.path = path
        self.component = component
        self.args = args
        # From the client at first, then from each run.
        self.journal = journal
        # Of the last result sent on this socket; None before the first.
        self.fingerprint: bytes | None = None
        # These belong to the driver: what it holds on to while the query is followed, and what stands, by identity, for
        # the question that the query asks.
        self.subscription: object = None
        self.asked: object = None


class Update(NamedTuple):
    """What an update has to do before it can be finished."""

    runs: list[FollowedQuery]
    """The queries to evaluate, all at one timestamp, by ascending id."""
    dropped: list[FollowedQuery]
    """Queries that the client no longer follows."""
