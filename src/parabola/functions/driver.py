"""Driving a handler by hand.

Theory of operation
-------------------
Most handlers never wait: every `await ctx.db.get(…)` has its answer before it is awaited. Giving each of them a task
and a trip through the event loop would cost more than running it. So the coroutine is stepped here with `send(None)`,
in the middle of whatever the loop was doing. If it ends, its value is there at once and no task, no future and no
callback was made.

If it does yield, it really waits for something, and everything that asyncio promises must hold: so the *same*
coroutine, paused where it is, is handed to a task. `HandlerSteps` is what the task runs: it first yields the future
that the coroutine is paused on, which makes the task wait for that, and from then on passes every `send` and `throw`
through.

Three things make the first step look like one in a task:

* `asyncio.current_task()` must be this handler's, for `asyncio.timeout` and `TaskGroup` cancel the task they find
  there. A `TaskStandIn` is entered for the first step; if the handler waits, it forwards to the real task, and stays
  the one that the handler sees.
* Context variables that the handler sets stay its own: the first step runs in a copied context, which the task then
  gets.
* Tasks that the handler starts are noted, and stepped under the same watch, by a task factory that is set during each
  step only. So a task that the handler forgot is found when the handler ends.

Each step is bracketed by `watch.begin` and `watch.end` (see `functions.time_limit`); no engine code runs between the
two except what the handler calls.
"""

from __future__ import annotations

import asyncio
import contextvars
from asyncio import tasks as asyncio_tasks
from collections.abc import Callable, Coroutine, Generator
from functools import partial
from typing import Any, Final, Protocol

from parabola.definitions.environment import RunWithEnvironment, current_run
from parabola.functions.exits import refused_exit
from parabola.functions.logs import LogLines, current_log

Handler = Coroutine[Any, Any, Any]
TaskFactory = Callable[..., "asyncio.Future[Any]"]

_NOTHING: Final = object()
_enter_task: Final[Callable[[Any, Any], None]] = asyncio_tasks._enter_task
_leave_task: Final[Callable[[Any, Any], None]] = asyncio_tasks._leave_task


class Watched(RunWithEnvironment, Protocol):
    """What the driver needs to know of the run that it steps."""

    log: LogLines
    tasks: list[asyncio.Future[Any]] | None
    user_time: float


class SteppedRun(Protocol):
    """What a watch keeps of a run."""

    user_time: float


class Watch(Protocol):
    """Told when user code has the thread, and when it gave it back."""

    def begin(self, run: Any) -> None: ...
    def end(self) -> None: ...


class NoWatch:
    """For a nested call, which is stepped under its caller's watch."""

    def begin(self, run: Any) -> None:
        pass

    def end(self) -> None:
        pass


NO_WATCH: Final = NoWatch()


class Waiting:
    """Returned by `start` when the handler waits: `steps` continues it, in `context`."""

    __slots__ = ("context", "stand_in", "steps")

    def __init__(self, steps: HandlerSteps, context: contextvars.Context, stand_in: TaskStandIn) -> None:
        self.steps = steps
        self.context = context
        self.stand_in = stand_in

    def continue_in_task(self, done: Callable[[asyncio.Future[Any]], None]) -> asyncio.Task[Any]:
        """Hands the paused handler to a task, and `done` the finished task."""
        loop = asyncio.get_running_loop()
        task: asyncio.Task[Any] = asyncio.Task(self.steps, loop=loop, context=self.context)
        self.stand_in.become(task)
        task.add_done_callback(done)
        return task

    def continue_until(
        self, within_s: float, done: Callable[[asyncio.Future[Any]], None], too_late: Callable[[], None]
    ) -> None:
        """The same, but for so many seconds only: then the task is cancelled, and `too_late` called instead of `done`.

        Not waiting for the cancelled task to end is the point: a handler may swallow that, too.
        """

        is_late = False

        def ended(task: asyncio.Future[Any]) -> None:
            timer.cancel()
            if not is_late:
                done(task)
            elif not task.cancelled():
                # Looked at, so that the loop does not complain about an error that nobody is there to hear of.
                task.exception()

        def give_up() -> None:
            nonlocal is_late
            is_late = True
            task.cancel()
            too_late()

        task = self.continue_in_task(ended)
        timer = asyncio.get_running_loop().call_later(within_s, give_up)


