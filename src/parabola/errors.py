"""Every exception that Parabola raises on purpose.

The tree, with the branch that says whose doing it is::

    ParabolaError
    ├── ApplicationError
    │   └── ConvexError            thrown by user code; its data reaches the client, never redacted
    ├── DeveloperError             user code or its call is wrong; the text reaches the client in development
    │   ├── ArgumentValidationError
    │   ├── ReturnsValidationError
    │   ├── FunctionNotFound · WrongFunctionKind · InvalidFunctionCall
    │   ├── InvalidArgument        a bad argument of a ctx.db / ctx.scheduler call
    │   ├── InvalidValue           something that is not a value, too large, too deep
    │   ├── ValidationFailed       a value does not match a validator; places that validate wrap it in one of these
    │   ├── SchemaError            a schema that cannot be, or a document that does not fit it
    │   ├── QueryError             a query used wrongly (bounds, fields, builders)
    │   ├── LimitExceeded          one of the limits of a transaction
    │   ├── FunctionTimeout
    │   └── LoadError              a functions folder that cannot be loaded
    ├── PeerError                  what arrived over the wire is wrong
    │   ├── BadRequest · Unauthenticated · Forbidden · NotFound · ProtocolError
    ├── ClientError                raised on the client's side of a connection, by `parabola.client`
    │   ├── CallFailed             the function failed on the server, and not with a ConvexError
    │   ├── ConnectionLost         an action was under way, and what became of it is not known
    │   └── ClientClosed           the client was closed, or the server refused it for good
    └── SystemFault                not the caller's doing; safe to try again later
        ├── WriteConflict          retries used up: OptimisticConcurrencyControlFailure
        ├── Overloaded · OutOfRetention
        ├── AuthProviderUnavailable
        └── StorageFailure

Each carries a stable `code` (the spec's short code: for machines, tests and metrics) beside a message that may be
reworded freely. Control flow that user code must not swallow (`except Exception`) derives from BaseException and
lives where it is used: `database.transaction.Conflict`, `functions.time_limit.HandlerStopped`.
"""

from __future__ import annotations

import json
from typing import Any, ClassVar, Self


class ParabolaError(Exception):
    """The root. `code` is the stable short code, `message` the text for people."""

    default_code: ClassVar[str] = "InternalServerError"

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code if code is not None else self.default_code


class ApplicationError(ParabolaError):
    """An outcome that the application itself chose to raise."""


class ConvexError(ApplicationError):
    """Raised by user code to tell the client something: `data` is any value and arrives decoded.

    `ConvexError("Out of stock")` or `ConvexError({"code": "OUT_OF_STOCK", "left": 0})`. The data is never redacted
    (semantics 18.2). Raised in a mutation, it rolls the mutation back like any exception.
    """

    default_code: ClassVar[str] = "ConvexError"

    data: Any

    def __new__(cls, *args: Any, **named: Any) -> Self:
        # Set here too, for a subclass whose __init__ does not call this one.
        error = super().__new__(cls, *args, **named)
        error.data = None
        error.code = cls.default_code
        error.message = ""
        return error

    def __init__(self, data: Any = None) -> None:
        super().__init__(data if isinstance(data, str) else _as_text(data))
        self.data = data


def _as_text(data: Any) -> str:
    """`data` as JSON would show it; what JSON does not know is shown as Python does."""
    try:
        return json.dumps(data, default=repr, ensure_ascii=False, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError):
        return repr(data)


class DeveloperError(ParabolaError):
    """User code, or a call of it, is wrong. Not retried."""

    default_code: ClassVar[str] = "DeveloperError"


class ArgumentValidationError(DeveloperError):
    """The arguments of a call do not match the function's validator."""

    default_code: ClassVar[str] = "ArgumentValidationError"


class ReturnsValidationError(DeveloperError):
    """What a function returned does not match its `returns` validator."""

    default_code: ClassVar[str] = "ReturnsValidationError"


class FunctionNotFound(DeveloperError):
    """No such function, or an internal one called from outside: the same text on purpose."""

    default_code: ClassVar[str] = "FunctionNotFound"


