"""A whole engine with sync sockets in memory, on one thread, moved on by hand.

The real database (on `MemoryStorage`), runner, live queries and driver; only the event loop's callbacks, the clock and
the sockets are doubles. Nothing happens until `World.settle` lets it, so a test decides what lies between two events.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any

import orjson

from parabola.auth import AdminKeyring, Authenticator, TokenVerifier
from parabola.backend.presenter import Presenter
from parabola.backend.sync_connection import SyncConnection
from parabola.backend.sync_driver import SyncDriver
from parabola.database.database import Database
from parabola.database.flusher import Flusher, InlineFlusher
from parabola.database.write_log import LogEntry
from parabola.functions.loader import Deployment
from parabola.functions.runner import Runner
from parabola.limits import DEFAULT_LIMITS, Limits
from parabola.live.manager import LiveQueries
from parabola.seams import ManualClock, SeededEntropy
from parabola.storage.contract import Storage
from parabola.storage.memory import MemoryStorage
from parabola.sync.client_version import UNKNOWN_CLIENT, ClientVersion
from parabola.sync.versions import decode_ts

ADMIN_KEY = "test|secret"


class ManualTimer:
    """What `ManualLoop.call_later` gives back."""

    def __init__(self, callback: Callable[[], None]) -> None:
        self.callback: Callable[[], None] | None = callback

    def cancel(self) -> None:
        self.callback = None


class ManualLoop:
    """The part of an event loop that the driver uses, run by hand on a `ManualClock`. No task here really waits."""

    def __init__(self, clock: ManualClock) -> None:
        self._clock = clock
        self._ready: deque[Callable[[], None]] = deque()
        self._timers: list[tuple[float, int, ManualTimer]] = []
        self._count = 0

    def call_soon(self, callback: Callable[[], None], /) -> object:
        self._ready.append(callback)
        return callback

    def call_later(self, delay: float, callback: Callable[[], None], /) -> ManualTimer:
        timer = ManualTimer(callback)
        self._count += 1
        heapq.heappush(self._timers, (self._clock.monotonic() + delay, self._count, timer))
        return timer

    def create_task(self, coro: Coroutine[Any, Any, Any], /) -> Any:
        try:
            coro.send(None)
        except StopIteration:
            return _FinishedTask()
        raise AssertionError("this loop runs only what does not wait")

    def step(self) -> bool:
        """Runs what is ready now, as one turn of an event loop does; whether there was anything."""
        ready, self._ready = self._ready, deque()
        for callback in ready:
            callback()
        return bool(ready)

    def advance(self, seconds: float) -> None:
        """Lets time pass, and with it every timer that falls due, in order; also what takes time of its own does not
        keep a timer waiting for more than one turn.
        """
        until = self._clock.monotonic() + seconds
        while self._timers and self._timers[0][0] <= max(until, self._clock.monotonic()):
            due, _, timer = heapq.heappop(self._timers)
            self._clock.advance(max(due - self._clock.monotonic(), 0))
            if timer.callback is not None:
                timer.callback()
            while self.step() and not (self._timers and self._timers[0][0] <= self._clock.monotonic()):
                pass
        self._clock.advance(max(until - self._clock.monotonic(), 0))


class _FinishedTask:
    def add_done_callback(self, callback: Callable[[Any], None]) -> None:
        callback(self)

    def cancelled(self) -> bool:
        return False

    def exception(self) -> BaseException | None:
        return None


class MemorySocket:
    """A transport that keeps what it is told, and the client's way to speak."""

    def __init__(self) -> None:
        self.connection: SyncConnection
        self.texts: list[bytes] = []
        self.writes = 0
        self.closed: tuple[int | None, str] | None = None
        self.aborted = False
        self.pings = 0
        self.silent_for = 0.0
        self.unsent = 0
        self.reading_is_paused = False

    def send_texts(self, texts: Sequence[bytes]) -> None:
        self.texts.extend(texts)
        self.writes += 1

    def close(self, code: int | None, reason: str) -> None:
        self.closed = (code, reason)

    def abort(self) -> None:
        self.aborted = True

    def ping(self) -> None:
        self.pings += 1

    def seconds_since_received(self) -> float:
        return self.silent_for

    def unsent_bytes(self) -> int:
        return self.unsent

    def pause_reading(self) -> None:
        self.reading_is_paused = True

    def resume_reading(self) -> None:
        self.reading_is_paused = False

    def send(self, kind: str, **fields: Any) -> None:
        """The client sends one message."""
        self.connection.receive_text(orjson.dumps({"type": kind, **fields}))

    def add(self, base: int, queries: Mapping[int, tuple[str, dict[str, Any]]], **more: Any) -> None:
        """The client follows queries: by id, their path and arguments."""
        modifications = [
            {"type": "Add", "queryId": query_id, "udfPath": path, "args": [args], **more}
            for query_id, (path, args) in queries.items()
        ]
        self.send("ModifyQuerySet", baseVersion=base, newVersion=base + 1, modifications=modifications)

    def remove(self, base: int, *query_ids: int) -> None:
        """The client forgets queries."""
        modifications = [{"type": "Remove", "queryId": query_id} for query_id in query_ids]
        self.send("ModifyQuerySet", baseVersion=base, newVersion=base + 1, modifications=modifications)

    def take(self) -> list[dict[str, Any]]:
        """What arrived since the last call."""
        taken = [orjson.loads(text) for text in self.texts]
        self.texts = []
        return taken


