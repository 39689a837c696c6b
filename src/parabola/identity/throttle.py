"""How often is too often: a sliding count per key, in memory and bounded.

A restart forgets the counts; what must survive one (the lock-out of an account) is stored with the user.
"""

from __future__ import annotations

import math
import threading
from collections import OrderedDict, deque
from typing import Final

from parabola.identity.failures import too_many_requests
from parabola.seams import Clock

KEYS_MAX: Final = 20_000


class Throttle:
    """Counts events by `(kind, key)` over the last seconds. Any thread may ask."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._events: OrderedDict[tuple[str, str], deque[float]] = OrderedDict()

    def admit(self, kind: str, key: str, limit: tuple[int, int]) -> None:
        """Counts one event. Raises 429 with the seconds to wait if it is one too many; a refused one is not counted."""
        with self._lock:
            self._admit(kind, key, limit)

    def _admit(self, kind: str, key: str, limit: tuple[int, int]) -> None:
        count_max, window_s = limit
        now = self._clock.monotonic()
        events = self._events.setdefault((kind, key), deque())
        self._events.move_to_end((kind, key))
        while events and events[0] <= now - window_s:
            events.popleft()
        if len(events) >= count_max:
            waited_for = events[0] if events else now
            raise too_many_requests(max(1, math.ceil(waited_for + window_s - now)))
        events.append(now)
        # Beyond the bound the longest unused key is forgotten: an attacker with that many addresses has others to use.
        while len(self._events) > KEYS_MAX:
            self._events.popitem(last=False)
