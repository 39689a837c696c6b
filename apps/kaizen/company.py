"""Who is there before the first player: the bots of `./kaizen --demo`, and the veteran of `./kaizen --veteran`."""

from __future__ import annotations

import asyncio
from pathlib import Path

from kaizen import bots
from kaizen.demo_accounts import VETERAN, DemoAccounts, email_of, prepare_veteran
from parabola.backend.backend import Backend
from parabola.cli.console import fail, notice
from parabola.server.serve import Stop


class Company:
    """The company that was asked for. `join` lets it into a game that is ready."""

    def __init__(self, data: Path, *, demo: bool, veteran: bool) -> None:
        self._data = data
        self._demo = demo
        self._veteran = veteran
        self._joining: asyncio.Task[None] | None = None

    def join(self, backend: Backend, address: str, stop: Stop) -> None:
        """Begins, and says who is coming. Ends by itself when the game does."""
        if self._demo or self._veteran:
            self._joining = asyncio.ensure_future(self._join(backend, address, stop))
            self._joining.add_done_callback(_tell_failure)

    async def _join(self, backend: Backend, address: str, stop: Stop) -> None:
        accounts = DemoAccounts(address, self._data)
        try:
            if self._veteran:
                await prepare_veteran(accounts, backend)
                notice(f"A hero who may start over: sign in as {email_of(VETERAN)}, password {accounts.password}")
            if self._demo:
                notice("Two bots play along: see them on the leaderboard.")
                await bots.demo(accounts, stop.requested)
        finally:
            await accounts.aclose()


def _tell_failure(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and task.exception() is not None:
        fail(f"Nobody plays along any more: {task.exception()}")
