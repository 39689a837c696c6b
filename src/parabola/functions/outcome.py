"""What one run of a function leaves behind, and what asked for it.

`Call` goes into the runner, `Outcome` comes out. An outcome is plain data: it holds no transaction, no traceback object
and no frame, so that keeping it in a cache keeps nothing else alive. The value is encoded exactly once (`value_json`);
everything that sends it splices those bytes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Literal

from parabola.auth.identity import Caller
from parabola.database.read_set import ReadSet
from parabola.errors import ParabolaError
from parabola.functions.calls import copied_arguments, decode_arguments
from parabola.limits import DEFAULT_LIMITS, Limits
from parabola.values.model import UNDEFINED
from parabola.values.wire import decode_wire

TO_BE_DECODED: Final = object()
"""In the place of an outcome's value: it is what `value_json` says."""

Visibility = Literal["public", "internal"]
FunctionKind = Literal["query", "mutation", "action", "http"]


class Call:
    """One request to run one function.

    `path` is any spelling of the function's name. `args` is the decoded argument object (anything else is refused with
    the error text of the wire spec). `visibility` says what the caller may reach: "internal" for admins, other
    functions and the scheduler. `request_id` goes into error texts and is shared by everything that one client
    request causes; `caller` says who asked, for the function log: "client", "http", "action", "scheduler", "cron",
    "admin", "test".

    `args_json` is what `args` was decoded from, where the decoded object belongs to this call alone: the first attempt
    may then have it, and any further one decodes it again (`take_args`).

    `request_metadata` is what `ctx.meta.get_request_metadata()` answers (ip, userAgent, scheduledFunctionId,
    authToken).
    """

    __slots__ = (
        "_are_args_taken",
        "_args_json",
        "_request_id",
        "args",
        "caller",
        "identity",
        "path",
        "request_metadata",
        "visibility",
    )

    def __init__(
        self,
        path: str,
        args: Any,
        *,
        identity: Caller = None,
        visibility: Visibility = "public",
        request_id: str | Callable[[], str] = "",
        caller: str = "client",
        request_metadata: dict[str, Any] | None = None,
        args_json: bytes | None = None,
    ) -> None:
        self.path = path
        self.args = args
        self._args_json = args_json
        self._are_args_taken = False
        self.identity = identity
        self.visibility: Visibility = visibility
        self._request_id = request_id
        self.caller = caller
        self.request_metadata = request_metadata

    def take_args(self, limits: Limits) -> dict[str, Any]:
        """The arguments, for one attempt that may change them. Raises for what is not one object of values."""
        if self._args_json is None or limits is not DEFAULT_LIMITS:
            # Decoding checks against the limits as they are by default.
            return copied_arguments(self.args, limits)
        args = decode_arguments(self._args_json) if self._are_args_taken else self.args
        self._are_args_taken = True
        return args if type(args) is dict else copied_arguments(args, limits)

    @property
    def request_id(self) -> str:
        """May have been given as a function: nearly nobody asks, and working it out has its price."""
        request_id = self._request_id
        if not isinstance(request_id, str):
            request_id = self._request_id = request_id()
        return request_id


class FunctionError:
    """Why a run failed.

    `message` is the first line (`Uncaught ValueError: boom`, `ArgumentValidationError: …`), `traceback` the lines of
    user code below it (perhaps empty, each ending in a newline), `data` the decoded data of a ConvexError or
    UNDEFINED, `code` the stable short code. `is_system` is true for faults that are not the application's: those may
    be tried again.
    """

    __slots__ = ("code", "data", "exception", "is_system", "message", "request_id", "traceback")

    def __init__(
        self,
        message: str,
        *,
        code: str,
        data: Any = UNDEFINED,
        traceback: str = "",
        is_system: bool = False,
        exception: BaseException | None = None,
    ) -> None:
        self.message = message
        self.code = code
        self.data = data
        self.traceback = traceback
        self.is_system = is_system
        # The exception itself, its traceback removed: nested and action-made calls raise it again with its type.
        self.exception = exception
        # The request whose run failed; others that shared the run have ids of their own. Set when the run has ended.
        self.request_id = ""

    def has_data(self) -> bool:
        """Whether the failure carries application data that reaches the client unredacted."""
        return self.data is not UNDEFINED

    def same_as(self, other: FunctionError) -> bool:
        """Whether a client would see no difference, request ids left out (semantics 8.1)."""
        return self.message == other.message and self.traceback == other.traceback and self.code == other.code

    def __repr__(self) -> str:
        return f"FunctionError({self.message!r}, code={self.code!r})"


class Outcome:
    """The result of one run: a value or an error, with the evidence of what it depended on.

    For a query `ts` is the snapshot it read; for a mutation the commit timestamp (the snapshot's, if it wrote nothing);
    for an action 0. `read_set` is None for actions and for answers that were looked up instead of run.
    `used_identity`, `used_time` and `used_environment` are true as soon as the run, or one nested in it, looked.
    """

    __slots__ = (
        "_value",
        "duration",
        "error",
        "function",
        "journal",
        "kind",
        "log_lines",
        "metrics",
        "read_set",
        "retries",
        "ts",
        "used_environment",
        "used_identity",
        "used_time",
        "value_json",
    )

    def __init__(
        self,
        *,
        function: str,
        kind: FunctionKind | Literal["unknown"],
        value: Any = None,
        value_json: bytes = b"null",
        error: FunctionError | None = None,
        log_lines: list[str] | None = None,
        read_set: ReadSet | None = None,
        ts: int = 0,
        used_identity: bool = False,
        used_time: bool = False,
        used_environment: bool = False,
        journal: str | None = None,
        duration: float = 0.0,
        retries: int = 0,
    ) -> None:
        # The canonical path, or what was asked for where there is no such function.
        self.function = function
        self.kind = kind
        self._value = value
        self.value_json = value_json
        self.error = error
        self.log_lines: list[str] = log_lines if log_lines is not None else []
        self.read_set = read_set
        self.ts = ts
        self.used_identity = used_identity
        self.used_time = used_time
        self.used_environment = used_environment
        self.journal = journal
        # Seconds from start to end, by the handed-in clock.
        self.duration = duration
        # How many attempts were thrown away because of conflicts.
        self.retries = retries
        self.metrics: dict[str, Any] | None = None

    @property
    def value(self) -> Any:
        """What the function returned. May be given as `TO_BE_DECODED`: who only sends `value_json` on never asks."""
        if self._value is TO_BE_DECODED:
            self._value = decode_wire(self.value_json)
        return self._value

    @value.setter
    def value(self, value: Any) -> None:
        self._value = value

    @property
    def succeeded(self) -> bool:
        return self.error is None

    def __repr__(self) -> str:
        what = repr(self.value) if self.error is None else repr(self.error)
        return f"Outcome({self.function}, {what}, ts={self.ts})"


# The code of a fault that is not the caller's, and the only text that clients see of it (semantics 18.1).
INTERNAL_ERROR_TEXT: Final = "Your request couldn't be completed. Try again later."


class CallFailed(ParabolaError):
    """Raised to a caller in Python for an outcome that failed and whose original exception cannot be raised again."""

    def __init__(self, error: FunctionError) -> None:
        super().__init__(error.message, code=error.code)
        self.error = error
