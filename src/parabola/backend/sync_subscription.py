"""What a sync connection holds on to for each query that its client follows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from parabola.live.question import Question
from parabola.live.subscription import LiveRun
from parabola.sync.followed_query import FollowedQuery

if TYPE_CHECKING:
    from parabola.backend.sync_connection import SyncConnection


class Subscription:
    """A followed query's hold on the run that it was last answered with."""

    __slots__ = ("connection", "query", "question", "run")

    def __init__(self, connection: SyncConnection, query: FollowedQuery) -> None:
        self.connection = connection
        self.query = query
        # The shared one, so that its answers are found on it.
        self.question: Question
        self.run: LiveRun | None = None

    def run_broken(self) -> None:
        self.run = None
        self.connection.query_broken(self.query.query_id)

    @property
    def is_broken(self) -> bool:
        """Whether the run that it holds on to is broken, and it was not told yet: it is in a `Crowd`."""
        return self.run is not None and not self.run.is_valid


class Crowd:
    """Those who followed `run`, which is broken, and were not told yet: `followers` from `at` on.

    A thousand of them mostly have nothing else to hear and take the same step; telling each first that there is
    something to do, and then looking for what it is, would be half of the work.
    """

    __slots__ = ("at", "followers", "run")

    def __init__(self, run: LiveRun, followers: list[Subscription]) -> None:
        self.run = run
        self.followers = followers
        self.at = 0
