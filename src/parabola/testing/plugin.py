"""The pytest plugin: tests that are coroutines.

It is active wherever Parabola is installed, and takes no test away from another plugin: a coroutine test that is
marked for one (`asyncio`, `anyio`, `trio`) is left to it, and one that a plugin in its automatic mode has wrapped is no
coroutine any more by the time we see it. All others run in an event loop of their own.
"""

from __future__ import annotations

import asyncio
import inspect
from typing import Any

import pytest

_MARKS_OF_OTHERS = ("asyncio", "anyio", "trio", "tornado_asyncio", "twisted")


def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Runs a coroutine test that nobody else claims."""
    function = pyfuncitem.obj
    if not inspect.iscoroutinefunction(function):
        return None
    if any(pyfuncitem.get_closest_marker(mark) is not None for mark in _MARKS_OF_OTHERS):
        return None
    names: tuple[str, ...] = pyfuncitem._fixtureinfo.argnames  # pyright: ignore[reportPrivateUsage]
    arguments: dict[str, Any] = {name: pyfuncitem.funcargs[name] for name in names}
    asyncio.run(function(**arguments))
    return True
