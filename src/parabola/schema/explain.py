"""Why a value does not match a validator: the texts of wire 4.3 and semantics 2.3, to the letter.

This walk is the reference for what matches; the generated predicates are its fast form.
"""

from __future__ import annotations

from typing import Final

from parabola.errors import ValidationFailed
from parabola.schema.predicates import TableNames
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
)
from parabola.values.ids import table_number_of
from parabola.values.kinds import Int64, Value
from parabola.values.order import values_equal
from parabola.values.render import render_value

_SHOWN_CHARACTERS_MAX: Final = 4096

_SCALAR_TYPES: Final[dict[type[Validator], tuple[type, ...]]] = {
    StringValidator: (str,),
    Float64Validator: (float, int),
    Int64Validator: (Int64,),
    CommitTsValidator: (Int64,),
    BooleanValidator: (bool,),
    BytesValidator: (bytes,),
    NullValidator: (type(None),),
}


def explain_mismatch(validator: Validator, value: Value, tables: TableNames) -> ValidationFailed:
    """The error for a value that does not match."""
    problem = find_problem(validator, value, tables, "")
    return ValidationFailed(problem if problem is not None else _mismatch(validator, value, ""))


def find_problem(validator: Validator, value: Value, tables: TableNames, path: str) -> str | None:
    """The first thing wrong with `value`, in the order the spec gives; None if it matches."""
    types = _SCALAR_TYPES.get(type(validator))
    if types is not None:
        return None if type(value) in types else _mismatch(validator, value, path)
    if isinstance(validator, AnyValidator):
        return None
    if isinstance(validator, ObjectValidator):
        return _object_problem(validator, value, tables, path)
    if isinstance(validator, ArrayValidator):
        return _array_problem(validator, value, tables, path)
    if isinstance(validator, RecordValidator):
        return _record_problem(validator, value, tables, path)
    if isinstance(validator, UnionValidator):
        return _union_problem(validator, value, tables, path)
    if isinstance(validator, IdValidator):
        return _id_problem(validator, value, tables, path)
    if isinstance(validator, LiteralValidator):
        if values_equal(value, validator.value):
            return None
        return f"`{_shown(value)}` does not match literal validator `{validator.required()}`.{_context(path)}"
    if isinstance(validator, PipeValidator):
        return _pipe_problem(validator, value, tables, path)
    raise TypeError(f"{type(validator).__name__} is not a validator that can be checked.")


def _object_problem(validator: ObjectValidator, value: Value, tables: TableNames, path: str) -> str | None:
    if type(value) is not dict:
        return _mismatch(validator, value, path)
    for name in sorted(validator.fields):
        field = validator.fields[name]
        if name in value:
            problem = find_problem(field, value[name], tables, f"{path}.{name}")
            if problem is not None:
                return problem
        elif not field.is_optional:
            return (
                f"Object is missing the required field `{name}`. Consider wrapping the field validator in "
                f"`v.optional(...)` if this is expected.\n{_object_lines(validator, value, path)}"
            )
    if not validator.is_open:
        for name in sorted(value):
            if name not in validator.fields:
                return (
                    f"Object contains extra field `{name}` that is not in the validator.\n"
                    f"{_object_lines(validator, value, path)}"
                )
    return None


def _array_problem(validator: ArrayValidator, value: Value, tables: TableNames, path: str) -> str | None:
    if type(value) is not list:
        return _mismatch(validator, value, path)
    for at, element in enumerate(value):
        problem = find_problem(validator.element, element, tables, f"{path}[{at}]")
        if problem is not None:
            return problem
    return None


def _record_problem(validator: RecordValidator, value: Value, tables: TableNames, path: str) -> str | None:
    if type(value) is not dict:
        return _mismatch(validator, value, path)
    for name in sorted(value):
        problem = find_problem(validator.key, name, tables, f"{path}.keys()")
        if problem is None:
            problem = find_problem(validator.value, value[name], tables, f"{path}.values()")
        if problem is not None:
            return problem
    return None


def _union_problem(validator: UnionValidator, value: Value, tables: TableNames, path: str) -> str | None:
    if len(validator.members) == 1:
        return find_problem(validator.members[0], value, tables, path)
    for member in validator.members:
        if find_problem(member, value, tables, path) is None:
            return None
    return _mismatch(validator, value, path)


def _id_problem(validator: IdValidator, value: Value, tables: TableNames, path: str) -> str | None:
    number = table_number_of(value)
    found = None if number is None else tables.table_name(number)
    if found is None:
        return _mismatch(validator, value, path)
    if found == validator.table_name:
        return None
    origin = "a system table" if found.startswith("_") else f"table `{found}`"
    return (
        f'Found ID "{value}" from {origin}, which does not match the table name in validator '
        f"`{validator.required()}`.{_context(path)}"
    )


def _pipe_problem(validator: PipeValidator, value: Value, tables: TableNames, path: str) -> str | None:
    problem = find_problem(validator.base, value, tables, path)
    if problem is not None:
        return problem
    for check in validator.checks:
        if not check.passes(value):
            return f"{check.problem(value)}\n{_value_lines(validator, value, path)}"
    return None


def _mismatch(validator: Validator, value: Value, path: str) -> str:
    return f"Value does not match validator.\n{_value_lines(validator, value, path)}"


def _value_lines(validator: Validator, value: Value, path: str) -> str:
    return f"{_context(path)}\nValue: {_shown(value)}\nValidator: {validator.required()}"


def _object_lines(validator: Validator, value: Value, path: str) -> str:
    return f"{_context(path)}\nObject: {_shown(value)}\nValidator: {validator.required()}"


def _context(path: str) -> str:
    return f"Path: {path}" if path else ""


def _shown(value: Value) -> str:
    """A value as printed in an error, cut where it would bury the rest."""
    text = render_value(value)
    return text if len(text) <= _SHOWN_CHARACTERS_MAX else text[: _SHOWN_CHARACTERS_MAX - 1] + "…"
