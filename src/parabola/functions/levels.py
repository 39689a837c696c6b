"""One attempt of a query or mutation, and the calls nested in it.

Theory of operation
-------------------
A `TransactionRun` is one attempt: one transaction, one log, one seed, one frozen time. A `Level` is one handler in
it: the outermost one, or one that was called by `ctx.run_query` or `ctx.run_mutation`. `run.active` is the innermost
level whose handler is running, and only its `ctx` may act. That one field carries most of the rules:

* While a nested call runs, operations of the level above wait in that level's queue, and are carried out in the order
  in which they were issued when the nested call has ended. So two sub-transactions never overlap, whatever
  `asyncio.gather` does.
* When the outermost handler has ended, `active` is None, and every `ctx` kept by a forgotten task is refused.
* When the time limit has passed while the engine was at work, `stop_requested` is set, and the next operation raises
  `HandlerStopped`.

A nested call is started when it is issued, under `begin_nested`, and ends with `commit_nested` or `rollback_nested`;
its reads stay in the read set either way. Nearly always it ends in the same step. If its handler really waits, it
goes on in a task.

A level must not end while something it issued was not awaited: that is a forgotten `await`, and what it would have
reported is lost. So the level fails, with the line that was written and the line that was meant.
"""

from __future__ import annotations

import asyncio
import dataclasses
import random
from collections import deque
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, NoReturn

from parabola.definitions.paths import camel_case
from parabola.definitions.references import get_function_name
from parabola.errors import FunctionTimeout, InvalidArgument, InvalidFunctionCall, SystemFault
from parabola.functions.calls import (
    KIND_NAMES,
    check_arguments,
    checked_result,
    copied_arguments,
    find_function,
    flattened,
)
from parabola.functions.driver import Waiting, start
from parabola.functions.environment import TransactionEnvironment
from parabola.functions.errors_text import as_it_crosses, timeout_text
from parabola.functions.logs import LogLines
from parabola.functions.operations import Operation, PendingOperation
from parabola.functions.time_limit import HandlerStopped
from parabola.functions.unawaited import ForgottenCall, unawaited_error

if TYPE_CHECKING:
    from parabola.database.transaction import Transaction
    from parabola.functions.loader import Deployment
    from parabola.functions.outcome import Call
    from parabola.functions.registry import RegisteredFunction
    from parabola.functions.services import Services

_SEED_STEP: Final = 0x9E3779B97F4A7C15
_SEED_MASK: Final = (1 << 64) - 1

# What `transaction_limits` may name, and the limit that each one lowers.
TRANSACTION_LIMITS: Final = {
    "bytesRead": "bytes_read_max",
    "documentsRead": "documents_read_max",
    "databaseQueries": "index_ranges_read_max",
    "bytesWritten": "bytes_written_max",
    "documentsWritten": "documents_written_max",
    "functionsScheduled": "functions_scheduled_max",
    "scheduledFunctionArgsBytes": "scheduled_arguments_bytes_max",
}


class TransactionRun:
    """One attempt: what all levels of it share."""

    __slots__ = (
        "active",
        "call",
        "deployment",
        "fault",
        "log",
        "nested_calls",
        "seed",
        "services",
        "stop_requested",
        "tasks",
        "tx",
        "used_environment",
        "used_identity",
        "used_time",
        "user_time",
    )

    def __init__(self, services: Services, deployment: Deployment, call: Call, tx: Transaction) -> None:
        self.services = services
        self.deployment = deployment
        self.call = call
        self.tx = tx
        self.log = LogLines(services.limits)
        self.seed = 0
        self.active: Level | None = None
        self.tasks: list[asyncio.Future[Any]] | None = None
        self.nested_calls = 0
        self.user_time = 0.0
        self.stop_requested = False
        self.used_identity = False
        self.used_time = False
        self.used_environment = False
        # What kept an operation from being carried out and is not the handler's doing: the run has failed then,
        # whatever the handler makes of it.
        self.fault: SystemFault | None = None

    @property
    def environment(self) -> Mapping[str, str]:
        """`env`, of the level that is running."""
        if self.active is None:
            raise InvalidFunctionCall("env was used after the function had ended: its transaction is over.")
        return TransactionEnvironment(self.active)

    def base_seed(self) -> int:
        """The seed that those of all levels are derived from. Drawn when it is first needed."""
        if not self.seed:
            self.seed = self.services.entropy.seed() | 1
        return self.seed

    def note_task(self, task: asyncio.Future[Any]) -> None:
        """A task that has to end before the run does."""
        if self.tasks is None:
            self.tasks = []
        self.tasks.append(task)

    def close(self) -> None:
        """Ends the attempt: every `ctx` of it is refused from now on, every task that it left behind is cancelled."""
        self.active = None
        self.log.closed = True
        if self.tasks is not None:
            for task in self.tasks:
                if not task.done():
                    task.cancel()
                elif not task.cancelled():
                    # Looked at, so that the loop does not complain about an error that the handler chose to ignore.
                    task.exception()
            self.tasks = None
        self.tx.close()