class WrongFunctionKind(DeveloperError):
    """A query called as a mutation, and the like."""

    default_code: ClassVar[str] = "WrongFunctionKind"


class InvalidFunctionCall(DeveloperError):
    """A call that this kind of function may not make."""

    default_code: ClassVar[str] = "InvalidFunctionCall"


class InvalidArgument(DeveloperError):
    """A bad argument of a `ctx` call."""

    default_code: ClassVar[str] = "InvalidArgument"


class InvalidValue(DeveloperError):
    """Something that is not a value, or one that is too large or too deep."""

    default_code: ClassVar[str] = "InvalidValue"


class ValidationFailed(DeveloperError):
    """A value does not match a validator.

    The message is the spec's text (wire 4.3); whoever validates adds the place.
    """

    default_code: ClassVar[str] = "ValidationFailed"


class SchemaError(DeveloperError):
    """A schema that cannot be, or a document that does not fit the schema."""

    default_code: ClassVar[str] = "SchemaEnforcementError"


class QueryError(DeveloperError):
    """A database query used in a way that has no meaning."""

    default_code: ClassVar[str] = "InvalidQuery"


class LimitExceeded(DeveloperError):
    """A limit of one transaction was crossed (semantics 7.5)."""

    default_code: ClassVar[str] = "LimitExceeded"


class FunctionTimeout(DeveloperError):
    """A function ran past its time limit and was stopped."""

    default_code: ClassVar[str] = "FunctionTimeout"


class LoadError(DeveloperError):
    """A functions folder cannot be loaded: the message names the file, the line and the reason."""

    default_code: ClassVar[str] = "LoadError"


class PeerError(ParabolaError):
    """What arrived over the wire is wrong. `status` is the HTTP status that goes with it."""

    default_code: ClassVar[str] = "BadRequest"
    status: ClassVar[int] = 400


class BadRequest(PeerError):
    """A malformed request."""


class Unauthenticated(PeerError):
    """Credentials that do not hold."""

    default_code: ClassVar[str] = "Unauthenticated"
    status: ClassVar[int] = 401


class Forbidden(PeerError):
    """Credentials that hold, for something else."""

    default_code: ClassVar[str] = "Forbidden"
    status: ClassVar[int] = 403


class NotFound(PeerError):
    """Nothing at that address."""

    default_code: ClassVar[str] = "NotFound"
    status: ClassVar[int] = 404


class ProtocolError(PeerError):
    """A message that breaks the sync protocol."""

    default_code: ClassVar[str] = "ProtocolError"


class ClientError(ParabolaError):
    """Something that a client of a server meets."""

    default_code: ClassVar[str] = "ClientError"


class CallFailed(ClientError):
    """The function failed on the server. The message is the server's; in production it says little."""

    default_code: ClassVar[str] = "CallFailed"


class ConnectionLost(ClientError):
    """The connection was lost while an action was under way. It may have happened, wholly or in part, or not at all."""

    default_code: ClassVar[str] = "ConnectionLost"


class ClientClosed(ClientError):
    """The client was closed before the call was over, or before it was made."""

    default_code: ClassVar[str] = "ClientClosed"


class SystemFault(ParabolaError):
    """Not the caller's doing; the same call may work later. Nothing was written."""

    default_code: ClassVar[str] = "InternalServerError"


class WriteConflict(SystemFault):
    """A mutation kept losing against concurrent writes until its retries were used up."""

    default_code: ClassVar[str] = "OptimisticConcurrencyControlFailure"


class Overloaded(SystemFault):
    """A bounded queue is full; `code` names which."""

    default_code: ClassVar[str] = "TooManyConcurrentRequests"


class OutOfRetention(SystemFault):
    """A timestamp whose versions are no longer kept."""

    default_code: ClassVar[str] = "OutOfRetention"


class AuthProviderUnavailable(SystemFault):
    """An auth provider's keys could not be fetched just now: says nothing about the token that asked for them."""

    default_code: ClassVar[str] = "AuthProviderDiscoveryFailed"


class StorageFailure(SystemFault):
    """The store refused a read or a write; the backend stops accepting writes."""

    default_code: ClassVar[str] = "StorageFailure"
