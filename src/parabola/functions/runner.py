"""Runs functions: one call in, one outcome out.

The runner holds the branches for the kinds of functions; what it calls is straight-line. A query is one attempt on a
snapshot (here), a mutation is one or more attempts and a commit (`functions.mutations`), an action is no transaction
at all (`functions.actions`). All three check the call in the same way (`functions.calls`) and never raise for what
user code did: that is in the outcome.

`deployment` may be replaced at any time between calls. Each run looks at it once, at its start, and keeps to it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from parabola.auth.identity import Caller
from parabola.database.database import Database
from parabola.database.transaction import Transaction
from parabola.definitions.http_messages import Request, Response
from parabola.functions.actions import ActionRunner
from parabola.functions.calls import check_arguments, check_result_size, find_function
from parabola.functions.contexts import QueryContext
from parabola.functions.driver import Waiting
from parabola.functions.errors_text import describe
from parabola.functions.forgotten import install_forgotten_calls
from parabola.functions.heavy_use import warn_of_heavy_use
from parabola.functions.http_actions import run_http_action
from parabola.functions.levels import Level, TransactionRun, waited_too_long
from parabola.functions.loader import Deployment
from parabola.functions.logs import install_log_capture
from parabola.functions.mutations import MutationAttempts
from parabola.functions.outcome import Call, Outcome
from parabola.functions.services import Services
from parabola.functions.session_requests import SessionRequest
from parabola.functions.time_limit import HandlerStopped
from parabola.limits import DEFAULT_LIMITS, Limits
from parabola.seams import Clock, Entropy
from parabola.values.wire import encode_wire

CallLater = Callable[[float, Callable[[], None]], Any]

DEPLOYMENT_METADATA: Final = {"name": "parabola", "region": None, "class": "self-hosted"}


class Runner:
    """Runs the functions of `deployment` on a database. Everything happens in the engine's thread."""

    def __init__(
        self,
        database: Database,
        *,
        clock: Clock,
        entropy: Entropy,
        limits: Limits = DEFAULT_LIMITS,
        environment: Mapping[str, str] | None = None,
        deployment: Deployment | None = None,
        deployment_metadata: Mapping[str, Any] | None = None,
        call_later: CallLater | None = None,
    ) -> None:
        """`environment` is what `ctx.env` shows beside the deployment's own variables. `call_later(seconds,
        function)` is how retries wait; by default it is that of the running loop.
        """
        self.services = Services(
            database,
            clock=clock,
            entropy=entropy,
            limits=limits,
            environment={} if environment is None else environment,
            deployment_metadata=DEPLOYMENT_METADATA if deployment_metadata is None else deployment_metadata,
        )
        self.deployment = deployment if deployment is not None else Deployment({})
        self.call_later: CallLater = call_later if call_later is not None else _call_later_on_loop
        # Told of every run that failed or printed something: the function log.
        self.on_run: Callable[[Call, Outcome], None] | None = None
        # How actions ask queries. The live layer puts its cache in between.
        self.ask_query: Callable[[Call], Outcome | Awaitable[Outcome]] = self.run_query
        self._actions = ActionRunner(self)
        install_log_capture()
        install_forgotten_calls()

    def run_query(
        self, call: Call, *, ts: int | None = None, journal: str | None = None
    ) -> Outcome | asyncio.Future[Outcome]:
        """Runs a query on the snapshot at `ts` (default: the newest durable one).

        The outcome is there at once, unless the handler really waits: then a future of it. `journal` keeps a page in
        its place.
        """
        tx = self.services.database.begin_query(ts, journal=journal)
        outcome = QueryRun(self.services, self.deployment, call, tx).start()
        if isinstance(outcome, Outcome):
            self.note(call, outcome)
        else:
            outcome.add_done_callback(lambda future: None if future.cancelled() else self.note(call, future.result()))
        return outcome

    def run_mutation(
        self,
        call: Call,
        done: Callable[[Outcome], None],
        *,
        session_request: SessionRequest | None = None,
        before_commit: Callable[[Transaction, Any], None] | None = None,
        claim: Callable[[Transaction], bool] | None = None,
    ) -> None:
        """Runs a mutation until it commits, fails or has used up its retries; `done` is then called with the outcome.

        `done` is called in the engine's thread, for a success only once the commit is durable, perhaps before this
        returns. With `session_request`, (session id, request id), the mutation takes effect at most once however
        often it is sent: the outcome of an earlier, committed sending is answered instead. `before_commit(tx, value)`
        may write in the same transaction, after the handler succeeded; `claim(tx)` may do so before it, and says
        whether to go on: if not, nothing is written, and the outcome is that of a mutation that did nothing. Nobody
        can cancel a mutation from outside.
        """

        def noted(outcome: Outcome) -> None:
            self.note(call, outcome)
            done(outcome)

        MutationAttempts(
            self.services, self.deployment, call, noted, session_request, self.call_later, before_commit, claim
        ).start()

    def note(self, call: Call, outcome: Outcome) -> None:
        """A run has ended: tells the function log, if there is anything to tell."""
        if outcome.error is not None:
            outcome.error.request_id = call.request_id
        if self.on_run is not None and (outcome.error is not None or outcome.log_lines):
            self.on_run(call, outcome)

    def run_action(self, call: Call) -> Awaitable[Outcome]:
        """Starts an action, in a task of its own that goes on when the caller gives up waiting."""
        return self._actions.run(call)

    async def run_http_action(
        self, request: Request, identity: Caller = None, *, request_id: str = "", redact: bool = False
    ) -> Response:
        """Routes an HTTP request to its action and gives its response; an error of its own is a 500 response
        (semantics 10).
        """
        return await run_http_action(self._actions, self.deployment, request, identity, request_id, redact)

    async def close(self) -> None:
        """Waits for the actions that are running."""
        await self._actions.drain()


