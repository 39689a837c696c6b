"""The Python types that stand for Convex types, and the rule for field names."""

from __future__ import annotations

from typing import Any, Final, TypeAlias, final

from parabola.errors import InvalidValue

Value: TypeAlias = Any
"""A value after `normalize`. The leaves are only known at run time, hence `Any`; the name is for readers."""

INT64_MIN: Final = -(2**63)
INT64_MAX: Final = 2**63 - 1
SAFE_INTEGER_MAX: Final = 2**53
"""The largest magnitude up to which every integer is a double."""


@final
class Undefined:
    """The type of `UNDEFINED`, the mark for "this field is not there"."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "UNDEFINED"

    def __bool__(self) -> bool:
        return False

    def __copy__(self) -> Undefined:
        return self

    def __deepcopy__(self, memo: object) -> Undefined:
        return self

    def __reduce__(self) -> str:
        return "UNDEFINED"


UNDEFINED: Final = Undefined()
"""Stands for a missing field: drops out of objects, removes a field in `patch`, and is the lowest key of an index."""


class Int64(int):
    """The wire's 64-bit integer (`bigint` in JavaScript). `v.int64()` accepts it, `v.number()` does not.

    Arithmetic gives a plain `int`: write `Int64(a + b)` to stay in the type. Raises `InvalidValue` for what is not an
    `int` and for what 64 bits cannot hold.
    """

    __slots__ = ()

    def __new__(cls, value: int = 0) -> Int64:
        if not isinstance(value, int) or isinstance(value, bool):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise InvalidValue(
                f"Int64() takes an int, and was given {type(value).__name__} {value!r}. Convert it with int(...)."
            )
        if not INT64_MIN <= value <= INT64_MAX:
            raise InvalidValue(f"Int64 {int(value)} does not fit into a 64-bit signed integer.")
        return super().__new__(cls, value)

    def __repr__(self) -> str:
        return f"Int64({int.__repr__(self)})"

    __str__ = int.__repr__


FIELD_NAME_LENGTH_MAX: Final = 1024


def is_field_name(name: str) -> bool:
    """Whether `name` may name a field: at most 1024 printable ASCII characters, not starting with `$` (wire 3.5)."""
    return name.isascii() and name.isprintable() and len(name) <= FIELD_NAME_LENGTH_MAX and name[:1] != "$"
