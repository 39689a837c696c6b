"""What is checked around every call of a function, whoever makes it (semantics 3.3, 3.4).

Before the handler: visibility, then kind, then arguments, in this order, so that an internal function answers exactly
as one that does not exist. After it: that the result is a value, that it matches `returns`, that it is not too large.
"""

from __future__ import annotations

import inspect
from typing import Any, Final

from parabola.definitions.instances import to_value
from parabola.definitions.paths import InvalidFunctionPath, canonical_path, colon_advice, display_path
from parabola.errors import (
    ArgumentValidationError,
    DeveloperError,
    FunctionNotFound,
    InvalidFunctionCall,
    InvalidValue,
    ReturnsValidationError,
    WrongFunctionKind,
)
from parabola.functions.operations import Operation
from parabola.functions.places import without_loaded_names
from parabola.functions.registry import RegisteredFunction, Registry
from parabola.limits import MIB, Limits
from parabola.schema import TableNames, ValidationFailed
from parabola.values.careful import without_address
from parabola.values.model import UNDEFINED, normalize
from parabola.values.render import render_value
from parabola.values.size import value_size
from parabola.values.wire import VALUE_NESTING_MAX, decode_wire

KIND_NAMES: Final = {"query": "Query", "mutation": "Mutation", "action": "Action", "http": "HttpAction"}

# Below this many fields and elements at the top, arguments are measured only if something in them can be large.
_SURELY_SMALL: Final = 1024


# Types whose instances are neither operations nor awaitables nor iterators.
_PLAINLY_VALUES: Final = frozenset((dict, list, str, int, float, bool, bytes, type(None)))


class InvalidReturn(DeveloperError):
    """What a function returned is not a value."""

    default_code = "InvalidReturnValue"


def find_function(registry: Registry, path: str, visibility: str, kind: str | None) -> RegisteredFunction:
    """The function to run. Raises FunctionNotFound (also for one that is out of reach) and then WrongFunctionKind."""
    function = registry.find(path)
    if function is None or function.kind == "http" or (function.visibility == "internal" and visibility == "public"):
        raise FunctionNotFound(f"Could not find public function for '{_shown(path)}'.{colon_advice(path)}")
    if kind is not None and function.kind != kind:
        raise WrongFunctionKind(
            f"Trying to execute {function.module_path} as {KIND_NAMES[kind]}, "
            f"but it is defined as {KIND_NAMES[function.kind]}."
        )
    return function


def _shown(path: str) -> str:
    try:
        return display_path(canonical_path(path))
    except InvalidFunctionPath:
        return path


def decode_arguments(args_json: bytes, arguments_bytes_max: int | None = None) -> Any:
    """The argument object in `[{…}]`. Anything else is given back decoded as it is, for the runner to refuse by name.

    Raises `InvalidValue` for JSON that is no value, and for what is surely above `arguments_bytes_max`: to decode that
    could take seconds and a gigabyte. Without it, they were decoded before and found in order.
    """
    if arguments_bytes_max is not None and len(args_json) > arguments_bytes_max:
        size = _least_size(args_json)
        if size > arguments_bytes_max:
            raise InvalidValue(
                f"Arguments are too large (actual: at least {_mebibytes(size)}, limit: "
                f"{_mebibytes(arguments_bytes_max)})",
                code="FunctionArgumentsTooLarge",
            )
    # The arguments may be as deep as a value; the array around them is none of it.
    decoded = decode_wire(args_json, VALUE_NESTING_MAX + 1)
    if isinstance(decoded, list) and len(decoded) == 1:
        return decoded[0]
    return decoded


def _least_size(json_text: bytes) -> int:
    """A size that the value in `json_text` has at least, told without decoding it.

    Each of these characters stands for a byte: in a string or name for itself, elsewhere for what an array, object or
    field takes besides its content, or for one more element.
    """
    return sum([json_text.count(character) for character in b",:[{"])


def copied_arguments(args: Any, limits: Limits) -> dict[str, Any]:
    """A copy of the arguments that belongs to one attempt. Raises for what is not one object of values."""
    if not isinstance(args, dict):
        try:
            shown = render_value(args)
        except Exception:
            shown = repr(args)
        raise InvalidFunctionCall(
            f"Expected to receive an object as the function's argument. Instead received: {shown}"
        )
    copy: dict[str, Any] = normalize(args, limits=limits)
    return copy


