"""Failed runs, for the sockets that one commit woke up and that all ask the same.

Only results that succeeded are kept for whoever may ask later (semantics 8.2). A failure is given out for a moment,
until the next commit at most, and takes little room.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from parabola.live.question import Question
from parabola.live.subscription import LiveRun

FAILURE_SHARED_S_MAX: Final = 1.0
"""How long a failure answers others: enough for all that one commit woke up."""

FAILURES_BYTES_MAX: Final = 4 * 1024 * 1024

FailureKey = tuple[Question, bytes, "str | None"]


class Failures:
    """The failed runs of the last moment, by shared question, identity key and journal."""

    __slots__ = ("_bytes", "_runs")

    def __init__(self) -> None:
        # The oldest first.
        self._runs: OrderedDict[FailureKey, LiveRun] = OrderedDict()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._runs)

    def find(self, key: FailureKey, now: float) -> LiveRun | None:
        """The failure, if it is of the last moment. `now` is the monotonic time in seconds."""
        run = self._runs.get(key)
        return run if run is not None and now - run.asked_at <= FAILURE_SHARED_S_MAX else None

    def add(self, key: FailureKey, run: LiveRun) -> None:
        """Holds `run`, which failed just now, and lets go of what is too old or too much."""
        replaced = self._runs.pop(key, None)
        if replaced is not None:
            self._bytes -= replaced.size
        self._runs[key] = run
        self._bytes += run.size
        while self._runs:
            oldest = next(iter(self._runs.values()))
            if self._bytes <= FAILURES_BYTES_MAX and run.asked_at - oldest.asked_at <= FAILURE_SHARED_S_MAX:
                break
            self._runs.popitem(last=False)
            self._bytes -= oldest.size

    def clear(self) -> None:
        """Forgets all: something was written."""
        self._runs.clear()
        self._bytes = 0
