"""Waiting from both worlds: `await` in a coroutine, `.result()` in a thread."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator
from concurrent.futures import Future
from typing import Any, Generic, TypeVar

from reaktiv import Effect, untracked

from parabola.client import ClientError

T = TypeVar("T")


class Pending(Generic[T]):
    """Something that is under way. It goes on whether or not anybody waits for it.

    `await` it, or call `result(timeout)` in a thread that is not the client's. Both raise what it failed with.
    """

    def __init__(self, is_here: Callable[[], bool] | None = None) -> None:
        self._is_here = is_here
        self._future: Future[T] = Future()
        # It cannot be called back, so it cannot be cancelled either; only the waiting can.
        self._future.set_running_or_notify_cancel()

    def succeed(self, value: T) -> None:
        """It is over; for whoever made this. What comes second is ignored."""
        if not self._future.done():
            self._future.set_result(value)

    def fail(self, error: BaseException) -> None:
        """It has failed; for whoever made this."""
        if not self._future.done():
            self._future.set_exception(error)

    def done(self) -> bool:
        """Whether it is over."""
        return self._future.done()

    def on_done(self, callback: Callable[[], object]) -> None:
        """Calls `callback` when it is over, wherever that is noticed; at once if it is."""
        self._future.add_done_callback(lambda future: callback())

    def result(self, timeout: float | None = None) -> T:
        """Waits in this thread for at most `timeout` seconds. Raises TimeoutError after that."""
        if not self._future.done() and (_has_a_loop() if self._is_here is None else self._is_here()):
            raise ClientError(
                "result() was called in the thread that has to bring the result, which would wait for ever. "
                "Use `await` here, or call result() in another thread."
            )
        return self._future.result(timeout)

    def __await__(self) -> Generator[Any, None, T]:
        return asyncio.wrap_future(self._future).__await__()


def until(predicate: Callable[[], bool]) -> Pending[None]:
    """Is over as soon as `predicate`, which reads signals, is true: `await until(lambda: not todos.is_loading())`.

    What the predicate raises is raised to whoever waits.
    """
    pending: Pending[None] = Pending()

    def look() -> None:
        if pending.done():
            return
        try:
            is_so = bool(predicate())
        except Exception as error:
            pending.fail(error)
            return
        if is_so:
            pending.succeed(None)

    with untracked():
        effect = Effect(look)
    # Signals hold their effects weakly. This one is held by what is waited for, and so goes when nobody waits.
    pending.on_done(effect.dispose)
    return pending


def _has_a_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
