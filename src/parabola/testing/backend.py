"""A user's functions in process, over an empty database in memory: what tests of an application are written with.

Everything is the real thing (transactions, conflicts, validation, the query cache) except time, chance and the disk.
Calls by name or by `api.…` reach what a client reaches; `internal.…` references reach internal functions too.
"""

from __future__ import annotations

import asyncio
import base64
import inspect
import itertools
import json
import weakref
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import nullcontext
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any, Final, Self, TypeVar

import httpx

from parabola.auth import AdminIdentity, Caller, Identity
from parabola.backend.backend import Backend
from parabola.backend.project import find_project, find_project_around
from parabola.backend.system_functions import ExtendedDeployment
from parabola.database.flusher import InlineFlusher
from parabola.definitions.contexts import MutationCtx
from parabola.definitions.crons import Crons
from parabola.definitions.functions import FunctionDefinition, internal_mutation
from parabola.definitions.paths import canonical_path
from parabola.definitions.references import get_function_name, is_internal_reference
from parabola.definitions.routes import HttpRouter
from parabola.errors import ConvexError, ParabolaError
from parabola.functions.loader import Deployment, load_folder
from parabola.functions.outcome import FunctionError, Outcome
from parabola.limits import DEFAULT_LIMITS, Limits
from parabola.schema.tables import Schema
from parabola.seams import SeededEntropy
from parabola.server.app import build_app
from parabola.storage.memory import MemoryStorage
from parabola.testing.clock import TestClock
from parabola.testing.turns import RUNS_MAX, Turns
from parabola.values.model import normalize
from parabola.values.wire import decode_wire

T = TypeVar("T")
Modules = Mapping[str, "ModuleType | Mapping[str, Any]"]

_RUN: Final = "_testing/run:default"
_ISSUER: Final = "https://parabola.test"
_ORIGIN: Final = "http://parabola.test"
_subjects: Final = itertools.count(1)


class FunctionCallError(ParabolaError):
    """A function failed, or refused the call. `message` is what a client would read in development.

    What the function raised is the `__cause__`, and where it did is in `traceback`. A ConvexError is not wrapped: it
    reaches the test as it is.
    """

    default_code = "FunctionCallError"

    def __init__(self, error: FunctionError) -> None:
        super().__init__(error.message, code=error.code)
        self.traceback = error.traceback
        if error.traceback:
            self.add_note(error.traceback)


class TestCaller:
    """Somebody who calls functions: anonymous, or a user made by `with_identity`."""

    __test__ = False  # pytest collects classes by name; this one is a tool.

    def __init__(self, engine: _Engine, identity: Identity | None) -> None:
        self._engine = engine
        self._identity = identity

    @property
    def clock(self) -> TestClock:
        """The backend's time: `clock.advance(seconds=10)`."""
        return self._engine.clock

    def with_identity(self, **attributes: Any) -> TestCaller:
        """The same backend, called by a user with these attributes (`subject`, `name`, `email`, …).

        `subject`, `issuer` and `tokenIdentifier` are made up where they are missing; two users are never the same
        by accident.
        """
        return TestCaller(self._engine, _identity(attributes))

    # The frames from here on down say nothing about a test that fails: `__tracebackhide__` keeps pytest from showing
    # them.

    async def query(self, reference: Any, args: Mapping[str, Any] | None = None) -> Any:
        """The value of a query. Raises ConvexError as it was raised, FunctionCallError for any other failure."""
        __tracebackhide__ = True
        return await self._call("query", reference, args)

    async def mutation(self, reference: Any, args: Mapping[str, Any] | None = None) -> Any:
        """Runs a mutation and returns its value. Raises as `query` does; then nothing was written."""
        __tracebackhide__ = True
        return await self._call("mutation", reference, args)

    async def action(self, reference: Any, args: Mapping[str, Any] | None = None) -> Any:
        """Runs an action and returns its value. Raises as `query` does."""
        __tracebackhide__ = True
        return await self._call("action", reference, args)

    async def run(self, body: Callable[[MutationCtx], Awaitable[T]]) -> T:
        """Runs `body` in one transaction with a mutation's context: to put data in place, and to look at them.

            rows = await t.run(lambda ctx: ctx.db.query("messages").collect())

        It is committed at the end, and like a mutation it may run again after a conflict. Raises as `query` does.
        """
        __tracebackhide__ = True
        return await self._engine.run(body, self._identity)

    async def fetch(
        self,
        path: str,
        *,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        body: bytes | str | None = None,
    ) -> httpx.Response:
        """Sends a request to the HTTP actions of `http.py`: `path` is the one that the route names, with any query."""
        return await self._engine.fetch(path, method, dict(headers or {}), body, self._identity)

    async def finish_scheduled_functions(self, *, runs_max: int = RUNS_MAX) -> None:
        """Runs the scheduled functions and cron jobs that are due by the clock, and what they make due, to the end.

            await t.mutation("reminders:set", {"minutes": 10})
            t.clock.advance(minutes=10)
            await t.finish_scheduled_functions()

        Those whose time has not come stay pending. Raises EndlessScheduling if more than `runs_max` run beyond those
        that were pending: one then schedules itself for ever.
        """
        await self._engine.turns.finish_due(await self._engine.started(), runs_max)
        self._engine.keep_house()

    async def finish_in_progress_scheduled_functions(self) -> None:
        """Runs the scheduled functions that are due now, and waits for them, but not for those that they schedule."""
        await self._engine.turns.finish_in_progress(await self._engine.started())

    async def finish_all_scheduled_functions(self, *, runs_max: int = RUNS_MAX) -> None:
        """Moves the clock from one scheduled function to the next and runs them, until none is pending.

        Raises EndlessScheduling as `finish_scheduled_functions` does.
        """
        await self._engine.turns.finish_all(await self._engine.started(), self.clock.advance, runs_max)

    async def _call(self, kind: str, reference: Any, args: Mapping[str, Any] | None) -> Any:
        __tracebackhide__ = True
        backend = await self._engine.started()
        # An administrator who acts as the user: sees the same identity and reaches internal functions.
        caller: Caller = AdminIdentity(self._identity) if is_internal_reference(reference) else self._identity
        name = canonical_path(get_function_name(reference))
        runners = {"query": backend.run_query, "mutation": backend.run_mutation, "action": backend.run_action}
        given: Any = {} if args is None else args
        if isinstance(given, Mapping):
            # What a client does: nothing is shared, absent fields are dropped, what is no value is refused.
            given = normalize(dict(given))
        with self._engine.turns.during_an_action() if kind == "action" else nullcontext():
            outcome = await runners[kind](name, given, caller, backend.new_request_id(), caller="test")
        return _value(outcome)


