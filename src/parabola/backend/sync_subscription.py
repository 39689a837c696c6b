"""What a sync connection holds on to for each query that its client follows, and for an update that has to wait."""

from __future__ import annotations

from typing import TYPE_CHECKING

from parabola.live.question import Question
from parabola.live.subscription import LiveRun, RunFault
from parabola.sync.results import QueryResult
from parabola.sync.server_peer import FollowedQuery

if TYPE_CHECKING:
    from parabola.backend.sync_connection import SyncConnection


class Subscription:
    """A followed query's hold on the run that it was last answered with."""

    __slots__ = ("connection", "query_id", "question", "run")

    def __init__(self, connection: SyncConnection, query_id: int) -> None:
        self.connection = connection
        self.query_id = query_id
        # The shared one, so that its answers are found on it.
        self.question: Question
        self.run: LiveRun | None = None

    def run_broken(self) -> None:
        self.run = None
        self.connection.query_broken(self.query_id)


class RunningUpdate:
    """An update some of whose queries have to wait."""

    __slots__ = ("answers", "missing", "runs", "ts")

    def __init__(self, runs: list[FollowedQuery], ts: int) -> None:
        self.runs = runs
        self.ts = ts
        self.answers: list[QueryResult | RunFault | None] = [None] * len(runs)
        self.missing = 0
