"""Housekeeping on a timer: versions that nobody may read any more are given back (limit `retention_s`)."""

from __future__ import annotations

import asyncio
import logging
from typing import Final

from parabola.database.database import Database
from parabola.limits import Limits
from parabola.seams import Clock

INTERVAL_S: Final = 5.0
"""How often to look. Removal itself happens in the storage, in the background."""

_log = logging.getLogger("parabola.backend")


class Maintenance:
    """Moves the retention window along with the clock, from `start` to `stop`."""

    def __init__(self, database: Database, clock: Clock, limits: Limits) -> None:
        self._database = database
        self._clock = clock
        self._retention_ns = int(limits.retention_s * 1_000_000_000)
        self._timer: asyncio.TimerHandle | None = None

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Looks every `INTERVAL_S` from now on."""
        self._timer = loop.call_later(INTERVAL_S, self._tick, loop)

    def stop(self) -> None:
        """Looks no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def look(self) -> None:
        """Lets go of what is older than the window."""
        self._database.set_retention(self._clock.now_ns() - self._retention_ns)

    def _tick(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = loop.call_later(INTERVAL_S, self._tick, loop)
        try:
            self.look()
        except Exception:
            # A store that refuses is reported to those who write; housekeeping only tries again.
            _log.exception("Old versions could not be removed.")
