"""What a validator says about a field path such as `profile.name`: whether it can be there, and what it can hold."""

from __future__ import annotations

from collections.abc import Iterator

from parabola.schema.validator_types import (
    AnyValidator,
    ArrayValidator,
    Float64Validator,
    ObjectValidator,
    PipeValidator,
    RecordValidator,
    UnionValidator,
    Validator,
)


def field_may_exist(document: Validator, path: str) -> bool:
    """Whether some value that matches `document` has something at `path`. Paths step into objects only."""
    return next(validators_at(document, path), None) is not None


def can_hold_vector(document: Validator, path: str) -> bool:
    """Whether some value that matches `document` can hold an array of floats at `path`."""
    for validator in validators_at(document, path):
        if isinstance(validator, AnyValidator):
            return True
        if isinstance(validator, ArrayValidator) and isinstance(validator.element, (Float64Validator, AnyValidator)):
            return True
    return False


def validators_at(document: Validator, path: str) -> Iterator[Validator]:
    """What can stand at `path`: every alternative, with unions and pipes taken apart."""
    pending = [(document, path.split("."))]
    while pending:
        validator, parts = pending.pop()
        if isinstance(validator, UnionValidator) and (validator.members or parts):
            pending.extend((member, parts) for member in validator.members)
        elif isinstance(validator, PipeValidator):
            pending.append((validator.base, parts))
        elif not parts or isinstance(validator, AnyValidator):
            yield validator
        elif isinstance(validator, ObjectValidator) and parts[0] in validator.fields:
            pending.append((validator.fields[parts[0]], parts[1:]))
        elif isinstance(validator, RecordValidator):
            pending.append((validator.value, parts[1:]))
