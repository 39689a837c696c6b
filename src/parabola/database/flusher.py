"""Who makes staged commits durable, and when.

The committer stages commits and asks for durability; a flusher grants it and reports how far it came. While one flush
runs, further requests gather and are served together by the next: that is group commit, and needs no timer.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Protocol

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


class ThreadFlusher:
    """Flushes in a thread of its own and reports to an event loop, once per flush.

    The thread sleeps until there is a request. Whatever arrives while a flush runs is covered by the next one.

    It is woken at the end of the step of the event loop in which the first request came: what arrived at many sockets
    together becomes durable together, and the two threads do not fight over the interpreter lock meanwhile.
    """

    def __init__(self, storage: Storage, loop: asyncio.AbstractEventLoop) -> None:
        self._storage = storage
        self._loop = loop
        self._on_durable: OnDurable | None = None
        self._on_failure: OnFailure | None = None
        self._wakes: SimpleQueue[None] = SimpleQueue()
        self._is_requested = False
        self._closing = False
        self._thread: threading.Thread | None = None

    def bind(self, on_durable: OnDurable, on_failure: OnFailure) -> None:
        self._on_durable, self._on_failure = on_durable, on_failure
        self._thread = threading.Thread(target=self._run, name="parabola-flusher", daemon=True)
        self._thread.start()

    def request(self) -> None:
        if not self._is_requested:
            self._is_requested = True
            self._loop.call_soon(self._wake)

    def _wake(self) -> None:
        self._is_requested = False
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
