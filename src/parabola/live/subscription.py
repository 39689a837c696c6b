"""A run that is kept an eye on: its result, what it read, and who follows it."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Protocol

from parabola.functions.outcome import FunctionError, Outcome
from parabola.live.question import AnswerKey, Question
from parabola.sync.results import QueryResult

RUN_BYTES = 500
"""About what a run costs besides its result: itself, its ranges, its place in the maps."""

WatchedRange = tuple[int, bytes, bytes | None]


class Follower(Hashable, Protocol):
    """Somebody to be told when a run's result may no longer hold."""

    def run_broken(self) -> None:
        """The followed run is broken; the follower has been taken off it. Must not ask the manager anything here."""
        ...


class LiveRun:
    """One run of a query, shared by all who ask the same.

    `is_valid` says that the result is the one a run at the manager's timestamp would give: no commit since `ts` touched
    what was read. A broken run stays a correct result *at* `ts`, and never becomes valid again.
    """

    __slots__ = (
        "answer_keys",
        "asked_at",
        "followers",
        "is_valid",
        "outcome",
        "question",
        "ranges",
        "result",
        "ts",
        "used_environment",
        "used_time",
    )

    def __init__(self, question: Question, result: QueryResult, outcome: Outcome, asked_at: float) -> None:
        self.question = question
        # The result as sockets send it, and as other callers get it. Both are dropped (None) when the cache is full.
        self.result: QueryResult | None = result
        self.outcome: Outcome | None = outcome
        self.ts = outcome.ts
        # Seconds on the monotonic clock.
        self.asked_at = asked_at
        self.used_time = outcome.used_time
        self.used_environment = outcome.used_environment
        self.is_valid = True
        # Under which of the question's answers the cache holds it; empty when it does not.
        self.answer_keys: tuple[AnswerKey, ...] = ()
        # What it read: held by the interval maps for as long as the run is watched.
        self.ranges: tuple[WatchedRange, ...] = ()
        self.followers: set[Follower] = set()

    @property
    def size(self) -> int:
        """About how many bytes keeping this run costs, with its result while that is kept."""
        kept = 0 if self.result is None else self.result.size
        return RUN_BYTES + self.question.size + kept

    @property
    def is_for_anybody(self) -> bool:
        """Whether the cache gives this answer to all who ask, since the run did not look at who it was."""
        return bool(self.answer_keys) and all(identity is None for identity, _ in self.answer_keys)

    @property
    def error(self) -> FunctionError | None:
        """Why the run failed, while the outcome is kept."""
        return None if self.outcome is None else self.outcome.error


class RunFault:
    """A run that the system, not the query, failed: there is no result; asking again later may work."""

    __slots__ = ("error",)

    def __init__(self, error: FunctionError) -> None:
        self.error = error


Answer = LiveRun | RunFault
