"""`v`: how users write validators and checks. The classes behind it are in `schema.validator_types`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final, NoReturn

from parabola.errors import SchemaError
from parabola.schema import checks
from parabola.schema.checks import Check
from parabola.schema.json_form import validator_from_json
from parabola.schema.validator_types import (
    AnyValidator,
    ArrayValidator,
    BooleanValidator,
    BytesValidator,
    CommitTsValidator,
    Float64Validator,
    IdValidator,
    Int64Validator,
    LiteralValidator,
    NullValidator,
    ObjectValidator,
    PipeValidator,
    RecordValidator,
    StringValidator,
    UnionValidator,
    Validator,
    as_validator,
)
from parabola.values.kinds import Int64, Value
from parabola.values.spelling import no_such_member

__all__ = [
    "AnyValidator",
    "ArrayValidator",
    "BooleanValidator",
    "BytesValidator",
    "Check",
    "CommitTsValidator",
    "Float64Validator",
    "IdValidator",
    "Int64Validator",
    "LiteralValidator",
    "NullValidator",
    "ObjectValidator",
    "PipeValidator",
    "RecordValidator",
    "StringValidator",
    "UnionValidator",
    "Validator",
    "ValidatorNamespace",
    "as_validator",
    "v",
    "validator_from_json",
]


_INSTEAD: Final[Mapping[str, str]] = {
    "str": "v.string()",
    "text": "v.string()",
    "int": "v.number(), or v.pipe(v.number(), v.integer()), or v.int64()",
    "integers": "v.pipe(v.number(), v.integer())",
    "float": "v.number()",
    "bool": "v.boolean()",
    "none": "v.null()",
    "undefined": "v.optional(…) around the field's validator",
    "list": "v.array(…)",
    "dict": "v.object({…}), or v.record(v.string(), …)",
    "map": "v.record(v.string(), …)",
    "set": "v.array(…), or v.record(v.string(), v.boolean())",
    "tuple": "v.array(…)",
    "enum": 'v.union(v.literal("a"), v.literal("b"))',
    "date": "v.number() for the milliseconds since 1970, or v.string()",
    "datetime": "v.number() for the milliseconds since 1970, or v.string()",
    "email": "v.pipe(v.string(), v.pattern(…))",
    "url": "v.pipe(v.string(), v.pattern(…))",
}
"""What people look for who know other libraries, and what says it here."""


class ValidatorNamespace:
    """The validators and checks, as `v.string()`, `v.pipe(v.number(), v.min(1))` and so on (semantics 2.2)."""

    __slots__ = ()

    def string(self) -> StringValidator:
        """Any string."""
        return StringValidator()

    def number(self) -> Float64Validator:
        """Any double: a `float`, or an `int` within ±2**53. Never a bool, never an Int64."""
        return Float64Validator()

    def float64(self) -> Float64Validator:
        """The same as `number()`."""
        return Float64Validator()

    def int64(self) -> Int64Validator:
        """An `Int64`."""
        return Int64Validator()

    def bigint(self) -> Int64Validator:
        """The same as `int64()`, under its old name."""
        return Int64Validator()

    def boolean(self) -> BooleanValidator:
        """True or False."""
        return BooleanValidator()

    def bytes(self) -> BytesValidator:
        """Bytes."""
        return BytesValidator()

    def null(self) -> NullValidator:
        """None, and nothing else."""
        return NullValidator()

    def any(self) -> AnyValidator:
        """Any value."""
        return AnyValidator()

    def id(self, table_name: str) -> IdValidator:
        """The id of a document in `table_name`; whether the document exists is not checked."""
        return IdValidator(table_name)

    def literal(self, value: str | bool | int | float | Int64) -> LiteralValidator:
        """Exactly `value`, of exactly its type."""
        return LiteralValidator(value)

    def array(self, element: Validator | Mapping[str, Any]) -> ArrayValidator:
        """A list whose elements all match `element`."""
        return ArrayValidator(element)

    def object(self, fields: Mapping[str, Any] | None = None, /, **more: Any) -> ObjectValidator:
        """An object with exactly these fields; optional ones may be absent."""
        if fields is not None and not isinstance(fields, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise SchemaError(f"v.object() takes a dict of validators, not {fields!r}.", code="InvalidValidator")
        return ObjectValidator({**(fields or {}), **more})

    def record(self, key: Validator, value: Validator | Mapping[str, Any]) -> RecordValidator:
        """An object with any field names that match `key` and values that match `value`."""
        return RecordValidator(key, value)

    def union(self, *members: Validator | Mapping[str, Any]) -> UnionValidator:
        """What at least one member accepts."""
        return UnionValidator(members)

    def optional(self, validator: Validator | Mapping[str, Any]) -> Validator:
        """For a field that may be absent. Absent is not null."""
        return as_validator(validator, "v.optional() takes a validator").optional()

    def nullable(self, validator: Validator | Mapping[str, Any]) -> UnionValidator:
        """`validator` or null; the field must be there."""
        return UnionValidator((validator, NullValidator()))

    def commit_ts(self) -> CommitTsValidator:
        """The timestamp of the commit that wrote it, an Int64."""
        return CommitTsValidator()

    def pipe(self, validator: Validator | Mapping[str, Any], *conditions: Check) -> PipeValidator:
        """What `validator` accepts and every condition lets pass, asked in order."""
        return PipeValidator(validator, conditions)

    def min(self, least: float) -> Check:
        """A condition: a number that is at least `least`."""
        return checks.minimum(least)

    def max(self, most: float) -> Check:
        """A condition: a number that is at most `most`."""
        return checks.maximum(most)

    def length(self, least: int, most: int | None = None) -> Check:
        """A condition: a string, list or bytes with at least `least` and at most `most` characters, elements or
        bytes.
        """
        return checks.length(least, most)

    def pattern(self, expression: str | re.Pattern[str]) -> Check:
        """A condition: a string that the regular expression matches from end to end."""
        return checks.pattern(expression)

    def integer(self) -> Check:
        """A condition: a number without a fraction."""
        return checks.integer()

    def __getattr__(self, name: str) -> NoReturn:
        instead = _INSTEAD.get(name)
        if instead is not None:
            raise AttributeError(f"There is no v.{name}. Write {instead}.")
        raise AttributeError(no_such_member("v", name, ValidatorNamespace))

    def check(self, function: Callable[[Value], Any], message: str | None = None) -> Check:
        """A condition: `function(value)` is true. A ValueError that it raises becomes the sentence of the error."""
        return checks.check(function, message)


v = ValidatorNamespace()
