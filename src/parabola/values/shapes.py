"""Sets of field names that passed the check, so that objects of one shape are checked once.

A backend sees the same few shapes (the fields of its tables, the arguments of its functions) over and over. Looking
one up costs less than looking at each name. The memory is bounded, since names come from outside: when full it starts
afresh.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from parabola.values.kinds import is_field_name


class Shape(NamedTuple):
    """What is known of one set of field names, in their order."""

    names: tuple[str, ...]
    size: int
    """What the names alone make of an object's size, in bytes."""
    has_underscore: bool
    """Whether a name starts with `_` that is neither `_id` nor `_creationTime`."""


_SHAPES_MAX: Final = 1024
_NAMES_MAX: Final = 48
_NAMES_BYTES_MAX: Final = 2048

_shapes: dict[tuple[str, ...], Shape] = {}


def known_shape(names: tuple[Any, ...]) -> Shape | None:
    """The shape of an object with these field names, as plain strings; None if one may not name a field."""
    shape = _shapes.get(names)
    if shape is not None:
        return shape
    size = 2
    has_underscore = False
    for name in names:
        if type(name) is not str or not is_field_name(name):
            return None
        size += len(name) + 1
        if name[:1] == "_" and name != "_id" and name != "_creationTime":
            has_underscore = True
    shape = Shape(names, size, has_underscore)
    if len(names) <= _NAMES_MAX and size <= _NAMES_BYTES_MAX:
        if len(_shapes) >= _SHAPES_MAX:
            _shapes.clear()
        _shapes[names] = shape
    return shape
