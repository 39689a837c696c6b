"""Waiting for signals, in coroutines and in threads; and the connection as a signal."""

from __future__ import annotations

import asyncio
import gc
import threading
import weakref

import pytest
from reaktiv import Signal

from parabola.client import ClientError
from parabola.ui import inject_connection_state, until
from tests.unit.ui.memory_link import MemoryLink, connection_state


async def test_until_waits_for_the_signals_that_it_reads() -> None:
    count = Signal(0)
    waiting = asyncio.create_task(_wait(count))
    for number in range(1, 4):
        await asyncio.sleep(0)
        assert not waiting.done()
        count.set(number)
    await waiting


async def _wait(count: Signal[int]) -> None:
    await until(lambda: count() >= 3)


async def test_until_is_over_at_once_where_it_is_so_already() -> None:
    await until(lambda: True)


async def test_until_raises_what_its_predicate_raises() -> None:
    with pytest.raises(ZeroDivisionError):
        await until(lambda: 1 / 0 > 1)


def test_a_thread_may_wait_for_signals() -> None:
    flag = Signal(False)
    pending = until(flag)
    timer = threading.Timer(0.01, lambda: flag.set(True))
    timer.start()
    pending.result(60)
    with pytest.raises(TimeoutError):
        until(lambda: not flag()).result(0.001)
    timer.join()


async def test_blocking_the_loop_is_refused() -> None:
    with pytest.raises(ClientError, match="Use `await` here"):
        until(lambda: False).result()


async def test_a_wait_that_was_given_up_leaves_nothing_behind() -> None:
    flag = Signal(False)
    pending = until(flag)
    gone = weakref.ref(pending)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(_await(pending), 0.001)
    del pending
    gc.collect()
    assert gone() is None
    flag.set(True)


async def _await(pending: object) -> None:
    await pending  # type: ignore[misc]


@pytest.mark.usefixtures("provided")
def test_the_connection_is_one_signal_for_all(link: MemoryLink) -> None:
    state = inject_connection_state()
    assert state().is_connected
    inject_connection_state()
    assert len(link.connection_listeners) == 1
    link.connection_listeners.tell(connection_state(is_connected=False))
    assert not state().is_connected