class TaskStandIn:
    """The current task of a handler that has none yet. Has what asyncio's own tools ask of a current task."""

    # One is made for every handler and hardly ever looked at, so what it begins with is the class's.
    _task: asyncio.Task[Any] | None = None
    _cancel_requests = 0

    def become(self, task: asyncio.Task[Any]) -> None:
        """From now on this is `task`."""
        self._task = task
        for _ in range(self._cancel_requests):
            task.cancel()

    def cancel(self, msg: Any = None) -> bool:
        if self._task is not None:
            return self._task.cancel(msg)
        self._cancel_requests += 1
        return True

    def cancelling(self) -> int:
        return self._task.cancelling() if self._task is not None else self._cancel_requests

    def uncancel(self) -> int:
        if self._task is not None:
            return self._task.uncancel()
        self._cancel_requests = max(0, self._cancel_requests - 1)
        return self._cancel_requests

    def done(self) -> bool:
        return self._task is not None and self._task.done()

    def get_name(self) -> str:
        return self._task.get_name() if self._task is not None else "handler"

    def __getattr__(self, name: str) -> Any:
        # anyio looks at more of a task, from callbacks of the loop: there is a task by then.
        return getattr(self._task, name)


class HandlerSteps(Coroutine[Any, Any, Any]):
    """A coroutine under watch: what tasks run in place of the handler's own coroutine."""

    __slots__ = ("_paused_on", "_run", "_stand_in", "_watch", "coroutine")

    def __init__(
        self,
        coroutine: Handler,
        run: Watched,
        watch: Watch,
        paused_on: object = _NOTHING,
        stand_in: TaskStandIn | None = None,
    ) -> None:
        self.coroutine = coroutine
        self._stand_in = stand_in
        self._run = run
        self._watch = watch
        self._paused_on = paused_on

    def send(self, value: Any) -> Any:
        paused_on = self._paused_on
        if paused_on is not _NOTHING:
            # A future that was yielded once is marked as being waited for; yielding it again makes the task wait for
            # it.
            self._paused_on = _NOTHING
            return paused_on
        return self._step(self.coroutine.send, value)

    def throw(self, *error: Any) -> Any:
        self._paused_on = _NOTHING
        return self._step(self.coroutine.throw, *error)

    def close(self) -> None:
        self.coroutine.close()

    def __await__(self) -> Generator[Any, Any, Any]:
        return (yield from self.coroutine.__await__())

    def __getattr__(self, name: str) -> Any:
        # What a native coroutine tells about itself (`cr_frame` …), for whoever inspects the task.
        return getattr(self.coroutine, name)

    def _step(self, resume: Callable[..., Any], *value: Any) -> Any:
        loop = asyncio.get_running_loop()
        stand_in: Any = self._stand_in
        if stand_in is None:
            return self._step_as_current(loop, resume, *value)
        # The handler began under the stand-in and stays under it: what compares the current task with the one that it
        # met at first, as anyio does, must not see it change.
        task = asyncio.current_task(loop)
        assert task is not None, "only a task steps this"
        _leave_task(loop, task)
        _enter_task(loop, stand_in)
        try:
            return self._step_as_current(loop, resume, *value)
        finally:
            _leave_task(loop, stand_in)
            _enter_task(loop, task)

    def _step_as_current(self, loop: asyncio.AbstractEventLoop, resume: Callable[..., Any], *value: Any) -> Any:
        factory = loop.get_task_factory()
        loop.set_task_factory(partial(_make_noted_task, self._run, self._watch, factory))
        self._watch.begin(self._run)
        try:
            return resume(*value)
        except (SystemExit, KeyboardInterrupt) as error:
            raise refused_exit(error) from None
        finally:
            self._watch.end()
            loop.set_task_factory(factory)


