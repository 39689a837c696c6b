"""How big a value counts as (semantics 1.3). Every byte limit and every metric uses these numbers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from parabola.values.kinds import UNDEFINED, Int64, Value
from parabola.values.shapes import known_shape

ID_FIELD_SIZE: Final = 38
CREATION_TIME_FIELD_SIZE: Final = 23


def value_size(value: Value) -> int:
    """The size of a value in bytes; 0 for `UNDEFINED`. Expects a normalised value."""
    kind = type(value)
    if kind is dict:
        return _object_size(value)
    if kind is list:
        return 2 + _total_size(value)
    return _total_size((value,))


def _object_size(value: dict[str, Any]) -> int:
    shape = known_shape(tuple(value))
    names_size = 2 + sum([len(name) + 1 for name in value]) if shape is None else shape.size
    return names_size + _total_size(value.values())


def _total_size(values: Iterable[Value]) -> int:
    size = 0
    for value in values:
        kind = type(value)
        if kind is str:
            size += 2 + (len(value) if value.isascii() else len(value.encode()))
        elif kind is float or kind is int or kind is Int64:
            size += 9
        elif value is None or kind is bool:
            size += 1
        elif kind is dict:
            size += _object_size(value)
        elif kind is list:
            size += 2 + _total_size(value)
        elif kind is bytes:
            size += 2 + len(value)
        elif value is not UNDEFINED:
            raise TypeError(f"{kind.__name__} is not a value.")
    return size


def document_size(document: dict[str, Any]) -> int:
    """The size of a document in bytes, counting `_id` and `_creationTime` also where they are not there yet."""
    size = value_size(document)
    if "_id" not in document:
        size += ID_FIELD_SIZE
    if "_creationTime" not in document:
        size += CREATION_TIME_FIELD_SIZE
    return size


def get_convex_size(value: Value) -> int:
    """The size of a normalised value in bytes, as the limits count it (`getConvexSize`); missing fields count
    nothing.
    """
    return value_size(_without_missing(value))


def get_document_size(document: dict[str, Any]) -> int:
    """The size of a document in bytes, as the limits count it (`getDocumentSize`)."""
    return document_size(_without_missing(document))


def _without_missing(value: Any) -> Any:
    if type(value) is dict:
        return {name: _without_missing(item) for name, item in value.items() if item is not UNDEFINED}
    if type(value) is list:
        return [_without_missing(item) for item in value]
    return value


def format_size(size_bytes: int) -> str:
    """A size for people, in binary units: `900 B`, `1 MiB`, `1.5 MiB`."""
    amount, unit = float(size_bytes), "B"
    for larger in ("KiB", "MiB", "GiB"):
        if amount < 1024:
            break
        amount, unit = amount / 1024, larger
    text = f"{amount:.2f}".rstrip("0").rstrip(".")
    return f"{text} {unit}"
