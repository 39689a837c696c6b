"""How big a value counts as (semantics 1.3). Every byte limit and every metric uses these numbers."""

from __future__ import annotations

from typing import Any, Final

from parabola.values.kinds import UNDEFINED, Int64, Value

ID_FIELD_SIZE: Final = 38
CREATION_TIME_FIELD_SIZE: Final = 23


def value_size(value: Value) -> int:
    """The size of a value in bytes; 0 for `UNDEFINED`. Expects a normalised value."""
    kind = type(value)
    if kind is str:
        return 2 + (len(value) if value.isascii() else len(value.encode()))
    if kind is float or kind is int or kind is Int64:
        return 9
    if value is None or kind is bool:
        return 1
    if kind is bytes:
        return 2 + len(value)
    if kind is list:
        return 2 + sum([value_size(element) for element in value])
    if kind is dict:
        return 2 + sum([len(name) + 1 + value_size(item) for name, item in value.items() if item is not UNDEFINED])
    if value is UNDEFINED:
        return 0
    raise TypeError(f"{kind.__name__} is not a value. Pass it through normalize() first.")


def document_size(document: dict[str, Any]) -> int:
    """The size of a document in bytes, counting `_id` and `_creationTime` also where they are not there yet."""
    size = value_size(document)
    if "_id" not in document:
        size += ID_FIELD_SIZE
    if "_creationTime" not in document:
        size += CREATION_TIME_FIELD_SIZE
    return size


def get_convex_size(value: Value) -> int:
    """The size of a value in bytes, as the limits count it (`getConvexSize`)."""
    return value_size(value)


def get_document_size(document: dict[str, Any]) -> int:
    """The size of a document in bytes, as the limits count it (`getDocumentSize`)."""
    return document_size(document)


def format_size(size_bytes: int) -> str:
    """A size for people, in binary units: `900 B`, `1 MiB`, `1.5 MiB`."""
    amount, unit = float(size_bytes), "B"
    for larger in ("KiB", "MiB", "GiB"):
        if amount < 1024:
            break
        amount, unit = amount / 1024, larger
    text = f"{amount:.2f}".rstrip("0").rstrip(".")
    return f"{text} {unit}"
