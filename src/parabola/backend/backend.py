"""The backend: where storage, database, functions, live queries and sockets are joined into one thing that can be
started.

It is thin on purpose. Each part is made here, once, and handed what it needs; what the parts do is theirs. Everything
runs in the event loop that `start` was called in.

    async with Backend("backend/") as backend:
        await backend.mutation("messages:send", {"body": "hi"})
        print(await backend.query("messages:list"))
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping
from contextvars import Context
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from parabola.auth import (
    AdminIdentity,
    AdminKeyring,
    Authenticator,
    Caller,
    Fetch,
    HttpFetcher,
    Identity,
    TokenVerifier,
    generate_admin_key,
    identity_from_attributes,
    load_or_create_admin_key,
)
from parabola.backend.config import DEFAULT_NAME, BackendConfig, StorageKind, default_data_dir
from parabola.backend.crons import CronRunner
from parabola.backend.deploy import providers_of, put_schema_in_force
from parabola.backend.due_calls import CallSoon
from parabola.backend.function_log import log_run, log_shared_failure
from parabola.backend.maintenance import Maintenance
from parabola.backend.presenter import Presenter
from parabola.backend.scheduler import Scheduler
from parabola.backend.sync_connection import SyncConnection
from parabola.backend.sync_driver import SyncDriver
from parabola.backend.sync_transport import SyncTransport
from parabola.backend.system_functions import SYSTEM_FUNCTIONS, with_system_functions
from parabola.database.committer import CommitResult
from parabola.database.database import Database
from parabola.database.flusher import Flusher, InlineFlusher, ThreadFlusher
from parabola.database.write_log import LogEntry
from parabola.definitions.references import get_function_name
from parabola.errors import ConvexError, StorageFailure, SystemFault, WriteConflict
from parabola.functions.errors_text import error_text
from parabola.functions.loader import Deployment, load_folder
from parabola.functions.outcome import Call, CallFailed, FunctionError, Outcome, Visibility
from parabola.functions.runner import Runner
from parabola.limits import DEFAULT_LIMITS, Limits
from parabola.live.manager import LiveQueries, outcome_again
from parabola.live.question import Question
from parabola.live.subscription import Answer, RunFault
from parabola.seams import Clock, Entropy, ManualClock, SystemClock, SystemEntropy
from parabola.storage.contract import Storage
from parabola.storage.memory import MemoryStorage
from parabola.storage.sqlite import SQLiteStorage
from parabola.sync.client_version import UNKNOWN_CLIENT, ClientVersion
from parabola.values.model import normalize
from parabola.values.wire import encode_wire

ActAs = Caller | Mapping[str, Any]
"""Who a call in Python is made for: an identity, the attributes of a user, or nobody."""


class _CommitLog:
    """The write log as live queries ask for it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @property
    def durable_ts(self) -> int:
        return self._database.durable_ts

    def commits_between(self, after_ts: int, up_to_ts: int) -> list[LogEntry] | None:
        log = self._database.write_log
        return None if after_ts < log.oldest_ts else log.between(after_ts, up_to_ts)


