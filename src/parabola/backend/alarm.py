"""Waking at a time of day.

Scheduled work is due at a time of the wall clock, but waiting is measured on a clock that never jumps, and that on many
machines stands still while the machine sleeps. So an alarm never waits long in one go: it looks at the wall clock
again, at the latest every `CHECK_S`, and rings when the time has come and never before. With nothing to wait for it
has no timer.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from parabola.seams import CallLater, Clock, Timer

CHECK_S: Final = 30.0


class Alarm:
    """Calls `ring` at the time that was set last."""

    def __init__(self, clock: Clock, call_later: CallLater, ring: Callable[[], None]) -> None:
        self._clock = clock
        self._call_later = call_later
        self._ring = ring
        self._timer: Timer | None = None
        self.due_ms: float | None = None
        """When it will ring, in milliseconds since 1970; None if it will not."""

    def set(self, due_ms: float | None) -> None:
        """Rings at `due_ms`, and not at an earlier setting; None means not at all."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self.due_ms = due_ms
        if due_ms is not None:
            self._wait(due_ms)

    def _wait(self, due_ms: float) -> None:
        remaining_s = due_ms / 1000 - self._clock.now_ns() / 1_000_000_000
        self._timer = self._call_later(min(max(0.0, remaining_s), CHECK_S), self._look)

    def _look(self) -> None:
        self._timer = None
        due_ms = self.due_ms
        if due_ms is None:
            return
        if self._clock.now_ns() / 1_000_000 < due_ms:
            self._wait(due_ms)
            return
        self.due_ms = None
        self._ring()
