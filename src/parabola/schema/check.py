"""Checking a value against a validator.

Theory of operation. `compile_check` makes two things of a validator: a generated predicate that only says yes or no
(`schema.predicates`), and, for the no, `schema.explain`, which walks the validator and the value and finds the text
of the error. Nearly all values match, so only the predicate is fast; and since the predicate need not say what was
wrong, it can be. Both must agree, which a property test holds them to.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from parabola.errors import ValidationFailed
from parabola.schema.explain import explain_mismatch
from parabola.schema.predicates import TableNames, compile_predicate
from parabola.schema.validator_types import Validator
from parabola.values.kinds import Value

__all__ = ["NO_TABLES", "Checker", "TableNames", "ValidationFailed", "compile_check", "compile_predicate"]

Checker: TypeAlias = Callable[[Value, TableNames], None]
"""Raises `ValidationFailed` if the (normalised) value does not match; ids are looked up in the given tables."""


class _NoTables:
    """Table names where there are no tables: every id is of an unknown table."""

    def table_name(self, number: int) -> str | None:
        return None


NO_TABLES: TableNames = _NoTables()


def compile_check(validator: Validator) -> Checker:
    """The checker of a validator. Compile once and keep it: compiling costs about as much as a thousand checks.

    Whether the validator is optional makes no difference here: that is a matter of the object around it.
    """
    matches = compile_predicate(validator)

    def check(value: Value, tables: TableNames) -> None:
        if not matches(value, tables):
            raise explain_mismatch(validator, value, tables)

    return check
