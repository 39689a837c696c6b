"""Running actions: ordinary asyncio code, in a task, that reaches the database only by calling queries and mutations.

Nothing here is retried and nothing is undone: every mutation that an action made stays made (semantics 9). What it
issues really runs concurrently, and starts at the call, as everywhere on a `ctx`. An action that is under way goes on
when whoever asked for it has gone; `drain` waits for the last of them when the backend stops.
"""

from __future__ import annotations

import asyncio
import contextvars
import random
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import TYPE_CHECKING, Any, NoReturn

from parabola.definitions.environment import current_run
from parabola.definitions.references import get_function_name
from parabola.errors import FunctionTimeout, InvalidFunctionCall
from parabola.functions.calls import (
    check_arguments,
    check_result_size,
    checked_result,
    copied_arguments,
    find_function,
    flattened,
)
from parabola.functions.contexts import (
    DIRECT_CALL_WARNING,
    UserIdentity,
    function_metadata,
    identity_of,
    request_metadata,
)
from parabola.functions.driver import Stepwise
from parabola.functions.environment import ActionEnvironment
from parabola.functions.errors_text import describe, timeout_text
from parabola.functions.loader import Deployment
from parabola.functions.logs import LogLines, current_log
from parabola.functions.operations import Operation, PendingOperation
from parabola.functions.outcome import Call, CallFailed, Outcome
from parabola.functions.registry import RegisteredFunction
from parabola.functions.scheduling import ActionScheduler
from parabola.functions.time_limit import HandlerStopped
from parabola.functions.unawaited import ForgottenCall, unawaited_warning
from parabola.limits import Limits
from parabola.values.model import normalize
from parabola.values.spelling import no_such_member
from parabola.values.wire import encode_wire

if TYPE_CHECKING:
    from parabola.functions.runner import Runner


class ActionRun:
    """One action under way: what its `ctx` shares."""

    __slots__ = (
        "_random",
        "call",
        "deployment",
        "depth",
        "finished",
        "function",
        "log",
        "runner",
        "stop_requested",
        "tasks",
        "unawaited",
        "used_identity",
        "user_time",
    )

    def __init__(self, runner: Runner, deployment: Deployment, call: Call, function: RegisteredFunction) -> None:
        self.runner = runner
        self.deployment = deployment
        self.call = call
        self.function = function
        self.log = LogLines(runner.services.limits)
        self.unawaited: set[Operation | ForgottenCall] = set()
        # Kept, since the loop itself holds tasks only weakly.
        self.tasks: set[asyncio.Task[Any]] = set()
        self.finished = False
        self.stop_requested = False
        self.user_time = 0.0
        self.used_identity = False
        self._random: random.Random | None = None

    @property
    def environment(self) -> Mapping[str, str]:
        """`env` and `ctx.env`."""
        return ActionEnvironment(self.runner.services)

    @property
    def random(self) -> random.Random:
        if self._random is None:
            self._random = random.Random(self.runner.services.entropy.seed())
        return self._random

    def issue(self, name: str, start: Callable[[PendingOperation], None]) -> Operation:
        """Starts an operation; `start` settles it, now or later."""
        operation = PendingOperation(self, name)
        if self.finished:
            raise InvalidFunctionCall(
                f"ctx of {self.function.name} was used after the action had ended. Await everything before returning."
            )
        try:
            start(operation)
        except Exception as error:
            operation.settle(None, error)
        return operation

    def inner_call(self, reference: Any, args: Mapping[str, Any] | None) -> Call:
        """A call on behalf of this action: same identity, same request."""
        call = self.call
        return Call(
            get_function_name(reference),
            copied_arguments({} if args is None else args, self.runner.services.limits),
            identity=call.identity,
            visibility="internal",
            request_id=call.request_id,
            caller="action",
            request_metadata=call.request_metadata,
        )

    def warn_of_unawaited(self) -> None:
        """The action returned: says what it did not wait for."""
        if self.unawaited:
            self.log.add("WARN", unawaited_warning(self.function, self.unawaited, self.deployment.folder))