class Backend:
    """A folder of functions over its data.

    `folder` holds the user's modules, or is a ready `Deployment`. With `storage="sqlite"` the data are kept in
    `data_dir` (default `.parabola/` beside the folder), with "memory" nowhere; a ready `Storage` may be passed
    instead. `redact` hides error texts and log lines from clients, as in production. `environment` is what `ctx.env`
    falls back to. `clock`, `entropy` and `fetch` are for tests.

    Start it with `await start()` or `async with`; all of it lives in that event loop.
    """

    def __init__(
        self,
        folder: str | Path | Deployment,
        *,
        data_dir: str | Path | None = None,
        storage: StorageKind | Storage = "sqlite",
        name: str = DEFAULT_NAME,
        admin_key: str | None = None,
        clock: Clock | None = None,
        entropy: Entropy | None = None,
        limits: Limits = DEFAULT_LIMITS,
        redact: bool = False,
        environment: Mapping[str, str] | None = None,
        fetch: Fetch | None = None,
        flusher: Flusher | None = None,
    ) -> None:
        path = None if isinstance(folder, Deployment) else Path(folder)
        directory = Path(data_dir) if data_dir is not None else None
        if directory is None and storage == "sqlite" and path is not None:
            directory = default_data_dir(path)
        self.config = BackendConfig(path, directory, storage, name, admin_key, redact, limits, environment)
        self.clock: Clock = clock if clock is not None else SystemClock()
        self.entropy: Entropy = entropy if entropy is not None else SystemEntropy()
        self._source: Path | Deployment = folder if isinstance(folder, Deployment) else Path(folder)
        self._fetch: Fetch = fetch if fetch is not None else HttpFetcher()
        self._flusher = flusher
        self._loop: asyncio.AbstractEventLoop | None = None
        self._starting = asyncio.Lock()
        self._deploying = asyncio.Lock()
        self.is_running = False
        # How scheduled functions and cron jobs get their turn, for tests: by default as soon as the loop comes to it.
        self.call_soon: CallSoon | None = None
        # The parts, from `start` to `stop`.
        self.database: Database
        self.runner: Runner
        self.live: LiveQueries
        self.sync: SyncDriver
        self.scheduler: Scheduler
        self.crons: CronRunner
        self.authenticator: Authenticator
        self.admin_key: str
        self.maintenance: Maintenance

    # From start to stop.

    async def start(self) -> None:
        """Opens the data, loads the functions and puts them in force. Does nothing if it runs already.

        Raises `LoadError` for a folder that cannot be loaded, `SchemaError` for one whose schema the data do not fit,
        `StorageFailure` for data that cannot be opened. Nothing stays open then.
        """
        async with self._starting:
            if self.is_running:
                self.check_loop()
                return
            self._loop = asyncio.get_running_loop()
            deployment = self._load(self._source)
            self.admin_key = self._find_admin_key()
            self.database = self._open_database(self._loop)
            try:
                await self._join_parts(self._loop, deployment)
            except BaseException:
                self.database.close()
                raise
            self.maintenance.start(self._loop)
            self.is_running = True

    async def stop(self) -> None:
        """Closes sockets, lets commits under way become durable, and closes the data. Does nothing if it does not
        run.
        """
        async with self._starting:
            if not self.is_running:
                return
            self.is_running = False
            self.maintenance.stop()
            self.scheduler.stop()
            self.crons.stop()
            self.sync.stop()
            # One step of the loop, in which the sockets say good-bye.
            await asyncio.sleep(0)
            await self.authenticator.verifier.close()
            self.database.close()
            # One more, for what the last flush reported.
            await asyncio.sleep(0)
            self._loop = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.stop()

    def check_loop(self) -> None:
        """Raises RuntimeError when called from another event loop than the backend lives in."""
        if self._loop is not None and self._loop is not asyncio.get_running_loop():
            raise RuntimeError(
                "This Backend was started in another event loop, and lives there. Start it in the loop that "
                "serves requests: "
                "with a test client, use the client as a context manager, so that all its requests share one loop."
            )

    async def deploy(self, folder: str | Path | Deployment | None = None) -> None:
        """Loads the folder again (or another one) and puts it in force, while the old version serves.

        Raises what `start` raises; the old version then goes on as if nothing had been tried. Deploys happen one after
        another.
        """
        async with self._deploying:
            source = self._source if folder is None else folder if isinstance(folder, Deployment) else Path(folder)
            deployment = self._load(source)
            verifier = self._make_verifier(deployment)
            await put_schema_in_force(self.database, deployment.schema)
            runner = self.runner
            await self.crons.deploy(deployment.cron_jobs, lambda: setattr(runner, "deployment", deployment))
            replaced, self.authenticator.verifier = self.authenticator.verifier, verifier
            self.live.invalidate_all()
            self._source = source
            await replaced.close()

    # Calls from Python.

    async def query(self, path: Any, args: Mapping[str, Any] | None = None, *, identity: ActAs = None) -> Any:
        """The value of a query. `path` is a name or a reference; raises what the function raised."""
        return _value(await self.run_query(*self._call(path, args, identity), caller="test"))

    async def mutation(self, path: Any, args: Mapping[str, Any] | None = None, *, identity: ActAs = None) -> Any:
        """Runs a mutation; returns its value once it is durable. Raises what the function raised."""
        return _value(await self.run_mutation(*self._call(path, args, identity), caller="test"))

    async def action(self, path: Any, args: Mapping[str, Any] | None = None, *, identity: ActAs = None) -> Any:
        """Runs an action; returns its value. Raises what the function raised."""
        return _value(await self.run_action(*self._call(path, args, identity), caller="test"))

    # Calls from transports.

    async def run_query(
        self,
        path: str,
        args: Any,
        identity: Caller = None,
        request_id: str = "",
        *,
        ts: int | None = None,
        caller: str = "http",
    ) -> Outcome:
        """Runs a query at the newest durable timestamp, or answers it from the cache; at `ts` it always runs."""
        visibility = _visibility(identity)
        if ts is None:
            answered = await self._ask(Question(path, encode_wire([args]), visibility), identity)
            log_shared_failure(request_id, answered)
            return answered
        call = Call(path, args, identity=identity, visibility=visibility, request_id=request_id, caller=caller)
        outcome = self.runner.run_query(call, ts=ts)
        return outcome if isinstance(outcome, Outcome) else await outcome

    async def run_mutation(
        self, path: str, args: Any, identity: Caller = None, request_id: str = "", *, caller: str = "http"
    ) -> Outcome:
        """Runs a mutation. Its outcome comes once the commit is durable."""
        call = Call(
            path, args, identity=identity, visibility=_visibility(identity), request_id=request_id, caller=caller
        )
        finished: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()

        def done(outcome: Outcome) -> None:
            if not finished.done():
                finished.set_result(outcome)

        self.runner.run_mutation(call, done)
        return await finished

    async def run_action(
        self, path: str, args: Any, identity: Caller = None, request_id: str = "", *, caller: str = "http"
    ) -> Outcome:
        """Runs an action."""
        call = Call(
            path, args, identity=identity, visibility=_visibility(identity), request_id=request_id, caller=caller
        )
        return await self.runner.run_action(call)

    def connect(self, transport: SyncTransport, client: ClientVersion = UNKNOWN_CLIENT) -> SyncConnection:
        """A new sync socket, to be fed by its transport."""
        return self.sync.connect(transport, client)

    def kind_of(self, path: str, caller: Caller) -> str | None:
        """The kind of the function that `caller` may reach under this name, or None."""
        found = self.runner.deployment.find(path)
        if found is None or (found.visibility == "internal" and _visibility(caller) == "public"):
            return None
        return found.kind

    @property
    def has_functions(self) -> bool:
        """Whether the functions folder declares anything that can be called."""
        deployment = self.runner.deployment
        return deployment.http is not None or len(deployment.functions) > len(SYSTEM_FUNCTIONS)

    @property
    def latest_readable_ts(self) -> int:
        """The newest timestamp that queries may be asked at."""
        return self.live.ts

    async def snapshot_at(self, ts: int) -> int | None:
        """The timestamp at which a query sees what was committed up to `ts`; None if `ts` has not come yet.

        Time passes without commits, too. Those to come get later timestamps; those under way are waited for. Raises
        `StorageFailure` if they fail.
        """
        if ts > self.live.ts:
            if ts > self.clock.now_ns():
                return None
            finished: asyncio.Future[CommitResult] = asyncio.get_running_loop().create_future()

            def done(result: CommitResult) -> None:
                if not finished.done():
                    finished.set_result(result)

            # Nothing is written; it is answered when all that was committed before it is durable.
            self.database.commit(self.database.begin_mutation(), done)
            error = (await finished).error
            if error is not None:
                raise error
        return min(ts, self.live.ts)

    def new_request_id(self) -> str:
        """An id for a request that brought none: 8 random bytes in hex."""
        return self.entropy.bytes(8).hex()

    def client_error_text(self, error: FunctionError, request_id: str) -> str:
        """The text of a failure that clients may see."""
        return error_text(error, request_id, redact=self.config.redact)

    def raise_if_system_fault(self, error: FunctionError) -> None:
        """Raises `SystemFault` for a failure that is not the function's doing."""
        if not error.is_system:
            return
        if isinstance(error.exception, SystemFault):
            raise error.exception
        kind = WriteConflict if error.code == WriteConflict.default_code else SystemFault
        raise kind(error.message, code=error.code)

    def asgi(self) -> Any:
        """This backend as an ASGI application, to be served or mounted under any prefix of another one.

        Its lifespan starts and stops the backend. A host that does not run the lifespan of what it mounts (FastAPI and
        Starlette do not) gets it started by the first request, and should call `stop()` when it ends.
        """
        # The layer above builds it. Named by text, and looked up only when asked for: an engine without HTTP needs none
        # of it, and no module of this layer depends on it.
        return import_module("parabola.server.app").build_app(self)

    def statistics(self) -> dict[str, int]:
        """Counters of all parts, for metrics and tests."""
        return {**self.database.statistics(), **self.live.statistics(), **self.sync.statistics()}

    # Parts of the above.

    def _load(self, source: Path | Deployment) -> Deployment:
        return with_system_functions(source if isinstance(source, Deployment) else load_folder(source))

    def _find_admin_key(self) -> str:
        if self.config.admin_key is not None:
            return self.config.admin_key
        path = self.config.admin_key_path
        if path is None:
            return generate_admin_key(self.config.name, self.entropy)
        try:
            return load_or_create_admin_key(path, self.config.name, self.entropy)
        except OSError as error:
            raise _unusable(path.parent, error) from None

    def _open_database(self, loop: asyncio.AbstractEventLoop) -> Database:
        limits = self.config.limits
        kind = self.config.storage
        flusher = self._flusher
        if kind == "sqlite":
            folder = self.config.database_dir
            try:
                storage: Storage = SQLiteStorage(folder, cache_bytes_max=limits.storage_cache_bytes_max)
            except OSError as error:
                raise _unusable(folder, error) from None
            flusher = flusher if flusher is not None else ThreadFlusher(storage, loop)
        else:
            storage = MemoryStorage() if isinstance(kind, str) else kind
            flusher = flusher if flusher is not None else InlineFlusher(storage)
        database = Database(storage, clock=self.clock, entropy=self.entropy, limits=limits, flusher=flusher)
        try:
            database.open()
        except BaseException:
            storage.close()
            raise
        return database

    async def _join_parts(self, loop: asyncio.AbstractEventLoop, deployment: Deployment) -> None:
        limits, clock, entropy = self.config.limits, self.clock, self.entropy
        verifier = self._make_verifier(deployment)
        await put_schema_in_force(self.database, deployment.schema)
        self.runner = Runner(
            self.database,
            clock=clock,
            entropy=entropy,
            limits=limits,
            environment=self.config.environment,
            deployment=deployment,
            deployment_metadata={"name": self.config.name, "region": None, "class": "self-hosted"},
        )
        self.runner.on_run = log_run
        self.authenticator = Authenticator(verifier, AdminKeyring(self.admin_key))
        presenter = Presenter(redact=self.config.redact)
        self.live = LiveQueries(
            self.runner,
            _CommitLog(self.database),
            presenter.query_result,
            clock=clock,
            entropy=entropy,
            limits=limits,
        )
        self.runner.ask_query = self._ask_for_action
        self.database.add_commit_listener(self.live.commits_published)
        self.sync = SyncDriver(
            self.live,
            self.runner,
            self.authenticator,
            presenter,
            loop=loop,
            clock=clock,
            entropy=entropy,
            limits=limits,
        )
        self.maintenance = Maintenance(self.database, clock, limits)
        call_soon = self.call_soon if self.call_soon is not None else _own_turns(loop)
        call_later = clock.call_later if isinstance(clock, ManualClock) else loop.call_later
        self.scheduler = Scheduler(self.runner, call_soon=call_soon, call_later=call_later)
        self.crons = CronRunner(self.runner, call_soon=call_soon, call_later=call_later)
        await self.crons.deploy(deployment.cron_jobs, is_start=True)
        self.scheduler.start()
        self.crons.start()

    def _make_verifier(self, deployment: Deployment) -> TokenVerifier:
        providers = providers_of(deployment.auth_providers, deployment.folder)
        return TokenVerifier(providers, clock=self.clock, fetch=self._fetch, redact=self.config.redact)

    async def _ask(self, question: Question, identity: Caller) -> Outcome:
        later: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()

        def told(answer: Answer) -> None:
            if not later.done():
                later.set_result(answer)

        answer = self.live.ask_once(question, identity, told)
        if answer is None:
            answer = await later
        return _outcome_of(question, answer)

    def _ask_for_action(self, call: Call) -> Outcome | Awaitable[Outcome]:
        """How an action's `run_query` is answered: from the cache where it can be, like every query."""
        question = Question(call.path, encode_wire([call.args]), call.visibility)
        later: list[asyncio.Future[Outcome]] = []

        def told(answer: Answer) -> None:
            if not later[0].done():
                later[0].set_result(_outcome_of(question, answer))

        answer = self.live.ask_once(question, call.identity, told)
        if answer is not None:
            outcome = _outcome_of(question, answer)
            log_shared_failure(call.request_id, outcome)
            return outcome
        later.append(asyncio.get_running_loop().create_future())
        return later[0]

    def _call(self, path: Any, args: Mapping[str, Any] | None, identity: ActAs) -> tuple[str, Any, Caller, str]:
        self.check_loop()
        caller = identity_from_attributes(identity) if isinstance(identity, Mapping) else identity
        return get_function_name(path), normalize(dict(args or {})), caller, self.new_request_id()


def _own_turns(loop: asyncio.AbstractEventLoop) -> CallSoon:
    """`loop.call_soon`, in a context of its own: what runs later has nothing of whoever happened to wake it."""
    return lambda step: loop.call_soon(step, context=Context())


def _unusable(folder: Path, error: OSError) -> StorageFailure:
    return StorageFailure(f"The data folder {folder} cannot be used: {error.strerror}. Choose another one.")


def _outcome_of(question: Question, answer: Answer) -> Outcome:
    if isinstance(answer, RunFault):
        return Outcome(function=question.path, kind="query", error=answer.error)
    assert answer.outcome is not None, "an answer is given with its outcome"
    return outcome_again(answer.outcome)


def _visibility(identity: Caller) -> Visibility:
    return "internal" if isinstance(identity, AdminIdentity) else "public"


def _value(outcome: Outcome) -> Any:
    """The value of an outcome, or its failure raised."""
    error = outcome.error
    if error is None:
        return outcome.value
    if error.has_data():
        raise ConvexError(error.data)
    if error.exception is not None:
        raise error.exception
    raise CallFailed(error)


__all__ = ["Backend", "Identity"]
