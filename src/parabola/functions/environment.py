"""`ctx.env`: the deployment's environment variables, as something that a query depends on.

Variables are documents of a system table. Reading one leaves evidence in the read set like any other read, so a live
query runs again when the variable it looked at changes, and only then (semantics 17.2). Names that the deployment
does not set fall back to what the backend was started with, which cannot change while it runs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from parabola.database.system_tables import ENVIRONMENT_VARIABLES

if TYPE_CHECKING:
    from parabola.database.transaction import Transaction
    from parabola.functions.levels import Level
    from parabola.functions.services import Services


class MissingVariable(KeyError):
    """A variable that is not set. Its text says so, where KeyError's would show only the name."""

    def __str__(self) -> str:
        return (
            f"The environment variable {self.args[0]} is not set. "
            f'Set it in the deployment, or use ctx.env.get("{self.args[0]}") where it is optional.'
        )


class TransactionEnvironment(Mapping[str, str]):
    """The variables as one transaction sees them."""

    __slots__ = ("_level",)

    def __init__(self, level: Level) -> None:
        self._level = level

    def __getitem__(self, name: str) -> str:
        self._level.check_usable()
        run = self._level.run
        run.used_environment = True
        return read_variable(run.tx, run.services, name)

    def __iter__(self) -> Iterator[str]:
        self._level.check_usable()
        run = self._level.run
        run.used_environment = True
        return iter(variable_names(run.tx, run.services))

    def __len__(self) -> int:
        return len(list(iter(self)))


class ActionEnvironment(Mapping[str, str]):
    """The variables as they are now, for actions: each read is a small transaction."""

    __slots__ = ("_services",)

    def __init__(self, services: Services) -> None:
        self._services = services

    def __getitem__(self, name: str) -> str:
        tx = self._services.database.begin_query()
        try:
            return read_variable(tx, self._services, name)
        finally:
            tx.close()

    def __iter__(self) -> Iterator[str]:
        tx = self._services.database.begin_query()
        try:
            return iter(variable_names(tx, self._services))
        finally:
            tx.close()

    def __len__(self) -> int:
        return len(list(iter(self)))


def read_variable(tx: Transaction, services: Services, name: str) -> str:
    """The value of one variable. Raises MissingVariable."""
    found: Any = tx.system_query(ENVIRONMENT_VARIABLES.name).with_index("by_name", lambda q: q.eq("name", name)).first()
    if found is not None:
        return str(found["value"])
    if name in services.environment:
        return services.environment[name]
    raise MissingVariable(name)


def variable_names(tx: Transaction, services: Services) -> list[str]:
    """The names of all variables, sorted."""
    stored = {str(document["name"]) for document in tx.system_query(ENVIRONMENT_VARIABLES.name).collect()}
    return sorted(stored | set(services.environment))