class QueryRun:
    """One run of one query."""

    __slots__ = ("_call", "_future", "_level", "_run", "_started")

    def __init__(self, services: Services, deployment: Deployment, call: Call, tx: Transaction) -> None:
        self._call = call
        self._run = TransactionRun(services, deployment, call, tx)
        self._started = services.clock.monotonic()
        self._level: Level | None = None
        self._future: asyncio.Future[Outcome] | None = None

    def start(self) -> Outcome | asyncio.Future[Outcome]:
        """Runs as far as it goes."""
        run, call = self._run, self._call
        services = run.services
        try:
            function = find_function(run.deployment.registry, call.path, call.visibility, "query")
            args = call.take_args(services.limits)
            args = check_arguments(function, args, run.tx.catalog, services.limits)
        except Exception as error:
            return self._failed(error, from_user_code=False)
        level = self._level = Level(run, function, 0, run.tx)
        run.active = level
        try:
            result = level.start(QueryContext(level), args)
        except BaseException as error:
            return self._stopped_by(error)
        if isinstance(result, Waiting):
            self._future = asyncio.get_running_loop().create_future()
            result.continue_until(services.limits.total_time_s, self._task_ended, self._out_of_time)
            return self._future
        return self._returned(result)

    def _task_ended(self, task: asyncio.Future[Any]) -> None:
        future = self._future
        assert future is not None
        try:
            outcome = self._returned(task.result())
        except BaseException as error:
            outcome = self._stopped_by(error)
        if not future.done():
            future.set_result(outcome)

    def _out_of_time(self) -> None:
        future = self._future
        assert future is not None
        outcome = self._failed(waited_too_long(self._run), from_user_code=False)
        if not future.done():
            future.set_result(outcome)

    def _returned(self, value: Any) -> Outcome:
        run, level = self._run, self._level
        assert level is not None
        if run.stop_requested:
            return self._failed(HandlerStopped(), from_user_code=True)
        try:
            result = level.end(value)
            value_json = encode_wire(result)
            check_result_size(level.function, len(value_json), run.services.limits)
        except Exception as error:
            return self._failed(error, from_user_code=False)
        outcome = self._outcome()
        outcome.value = result
        outcome.value_json = value_json
        return outcome

    def _stopped_by(self, error: BaseException) -> Outcome:
        if isinstance(error, (KeyboardInterrupt, SystemExit)):
            self._run.close()
            raise error
        return self._failed(error, from_user_code=True)

    def _failed(self, error: BaseException, *, from_user_code: bool) -> Outcome:
        run = self._run
        described = describe(
            error,
            folder=run.deployment.folder,
            from_user_code=from_user_code,
            time_limit_s=run.services.limits.user_time_s,
        )
        outcome = self._outcome()
        outcome.error = described
        return outcome

    def _outcome(self) -> Outcome:
        run, level = self._run, self._level
        warn_of_heavy_use(run)
        outcome = Outcome(
            function=self._call.path if level is None else level.function.path,
            kind="query",
            log_lines=run.log.lines,
            read_set=run.tx.read_set,
            ts=run.tx.begin_ts,
            used_identity=run.used_identity,
            used_time=run.used_time,
            used_environment=run.used_environment,
            journal=run.tx.next_journal,
            duration=run.services.clock.monotonic() - self._started,
        )
        run.close()
        return outcome


def _call_later_on_loop(delay_s: float, function: Callable[[], None]) -> Any:
    return asyncio.get_running_loop().call_later(delay_s, function)
