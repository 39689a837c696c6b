"""Dropping what nobody will ask for again: now and then, as part of a request that makes something new."""

from __future__ import annotations

from typing import Final

from parabola.identity.store.work import Work

INTERVAL_MS: Final = 3_600_000
KEEP_ENDED_SESSIONS_MS: Final = 90 * 86_400_000
"""How long the record of a session that is over is kept, for whoever looks into what happened."""

KEEP_IDLE_CLIENTS_MS: Final = 7 * 86_400_000
"""How long a browser that never signed in is remembered."""


class Upkeep:
    """When it was done last. Used in the store's thread only."""

    def __init__(self) -> None:
        self._done_at: int | None = None

    def run_if_due(self, work: Work, now_ms: int) -> None:
        """Prunes the store, at most once an hour."""
        if self._done_at is None or now_ms >= self._done_at + INTERVAL_MS:
            work.prune(now_ms, KEEP_ENDED_SESSIONS_MS, KEEP_IDLE_CLIENTS_MS)
            self._done_at = now_ms
