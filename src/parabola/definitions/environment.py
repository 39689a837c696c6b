"""`env`: the deployment's environment variables, for code that has no `ctx` at hand.

It is `ctx.env` of the function that is running, found through a context variable, so a query that reads a variable here
depends on it just the same (semantics 17.2).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from typing import Final, NoReturn, Protocol


class RunWithEnvironment(Protocol):
    """The part of a run that is needed here."""

    @property
    def environment(self) -> Mapping[str, str]: ...


current_run: Final[ContextVar[RunWithEnvironment | None]] = ContextVar("parabola_current_run", default=None)
"""The run that the code belongs to; None outside of functions."""


class CurrentEnvironment(Mapping[str, str]):
    """The variables, as the function that is running sees them."""

    __slots__ = ()

    def __getitem__(self, name: str) -> str:
        return _of_the_run()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(_of_the_run())

    def __len__(self) -> int:
        return len(_of_the_run())

    def __repr__(self) -> str:
        return "<the environment of the function that is running>"


def _of_the_run() -> Mapping[str, str]:
    run = current_run.get()
    return _refuse() if run is None else run.environment


def _refuse() -> NoReturn:
    raise RuntimeError(
        "env was read outside of a function. Read it in a handler, or in what a handler calls; where a module is being "
        "imported, use os.environ."
    )


env: Final[Mapping[str, str]] = CurrentEnvironment()
"""The deployment's environment variables inside a function: `env["STRIPE_KEY"]`, `env.get("MODE")`. The same as
`ctx.env`.
"""
