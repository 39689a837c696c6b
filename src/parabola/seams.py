"""How time and chance come in.

Nothing below `backend`, `client` and `cli` reads a clock or draws a random number by itself: it is handed a `Clock`
and an `Entropy`. A whole server with its clients can then run in one thread from a seed, and any failure can be
replayed (`parabola.testing` has the doubles).
"""

from __future__ import annotations

import os
import random
import time
from typing import Protocol


class Clock(Protocol):
    """Where a component reads the time."""

    def now_ns(self) -> int:
        """Wall-clock time in nanoseconds since the Unix epoch. It may jump, also backwards."""
        ...

    def monotonic(self) -> float:
        """Seconds on a clock that never goes back; only differences mean anything."""
        ...


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

    def now_ns(self) -> int:
        return self._now_ns

    def monotonic(self) -> float:
        return self._monotonic

    def advance(self, seconds: float) -> None:
        """Moves both clocks forward by `seconds` (at least 0)."""
        if seconds < 0:
            raise ValueError(f"A clock cannot go back: advance() was given {seconds} seconds. Pass 0 or more.")
        self._now_ns += round(seconds * 1_000_000_000)
        self._monotonic += seconds
