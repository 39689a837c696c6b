"""What a client shows of a query: loading, a value or an error; and how outcomes become exceptions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from parabola.errors import CallFailed, ClientClosed, ClientError, ConnectionLost, ConvexError, ParabolaError
from parabola.sync.client_incoming import Answer, Failure, Outcome
from parabola.values.model import Undefined

QueryStatus: TypeAlias = Literal["loading", "success", "error"]


@dataclass(frozen=True, slots=True)
class QueryState:
    """A query at one moment. `value` counts when the status is "success", `error` when it is "error"."""

    status: QueryStatus
    value: Any = None
    error: ParabolaError | None = None

    @property
    def is_loading(self) -> bool:
        """Whether there is neither a value nor an error yet."""
        return self.status == "loading"

    def unwrap(self) -> Any:
        """The value. Raises the error if there is one, and `ClientError` while loading."""
        if self.error is not None:
            raise self.error.with_traceback(None)
        if self.status == "loading":
            raise ClientError("The query has no result yet. Wait for one, or look at is_loading first.")
        return self.value


LOADING: Final = QueryState("loading")


def state_of(outcome: Outcome | None) -> QueryState:
    """The state that an outcome stands for; None is loading."""
    if outcome is None:
        return LOADING
    if isinstance(outcome, Answer):
        return QueryState("success", outcome.value)
    return QueryState("error", error=to_exception(outcome))


def to_exception(failure: Failure) -> ParabolaError:
    """The exception for a failed call: `ConvexError` with its data if the function raised one."""
    if not isinstance(failure.data, Undefined):
        return ConvexError(failure.data)
    if failure.kind == "lost":
        return ConnectionLost(failure.message)
    if failure.kind == "closed":
        return closed_error(failure.message)
    return CallFailed(failure.message)


def closed_error(reason: str) -> ClientClosed:
    """What every use of a client raises once it is over."""
    return ClientClosed(f"{reason} Make a new client to go on.")
