"""For tests of a user's own functions: a whole backend in memory, in one line, with a clock that stands still.

    from parabola.testing import TestBackend            # also the pytest fixture `backend`

    async def test_send():
        async with TestBackend("backend/") as t:
            await t.with_identity(name="Alice").mutation("messages:send", {"body": "hi"})
            assert [m["body"] for m in await t.query("messages:list")] == ["hi"]

Installing Parabola makes pytest know the fixture and run `async def` tests. For that pytest imports this package in
every project that has Parabola installed, so what it exports is loaded when it is first asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from parabola.testing.backend import FunctionCallError, TestBackend, TestCaller
    from parabola.testing.clock import TestClock
    from parabola.testing.turns import EndlessScheduling

__all__ = ["EndlessScheduling", "FunctionCallError", "TestBackend", "TestCaller", "TestClock"]

_HOMES = {
    "EndlessScheduling": "parabola.testing.turns",
    "FunctionCallError": "parabola.testing.backend",
    "TestBackend": "parabola.testing.backend",
    "TestCaller": "parabola.testing.backend",
    "TestClock": "parabola.testing.clock",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
