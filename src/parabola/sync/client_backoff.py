"""How long a client waits before it connects again (wire 1.10).

The first wait depends on why the connection ended: an overloaded server asks for more patience than a client that gave
up by itself. Each further attempt doubles it, up to a limit, and chance spreads it out, so that the clients of a server
that comes back do not all arrive at once.
"""

from __future__ import annotations

from typing import Final

from parabola.seams import Entropy

CLIENT_REASON_S: Final = 0.1
SERVER_REASON_S: Final = 1.0
OVERLOADED_S: Final = 3.0
WAIT_S_MAX: Final = 16.0

_OVERLOADED: Final = (
    "SubscriptionsWorkerFullError",
    "TooManyConcurrentRequests",
    "CommitterFullError",
    "AwsTooManyRequestsException",
    "ExecuteFullError",
    "SystemTimeoutError",
    "ExpiredInQueue",
    "VectorIndexTooLarge",
    "SearchIndexTooLarge",
    "TooManyWritesInTimePeriod",
)


def first_wait_s(close_reason: str) -> float:
    """The wait after the first loss of a connection that the other side closed for `close_reason`."""
    return OVERLOADED_S if close_reason.startswith(_OVERLOADED) else SERVER_REASON_S


class Backoff:
    """Counts the attempts in a row. `reset()` it when the connection has proved itself."""

    __slots__ = ("_entropy", "retries")

    def __init__(self, entropy: Entropy) -> None:
        self._entropy = entropy
        self.retries = 0

    def next_wait_s(self, first_s: float) -> float:
        """The seconds to wait now: `first_s` doubled for each attempt before, at most 16, times 0.5 to 1.5."""
        # The exponent is bounded too: a server may be away for longer than a float can double.
        wait_s = min(first_s * 2.0 ** min(self.retries, 16), WAIT_S_MAX)
        self.retries += 1
        chance = int.from_bytes(self._entropy.bytes(4), "little") / 2**32
        return wait_s * (0.5 + chance)

    def reset(self) -> None:
        """The connection works."""
        self.retries = 0
