"""The conditions inside `Annotated[T, …]`: our own checks, and the constraints that msgspec, Pydantic and
`annotated_types` write.

The foreign ones are recognised by their attributes, so that none of these packages has to be there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from parabola.schema.checks import Check
from parabola.schema.validators import v


def checks_from_metadata(metadata: Sequence[Any]) -> list[Check]:
    """The checks that the extras of an `Annotated` ask for; what says nothing about values is passed over."""
    checks: list[Check] = []
    for extra in metadata:
        if isinstance(extra, Check):
            checks.append(extra)
        elif not isinstance(extra, (str, bytes, int, float, type)):
            checks += _foreign_checks(extra)
            for inner in getattr(extra, "metadata", None) or ():
                checks += checks_from_metadata((inner,))
    return checks


def _foreign_checks(extra: Any) -> list[Check]:
    checks: list[Check] = []
    least, most = _number(extra, "ge"), _number(extra, "le")
    above, below = _number(extra, "gt"), _number(extra, "lt")
    if least is not None:
        checks.append(v.min(least))
    if most is not None:
        checks.append(v.max(most))
    if above is not None:
        checks.append(_above(above))
    if below is not None:
        checks.append(_below(below))
    shortest, longest = _number(extra, "min_length"), _number(extra, "max_length")
    if shortest is not None or longest is not None:
        checks.append(v.length(int(shortest or 0), None if longest is None else int(longest)))
    expression = getattr(extra, "pattern", None)
    if isinstance(expression, str):
        checks.append(_searching(expression))
    return checks


def _above(bound: float) -> Check:
    return v.check(lambda value: value > bound, f"Value must be greater than {bound}.")


def _below(bound: float) -> Check:
    return v.check(lambda value: value < bound, f"Value must be less than {bound}.")


def _searching(expression: str) -> Check:
    # msgspec and Pydantic search for the pattern, where v.pattern() matches from end to end.
    return v.pattern(f"(?s:.*)(?:{expression})(?s:.*)")


def _number(extra: Any, name: str) -> float | None:
    bound = getattr(extra, name, None)
    return bound if isinstance(bound, (int, float)) and not isinstance(bound, bool) else None