def check_arguments(
    function: RegisteredFunction, args: dict[str, Any], tables: TableNames, limits: Limits
) -> dict[str, Any]:
    """The arguments as the handler takes them (`RegisteredFunction.invoke`): instances built where its annotations ask
    for them. Raises ArgumentValidationError, or DeveloperError for arguments that are too large.
    """
    if not _is_surely_small(args):
        size = value_size(args)
        if size > limits.arguments_bytes_max:
            raise DeveloperError(
                f"Arguments for {function.name} are too large "
                f"(actual: {_mebibytes(size)}, limit: {_mebibytes(limits.arguments_bytes_max)})",
                code="FunctionArgumentsTooLarge",
            )
    if function.check_args is not None:
        try:
            function.check_args(args, tables)
        except ValidationFailed as failure:
            raise ArgumentValidationError(f"ArgumentValidationError: {failure.message}") from None
    if function.convert is None:
        return args
    try:
        return function.convert(args)
    except ValidationFailed as failure:
        raise ArgumentValidationError(f"ArgumentValidationError: {failure.message}") from failure.__cause__


def _is_surely_small(args: dict[str, Any]) -> bool:
    """Whether the arguments are far below any sensible limit, told without walking them."""
    for item in args.values():
        kind = type(item)
        if kind is dict or kind is list or ((kind is str or kind is bytes) and len(item) > _SURELY_SMALL):
            return False
    return len(args) <= _SURELY_SMALL


def flattened(value: Any) -> Any:
    """What a handler returned, with an operation that it passed on replaced by its result, as a promise would be."""
    # First the commonest, since asking an abstract class for its instances is slow.
    if type(value) not in _PLAINLY_VALUES and isinstance(value, Operation) and value.is_settled:
        value.note_awaited()
        if value.error is not None:
            raise value.error
        return value.value
    return value


def checked_result(function: RegisteredFunction, value: Any, tables: TableNames, limits: Limits) -> Any:
    """The result as a value of its own, checked. Raises InvalidReturn or ReturnsValidationError."""
    if value is None or value is UNDEFINED:
        copy: Any = None
    else:
        kind = type(value)
        if kind not in _PLAINLY_VALUES:
            _refuse_what_is_no_result(function, value)
        if function.builds_result:
            value = to_value(value)
        try:
            copy = normalize(value, limits=limits)
        except InvalidValue as failure:
            _close_coroutines(value)
            raise InvalidReturn(
                f"Function {function.name} return value invalid: {without_loaded_names(failure.message)}"
            ) from None
    if function.check_returns is not None:
        try:
            function.check_returns(copy, tables)
        except ValidationFailed as failure:
            raise ReturnsValidationError(f"ReturnsValidationError: {failure.message}") from None
    return copy


def check_result_size(function: RegisteredFunction, size: int, limits: Limits) -> None:
    """`size` is that of the encoded result, in bytes."""
    if size > limits.result_bytes_max:
        raise DeveloperError(
            f"Function {function.name} return value is too large "
            f"(actual: {_mebibytes(size)}, limit: {_mebibytes(limits.result_bytes_max)})",
            code="FunctionReturnTooLarge",
        )


def _refuse_what_is_no_result(function: RegisteredFunction, value: Any) -> None:
    if getattr(value, "is_unexecuted_query", False):
        raise InvalidReturn(
            "Return value is a Query. "
            "Results must be retrieved with `.collect()`, `.take(n), `.unique()`, or `.first()`."
        )
    if isinstance(value, Operation) or inspect.isawaitable(value):
        if inspect.iscoroutine(value):
            value.close()
        raise InvalidReturn(
            f"Function {function.name} returned {without_address(repr(value))} without waiting for it. "
            "Write `return await …` instead of `return …`."
        )
    if inspect.isasyncgen(value) or inspect.isgenerator(value):
        raise InvalidReturn(
            f"Function {function.name} return value invalid: it is a generator. "
            "Return a list of its items: `return [item async for item in …]`."
        )


def _close_coroutines(value: Any) -> None:
    """The error about a result that holds coroutines says it all: Python need not add that they were never awaited."""
    waiting = [value]
    for inner in waiting:
        if inspect.iscoroutine(inner):
            inner.close()
        elif isinstance(inner, (list, tuple, dict)) and len(waiting) < _SURELY_SMALL:
            waiting += inner.values() if isinstance(inner, dict) else inner


def _mebibytes(size: int) -> str:
    whole = size / MIB
    return f"{int(whole)} MiB" if whole == int(whole) else f"{whole:.2f} MiB"
