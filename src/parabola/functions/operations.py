"""What a call on `ctx` gives back: an operation that was already issued, to be awaited for its result.

As with a promise in JavaScript, the work starts at the call and not at the `await`: arguments are taken as they are
then, and `asyncio.gather(ctx.db.insert(…), ctx.db.insert(…))` writes in the order in which the calls are written.
Errors wait for the `await`.

An operation is not a native coroutine, so Python has nothing to say when it is never awaited. The level of the run
that issued it keeps a note of it until it is awaited, and refuses to end with notes left (see `functions.levels`).
Using the operation as though it were its result is answered with the line that was meant.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Generator
from typing import Any, Final, NoReturn, Protocol

from parabola.errors import InvalidFunctionCall
from parabola.functions.unawaited import ForgottenCall
from parabola.values.misused import not_awaited


class Issuer(Protocol):
    """Who wants to know which operations, and which calls of the user's own functions, were not awaited."""

    unawaited: set[Operation | ForgottenCall]


class Operation(Coroutine[Any, Any, Any]):
    """A finished operation: awaiting it gives its result or raises its error, at once."""

    __slots__ = ("_issuer", "error", "name", "value")

    def __init__(self, issuer: Issuer, name: str, value: Any, error: BaseException | None = None) -> None:
        self._issuer = issuer
        self.name = name
        self.value = value
        self.error = error
        issuer.unawaited.add(self)

    @property
    def is_settled(self) -> bool:
        """Whether the result is there."""
        return True

    def note_awaited(self) -> None:
        """Takes the note back: somebody looked at the result."""
        self._issuer.unawaited.discard(self)

    def __await__(self) -> Generator[Any, Any, Any]:
        self._issuer.unawaited.discard(self)
        if self.error is not None:
            raise self.error
        return self.value
        yield  # type: ignore[unreachable]  # makes this a generator, which ends before it would get here

    # The next three make it a coroutine, for asyncio.create_task, TaskGroup and wait_for take nothing less.

    def send(self, value: Any) -> NoReturn:
        self._issuer.unawaited.discard(self)
        if self.error is not None:
            raise self.error
        raise StopIteration(self.value)

    def throw(self, *error: Any) -> NoReturn:
        self._issuer.unawaited.discard(self)
        raise error[0] if isinstance(error[0], BaseException) else error[0](*error[1:2])

    def close(self) -> None:
        pass

    # Operators that would be a mistake on an operation, and make sense on its result.

    def explain_misuse(self) -> str:
        """What is said where the operation was passed in the place of a value."""
        return not_awaited(self.name)

    def _not_awaited(self, *_: object) -> NoReturn:
        raise InvalidFunctionCall(not_awaited(self.name))

    def __getattr__(self, name: str) -> NoReturn:
        if (name.startswith("__") and name.endswith("__")) or name.startswith("_asyncio") or name in _ASKED_BY_PYTHON:
            raise AttributeError(name)
        self._not_awaited()

    __getitem__ = __bool__ = __iter__ = __len__ = __contains__ = _not_awaited
    __add__ = __radd__ = __sub__ = __rsub__ = __lt__ = __le__ = __gt__ = __ge__ = _not_awaited

    def __repr__(self) -> str:
        return f"<operation {self.name}>"


# What asyncio and inspect look for on a coroutine to describe it.
_ASKED_BY_PYTHON: Final = frozenset(
    {"cr_await", "cr_code", "cr_frame", "cr_running", "gi_code", "gi_frame", "gi_running", "name"}
)


class PendingOperation(Operation):
    """An operation that may have to wait: for a call before it, or for something that itself waits."""

    __slots__ = ("_future", "_settled", "_waiting")

    def __init__(self, issuer: Issuer, name: str) -> None:
        super().__init__(issuer, name, None)
        self._settled = False
        # Made only when somebody waits before the result is there.
        self._future: asyncio.Future[None] | None = None
        self._waiting: Coroutine[Any, Any, Any] | None = None

    @property
    def is_settled(self) -> bool:
        """Whether the result is there."""
        return self._settled

    def settle(self, value: Any, error: BaseException | None = None) -> None:
        """Gives the operation its result and wakes whoever waits for it."""
        self.value = value
        self.error = error
        self._settled = True
        if self._future is not None and not self._future.done():
            self._future.set_result(None)

    def __await__(self) -> Generator[Any, Any, Any]:
        return self._wait().__await__()

    def send(self, value: Any) -> Any:
        return self._made_waiting().send(value)

    def throw(self, *error: Any) -> Any:
        return self._made_waiting().throw(*error)

    def close(self) -> None:
        if self._waiting is not None:
            self._waiting.close()

    def _made_waiting(self) -> Coroutine[Any, Any, Any]:
        if self._waiting is None:
            self._waiting = self._wait()
        return self._waiting

    async def _wait(self) -> Any:
        self._issuer.unawaited.discard(self)
        if not self._settled:
            if self._future is None:
                self._future = asyncio.get_running_loop().create_future()
            # Giving up waiting (a timeout of the user's) does not take back what was issued.
            await asyncio.shield(self._future)
        if self.error is not None:
            raise self.error
        return self.value
