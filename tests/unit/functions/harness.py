"""An engine in memory for the tests of this folder: functions in, outcomes out."""

from __future__ import annotations

import asyncio
from pathlib import Path
from textwrap import dedent
from typing import Any

from parabola.auth.identity import Identity
from parabola.database.database import Database
from parabola.definitions.functions import FunctionDefinition
from parabola.errors import ParabolaError
from parabola.functions.actions import error_of
from parabola.functions.loader import Deployment
from parabola.functions.outcome import Call, Outcome
from parabola.functions.runner import Runner
from parabola.limits import DEFAULT_LIMITS, Limits
from parabola.seams import ManualClock, SeededEntropy
from parabola.storage.memory import MemoryStorage

ALICE = Identity("https://issuer|alice", "https://issuer", "alice", {"name": "Alice", "givenName": "Al"})


def write_folder(folder: Path, files: dict[str, str]) -> Path:
    """Writes modules, given by their paths."""
    for name, text in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(dedent(text))
    return folder


class Engine:
    """A database in memory with a runner over it."""

    def __init__(
        self,
        functions: dict[str, FunctionDefinition[Any, Any]] | Deployment | None = None,
        *,
        limits: Limits = DEFAULT_LIMITS,
        environment: dict[str, str] | None = None,
        **deployment: Any,
    ) -> None:
        self.clock = ManualClock()
        entropy = SeededEntropy(1)
        self.database = Database(MemoryStorage(), clock=self.clock, entropy=entropy, limits=limits)
        self.database.open()
        self.delays: list[float] = []
        self.runner = Runner(
            self.database,
            clock=self.clock,
            entropy=entropy,
            limits=limits,
            environment=environment,
            deployment=functions if isinstance(functions, Deployment) else Deployment(functions or {}, **deployment),
            call_later=self._call_later,
        )

    def _call_later(self, delay_s: float, function: Any) -> None:
        self.delays.append(delay_s)
        asyncio.get_running_loop().call_soon(function)

    def call(self, path: str, args: Any = None, **options: Any) -> Call:
        return Call(path, {} if args is None else args, request_id="abc", **options)

    def query(self, path: str, args: Any = None, *, journal: str | None = None, **options: Any) -> Outcome:
        """Runs a query that does not wait."""
        outcome = self.runner.run_query(self.call(path, args, **options), journal=journal)
        assert isinstance(outcome, Outcome), "the handler waited; use query_async"
        return outcome

    async def query_async(self, path: str, args: Any = None, **options: Any) -> Outcome:
        outcome = self.runner.run_query(self.call(path, args, **options))
        return outcome if isinstance(outcome, Outcome) else await outcome

    def mutation(
        self, path: str, args: Any = None, *, session_request: tuple[str, int] | None = None, **options: Any
    ) -> Outcome:
        """Runs a mutation that does not wait."""
        self.clock.advance(0.001)
        outcomes: list[Outcome] = []
        self.runner.run_mutation(self.call(path, args, **options), outcomes.append, session_request=session_request)
        assert len(outcomes) == 1, "the handler waited; use mutation_async"
        return outcomes[0]

    async def mutation_async(self, path: str, args: Any = None, **options: Any) -> Outcome:
        future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self.runner.run_mutation(self.call(path, args, **options), future.set_result)
        return await future

    async def action(self, path: str, args: Any = None, **options: Any) -> Outcome:
        return await self.runner.run_action(self.call(path, args, **options))

    def rows(self, table: str) -> list[dict[str, Any]]:
        """What is committed in a table, without the system fields."""
        tx = self.database.begin_query()
        documents = tx.query(table).collect()
        return [{name: value for name, value in doc.items() if not name.startswith("_")} for doc in documents]


def value_of(outcome: Outcome) -> Any:
    """The value, or the error raised."""
    if outcome.error is not None:
        raise error_of(outcome)
    return outcome.value


def message_of(outcome: Outcome) -> str:
    """The text of a failed outcome."""
    assert outcome.error is not None, f"expected a failure, got {outcome.value!r}"
    return outcome.error.message


def is_code(error: BaseException, code: str) -> bool:
    return isinstance(error, ParabolaError) and error.code == code
