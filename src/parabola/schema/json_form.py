"""Validators back from their JSON form (semantics 2.2); `Validator.to_json` is the other direction."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from parabola.errors import SchemaError
from parabola.schema.checks import check_from_json
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
from parabola.values.wire import from_wire

_SCALARS: Final[dict[str, type[Validator]]] = {
    "string": StringValidator,
    "number": Float64Validator,
    "bigint": Int64Validator,
    "boolean": BooleanValidator,
    "bytes": BytesValidator,
    "null": NullValidator,
    "any": AnyValidator,
    "commitTs": CommitTsValidator,
}


def validator_from_json(form: Mapping[str, Any], *, is_optional: bool = False) -> Validator:
    """The validator whose JSON form this is. Raises `SchemaError` for anything else."""
    try:
        validator = _read(form)
        if "checks" in form:
            validator = PipeValidator(validator, [check_from_json(check) for check in form["checks"]])
    except (KeyError, TypeError, AttributeError) as error:
        raise SchemaError(f"Not the JSON form of a validator: {error!r}.", code="InvalidValidator") from None
    return validator.optional() if is_optional else validator


def _read(form: Mapping[str, Any]) -> Validator:
    kind = form["type"]
    if kind in _SCALARS:
        return _SCALARS[kind]()
    if kind == "id":
        return IdValidator(form["tableName"])
    if kind == "literal":
        return LiteralValidator(from_wire(form["value"]))
    if kind == "array":
        return ArrayValidator(validator_from_json(form["value"]))
    if kind == "record":
        return RecordValidator(validator_from_json(form["keys"]), validator_from_json(form["values"]["fieldType"]))
    if kind == "union":
        return UnionValidator([validator_from_json(member) for member in form["value"]])
    if kind == "object":
        fields = {
            name: validator_from_json(field["fieldType"], is_optional=field["optional"])
            for name, field in form["value"].items()
        }
        return ObjectValidator(fields, is_open=form.get("open", False))
    raise SchemaError(f'Not the JSON form of a validator: its type is "{kind}".', code="InvalidValidator")
