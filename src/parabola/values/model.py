"""What a value is, and the one door through which a Python object becomes one.

A value is `None`, `bool`, `int`, `float`, `Int64`, `str`, `bytes`, a `list` of values or a `dict` from field names to
values (semantics 1.1). Everything behind the door relies on the *exact* types above: no subclasses, no `UNDEFINED`,
no integer that a double cannot hold, no string that UTF-8 cannot hold. `normalize` gives that guarantee and a deep
copy, so that nothing is shared between a caller and the store (semantics 22.2, 13).

Theory of operation. There are two lanes. The fast lane (`_fill_object`, `_fill_array`) copies and measures in one
pass and gives up, by raising `_GiveUp`, on anything that is not the commonest case. The careful lane
(`values.careful`) knows every case, follows the path and raises the errors. It is the reference: whatever the fast
lane answers, the careful one must answer too (a property test holds them together).

Numbers: a plain `int` stands for the double of the same value; `Int64` is the wire's 64-bit integer and a different
type.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import copysign, inf
from typing import Any, Final, NamedTuple

from parabola.errors import InvalidValue
from parabola.limits import DEFAULT_LIMITS, Limits
from parabola.values.careful import nesting_error, nesting_of, normalize_carefully
from parabola.values.kinds import (
    INT64_MAX,
    INT64_MIN,
    SAFE_INTEGER_MAX,
    UNDEFINED,
    Int64,
    Undefined,
    Value,
    is_field_name,
)
from parabola.values.shapes import known_shape
from parabola.values.size import CREATION_TIME_FIELD_SIZE, ID_FIELD_SIZE, format_size

__all__ = [
    "INT64_MAX",
    "INT64_MIN",
    "SAFE_INTEGER_MAX",
    "UNDEFINED",
    "Int64",
    "NormalizedDocument",
    "Undefined",
    "Value",
    "is_field_name",
    "normalize",
    "normalize_document",
]


class _GiveUp(Exception):
    """The fast lane met something for the careful lane."""


# Added to a size for each thing inside that plain JSON cannot say; real sizes stay far below it.
_SPECIAL: Final = 1 << 48
_SIZE_MASK: Final = _SPECIAL - 1

# A text of so many characters is below any sensible limit.
_SHORT: Final = 1024


def _fill_object(source: dict[Any, Any], target: dict[str, Any], depth_left: int, limits: Limits) -> int:
    """Copies `source` into `target`; returns its size plus `_SPECIAL` for each special value inside."""
    if depth_left <= 0 or len(source) > limits.object_fields_max:
        raise _GiveUp
    shape = known_shape(tuple(source))
    if shape is None:
        raise _GiveUp
    names, size, _ = shape
    for name, item in zip(names, source.values(), strict=False):
        kind = type(item)
        if kind is str:
            size += 2 + (len(item) if item.isascii() else len(item.encode()))
        elif kind is float:
            size += 9
            if not (0.0 < item < inf or -inf < item < 0.0) and (item != 0.0 or copysign(1.0, item) < 0.0):
                size += _SPECIAL
        elif kind is int:
            if not -SAFE_INTEGER_MAX <= item <= SAFE_INTEGER_MAX:
                raise _GiveUp
            size += 9
        elif item is None or kind is bool:
            size += 1
        elif kind is dict:
            inner: dict[str, Any] = {}
            size += _fill_object(item, inner, depth_left - 1, limits)
            item = inner
        elif kind is list:
            elements: list[Any] = []
            size += _fill_array(item, elements, depth_left - 1, limits)
            item = elements
        elif kind is Int64:
            size += 9 + _SPECIAL
        elif kind is bytes:
            size += 2 + len(item) + _SPECIAL
        else:
            raise _GiveUp
        target[name] = item
    return size


def _fill_array(source: Sequence[Any], target: list[Any], depth_left: int, limits: Limits) -> int:
    """The same for an array."""
    if depth_left <= 0 or len(source) > limits.array_length_max:
        raise _GiveUp
    size = 2
    append = target.append
    for item in source:
        kind = type(item)
        if kind is str:
            size += 2 + (len(item) if item.isascii() else len(item.encode()))
        elif kind is float:
            size += 9
            if not (0.0 < item < inf or -inf < item < 0.0) and (item != 0.0 or copysign(1.0, item) < 0.0):
                size += _SPECIAL
        elif kind is int:
            if not -SAFE_INTEGER_MAX <= item <= SAFE_INTEGER_MAX:
                raise _GiveUp
            size += 9
        elif item is None or kind is bool:
            size += 1
        elif kind is dict:
            inner: dict[str, Any] = {}
            size += _fill_object(item, inner, depth_left - 1, limits)
            item = inner
        elif kind is list:
            elements: list[Any] = []
            size += _fill_array(item, elements, depth_left - 1, limits)
            item = elements
        elif kind is Int64:
            size += 9 + _SPECIAL
        elif kind is bytes:
            size += 2 + len(item) + _SPECIAL
        else:
            raise _GiveUp
        append(item)
    return size


class NormalizedDocument(NamedTuple):
    """What `normalize_document` gives back."""

    document: dict[str, Any]
    size: int
    """In bytes, as `document_size` counts it."""
    plain: bool
    """Whether plain JSON can say it all: no `Int64`, no bytes, no NaN, infinity or -0.0."""


def normalize(value: object, *, limits: Limits = DEFAULT_LIMITS, nesting_max: int | None = None) -> Value:
    """A deep copy of `value` that is a value: exact types, `UNDEFINED` fields dropped, subclasses made plain.

    Raises `InvalidValue`, naming the path, for what cannot be a value, and for what is too large or nested deeper than
    `nesting_max` (default: `limits.value_nesting_max`). A cyclic structure is nested too deeply.
    """
    kind = type(value)
    scalar: Any = value
    if (
        kind is bool
        or kind is float
        or value is None
        or (kind is int and -SAFE_INTEGER_MAX <= scalar <= SAFE_INTEGER_MAX)
        or (kind is str and len(scalar) < _SHORT and scalar.isascii())
    ):
        return scalar
    depth = limits.value_nesting_max if nesting_max is None else nesting_max
    copy: Any
    try:
        if kind is dict:
            copy = {}
            size = _fill_object(value, copy, depth, limits)  # type: ignore[arg-type]
        elif kind is list:
            copy = []
            size = _fill_array(value, copy, depth, limits)  # type: ignore[arg-type]
        else:
            raise _GiveUp
    except (_GiveUp, UnicodeEncodeError):
        copy, size = normalize_carefully(value, limits, depth)
    else:
        size &= _SIZE_MASK
    if size > limits.value_bytes_max:
        raise _too_large(size, limits.value_bytes_max)
    return copy


def normalize_document(document: object, limits: Limits = DEFAULT_LIMITS) -> NormalizedDocument:
    """A document ready to be stored: normalised, within the limits of documents, with its size, in one pass.

    Raises `InvalidValue` as `normalize` does, and for what only documents may not be: not an object, too large, nested
    too deeply, a top-level field that starts with `_` and is no system field.
    """
    copy: dict[str, Any] = {}
    try:
        if type(document) is not dict:
            raise _GiveUp
        size = _fill_object(document, copy, limits.document_nesting_max, limits)
    except (_GiveUp, UnicodeEncodeError):
        copy, size = _document_carefully(document, limits)
        plain = False
    else:
        plain = size < _SPECIAL
        size &= _SIZE_MASK
    shape = known_shape(tuple(copy))
    if shape is None or shape.has_underscore:
        _refuse_underscores(copy)
    if "_id" not in copy:
        size += ID_FIELD_SIZE
    if "_creationTime" not in copy:
        size += CREATION_TIME_FIELD_SIZE
    if size > limits.document_bytes_max:
        raise _too_large(size, limits.document_bytes_max)
    return NormalizedDocument(copy, size, plain)


def _refuse_underscores(document: dict[str, Any]) -> None:
    for name in document:
        if name.startswith("_") and name not in ("_id", "_creationTime"):
            raise InvalidValue(
                f"Field '{name}' starts with an underscore, which is only allowed for system fields like '_id'",
                code="InvalidDocumentError",
            )


def _document_carefully(document: object, limits: Limits) -> tuple[dict[str, Any], int]:
    if not isinstance(document, dict):
        raise InvalidValue(f"A document must be an object (a dict), not {type(document).__name__}.")
    copy, size = normalize_carefully(document, limits, limits.value_nesting_max)
    depth = nesting_of(copy)
    if depth > limits.document_nesting_max:
        raise nesting_error("Document", depth, limits.document_nesting_max)
    return copy, size


def _too_large(size: int, size_max: int) -> InvalidValue:
    shown, shown_max = format_size(size), format_size(size_max)
    if shown == shown_max:
        shown = f"{size} B"  # above by less than shows
    return InvalidValue(f"Value is too large ({shown} > maximum size {shown_max})", code="ValueTooLargeError")
