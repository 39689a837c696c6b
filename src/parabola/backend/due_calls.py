"""Starting what is due: so many calls at once, in the order of their time, and never before it.

Theory of operation
-------------------
The rows of a table are the truth; what is held here could be read again at any time. One look asks for the first row
that waits, at the newest durable timestamp. If it is due its call is started; if not, its time sets the alarm. There
is a reason to look again when a durable commit touched the table, when a call ended and so made room, and when the
alarm rings. There is no other, and nothing is polled: without waiting rows there is not even a timer.

Looks are made from the event loop, never from within a commit, and one look starts one call: between two of them
others have their turn. A row whose call is under way may still read as waiting, until what settles it is durable;
`running` knows those by their keys, and a look passes them over. There are never more of them than may run at once.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Container
from contextlib import closing
from typing import Any, Final, NamedTuple

from parabola.backend.alarm import Alarm
from parabola.backend.due_call import DueCall, Target
from parabola.database.transaction import Transaction
from parabola.functions.runner import Runner
from parabola.seams import CallLater

CallSoon = Callable[[Callable[[], None]], Any]

AFTER_FAILURE_S: Final = 5.0
"""How long to wait when even looking failed."""

_log: Final = logging.getLogger("parabola.backend")


class WaitingCall(NamedTuple):
    """A row that waits for its time."""

    key: str
    due_ms: float
    make_target: Callable[[], Target]


class DueCalls:
    """Runs the calls that the rows of one table ask for, from `start` to `stop`."""

    def __init__(
        self,
        runner: Runner,
        find_first: Callable[[Transaction, Container[str], int], WaitingCall | None],
        *,
        call_soon: CallSoon,
        call_later: CallLater,
        parallel_max: int,
    ) -> None:
        """`find_first(tx, running, count)` gives the first row that waits, and is not among the `count` that run."""
        self._runner = runner
        self._find_first = find_first
        self._call_soon = call_soon
        self._parallel_max = parallel_max
        self._alarm = Alarm(runner.services.clock, call_later, self.wake)
        self.running: dict[str, DueCall] = {}
        self.started = 0
        """How many calls were started so far."""
        self._is_active = False
        self._look_is_due = False
        self._waiting_for_end: list[asyncio.Future[None]] = []

    def start(self) -> None:
        """Begins to run what is due."""
        self._is_active = True
        self.wake()

    def stop(self) -> None:
        """Starts nothing more, and settles nothing more: the next start finds the rows as they are."""
        self._is_active = False
        self._alarm.set(None)
        for call in self.running.values():
            call.stop()

    def wake(self) -> None:
        """Something may have become due, such as by a commit that touched the table: looks soon."""
        if self._is_active and not self._look_is_due:
            self._look_is_due = True
            self._call_soon(self._look)

    async def next_end(self) -> None:
        """Returns when the next call has ended, and its row is settled."""
        ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting_for_end.append(ended)
        await ended

    def _look(self) -> None:
        self._look_is_due = False
        if not self._is_active or len(self.running) >= self._parallel_max:
            return
        try:
            with closing(self._runner.services.database.begin_query()) as tx:
                first = self._find_first(tx, self.running, len(self.running))
        except Exception:
            _log.exception("It is not known what is due. Looking again in %g s.", AFTER_FAILURE_S)
            self._runner.call_later(AFTER_FAILURE_S, self.wake)
            return
        if first is None:
            self._alarm.set(None)
        elif first.due_ms > self._runner.services.clock.now_ns() / 1_000_000:
            self._alarm.set(first.due_ms)
        else:
            self._start(first)
            self.wake()

    def _start(self, first: WaitingCall) -> None:
        key = first.key

        def ended() -> None:
            del self.running[key]
            waiting, self._waiting_for_end = self._waiting_for_end, []
            for future in waiting:
                if not future.done():
                    future.set_result(None)
            self.wake()

        self.started += 1
        call = self.running[key] = DueCall(self._runner, first.make_target(), ended)
        call.start()