class ActionRunner:
    """Starts actions and keeps hold of them until they end."""

    def __init__(self, runner: Runner) -> None:
        self.runner = runner
        self._running: set[asyncio.Task[Any]] = set()

    def run(self, call: Call) -> Awaitable[Outcome]:
        """Starts the action of a call now. Giving up waiting for the result does not stop it."""
        return asyncio.shield(self.spawn(self._run(call)))

    def spawn(self, coroutine: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """A task in a context of its own, held until it ends."""
        task = asyncio.get_running_loop().create_task(coroutine, context=contextvars.copy_context())
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task

    async def drain(self) -> None:
        """Waits for all actions that are running."""
        while self._running:
            await asyncio.wait(list(self._running))

    async def _run(self, call: Call) -> Outcome:
        services = self.runner.services
        started = services.clock.monotonic()
        deployment = self.runner.deployment
        outcome = Outcome(function=call.path, kind="action")
        in_user_code = False
        log = LogLines(services.limits)
        try:
            function = find_function(deployment.registry, call.path, call.visibility, "action")
            outcome.function = function.path
            args = call.take_args(services.limits)
            tables = services.database.catalog
            args = check_arguments(function, args, tables, services.limits)
            run = ActionRun(self.runner, deployment, call, function)
            log = run.log
            in_user_code = True
            value = await self.call_handler(run, lambda: function.invoke(ActionContext(run), args))
            run.finished = True
            in_user_code = False
            outcome.value = checked_result(function, value, services.database.catalog, services.limits)
            outcome.value_json = encode_wire(outcome.value)
            check_result_size(function, len(outcome.value_json), services.limits)
            outcome.used_identity = run.used_identity
        except (Exception, asyncio.CancelledError) as error:
            outcome.error = describe(error, folder=deployment.folder, from_user_code=in_user_code)
        log.closed = True
        outcome.log_lines = log.lines
        outcome.duration = services.clock.monotonic() - started
        self.runner.note(call, outcome)
        return outcome

    async def call_handler(self, run: ActionRun, invoke: Callable[[], Any]) -> Any:
        """Runs the handler to its end or to the time limit of actions. Whoever called says when its `ctx` is
        finished.
        """
        limit_s = self.runner.services.limits.action_time_s
        current_log.set(run.log)
        current_run.set(run)
        deadline = asyncio.timeout(limit_s)
        try:
            async with deadline:
                result = await Stepwise(_called(invoke), run, self.runner.services.action_step_limit)
                if run.stop_requested:
                    raise HandlerStopped
                result = flattened(result)
        except TimeoutError:
            run.finished = True
            if deadline.expired():
                raise FunctionTimeout(timeout_text(limit_s)) from None
            raise
        except HandlerStopped as error:
            run.finished = True
            raise _held_up(self.runner.services.limits).with_traceback(error.__traceback__) from None
        except BaseException:
            run.finished = True
            raise
        run.warn_of_unawaited()
        return result


async def _called(invoke: Callable[[], Any]) -> Any:
    """The result of a handler, which may be a plain function."""
    result = invoke()
    return await result if hasattr(result, "__await__") and not isinstance(result, Operation) else result


def _held_up(limits: Limits) -> FunctionTimeout:
    return FunctionTimeout(
        f"The action computed or blocked for more than {limits.action_step_time_s:g}s without awaiting anything, and "
        "everybody had to wait for it. Hand such work to a thread: `await asyncio.to_thread(…)`."
    )


class ActionAuth:
    """`ctx.auth` of an action."""

    __slots__ = ("_run",)

    def __init__(self, run: ActionRun) -> None:
        self._run = run

    def get_user_identity(self) -> Operation:
        return Operation(self._run, "ctx.auth.get_user_identity", self._identity())

    def _identity(self) -> UserIdentity | None:
        self._run.used_identity = True
        return identity_of(self._run.call.identity)


class ActionMeta:
    """`ctx.meta` of an action."""

    __slots__ = ("_run",)

    def __init__(self, run: ActionRun) -> None:
        self._run = run

    def get_function_metadata(self) -> Operation:
        return Operation(self._run, "ctx.meta.get_function_metadata", function_metadata(self._run.function))

    def get_deployment_metadata(self) -> Operation:
        metadata = dict(self._run.runner.services.deployment_metadata)
        return Operation(self._run, "ctx.meta.get_deployment_metadata", metadata)

    def get_request_metadata(self) -> Operation:
        return Operation(self._run, "ctx.meta.get_request_metadata", request_metadata(self._run.call))

    def get_transaction_metrics(self) -> NoReturn:
        raise InvalidFunctionCall(
            "getTransactionMetrics() can only be called from a query or mutation. "
            "It is not available in actions or outside of a Convex function."
        )


class ActionContext:
    """`ctx` of an action and of an HTTP action."""

    __slots__ = ("_run",)

    def __init__(self, run: ActionRun) -> None:
        self._run = run

    @property
    def auth(self) -> ActionAuth:
        return ActionAuth(self._run)

    @property
    def meta(self) -> ActionMeta:
        return ActionMeta(self._run)

    @property
    def env(self) -> Mapping[str, str]:
        return self._run.environment

    @property
    def scheduler(self) -> ActionScheduler:
        return ActionScheduler(self._run)

    @property
    def random(self) -> random.Random:
        return self._run.random

    def now(self) -> float:
        """Milliseconds since 1970."""
        return self._run.runner.services.clock.now_ns() / 1_000_000

    def run_query(self, reference: Any, args: Mapping[str, Any] | None = None, /) -> Operation:
        run = self._run

        def start(operation: PendingOperation) -> None:
            outcome = run.runner.ask_query(run.inner_call(reference, args))
            if isinstance(outcome, Outcome):
                _settle(operation, outcome)
            else:
                _settle_later(run, operation, outcome)

        return run.issue("ctx.run_query", start)

    def run_mutation(self, reference: Any, args: Mapping[str, Any] | None = None, /) -> Operation:
        run = self._run

        def start(operation: PendingOperation) -> None:
            run.runner.run_mutation(run.inner_call(reference, args), lambda outcome: _settle(operation, outcome))

        return run.issue("ctx.run_mutation", start)

    def run_action(self, reference: Any, args: Mapping[str, Any] | None = None, /) -> Operation:
        run = self._run

        def start(operation: PendingOperation) -> None:
            _settle_later(run, operation, run.runner.run_action(run.inner_call(reference, args)))

        return run.issue("ctx.run_action", start)

    def note_direct_call(self, definition: Any) -> None:
        """A decorated function was called as though it were a plain one."""
        self._run.log.add("WARN", DIRECT_CALL_WARNING)

    def __getattr__(self, name: str) -> NoReturn:
        if name == "db":
            raise AttributeError(
                "An action has no ctx.db: it is not a transaction. Read with `await ctx.run_query(…)` and write with "
                "`await ctx.run_mutation(…)`."
            )
        raise AttributeError(no_such_member("ctx of an action", name, ActionContext))


def _settle(operation: PendingOperation, outcome: Outcome) -> None:
    # The outcome may be shared with others who asked the same: everyone gets a value of their own.
    if outcome.error is None:
        operation.settle(normalize(outcome.value))
    else:
        operation.settle(None, error_of(outcome))


def _settle_later(run: ActionRun, operation: PendingOperation, outcome: Awaitable[Outcome]) -> None:
    async def wait() -> None:
        try:
            _settle(operation, await outcome)
        except BaseException as error:
            operation.settle(None, error)
            raise

    task = asyncio.get_running_loop().create_task(wait())
    run.tasks.add(task)
    task.add_done_callback(run.tasks.discard)


def error_of(outcome: Outcome) -> Exception:
    """The failure of an outcome as an exception to raise: the original one, where it can be raised again."""
    error = outcome.error
    assert error is not None
    if isinstance(error.exception, Exception):
        return error.exception
    return CallFailed(error)
