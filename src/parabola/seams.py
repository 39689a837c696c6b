"""How time and chance come in.

Nothing below `backend`, `client` and `cli` reads a clock or draws a random number by itself: it is handed a `Clock`
and an `Entropy`. A whole server with its clients can then run in one thread from a seed, and any failure can be
replayed (`parabola.testing` has the doubles).
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable
from typing import Protocol


class Clock(Protocol):
    """Where a component reads the time."""

    def now_ns(self) -> int:
        """Wall-clock time in nanoseconds since the Unix epoch. It may jump, also backwards."""
        ...

    def monotonic(self) -> float:
        """Seconds on a clock that never goes back; only differences mean anything."""
        ...


class Timer(Protocol):
    """A call that is to come."""

    def cancel(self) -> None:
        """It will not come. Does nothing after it came."""
        ...


class CallLater(Protocol):
    """How a component waits: `call_later(seconds, function)` of an event loop, or of a clock that is moved by hand."""

    def __call__(self, delay_s: float, function: Callable[[], None], /) -> Timer: ...


class Entropy(Protocol):
    """Where a component draws chance."""

    def bytes(self, count: int) -> bytes:
        """`count` unpredictable bytes (predictable ones under a seeded double)."""
        ...

    def seed(self) -> int:
        """A fresh 64-bit seed, for the random generator that a function run is given."""
        ...


class SystemClock:
    """The machine's clocks."""

    def now_ns(self) -> int:
        return time.time_ns()

    def monotonic(self) -> float:
        return time.monotonic()


class SystemEntropy:
    """The operating system's randomness, drawn in blocks so that an id costs no system call."""

    _BLOCK = 4096

    def __init__(self) -> None:
        self._block = b""
        self._at = 0

    def bytes(self, count: int) -> bytes:
        if count > self._BLOCK:
            return os.urandom(count)
        end = self._at + count
        if end > len(self._block):
            self._block = os.urandom(self._BLOCK)
            self._at, end = 0, count
        drawn = self._block[self._at : end]
        self._at = end
        return drawn

    def seed(self) -> int:
        return int.from_bytes(self.bytes(8), "little")


class SeededEntropy:
    """Chance that a seed decides: the same seed draws the same bytes. For tests and simulation only."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def bytes(self, count: int) -> bytes:
        return self._random.randbytes(count)

    def seed(self) -> int:
        return self._random.getrandbits(64)


class ManualClock:
    """A clock that moves only when told. For tests and simulation only."""

    def __init__(self, start_ns: int = 1_767_225_600_000_000_000) -> None:
        self._now_ns = start_ns
        self._monotonic = 0.0
        self._timers: list[ManualTimer] = []

    def now_ns(self) -> int:
        return self._now_ns

    def monotonic(self) -> float:
        return self._monotonic

    def advance(self, seconds: float) -> None:
        """Moves both clocks forward by `seconds` (at least 0), then makes the calls that are due, in their order."""
        if seconds < 0:
            raise ValueError(f"A clock cannot go back: advance() was given {seconds} seconds. Pass 0 or more.")
        self._now_ns += round(seconds * 1_000_000_000)
        self._monotonic += seconds
        due = sorted((timer for timer in self._timers if timer.at <= self._monotonic), key=lambda timer: timer.at)
        self._timers = [timer for timer in self._timers if timer.at > self._monotonic]
        for timer in due:
            timer.ring()

    def call_later(self, delay_s: float, function: Callable[[], None], /) -> ManualTimer:
        """Calls `function` when the clock has been moved that far."""
        timer = ManualTimer(self._monotonic + max(0.0, delay_s), function)
        self._timers.append(timer)
        return timer

    @property
    def timers_waiting(self) -> int:
        """How many calls are still to come."""
        return sum(timer.is_waiting for timer in self._timers)


class ManualTimer:
    """What waits for a `ManualClock`."""

    def __init__(self, at: float, function: Callable[[], None]) -> None:
        self.at = at
        self._function: Callable[[], None] | None = function

    @property
    def is_waiting(self) -> bool:
        """Whether the call is still to come."""
        return self._function is not None

    def cancel(self) -> None:
        self._function = None

    def ring(self) -> None:
        """The time has come."""
        function, self._function = self._function, None
        if function is not None:
            function()
