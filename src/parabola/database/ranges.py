"""From the clauses of `with_index` to a range of keys (semantics 4.3)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple, NoReturn

from parabola.errors import QueryError
from parabola.values.keys import encode_key, prefix_end
from parabola.values.model import SAFE_INTEGER_MAX, UNDEFINED, Value, normalize
from parabola.values.render import render_value
from parabola.values.spelling import no_such_member


class Clause(NamedTuple):
    """One comparison of an index field: op is "eq", "gt", "gte", "lt" or "lte"."""

    op: str
    field: str
    value: Value


# A named tuple made by this costs a third of one made by its class, which is a Python function.
_new_tuple: Final = tuple.__new__


class IndexRangeBuilder:
    """The `q` of `with_index("by_x", lambda q: q.eq("a", 1).gt("b", 2))`. Each step may be used once."""

    __slots__ = ("_clauses", "_used")

    def __init__(self, clauses: tuple[Clause, ...] = ()) -> None:
        self._clauses = clauses
        self._used = False

    def eq(self, field: str, value: Any) -> IndexRangeBuilder:
        """Only documents whose `field` equals `value`; UNDEFINED means that they lack it."""
        kind = type(value)
        # What most lookups are made of, a number or a plain text, is a value as it stands.
        if self._used or not (
            kind is float
            or (kind is int and -SAFE_INTEGER_MAX <= value <= SAFE_INTEGER_MAX)
            or (kind is str and value.isascii())
        ):
            return self._with("eq", field, value)
        self._used = True
        step = _new_builder(IndexRangeBuilder)  # what __init__ would do, without the call
        step._clauses = (*self._clauses, _new_tuple(Clause, ("eq", field, value)))
        step._used = False
        return step

    def gt(self, field: str, value: Any) -> IndexRangeBuilder:
        """Only documents whose `field` sorts after `value`, of whatever type."""
        return self._with("gt", field, value)

    def gte(self, field: str, value: Any) -> IndexRangeBuilder:
        """Only documents whose `field` equals `value` or sorts after it."""
        return self._with("gte", field, value)

    def lt(self, field: str, value: Any) -> IndexRangeBuilder:
        """Only documents whose `field` sorts before `value`, of whatever type."""
        return self._with("lt", field, value)

    def lte(self, field: str, value: Any) -> IndexRangeBuilder:
        """Only documents whose `field` equals `value` or sorts before it."""
        return self._with("lte", field, value)

    def clauses(self) -> tuple[Clause, ...]:
        """What was asked for, in the order it was written. Uses the builder up."""
        if self._used:
            raise self._used_already()
        self._used = True
        return self._clauses

    def __getattr__(self, name: str) -> NoReturn:
        problem = no_such_member("q of with_index()", name, IndexRangeBuilder)
        raise AttributeError(f"{problem} It has eq, gt, gte, lt and lte; filter() has the rest.")

    def _with(self, op: str, field: str, value: Any) -> IndexRangeBuilder:
        if self._used:
            raise self._used_already()
        self._used = True
        kept = value if value is UNDEFINED or (type(value) is str and value.isascii()) else normalize(value)
        return IndexRangeBuilder((*self._clauses, Clause(op, field, kept)))

    def _used_already(self) -> QueryError:
        return QueryError(
            "IndexRangeBuilder has already been used! Chain your method calls like `q => q.eq(...).eq(...)`."
        )


_new_builder: Final = IndexRangeBuilder.__new__

RangeFunction = Callable[[IndexRangeBuilder], Any]
"""Returns the builder that its last step gave; users forget the `return`, so that is checked."""

_SIGNS: Final = {"eq": "==", "gt": ">", "gte": ">=", "lt": "<", "lte": "<="}


def key_range(
    table_name: str, index_name: str, index_fields: Sequence[str], clauses: Sequence[Clause]
) -> tuple[bytes, bytes | None]:
    """The half-open range of keys that the clauses select. `index_fields` include `_creationTime` and `_id`.

    Raises `QueryError` with the codes FieldNotInIndex, AlreadyDefinedBound, BoundsOnMultipleFields, InvalidIndexRange.
    """
    if len(clauses) == 1:
        op, field, value = clauses[0]
        if op == "eq" and field == index_fields[0]:
            only = encode_key(value)
            return only, prefix_end(only)
    equal: dict[str, Value] = {}
    lower: Clause | None = None
    upper: Clause | None = None
    for clause in clauses:
        field = clause.field
        if field not in index_fields:
            raise QueryError(
                f'The index range included a comparison with "{field}", but {table_name}.{index_name} with fields '
                f"{_shown(index_fields)} doesn't index this field.",
                code="FieldNotInIndex",
            )
        bounded = lower or upper
        if clause.op == "eq":
            if field in equal:
                raise _already_defined("equality", clause)
            if bounded is not None and bounded.field == field:
                raise _already_defined("inequality", clause)
            equal[field] = clause.value
            continue
        if field in equal:
            raise _already_defined("equality", clause)
        if bounded is not None and bounded.field != field:
            raise QueryError(
                "Upper and lower bounds in `range` can only be applied to a single index field. This query against "
                f'index {table_name}.{index_name} attempted to set a range bound on both "{bounded.field}" and '
                f'"{field}". Consider using `filter` instead.',
                code="BoundsOnMultipleFields",
            )
        if clause.op in ("gt", "gte"):
            if lower is not None:
                raise _already_defined("lower", clause)
            lower = clause
        else:
            if upper is not None:
                raise _already_defined("upper", clause)
            upper = clause

    bounded = lower or upper
    used = [field for field in index_fields if field in equal] + ([] if bounded is None else [bounded.field])
    for position, field in enumerate(used):
        if index_fields[position] != field:
            raise QueryError(
                f"Tried to query index {table_name}.{index_name} but the query didn't use the index fields in order.\n"
                f"Index fields: {_shown(index_fields)}\n"
                f"Query fields: {_listed([clause.field for clause in clauses])}\n"
                f"First incorrect field: {field}",
                code="InvalidIndexRange",
            )

    prefix = b"".join([encode_key(equal[field]) for field in used if field in equal])
    begin = prefix
    if lower is not None:
        begin = prefix + encode_key(lower.value)
        if lower.op == "gt":
            begin = prefix_end(begin)
    end: bytes | None
    if upper is not None:
        end = prefix + encode_key(upper.value)
        if upper.op == "lte":
            end = prefix_end(end)
    else:
        end = prefix_end(prefix) if prefix else None
    return begin, end


def _already_defined(what: str, clause: Clause) -> QueryError:
    value = "undefined" if clause.value is UNDEFINED else render_value(clause.value)
    return QueryError(
        f'Already defined {what} bound in index range. Can\'t add "{clause.field}" {_SIGNS[clause.op]} {value}.',
        code="AlreadyDefinedBound",
    )


def _shown(fields: Sequence[str]) -> str:
    """The fields as people declared them: the `_id` at the end goes without saying, unless it is all there is."""
    return _listed(fields[:-1] if len(fields) > 1 else fields)


def _listed(fields: Sequence[str]) -> str:
    return "[" + ", ".join(f'"{field}"' for field in fields) + "]"