class CommitsOf:
    """The write log as live queries ask for it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @property
    def durable_ts(self) -> int:
        return self._database.durable_ts

    def commits_between(self, after_ts: int, up_to_ts: int) -> list[LogEntry] | None:
        log = self._database.write_log
        return None if after_ts < log.oldest_ts else log.between(after_ts, up_to_ts)


async def no_fetch(*_: object, **__: object) -> Any:
    """These tests know no key servers."""
    raise AssertionError("nothing should be fetched")


class World:
    """One server and its sockets."""

    def __init__(
        self,
        functions: Mapping[str, Any],
        *,
        seed: int = 0,
        limits: Limits = DEFAULT_LIMITS,
        redact: bool = False,
        storage: Storage | None = None,
        flusher: Callable[[Storage], Flusher] = InlineFlusher,
        clock: ManualClock | None = None,
        providers: Sequence[Any] = (),
        call_later: Callable[[float, Callable[[], None]], Any] | None = None,
    ) -> None:
        self.clock = clock if clock is not None else ManualClock()
        self.loop = ManualLoop(self.clock)
        self.storage = storage if storage is not None else MemoryStorage()
        self.flusher = flusher(self.storage)
        entropy = SeededEntropy(seed)
        self.database = Database(self.storage, clock=self.clock, entropy=entropy, limits=limits, flusher=self.flusher)
        self.database.open()
        self.runner = Runner(
            self.database,
            clock=self.clock,
            entropy=entropy,
            limits=limits,
            deployment=Deployment(functions),
            call_later=call_later if call_later is not None else self.loop.call_later,
        )
        presenter = Presenter(redact=redact)
        self.live = LiveQueries(
            self.runner,
            CommitsOf(self.database),
            presenter.query_result,
            clock=self.clock,
            entropy=entropy,
            limits=limits,
        )
        self.database.add_commit_listener(self.live.commits_published)
        self.verifier = TokenVerifier(providers, clock=self.clock, fetch=no_fetch)
        self.driver = SyncDriver(
            self.live,
            self.runner,
            Authenticator(self.verifier, AdminKeyring(ADMIN_KEY)),
            presenter,
            loop=self.loop,
            clock=self.clock,
            entropy=entropy,
            limits=limits,
        )

    def connect(self, client: ClientVersion = UNKNOWN_CLIENT) -> MemorySocket:
        """A new socket."""
        socket = MemorySocket()
        socket.connection = self.driver.connect(socket, client)
        return socket

    def settle(self) -> None:
        """Lets the loop turn until nothing is left to do, and checks that all is in order."""
        while self.loop.step():
            pass
        self.live.check_invariants()
        for connection in self.driver.connections:
            connection.peer.check_invariants()


def end_ts(message: Mapping[str, Any]) -> int:
    """The timestamp that a Transition ends with."""
    return decode_ts(message["endVersion"]["ts"])