class TestBackend(TestCaller):
    """A backend for one test.

    `functions` is the functions folder, or its modules as a mapping from module path to a module or to a mapping
    of names: `TestBackend({"messages": {"send": send}}, schema=schema)`. `seed` decides ids and chance.

    It starts with its first call, in the event loop of that call. As `async with TestBackend(…) as t` it ends with the
    block; otherwise the pytest plugin ends it after the test. Raises LoadError for a folder
    that cannot be loaded.
    """

    def __init__(
        self,
        functions: str | Path | Modules = "backend",
        *,
        schema: Schema | None = None,
        http: HttpRouter | None = None,
        crons: Crons | None = None,
        limits: Limits = DEFAULT_LIMITS,
        environment: Mapping[str, str] | None = None,
        seed: int = 0,
    ) -> None:
        if isinstance(functions, (str, Path)):
            deployment = load_folder(functions)
        else:
            deployment = _deployment(functions, schema, http, crons)
        super().__init__(_Engine(deployment, limits, environment, seed), None)

    @classmethod
    def of_project(cls, directory: str | Path) -> TestBackend:
        """A backend over the functions of the project at `directory`, wherever its `pyproject.toml` says they are."""
        return cls(find_project(Path(directory)).functions)

    @classmethod
    def around(cls, file: Path, *, within: Iterable[Path] = ()) -> TestBackend:
        """A backend over the functions of the project that `file` lies in: the nearest, up to the top of its
        repository or of a folder of `within`. For the pytest plugin.
        """
        return cls(find_project_around(file, within).functions)

    async def __aenter__(self) -> Self:
        await self._engine.started()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._engine.stop()


async def stop_all() -> None:
    """Ends every backend that was started in the running event loop. For the pytest plugin."""
    loop = asyncio.get_running_loop()
    for engine in list(_engines):
        if engine.loop is loop:
            await engine.stop()