class Level:
    """One handler within a run."""

    __slots__ = ("_number", "_queue", "_random", "depth", "finished", "function", "run", "tx", "unawaited")

    def __init__(self, run: TransactionRun, function: RegisteredFunction, depth: int, tx: Transaction) -> None:
        self.run = run
        self.function = function
        self.depth = depth
        self.tx = tx
        self.finished = False
        self.unawaited: set[Operation | ForgottenCall] = set()
        self._queue: deque[Callable[[], None]] | None = None
        self._random: random.Random | None = None
        self._number = run.nested_calls

    @property
    def random(self) -> random.Random:
        """This level's own generator, seeded from the run's seed."""
        if self._random is None:
            self._random = random.Random((self.run.base_seed() + self._number * _SEED_STEP) & _SEED_MASK)
        return self._random

    def start(self, ctx: Any, args: dict[str, Any], *, nested: bool = False) -> Any:
        """Calls the handler and steps it as far as it goes: its result, or a `Waiting`."""
        function = self.function
        if function.is_coroutine:
            coroutine = function.invoke(ctx, args)
        else:
            coroutine = _as_coroutine(function, ctx, args)
        return start(coroutine, self.run, self.run.services.time_limit, nested=nested)

    def end(self, value: Any) -> Any:
        """The handler returned `value`: checks that nothing was forgotten, and gives the checked result."""
        value = flattened(value)
        if self.run.fault is not None:
            raise self.run.fault
        if self.unawaited:
            raise unawaited_error(self.function, self.unawaited, self.run.deployment.folder)
        if self.depth == 0 and self.run.tasks is not None:
            left = [task for task in self.run.tasks if not task.done()]
            if left:
                raise _left_tasks_error(self.function, left)
        return checked_result(self.function, value, self.tx.catalog, self.run.services.limits)

    # Operations

    def perform(self, name: str, function: Callable[..., Any], *args: Any) -> Operation:
        """Carries out one database operation now, or when the nested calls issued before it have ended."""
        run = self.run
        if run.active is not self or run.stop_requested:
            self.check_usable()
            return self._queue_up(name, function, args)
        try:
            return Operation(self, name, function(*args))
        except Exception as error:
            if isinstance(error, SystemFault):
                run.fault = error
            return Operation(self, name, None, error)

    def check_usable(self) -> None:
        """Raises where `ctx` may not act: out of time, or after its handler has ended."""
        if self.run.stop_requested:
            raise HandlerStopped
        if self.finished or self.run.active is None:
            self._refuse_late_use()

    def call_nested(
        self,
        kind: str,
        reference: Any,
        args: Mapping[str, Any] | None,
        make_ctx: Callable[[Level], Any],
        transaction_limits: Mapping[str, int] | None,
        use_stale_snapshot: bool,
    ) -> Operation:
        """Issues `ctx.run_query` or `ctx.run_mutation`."""
        self.check_usable()
        operation = PendingOperation(self, f"ctx.run_{kind}")
        try:
            if use_stale_snapshot and self.function.kind == "query":
                raise InvalidFunctionCall("`useStaleSnapshot` is only supported in mutations, not queries.")
            call = NestedCall(
                self,
                operation,
                kind,
                get_function_name(reference),
                copied_arguments({} if args is None else args, self.run.services.limits),
                make_ctx,
                None if transaction_limits is None else dict(transaction_limits),
                use_stale_snapshot,
            )
        except Exception as error:
            operation.settle(None, error)
            return operation
        if self.run.active is self:
            call.start()
        else:
            self._enqueue(call.start)
        return operation

    def carry_out_queued(self) -> None:
        """The nested call has ended: does what was issued meanwhile, up to the next nested call that waits."""
        queue = self._queue
        while queue and self.run.active is self:
            queue.popleft()()

    def _queue_up(self, name: str, function: Callable[..., Any], args: tuple[Any, ...]) -> Operation:
        operation = PendingOperation(self, name)

        def carry_out() -> None:
            try:
                operation.settle(function(*args))
            except Exception as error:
                if isinstance(error, SystemFault):
                    self.run.fault = error
                operation.settle(None, error)

        self._enqueue(carry_out)
        return operation

    def _enqueue(self, carry_out: Callable[[], None]) -> None:
        if self._queue is None:
            self._queue = deque()
        self._queue.append(carry_out)

    def _refuse_late_use(self) -> NoReturn:
        raise InvalidFunctionCall(
            f"ctx of {self.function.name} was used after the function had ended: its transaction is over. "
            "Await everything that uses ctx before returning, and do not keep ctx in a task, a thread or a global."
        )


