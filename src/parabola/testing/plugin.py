"""The pytest plugin: a fixture `backend`, and tests that are coroutines.

It is active wherever Parabola is installed, and takes no test away from another plugin: a coroutine test that is
marked for one (`asyncio`, `anyio`, `trio`) is left to it, and one that a plugin in its automatic mode has wrapped is no
coroutine any more by the time we see it. All others run in an event loop of their own, and every `TestBackend` that was
started in it is ended with it.
"""

from __future__ import annotations

import asyncio
import inspect
import sys
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import pytest

import parabola.testing

if TYPE_CHECKING:
    from parabola.testing.backend import TestBackend

_MARKS_OF_OTHERS = ("asyncio", "anyio", "trio", "tornado_asyncio", "twisted")


@pytest.fixture
def backend(request: pytest.FixtureRequest) -> TestBackend:
    """The project's functions over an empty database in memory, with a clock that stands still.

    The project is the one at the root of the test run: `[tool.parabola] functions` in its `pyproject.toml`, or
    `backend/`. Override this fixture to test another folder.
    """
    return parabola.testing.TestBackend.of_project(request.config.rootpath)


def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Runs a coroutine test that nobody else claims."""
    function = pyfuncitem.obj
    if not inspect.iscoroutinefunction(function):
        return None
    if any(pyfuncitem.get_closest_marker(mark) is not None for mark in _MARKS_OF_OTHERS):
        return None
    names: tuple[str, ...] = pyfuncitem._fixtureinfo.argnames  # pyright: ignore[reportPrivateUsage]
    arguments: dict[str, Any] = {name: pyfuncitem.funcargs[name] for name in names}
    asyncio.run(_run(function, arguments))
    return True


async def _run(function: Callable[..., Awaitable[None]], arguments: dict[str, Any]) -> None:
    try:
        await function(**arguments)
    finally:
        # Not loaded, it has started nothing.
        backends = sys.modules.get("parabola.testing.backend")
        if backends is not None:
            await backends.stop_all()
