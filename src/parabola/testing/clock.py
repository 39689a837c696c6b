"""Time that moves when told, so that an hour passes in no time and a test never waits."""

from __future__ import annotations

from datetime import UTC, datetime

from parabola.seams import ManualClock

# More than a float of milliseconds can tell apart (0.2 µs), in ns.
TICK_NS = 1_000


class TestClock(ManualClock):
    """The clock of a `TestBackend`. It starts on 1 January 2026 (UTC) and stands still until `advance`.

    Only a microsecond passes whenever the backend looks at it, so that documents keep the order in which they were
    made, as they do in real time.
    """

    __test__ = False  # pytest collects classes by name; this one is a tool.

    advances = 0
    """How often it was moved."""

    def now_ns(self) -> int:
        self._now_ns += TICK_NS
        return self._now_ns

    def advance(self, seconds: float = 0.0, *, minutes: float = 0.0, hours: float = 0.0, days: float = 0.0) -> None:
        """Moves the time forward by the sum of what is given, which cannot be negative."""
        self.advances += 1
        super().advance(seconds + 60.0 * minutes + 3600.0 * hours + 86_400.0 * days)

    def now(self) -> datetime:
        """The time now, in UTC. `ctx.now()` is the same in milliseconds since 1970."""
        return datetime.fromtimestamp(self._now_ns / 1e9, UTC)
