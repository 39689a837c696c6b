"""Whether one validator accepts all that another accepts, so that stored documents need not be read again."""

from __future__ import annotations

from parabola.schema.validator_types import (
    AnyValidator,
    ArrayValidator,
    BooleanValidator,
    CommitTsValidator,
    Float64Validator,
    IdValidator,
    Int64Validator,
    LiteralValidator,
    ObjectValidator,
    PipeValidator,
    RecordValidator,
    StringValidator,
    UnionValidator,
    Validator,
)
from parabola.values.kinds import Int64


def is_wider(new: Validator, old: Validator) -> bool:
    """Whether `new` provably accepts every value that `old` accepts. False may also mean "cannot tell"."""
    new, old = new.required(), old.required()
    if new == old:
        return True
    if isinstance(old, UnionValidator):
        return all(is_wider(new, member) for member in old.members)
    if isinstance(new, UnionValidator):
        return any(is_wider(member, old) for member in new.members)
    if isinstance(old, PipeValidator):
        if isinstance(new, PipeValidator):
            return is_wider(new.base, old.base) and all(check in old.checks for check in new.checks)
        return is_wider(new, old.base)
    if isinstance(new, AnyValidator):
        return True
    if isinstance(new, (ObjectValidator, RecordValidator, ArrayValidator)):
        return _is_wider_container(new, old)
    return _is_wider_scalar(new, old)


def _is_wider_container(new: Validator, old: Validator) -> bool:
    if isinstance(new, ArrayValidator):
        return isinstance(old, ArrayValidator) and is_wider(new.element, old.element)
    if isinstance(new, ObjectValidator):
        return isinstance(old, ObjectValidator) and _is_wider_object(new, old)
    if isinstance(new, RecordValidator):
        if isinstance(old, RecordValidator):
            return is_wider(new.key, old.key) and is_wider(new.value, old.value)
        if isinstance(old, ObjectValidator) and not old.is_open and isinstance(new.key, StringValidator):
            return all(is_wider(new.value, field) for field in old.fields.values())
    return False


def _is_wider_object(new: ObjectValidator, old: ObjectValidator) -> bool:
    if not new.is_open and (old.is_open or not new.fields.keys() >= old.fields.keys()):
        return False
    for name, field in new.fields.items():
        before = old.fields.get(name)
        if before is None:
            # It may be absent; but behind an open door it may also be anything.
            if not field.is_optional or old.is_open:
                return False
        elif not is_wider(field, before) or (before.is_optional and not field.is_optional):
            return False
    return True


def _is_wider_scalar(new: Validator, old: Validator) -> bool:
    if isinstance(old, LiteralValidator):
        kind = type(old.value)
        return (
            (isinstance(new, StringValidator) and kind is str)
            or (isinstance(new, BooleanValidator) and kind is bool)
            or (isinstance(new, Float64Validator) and kind in (int, float))
            or (isinstance(new, (Int64Validator, CommitTsValidator)) and kind is Int64)
        )
    if isinstance(new, StringValidator):
        return isinstance(old, IdValidator)
    return isinstance(new, (Int64Validator, CommitTsValidator)) and isinstance(old, (Int64Validator, CommitTsValidator))