class NestedCall:
    """One call of `ctx.run_query` or `ctx.run_mutation`, from its start to the result of its operation."""

    __slots__ = (
        "_args",
        "_child",
        "_kind",
        "_level",
        "_limits",
        "_make_ctx",
        "_operation",
        "_path",
        "_saved_limits",
        "_stale",
    )

    def __init__(
        self,
        level: Level,
        operation: PendingOperation,
        kind: str,
        path: str,
        args: dict[str, Any],
        make_ctx: Callable[[Level], Any],
        limits: dict[str, int] | None,
        stale: bool,
    ) -> None:
        self._level = level
        self._operation = operation
        self._kind = kind
        self._path = path
        self._args = args
        self._make_ctx = make_ctx
        self._limits = limits
        self._stale = stale
        self._saved_limits: Any = None
        self._child: Level | None = None

    def start(self) -> None:
        """Runs the call; the operation is settled at its end, which is nearly always before this returns."""
        try:
            function = self._find()
            child = self._open(function)
        except Exception as error:
            self._operation.settle(None, error)
            return
        try:
            args = check_arguments(function, self._args, child.tx.catalog, child.run.services.limits)
            result = child.start(self._make_ctx(child), args, nested=True)
        except BaseException as error:
            self._fail(error)
            if not isinstance(error, Exception):
                # The time limit, or the interpreter shutting down: not for the caller to catch at its await.
                raise
            return
        if isinstance(result, Waiting):
            child.run.note_task(result.continue_in_task(self._task_ended))
        else:
            self._succeed(result)

    def _find(self) -> RegisteredFunction:
        level = self._level
        run = level.run
        function = find_function(run.deployment.registry, self._path, "internal", None)
        if function.kind == "action" or (function.kind == "mutation" and level.function.kind == "query"):
            caller = KIND_NAMES[level.function.kind]
            raise InvalidFunctionCall(f"Cannot call a {KIND_NAMES[function.kind]} function from a {caller} function")
        function = find_function(run.deployment.registry, self._path, "internal", self._kind)
        if level.depth + 1 >= run.services.limits.call_depth_max:
            raise InvalidFunctionCall(
                "Cross component call depth limit exceeded. Do you have an infinite loop in your app?",
                code="MaximumCallDepthExceeded",
            )
        return function

    def _open(self, function: RegisteredFunction) -> Level:
        level = self._level
        run = level.run
        tx = level.tx
        run.nested_calls += 1
        if self._stale:
            # What the transaction began with, in a transaction of its own: its reads are nobody's evidence.
            tx = run.services.database.begin_query(tx.begin_ts)
            self._lower_limits(tx)
        else:
            self._lower_limits(tx)
            tx.begin_nested()
        child = self._child = Level(run, function, level.depth + 1, tx)
        run.active = child
        return child

    def _lower_limits(self, tx: Transaction) -> None:
        if self._limits is None:
            return
        lowered: dict[str, int] = {}
        metrics = tx.metrics()
        budget: Any
        for name, budget in self._limits.items():
            name = camel_case(name)
            field = TRANSACTION_LIMITS.get(name)
            if field is None:
                raise InvalidArgument(f"transaction_limits has no {name!r}. It takes {', '.join(TRANSACTION_LIMITS)}.")
            if isinstance(budget, bool) or not isinstance(budget, int | float) or not budget >= 0:
                raise InvalidArgument(f"transaction_limits[{name!r}] must be a number of at least 0, not {budget!r}.")
            ceiling = getattr(tx.limits, field)
            lowered[field] = ceiling if budget >= ceiling else min(ceiling, metrics[name]["used"] + int(budget))
        self._saved_limits = tx.limits
        tx.limits = tx.usage.limits = dataclasses.replace(tx.limits, **lowered)

    def _task_ended(self, task: asyncio.Future[Any]) -> None:
        if self._child is None or self._child.finished:
            return
        if self._child.run.active is None:
            # The outermost handler ended first; whatever this was, it is not part of the transaction any more.
            if not task.cancelled():
                task.exception()
            return
        if task.cancelled():
            self._fail(InvalidFunctionCall(f"The call of {self._path} was cancelled before it had ended."))
        elif (error := task.exception()) is not None:
            self._fail(error)
        else:
            self._succeed(task.result())

    def _succeed(self, value: Any) -> None:
        child = self._child
        assert child is not None
        try:
            result = child.end(value)
        except BaseException as error:
            self._fail(error)
            return
        if not self._stale:
            child.tx.commit_nested()
        self._settle(result, None)

    def _fail(self, error: BaseException) -> None:
        child = self._child
        assert child is not None
        if not self._stale:
            child.tx.rollback_nested()
        self._settle(None, as_it_crosses(error))

    def _settle(self, value: Any, error: BaseException | None) -> None:
        level, child = self._level, self._child
        assert child is not None
        child.finished = True
        if self._stale:
            child.tx.close()
        elif self._saved_limits is not None:
            child.tx.limits = child.tx.usage.limits = self._saved_limits
        level.run.active = level
        self._operation.settle(value, error)
        level.carry_out_queued()


