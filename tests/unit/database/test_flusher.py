from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from typing import cast

import pytest

from parabola.database.committer import CommitResult
from parabola.database.flusher import GATHER_S, InlineFlusher, ManualFlusher, ThreadFlusher
from parabola.errors import StorageFailure
from parabola.storage.memory import MemoryStorage
from tests.unit.database.helpers import open_database


class GatedStorage(MemoryStorage):
    """A storage whose flushes wait for the test, and which counts them."""

    def __init__(self) -> None:
        super().__init__()
        self.flushes = 0
        self.entered = threading.Semaphore(0)
        self.gate = threading.Semaphore(0)
        self.gated = False
        self.broken = False

    def flush(self) -> int:
        if self.gated:
            latest = self.latest_ts()
            self.flushes += 1
            self.entered.release()
            self.gate.acquire()
            if self.broken:
                raise StorageFailure("disk full")
            super().flush()
            return latest
        return super().flush()


def test_inline_flushes_at_once() -> None:
    storage = MemoryStorage()
    reports: list[int] = []
    flusher = InlineFlusher(storage)
    flusher.bind(reports.append, lambda error: None)
    flusher.request()
    assert reports == [storage.durable_ts()]


def test_manual_flushes_when_told() -> None:
    flusher = ManualFlusher(MemoryStorage())
    reports: list[int] = []
    flusher.bind(reports.append, lambda error: None)
    flusher.request()
    flusher.request()
    assert (flusher.requests, reports) == (2, [])
    flusher.flush()
    assert (flusher.requests, len(reports)) == (0, 1)


async def _wait(semaphore: threading.Semaphore) -> None:
    await asyncio.to_thread(semaphore.acquire)


def test_commits_gather_while_a_flush_runs_and_the_next_serves_them_all() -> None:
    async def story() -> None:
        storage = GatedStorage()
        database = open_database(storage=storage, flusher=ThreadFlusher(storage, asyncio.get_running_loop()))
        while database.durable_ts < database.latest_ts:
            await asyncio.sleep(0)
        storage.gated = True
        answered = asyncio.Event()
        results: list[CommitResult] = []
        batches: list[int] = []
        database.add_commit_listener(lambda entries: batches.append(len(entries)))

        def done(result: CommitResult) -> None:
            results.append(result)
            if len(results) == 6:
                answered.set()

        def insert() -> None:
            tx = database.begin_mutation()
            tx.insert("t", {})
            database.commit(tx, done)

        insert()
        await _wait(storage.entered)
        for _ in range(5):
            insert()
        assert results == []
        storage.gate.release()
        await _wait(storage.entered)
        storage.gate.release()
        await answered.wait()
        assert [result.ts for result in results] == sorted(result.ts for result in results)
        assert sum(batches) == 6
        assert len(batches) <= 2
        assert storage.flushes == 2
        storage.gated = False
        database.close()

    asyncio.run(story())


def test_a_failing_flush_is_reported_in_the_engines_thread() -> None:
    async def story() -> None:
        storage = GatedStorage()
        database = open_database(storage=storage, flusher=ThreadFlusher(storage, asyncio.get_running_loop()))
        while database.durable_ts < database.latest_ts:
            await asyncio.sleep(0)
        storage.gated = storage.broken = True
        answer: asyncio.Future[CommitResult] = asyncio.get_running_loop().create_future()
        tx = database.begin_mutation()
        tx.insert("t", {})
        database.commit(tx, answer.set_result)
        storage.gate.release()
        result = await answer
        assert result.error is not None
        assert "disk full" in result.error.message
        storage.gated = False
        database.close()

    asyncio.run(story())


def test_closing_makes_everything_durable() -> None:
    async def story() -> None:
        storage = MemoryStorage()
        database = open_database(storage=storage, flusher=ThreadFlusher(storage, asyncio.get_running_loop()))
        tx = database.begin_mutation()
        tx.insert("t", {})
        database.commit(tx, lambda result: None)
        database.close()
        database.close()
        assert storage.durable_ts() == storage.latest_ts()

    asyncio.run(story())


class SteppedLoop:
    """The parts of an event loop that the flusher uses, stepped by the test."""

    def __init__(self) -> None:
        self.now = 0.0
        self.soon: list[Callable[[], object]] = []

    def time(self) -> float:
        return self.now

    def call_soon(self, callback: Callable[[], object]) -> None:
        self.soon.append(callback)

    def call_soon_threadsafe(self, callback: Callable[[int], object], argument: int) -> None:
        """The report, which nobody waits for here."""

    def step(self) -> bool:
        """Runs what is due; whether that asked to be called again: the thread is not woken yet then."""
        due, self.soon = self.soon, []
        for callback in due:
            callback()
        return bool(self.soon)


@pytest.fixture
def stepped() -> Iterator[tuple[ThreadFlusher, SteppedLoop, GatedStorage]]:
    storage, loop = GatedStorage(), SteppedLoop()
    storage.gated = True
    flusher = ThreadFlusher(storage, cast(asyncio.AbstractEventLoop, loop))
    flusher.bind(lambda ts: None, lambda error: None)
    yield flusher, loop, storage
    storage.gated = False
    storage.gate.release(100)
    flusher.close()


def test_a_lone_commit_is_flushed_after_the_step_that_brought_it(
    stepped: tuple[ThreadFlusher, SteppedLoop, GatedStorage],
) -> None:
    flusher, loop, storage = stepped
    flusher.request()
    assert not loop.step()
    assert storage.entered.acquire(timeout=30)


def test_commits_gather_as_long_as_each_step_brings_more(
    stepped: tuple[ThreadFlusher, SteppedLoop, GatedStorage],
) -> None:
    flusher, loop, storage = stepped
    for _ in range(3):
        flusher.request()
        flusher.request()
        assert loop.step(), "more came in this step"
        assert storage.flushes == 0
    assert not loop.step(), "nothing came in this one"
    assert storage.entered.acquire(timeout=30)
    assert storage.flushes == 1


def test_commits_gather_for_a_limited_time_only(stepped: tuple[ThreadFlusher, SteppedLoop, GatedStorage]) -> None:
    flusher, loop, storage = stepped
    flusher.request()
    flusher.request()
    assert loop.step()
    flusher.request()
    loop.now += GATHER_S
    assert not loop.step()
    assert storage.entered.acquire(timeout=30)