class Stepwise:
    """Awaits a coroutine with each of its steps under a watch of its own: for actions, which may take long but must not
    hold the thread.
    """

    __slots__ = ("_coroutine", "_run", "_watch")

    def __init__(self, coroutine: Handler, run: SteppedRun, watch: Watch) -> None:
        self._coroutine = coroutine
        self._run = run
        self._watch = watch

    def __await__(self) -> Generator[Any, Any, Any]:
        resume: Callable[[Any], Any] = self._coroutine.send
        sent: Any = None
        while True:
            self._run.user_time = 0.0
            self._watch.begin(self._run)
            try:
                paused_on = resume(sent)
            except StopIteration as stop:
                return stop.value
            except (SystemExit, KeyboardInterrupt) as error:
                raise refused_exit(error) from None
            finally:
                self._watch.end()
            try:
                sent = yield paused_on
                resume = self._coroutine.send
            except BaseException as error:
                sent = error
                resume = self._coroutine.throw


def start(coroutine: Handler, run: Watched, watch: Watch, *, nested: bool = False) -> Any:
    """Steps a fresh coroutine as far as it goes without waiting.

    `nested` says that the caller is itself being stepped under the same watch. Returns the coroutine's value, or a
    `Waiting`. What it raises comes out as it is.
    """
    context = contextvars.copy_context()
    return context.run(_first_step, coroutine, run, watch, NO_WATCH if nested else watch, context)


def _first_step(
    coroutine: Handler, run: Watched, later_watch: Watch, watch: Watch, context: contextvars.Context
) -> Any:
    current_log.set(run.log)
    current_run.set(run)
    loop = asyncio._get_running_loop()
    if loop is None:
        return _only_step(coroutine, run, watch)
    stand_in: Any = TaskStandIn()
    outer: Any = asyncio.current_task(loop)
    factory = loop.get_task_factory()
    if outer is not None:
        _leave_task(loop, outer)
    _enter_task(loop, stand_in)
    loop.set_task_factory(partial(_make_noted_task, run, later_watch, factory))
    watch.begin(run)
    try:
        paused_on = coroutine.send(None)
    except StopIteration as stop:
        return stop.value
    except (SystemExit, KeyboardInterrupt) as error:
        raise refused_exit(error) from None
    finally:
        watch.end()
        loop.set_task_factory(factory)
        _leave_task(loop, stand_in)
        if outer is not None:
            _enter_task(loop, outer)
    return Waiting(HandlerSteps(coroutine, run, later_watch, paused_on, stand_in), context, stand_in)


def _only_step(coroutine: Handler, run: Watched, watch: Watch) -> Any:
    """The first step where there is no event loop at all (a simulation): fine for a handler that does not wait."""
    watch.begin(run)
    try:
        coroutine.send(None)
    except StopIteration as stop:
        return stop.value
    except (SystemExit, KeyboardInterrupt) as error:
        raise refused_exit(error) from None
    finally:
        watch.end()
    coroutine.close()
    raise RuntimeError("This function waits for something, but no event loop is running that could wake it.")


def _make_noted_task(
    run: Watched,
    watch: Watch,
    factory: TaskFactory | None,
    loop: asyncio.AbstractEventLoop,
    coroutine: Any,
    **options: Any,
) -> asyncio.Future[Any]:
    """What makes tasks while a handler is being stepped: they are under the same watch, and end before it does."""
    steps = HandlerSteps(coroutine, run, watch)
    task = asyncio.Task(steps, loop=loop, **options) if factory is None else factory(loop, steps, **options)
    if run.tasks is None:
        run.tasks = []
    run.tasks.append(task)
    return task
