"""Who makes staged commits durable, and when.

The committer stages commits and asks for durability; a flusher grants it and reports how far it came. While one flush
runs, further requests gather and are served together by the next: that is group commit, and needs no timer.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Final, Protocol

from parabola.storage.contract import Storage

OnDurable = Callable[[int], None]
OnFailure = Callable[[BaseException], None]


class Flusher(Protocol):
    """Both callbacks are called in the engine's thread."""

    def bind(self, on_durable: OnDurable, on_failure: OnFailure) -> None:
        """Says where to report: the newest durable timestamp, or why there will be none any more."""
        ...

    def request(self) -> None:
        """Everything staged so far is to be made durable soon. Cheap, and may be called as often as one likes."""
        ...

    def close(self) -> None:
        """Serves what was requested, then stops. Idempotent."""
        ...


class InlineFlusher:
    """Flushes at once, in the caller's thread. For tests, simulation and tools."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._on_durable: OnDurable | None = None
        self._on_failure: OnFailure | None = None

    def bind(self, on_durable: OnDurable, on_failure: OnFailure) -> None:
        self._on_durable, self._on_failure = on_durable, on_failure

    def request(self) -> None:
        assert self._on_durable is not None, "bind() comes first"
        assert self._on_failure is not None
        try:
            durable_ts = self._storage.flush()
        except Exception as error:
            self._on_failure(error)
        else:
            self._on_durable(durable_ts)

    def close(self) -> None:
        """Nothing is ever left to do."""


class ManualFlusher(InlineFlusher):
    """Flushes when told to. For tests and simulation of what happens between staging and durability."""

    def __init__(self, storage: Storage) -> None:
        super().__init__(storage)
        self.requests = 0

    def request(self) -> None:
        self.requests += 1

    def flush(self) -> None:
        """Serves everything that was requested."""
        self.requests = 0
        super().request()


GATHER_S: Final = 0.02
"""How long commits may gather for one flush while each step of the event loop brings more of them."""


class ThreadFlusher:
    """Flushes in a thread of its own and reports to an event loop, once per flush.

    The thread sleeps until there is a request. Whatever arrives while a flush runs is covered by the next one.

    It is woken after the first step of the event loop that brought no further commit, or when they have gathered for
    `GATHER_S`. So a lone commit does not wait, and under load many become durable together: each flush makes the two
    threads hand over the interpreter lock several times, which costs the loop more than the flush costs the disk.
    """

    def __init__(self, storage: Storage, loop: asyncio.AbstractEventLoop) -> None:
        self._storage = storage
        self._loop = loop
        self._on_durable: OnDurable | None = None
        self._on_failure: OnFailure | None = None
        self._wakes: SimpleQueue[None] = SimpleQueue()
        # Requests so far, how many there were at the last look, and until when more are waited for.
        self._requests = 0
        self._seen = 0
        self._gather_until = 0.0
        self._is_gathering = False
        self._closing = False
        self._thread: threading.Thread | None = None

    def bind(self, on_durable: OnDurable, on_failure: OnFailure) -> None:
        self._on_durable, self._on_failure = on_durable, on_failure
        self._thread = threading.Thread(target=self._run, name="parabola-flusher", daemon=True)
        self._thread.start()

    def request(self) -> None:
        self._requests += 1
        if not self._is_gathering:
            self._is_gathering = True
            self._seen = self._requests
            self._gather_until = self._loop.time() + GATHER_S
            self._loop.call_soon(self._look)

    def _look(self) -> None:
        """Once in each step of the loop: wakes the thread unless more commits are coming."""
        if self._requests != self._seen and self._loop.time() < self._gather_until:
            self._seen = self._requests
            self._loop.call_soon(self._look)
            return
        self._is_gathering = False
        self._wakes.put(None)

    def close(self) -> None:
        if self._thread is None:
            return
        self._closing = True
        self._wakes.put(None)
        self._thread.join()
        self._thread = None

    def _run(self) -> None:
        assert self._on_durable is not None
        assert self._on_failure is not None
        wakes = self._wakes
        while True:
            wakes.get()
            # Taken before the flush: a commit staged during it asks again, and is not lost if it came too late for it.
            while not wakes.empty():
                wakes.get()
            closing = self._closing
            try:
                durable_ts = self._storage.flush()
            except Exception as error:
                self._report(self._on_failure, error)
                return
            self._report(self._on_durable, durable_ts)
            if closing:
                return

    def _report(self, callback: Callable[..., None], argument: object) -> None:
        try:
            self._loop.call_soon_threadsafe(callback, argument)
        except RuntimeError:
            # The loop is closed: nobody is left to hear it. What is durable is durable.
            return
