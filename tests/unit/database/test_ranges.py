"""Semantics 4.3: with_index ranges."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from parabola.database.ranges import Clause, IndexRangeBuilder, key_range
from parabola.values.keys import encode_key
from parabola.values.model import UNDEFINED
from tests.unit.database.helpers import fails

FIELDS = ("a", "b", "_creationTime", "_id")


def selected(build: Callable[[IndexRangeBuilder], IndexRangeBuilder]) -> tuple[bytes, bytes | None]:
    return key_range("t", "by_ab", FIELDS, build(IndexRangeBuilder()).clauses())


def inside(build: Callable[[IndexRangeBuilder], IndexRangeBuilder], *values: Any) -> bool:
    lower, upper = selected(build)
    key = b"".join(encode_key(value) for value in values) + encode_key(1.0) + encode_key("id")
    return lower <= key and (upper is None or key < upper)


def test_equality_selects_exactly_the_value() -> None:
    assert inside(lambda q: q.eq("a", 1), 1.0, "x")
    assert not inside(lambda q: q.eq("a", 1), 2, "x")
    assert inside(lambda q: q.eq("a", "x").eq("b", None), "x", None)
    assert not inside(lambda q: q.eq("a", "x").eq("b", None), "x", UNDEFINED)


@pytest.mark.parametrize(
    ("build", "kept"),
    [
        (lambda q: q.gt("a", 2), [3, 4]),
        (lambda q: q.gte("a", 2), [2, 3, 4]),
        (lambda q: q.lt("a", 2), [1]),
        (lambda q: q.lte("a", 2), [1, 2]),
        (lambda q: q.gt("a", 1).lt("a", 4), [2, 3]),
        (lambda q: q.lt("a", 4).gt("a", 1), [2, 3]),
    ],
)
def test_bounds_keep_their_side(build: Any, kept: list[int]) -> None:
    assert [value for value in (1, 2, 3, 4) if inside(build, value, "x")] == kept


def test_bounds_compare_across_types() -> None:
    assert inside(lambda q: q.gt("a", 5), "text", 0)
    assert inside(lambda q: q.lt("a", 5), None, 0)
    assert inside(lambda q: q.lt("a", 5), UNDEFINED, 0)
    assert not inside(lambda q: q.gt("a", UNDEFINED), UNDEFINED, 0)


def test_clauses_may_come_in_any_order() -> None:
    assert selected(lambda q: q.gt("b", 1).eq("a", "x")) == selected(lambda q: q.eq("a", "x").gt("b", 1))


def test_the_implicit_fields_follow_the_declared_ones() -> None:
    lower, upper = selected(lambda q: q.eq("a", 1).eq("b", 2).gt("_creationTime", 3))
    assert upper is not None
    assert lower < upper


def test_no_clause_is_the_whole_index() -> None:
    assert selected(lambda q: q) == (b"", None)


def test_a_field_that_is_not_in_the_index() -> None:
    fails(
        "FieldNotInIndex",
        'The index range included a comparison with "c", but t.by_ab with fields ["a", "b", "_creationTime"] '
        "doesn't index this field.",
        lambda: selected(lambda q: q.eq("c", 1)),
    )


def test_fields_that_are_no_prefix() -> None:
    fails(
        "InvalidIndexRange",
        "Tried to query index t.by_ab but the query didn't use the index fields in order.\n"
        'Index fields: ["a", "b", "_creationTime"]\nQuery fields: ["b"]\nFirst incorrect field: b',
        lambda: selected(lambda q: q.eq("b", 1)),
    )


@pytest.mark.parametrize(
    ("build", "text"),
    [
        (lambda q: q.eq("a", 1).eq("a", 2), 'Already defined equality bound in index range. Can\'t add "a" == 2.0.'),
        (lambda q: q.eq("a", 1).gt("a", 2), 'Already defined equality bound in index range. Can\'t add "a" > 2.0.'),
        (lambda q: q.gt("a", 1).eq("a", 2), 'Already defined inequality bound in index range. Can\'t add "a" == 2.0.'),
        (lambda q: q.gt("a", 1).gte("a", 2), 'Already defined lower bound in index range. Can\'t add "a" >= 2.0.'),
        (lambda q: q.lt("a", 1).lte("a", 2), 'Already defined upper bound in index range. Can\'t add "a" <= 2.0.'),
        (
            lambda q: q.gt("a", 1).lt("a", 3).lt("a", 2),
            'Already defined upper bound in index range. Can\'t add "a" < 2.0.',
        ),
    ],
)
def test_a_bound_that_is_there_already(build: Any, text: str) -> None:
    fails("AlreadyDefinedBound", text, lambda: selected(build))


@pytest.mark.parametrize(
    "build",
    [
        lambda q: q.eq("a", 1).eq("b", 1).gt("_creationTime", 1).gt("_id", "x"),
        lambda q: q.eq("a", 1).eq("b", 1).lt("_creationTime", 1).lt("_id", "x"),
        lambda q: q.eq("a", 1).eq("b", 1).lt("_creationTime", 1).gt("_id", "x"),
    ],
)
def test_bounds_on_two_fields(build: Any) -> None:
    fails(
        "BoundsOnMultipleFields",
        "Upper and lower bounds in `range` can only be applied to a single index field. This query against index "
        't.by_ab attempted to set a range bound on both "_creationTime" and "_id". Consider using `filter` instead.',
        lambda: selected(build),
    )


def test_a_builder_is_used_once() -> None:
    def twice(q: IndexRangeBuilder) -> IndexRangeBuilder:
        q.eq("a", 1)
        return q.eq("b", 2)

    fails(
        "InvalidQuery",
        "IndexRangeBuilder has already been used! Chain your method calls like `q => q.eq(...).eq(...)`.",
        lambda: selected(twice),
    )


def test_an_empty_range_is_legal() -> None:
    lower, upper = key_range("t", "by_ab", FIELDS, [Clause("gt", "a", 5), Clause("lt", "a", 3)])
    assert upper is not None
    assert lower >= upper
