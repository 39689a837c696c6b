"""When scheduled functions get their turn in a `TestBackend`: when the test says so.

Were they started as soon as they are due, a test could not look at them first, and what it saw would depend on how
often it waited for something else. So their turns are held until one of the `finish_…` methods takes them. There is one
exception: an action that waits for what it scheduled itself would wait for ever. So while an action is running, and
has left nothing to do for a moment, they have their turn too.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import Context
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from parabola.backend.backend import Backend
    from parabola.backend.due_calls import DueCalls

STEPS_OF_REST: Final = 100
"""So many steps of the event loop without an end are a moment. Not a time: an action that waits for nothing outside
takes a few steps to its end, however slow the machine is.
"""

RUNS_MAX: Final = 1000
"""How many more scheduled functions than were there at first may run before they are taken to go on for ever."""


# More than a test can have.
_ALL: Final = 1_000_000


class EndlessScheduling(RuntimeError):
    """Scheduled functions schedule others, and there is no end to it."""


class Turns:
    """Holds the turns of one backend, and gives them."""

    def __init__(self) -> None:
        self._held: list[Callable[[], None]] = []
        self._actions = 0
        self._is_counting = False
        self._steps_left = 0

    def call_soon(self, step: Callable[[], None]) -> None:
        """Holds a turn."""
        self._held.append(step)
        self._give_in_a_moment()

    @contextmanager
    def during_an_action(self) -> Generator[None]:
        """While an action runs, turns are given."""
        self._actions += 1
        self._steps_left = STEPS_OF_REST
        self._give_in_a_moment()
        try:
            yield
        finally:
            self._actions -= 1

    def _give_in_a_moment(self) -> None:
        if self._held and self._actions and not self._is_counting:
            self._is_counting = True
            self._steps_left = STEPS_OF_REST
            self._count()

    def _count(self) -> None:
        if self._steps_left and self._actions:
            self._steps_left -= 1
            # In a context of its own: that of the action has its log.
            asyncio.get_running_loop().call_soon(self._count, context=Context())
            return
        self._is_counting = False
        if self._actions:
            self._give()

    def _give(self) -> None:
        held, self._held = self._held, []
        for step in held:
            step()

    async def finish_due(self, backend: Backend, runs_max: int) -> None:
        """Runs what is due, and what that makes due, until nothing is due and nothing is running."""
        of_jobs, of_crons = backend.scheduler.calls, backend.crons.calls
        last = of_jobs.started + len(backend.scheduler.pending(_ALL)) + runs_max
        while True:
            self._start_due((of_jobs, of_crons), lambda: of_jobs.started > last)
            if of_jobs.started > last:
                raise _endless(backend, runs_max)
            if not of_jobs.running and not of_crons.running:
                return
            with self.during_an_action():
                await _end_of_one(of_jobs, of_crons)

    async def finish_in_progress(self, backend: Backend) -> None:
        """Runs what is due now, and waits for it, but not for what it schedules."""
        of_jobs = backend.scheduler.calls
        now_ms = backend.clock.now_ns() / 1_000_000
        wanted = {job["_id"] for job in backend.scheduler.pending(_ALL) if job["scheduledTime"] <= now_ms}
        wanted |= of_jobs.running.keys()

        def all_started() -> bool:
            return not wanted.intersection(job["_id"] for job in backend.scheduler.pending(_ALL))

        while wanted:
            self._start_due((of_jobs,), all_started)
            wanted &= of_jobs.running.keys() | {job["_id"] for job in backend.scheduler.pending(_ALL)}
            if wanted:
                with self.during_an_action():
                    await _end_of_one(of_jobs)

    async def finish_all(self, backend: Backend, advance: Callable[[float], None], runs_max: int) -> None:
        """Runs all jobs, moving the clock to the time of each, until none is pending."""
        of_jobs = backend.scheduler.calls
        last = of_jobs.started + len(backend.scheduler.pending(_ALL)) + runs_max
        while True:
            await self.finish_due(backend, runs_max)
            pending = backend.scheduler.pending(1)
            if not pending:
                return
            if of_jobs.started > last:
                raise _endless(backend, runs_max)
            # A microsecond more, since a float of milliseconds may round the other way.
            advance(max(0.0, pending[0]["scheduledTime"] / 1000 - backend.clock.now_ns() / 1e9) + 1e-6)

    def _start_due(self, all_calls: tuple[DueCalls, ...], is_enough: Callable[[], bool]) -> None:
        """Gives turns until nothing more is started, or it is enough."""
        for calls in all_calls:
            calls.wake()
        started = -1
        while self._held and started != (started := sum(calls.started for calls in all_calls)) and not is_enough():
            self._give()


async def _end_of_one(*all_calls: DueCalls) -> None:
    waiting: list[asyncio.Future[Any]] = [asyncio.ensure_future(calls.next_end()) for calls in all_calls]
    try:
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for future in waiting:
            future.cancel()


def _endless(backend: Backend, runs_max: int) -> EndlessScheduling:
    pending = backend.scheduler.pending(1)
    name = f" ({pending[0]['name']} is next)" if pending else ""
    return EndlessScheduling(
        f"More than {runs_max:,} further scheduled functions ran and there are still some{name}: one seems to schedule "
        "itself for ever. Let it end, or pass a larger runs_max=."
    )
