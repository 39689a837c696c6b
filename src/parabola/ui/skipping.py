"""`skip`: given in place of arguments, it says that a query is not wanted now."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any, Final, TypeAlias


class Skip(Enum):
    """The type of `skip`."""

    TOKEN = "skip"

    def __repr__(self) -> str:
        return "skip"


skip: Final = Skip.TOKEN
"""No subscription, please: `inject_query(ref, lambda: {"id": chosen()} if chosen() else skip)`."""

Args: TypeAlias = Mapping[str, Any] | None
"""A function's arguments by name; None is none of them."""

ArgsSource: TypeAlias = Callable[[], Args | Skip] | Args | Skip
"""Where a query's arguments come from: a function, so that signals read in it re-subscribe; or what never changes."""


def read_args(source: ArgsSource) -> Args | Skip:
    """The arguments now."""
    return source() if callable(source) else source
