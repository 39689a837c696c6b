"""One timer for all connections: looks after each of them every five seconds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

TICK_S: Final = 1.0
TICKS_AROUND: Final = 5
"""Every connection is looked after once around: each five seconds, the period of the control ping (wire 1.10)."""


class Cancellable(Protocol):
    """What `call_later` gives back."""

    def cancel(self) -> None: ...


class Beating(Protocol):
    """Somebody with a heart."""

    def heartbeat(self) -> None:
        """Called about every `TICK_S * TICKS_AROUND` seconds."""
        ...


class HeartbeatWheel:
    """Spreads its members over the spokes of a wheel and calls one spoke a second. It stands still while it is empty.

    A timer for each connection would cost more than what it does; a thousand connections here cost one timer.
    """

    def __init__(self, call_later: Callable[[float, Callable[[], None]], Cancellable]) -> None:
        self._call_later = call_later
        # Insertion-ordered, so that a run from a seed beats in the same order.
        self._spokes: list[dict[Beating, None]] = [{} for _ in range(TICKS_AROUND)]
        self._members = 0
        self._at = 0
        self._timer: Cancellable | None = None

    def add(self, member: Beating) -> int:
        """Looks after `member` from the next time around on; gives back what `remove` needs."""
        spoke = min(range(TICKS_AROUND), key=lambda number: len(self._spokes[number]))
        self._spokes[spoke][member] = None
        self._members += 1
        if self._timer is None:
            self._timer = self._call_later(TICK_S, self._tick)
        return spoke

    def remove(self, member: Beating, spoke: int) -> None:
        """Stops looking after `member`."""
        if self._spokes[spoke].pop(member, self) is None:
            self._members -= 1
        if self._members == 0 and self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _tick(self) -> None:
        self._timer = self._call_later(TICK_S, self._tick)
        self._at = (self._at + 1) % TICKS_AROUND
        for member in list(self._spokes[self._at]):
            member.heartbeat()