class _Engine:
    """The backend behind one or more callers."""

    def __init__(
        self, deployment: Deployment, limits: Limits, environment: Mapping[str, str] | None, seed: int
    ) -> None:
        self.clock = TestClock()
        self._advances_seen = 0
        self.loop: asyncio.AbstractEventLoop | None = None
        self.turns = Turns()
        self._bodies: dict[str, _Body] = {}
        self._numbers = itertools.count()
        storage = MemoryStorage()
        self._backend = Backend(
            ExtendedDeployment(deployment, {_RUN: internal_mutation(self._run_body)}),
            storage=storage,
            flusher=InlineFlusher(storage),
            clock=self.clock,
            entropy=SeededEntropy(seed),
            limits=limits,
            environment=environment,
        )
        self._backend.call_soon = self.turns.call_soon
        _engines.add(self)

    async def started(self) -> Backend:
        """The backend, started if this is the first call."""
        if not self._backend.is_running:
            self.loop = asyncio.get_running_loop()
            await self._backend.start()
        if self._advances_seen != self.clock.advances:
            # A server may give out an answer that looked at the time for some seconds more. A test that moves the clock
            # wants to see what it moved.
            self._advances_seen = self.clock.advances
            self._backend.live.invalidate_time()
        return self._backend

    def keep_house(self) -> None:
        """Removes what nobody may ask for any more by the clock, as a server does on a timer."""
        self._backend.maintenance.look()

    async def stop(self) -> None:
        await self._backend.stop()

    async def run(self, body: Callable[[MutationCtx], Awaitable[T]], identity: Identity | None) -> T:
        __tracebackhide__ = True
        backend = await self.started()
        key = str(next(self._numbers))
        self._bodies[key] = held = _Body(body)
        try:
            outcome = await backend.run_mutation(
                _RUN, {"key": key}, AdminIdentity(identity), backend.new_request_id(), caller="test"
            )
        finally:
            del self._bodies[key]
        _value(outcome)
        result: T = held.result
        return result

    async def _run_body(self, ctx: MutationCtx, args: dict[str, Any]) -> None:
        held = self._bodies[args["key"]]
        result = held.body(ctx)
        held.result = await result if inspect.isawaitable(result) else result

    async def fetch(
        self, path: str, method: str, headers: dict[str, str], body: bytes | str | None, identity: Identity | None
    ) -> httpx.Response:
        backend = await self.started()
        if not path.startswith("/"):
            raise ValueError(f"fetch() was given the path {path!r}. Begin it with a slash: '/{path}'.")
        if identity is not None and not any(name.lower() == "authorization" for name in headers):
            attributes = base64.b64encode(json.dumps(identity.to_user_identity()).encode()).decode()
            headers["Authorization"] = f"Convex {backend.admin_key}:{attributes}"
        # ASGI's types are spelled in more than one way; this is the same callable.
        app: Any = build_app(backend)
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url=_ORIGIN) as client:
            with self.turns.during_an_action():
                return await client.request(method, f"/http{path}", headers=headers, content=body)


class _Body:
    """What `run` was given, and what it made of it."""

    def __init__(self, body: Callable[[MutationCtx], Any]) -> None:
        self.body = body
        self.result: Any = None


_engines: weakref.WeakSet[_Engine] = weakref.WeakSet()


def _identity(attributes: dict[str, Any]) -> Identity:
    rest = dict(attributes)
    token_identifier = rest.pop("tokenIdentifier", None)
    issuer = rest.pop("issuer", None)
    subject = rest.pop("subject", None)
    if token_identifier is not None:
        before, _, after = str(token_identifier).rpartition("|")
        issuer, subject = issuer or before or _ISSUER, subject or after
    issuer = issuer or _ISSUER
    subject = subject or f"user-{next(_subjects)}"
    return Identity(token_identifier or f"{issuer}|{subject}", issuer, subject, rest)


def _deployment(modules: Modules, schema: Schema | None, http: HttpRouter | None, crons: Crons | None) -> Deployment:
    functions: dict[str, FunctionDefinition[Any, Any]] = {}
    for module, members in modules.items():
        named = vars(members) if isinstance(members, ModuleType) else members
        for name, member in named.items():
            if isinstance(member, FunctionDefinition):
                functions[canonical_path(f"{module}:{name}")] = member
            elif isinstance(member, Schema) and module == "schema":
                schema = schema or member
            elif isinstance(member, HttpRouter) and module == "http":
                http = http or member
            elif isinstance(member, Crons) and module == "crons":
                crons = crons or member
    for path, definition in functions.items():
        definition.path = definition.path or path
    return Deployment(functions, schema=schema, http=http, crons=crons)


def _value(outcome: Outcome) -> Any:
    __tracebackhide__ = True
    error = outcome.error
    if error is None:
        # An answer from the cache carries its encoded form only.
        return outcome.value if outcome.value is not None else decode_wire(outcome.value_json)
    if isinstance(error.exception, ConvexError):
        raise error.exception
    if error.has_data():
        raise ConvexError(error.data)
    raise FunctionCallError(error) from error.exception
