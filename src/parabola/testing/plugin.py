"""The pytest plugin: a fixture `backend`, and tests that are coroutines.

It is active wherever Parabola is installed, and takes no test away from another plugin: a coroutine test that is
marked for one (`asyncio`, `anyio`, `trio`) is left to it, and one that a plugin in its automatic mode has wrapped is no
coroutine any more by the time we see it. All others run in an event loop of their own, together with their asynchronous
fixtures (of the scope `function`), and every `TestBackend` that was started in it is ended with it.
"""

from __future__ import annotations

import asyncio
import inspect
import sys
from collections.abc import AsyncGenerator, Callable, Generator
from typing import TYPE_CHECKING, Any

import pytest

import parabola.testing

if TYPE_CHECKING:
    from parabola.testing.backend import TestBackend

_MARKS_OF_OTHERS = ("asyncio", "anyio", "trio", "tornado_asyncio", "twisted")
_LOOP = pytest.StashKey[asyncio.Runner]()


@pytest.fixture
def backend(request: pytest.FixtureRequest) -> TestBackend:
    """The project's functions over an empty database in memory, with a clock that stands still.

    The project is the one that the test's file lies in: the nearest `pyproject.toml` with `[tool.parabola]`, or the
    nearest `backend/` with functions. Override this fixture to test another folder.
    """
    config = request.config
    return parabola.testing.TestBackend.around(request.path, within=(config.rootpath, config.invocation_params.dir))


def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Runs a coroutine test that nobody else claims."""
    if not _is_ours(pyfuncitem):
        return None
    names: tuple[str, ...] = pyfuncitem._fixtureinfo.argnames  # pyright: ignore[reportPrivateUsage]
    arguments: dict[str, Any] = {name: pyfuncitem.funcargs[name] for name in names}
    _loop_of(pyfuncitem).run(pyfuncitem.obj(**arguments))
    return True


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(fixturedef: Any, request: pytest.FixtureRequest) -> Generator[None, Any, Any]:
    """Has an asynchronous fixture of such a test made in the test's own loop."""
    function = fixturedef.func
    is_asynchronous = inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function)
    if not is_asynchronous or request.scope != "function" or not _is_ours(request.node):
        return (yield)
    fixturedef.func = _in_loop(_bound(function, request.instance), request)
    try:
        return (yield)
    finally:
        fixturedef.func = function


def _is_ours(item: Any) -> bool:
    return (
        isinstance(item, pytest.Function)
        and inspect.iscoroutinefunction(item.obj)
        and not any(item.get_closest_marker(mark) is not None for mark in _MARKS_OF_OTHERS)
    )


def _loop_of(item: pytest.Item) -> asyncio.Runner:
    """The event loop of a test. It ends when everything has ended that was made in it."""
    runner = item.stash.get(_LOOP, None)
    if runner is None:
        runner = item.stash[_LOOP] = asyncio.Runner()
        item.addfinalizer(lambda: _end(item))
    return runner


def _end(item: pytest.Item) -> None:
    with item.stash[_LOOP] as runner:
        del item.stash[_LOOP]
        # Not loaded, it has started nothing.
        backends = sys.modules.get("parabola.testing.backend")
        if backends is not None:
            runner.run(backends.stop_all())


def _bound(function: Callable[..., Any], instance: object) -> Callable[..., Any]:
    """A fixture that is a method belongs to the instance that the test is run on."""
    owner = getattr(function, "__self__", None)
    if owner is None or not isinstance(instance, type(owner)):
        return function
    bound: Callable[..., Any] = function.__func__.__get__(instance)  # type: ignore[attr-defined]
    return bound


def _in_loop(function: Callable[..., Any], request: pytest.FixtureRequest) -> Callable[..., Any]:
    loop = _loop_of(request.node)

    def make(**arguments: Any) -> Any:
        made = function(**arguments)
        if not isinstance(made, AsyncGenerator):
            return loop.run(made)
        value = loop.run(_first(made))
        request.addfinalizer(lambda: loop.run(_rest(made)))
        return value

    return make


async def _first(fixture: AsyncGenerator[Any]) -> Any:
    return await anext(fixture)


async def _rest(fixture: AsyncGenerator[Any]) -> None:
    async for _ in fixture:
        raise RuntimeError("An asynchronous fixture yielded a second time. It may yield its value once.")
