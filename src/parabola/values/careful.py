"""The careful lane of `normalize`: knows every case, follows the path, and says what is wrong and where.

It is slow and complete; `values.model` explains how the two lanes belong together.
"""

from __future__ import annotations

import re
from typing import Any, Final

from parabola.errors import InvalidValue
from parabola.limits import Limits
from parabola.values.kinds import FIELD_NAME_LENGTH_MAX, SAFE_INTEGER_MAX, UNDEFINED, Int64, Value, is_field_name
from parabola.values.misused import explain_misuse
from parabola.values.size import value_size

_SHOWN_CHARACTERS_MAX = 200
_ADDRESS: Final = re.compile(r" at 0x[0-9a-fA-F]+(?=>)")
_HINTS = {
    "tuple": " Use a list.",
    "set": " Use a list, or an object with a field for each member.",
    "frozenset": " Use a list, or an object with a field for each member.",
    "datetime": " Store the milliseconds since the epoch as a number, or an ISO 8601 string.",
    "date": " Store an ISO 8601 string.",
    "Decimal": " Store a string, or an Int64 of the smallest unit.",
    "UUID": " Store str(uuid).",
}


def normalize_carefully(value: object, limits: Limits, nesting_max: int) -> tuple[Any, int]:
    """A normalised deep copy of `value` and its size in bytes. Raises `InvalidValue` with the path of what is wrong."""
    copy = _Walk(value, limits, nesting_max).copy(value, "", 0)
    return copy, value_size(copy)


def nesting_of(value: Value) -> int:
    """How deeply a value is nested: 0 for a scalar, 1 more than the deepest child for an array or object."""
    if type(value) is dict:
        return 1 + max(map(nesting_of, value.values()), default=0)
    if type(value) is list:
        return 1 + max(map(nesting_of, value), default=0)
    return 0


def nesting_error(what: str, depth: int, depth_max: int) -> InvalidValue:
    """The error for `what` ("Value" or "Document") nested `depth` levels deep."""
    return InvalidValue(
        f"{what} is too nested (nested {depth} levels deep > maximum nesting {depth_max})", code="TooNestedError"
    )


class _Walk:
    def __init__(self, original: object, limits: Limits, nesting_max: int) -> None:
        self.original = original
        self.limits = limits
        self.nesting_max = nesting_max

    def copy(self, value: Any, path: str, depth: int) -> Value:
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, Int64):
            return Int64(value)
        if isinstance(value, int):
            return self._copy_integer(int(value), path)
        if isinstance(value, float):
            return float(value)
        if isinstance(value, str):
            return self._copy_string(value, path)
        if isinstance(value, (bytes, bytearray, memoryview)):
            return bytes(value)
        if isinstance(value, (list, dict)):
            if depth >= self.nesting_max:
                raise nesting_error("Value", depth + 1, self.nesting_max)
            return (
                self._copy_array(value, path, depth)
                if isinstance(value, list)
                else self._copy_object(value, path, depth)
            )
        if value is UNDEFINED:
            raise InvalidValue(f"undefined is not a valid Convex value{self._where(path)}.")
        kind = type(value).__name__
        raise InvalidValue(
            f"{kind} {_shorten(value)} is not a supported Convex type{self._where(path)}.{_hint_for(value)}"
        )

    def _copy_integer(self, value: int, path: str) -> int:
        if -SAFE_INTEGER_MAX <= value <= SAFE_INTEGER_MAX:
            return value
        raise InvalidValue(
            f"Integer {_shorten(value)} is beyond ±2**53, where numbers lose precision{self._where(path)}. "
            "Use Int64(...) with v.int64(), or float(...) if losing digits is fine."
        )

    def _copy_string(self, value: Any, path: str) -> str:
        try:
            value.encode()
        except UnicodeEncodeError:
            raise InvalidValue(
                f"String {_shorten(value)} has an unpaired surrogate, which is not valid Unicode{self._where(path)}."
            ) from None
        return str(str.__str__(value))

    def _copy_array(self, value: list[Any], path: str, depth: int) -> list[Any]:
        if len(value) > self.limits.array_length_max:
            raise InvalidValue(
                f"Array length is too long ({len(value)} > maximum length {self.limits.array_length_max})",
                code="ArrayTooLong",
            )
        return [self.copy(element, f"{path}[{at}]", depth + 1) for at, element in enumerate(value)]

    def _copy_object(self, value: dict[Any, Any], path: str, depth: int) -> dict[str, Any]:
        copy: dict[str, Any] = {}
        for name, item in value.items():
            name = self._field_name(name, path)
            if item is not UNDEFINED:
                copy[name] = self.copy(item, f"{path}.{name}", depth + 1)
        if len(copy) > self.limits.object_fields_max:
            raise InvalidValue(
                f"Object has too many fields ({len(copy)} > maximum number {self.limits.object_fields_max})",
                code="TooManyFieldsError",
            )
        return copy

    def _field_name(self, name: Any, path: str) -> str:
        if not isinstance(name, str):
            raise InvalidValue(
                f"Field name {_shorten(name)} is {type(name).__name__}, and must be a string{self._where(path)}."
            )
        plain = str(str.__str__(name))
        problem = describe_bad_field_name(plain)
        if problem is not None:
            raise InvalidValue(problem)
        return plain

    def _where(self, path: str) -> str:
        return f" (present at path {path} in original object {_shorten(self.original)})" if path else ""


def _hint_for(value: object) -> str:
    """What to write instead, where that is plain; a sentence after a space, or nothing."""
    if isinstance(value, type):
        return ""
    if hasattr(value, "__dataclass_fields__"):
        return " Use dataclasses.asdict(...)."
    if hasattr(value, "__struct_fields__"):
        return " Use msgspec.to_builtins(...)."
    if hasattr(value, "__pydantic_validator__"):
        return " Use its model_dump()."
    return _HINTS.get(type(value).__name__, "") or explain_misuse(value)


def describe_bad_field_name(name: str) -> str | None:
    """Why `name` may not name a field, or None if it may."""
    if is_field_name(name):
        return None
    if name.startswith("$"):
        return f"Field name {_shown(name)} starts with '$', which is reserved."
    for character in name:
        if not " " <= character <= "~":
            return (
                f"Field name {_shown(name)} has invalid character '{_shown(character)}': "
                "Field names can only contain non-control ASCII characters"
            )
    return f"Field name {_shown(name)} exceeds maximum field name length {FIELD_NAME_LENGTH_MAX}."


def _shown(name: str) -> str:
    """A name that can stand in a message, whatever is in it."""
    return "".join([character if character.isprintable() else ascii(character)[1:-1] for character in name[:200]])


def without_address(text: str) -> str:
    """The repr of an object without the address of the moment: the same mistake has the same text every time."""
    return _ADDRESS.sub("", text)


def _shorten(value: object) -> str:
    """A bounded repr: also of a cyclic structure or of an integer too long to print."""
    try:
        text = without_address(repr(value))
    except (ValueError, RecursionError):
        text = f"<{type(value).__name__}>"
    return text if len(text) <= _SHOWN_CHARACTERS_MAX else text[: _SHOWN_CHARACTERS_MAX - 1] + "…"