def waited_too_long(run: TransactionRun) -> FunctionTimeout:
    """Why a run is given up that has waited past its limit."""
    return FunctionTimeout(timeout_text(run.services.limits.total_time_s))


async def _as_coroutine(function: RegisteredFunction, ctx: Any, args: dict[str, Any]) -> Any:
    """A plain `def` handler, run like the others. It may return something to await."""
    result = function.invoke(ctx, args)
    return await result if hasattr(result, "__await__") else result


def _left_tasks_error(function: RegisteredFunction, left: list[asyncio.Future[Any]]) -> InvalidFunctionCall:
    names = ", ".join(sorted({_task_name(task) for task in left}))
    return InvalidFunctionCall(
        f"{function.name} ended while {len(left)} task{'s' if len(left) > 1 else ''} that it had started "
        f"{'were' if len(left) > 1 else 'was'} still running: {names}. A task cannot outlive the transaction. "
        "Await it before returning, for example with `await asyncio.gather(…)`."
    )


def _task_name(task: asyncio.Future[Any]) -> str:
    coroutine: Any = task.get_coro() if isinstance(task, asyncio.Task) else task
    coroutine = getattr(coroutine, "coroutine", coroutine)
    return str(getattr(coroutine, "__qualname__", type(coroutine).__name__))
