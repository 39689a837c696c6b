"""Semantics 4.4: filter expressions."""

from __future__ import annotations

from collections.abc import Callable
from math import inf, isnan, nan
from typing import Any

import pytest

from parabola.database.filters import Expression, FilterBuilder, as_expression, calculate, compile_filter, describe
from parabola.errors import QueryError
from parabola.values.model import UNDEFINED, Int64
from tests.unit.database.helpers import fails

DOCUMENT = {"_id": "x", "a": 5, "text": "b", "flag": True, "big": Int64(7), "inner": {"name": "n"}, "none": None}


def keeps(build: Callable[[FilterBuilder], Any]) -> bool:
    return compile_filter(as_expression(build(FilterBuilder())))(DOCUMENT)


@pytest.mark.parametrize(
    "build",
    [
        lambda q: q.eq(q.field("a"), 5.0),
        lambda q: q.neq(q.field("a"), Int64(5)),
        lambda q: q.lt(q.field("a"), 6),
        lambda q: q.lte(q.field("a"), 5),
        lambda q: q.gt(q.field("text"), 1_000_000),
        lambda q: q.gte(q.field("text"), "b"),
        lambda q: q.eq(q.field("missing"), UNDEFINED),
        lambda q: q.neq(q.field("none"), UNDEFINED),
        lambda q: q.eq(q.field("inner.name"), "n"),
        lambda q: q.eq(q.field("a.b.c"), UNDEFINED),
        lambda q: q.eq(q.field("_id"), "x"),
        lambda q: q.eq(nan, nan),
        lambda q: q.neq(0.0, -0.0),
        lambda q: q.eq(q.add(q.field("a"), 1), 6),
        lambda q: q.eq(q.mod(q.field("a"), 3), 2),
        lambda q: q.eq(q.neg(q.field("a")), -5),
        lambda q: q.eq(q.neg(q.field("big")), Int64(-7)),
        lambda q: q.and_(),
        lambda q: q.not_(q.or_()),
        lambda q: q.and_(q.field("flag"), True),
        lambda q: q.or_(False, q.field("flag")),
        lambda q: True,
    ],
)
def test_expressions_that_hold(build: Any) -> None:
    assert keeps(build)


def test_logic_stops_at_the_first_answer() -> None:
    assert keeps(lambda q: q.or_(True, q.add("no", "sum")))
    assert not keeps(lambda q: q.and_(False, q.field("text")))


def test_logic_takes_booleans_only() -> None:
    with pytest.raises(QueryError, match="Boolean"):
        keeps(lambda q: q.and_(1, True))


def test_a_filter_must_answer_with_a_boolean() -> None:
    with pytest.raises(QueryError, match="must be true or false"):
        keeps(lambda q: q.field("a"))


@pytest.mark.parametrize(
    ("op", "left", "right", "result"),
    [
        ("sub", 5, 2.5, 2.5),
        ("mul", Int64(3), Int64(-4), Int64(-12)),
        ("div", Int64(-7), Int64(2), Int64(-3)),
        ("mod", Int64(-7), Int64(2), Int64(-1)),
        ("mod", -7.0, 2.0, -1.0),
        ("div", 1.0, 0.0, inf),
        ("div", 1.0, -0.0, -inf),
    ],
)
def test_arithmetic(op: str, left: Any, right: Any, result: Any) -> None:
    answer = calculate(op, left, right)
    assert (type(answer), answer) == (type(result), result)


def test_zero_by_zero_is_not_a_number() -> None:
    assert isnan(calculate("div", 0.0, 0.0))
    assert isnan(calculate("mod", 1.0, 0.0))


@pytest.mark.parametrize(
    ("op", "left", "right", "text"),
    [
        ("add", 1, Int64(1), "Cannot add 1.0 (type Float64) and 1 (type Int64)"),
        ("sub", "a", 1, 'Cannot subtract "a" (type String) and 1.0 (type Float64)'),
        ("add", Int64(2**63 - 1), Int64(1), f"Cannot add {2**63 - 1} and 1: the result is out of range for Int64"),
        ("div", Int64(1), Int64(0), "Cannot divide 1 by zero"),
    ],
)
def test_arithmetic_that_fails(op: str, left: Any, right: Any, text: str) -> None:
    fails("EvalError", text, lambda: calculate(op, left, right))


def test_negating_what_is_no_number() -> None:
    fails("EvalError", "Cannot negate true (type Boolean)", lambda: keeps(lambda q: q.neg(True)))


def test_an_expression_has_no_truth_of_its_own() -> None:
    q = FilterBuilder()
    with pytest.raises(QueryError, match="and_"):
        bool(q.eq(1, 1))


@pytest.mark.parametrize("build", [lambda q: q.field("a") == 5, lambda q: q.field("a") != 5])
def test_an_expression_compared_by_python_is_refused_rather_than_false(build: Callable[[FilterBuilder], Any]) -> None:
    with pytest.raises(QueryError, match=r"Compare inside a filter with q\.n?eq\(left, right\)"):
        keeps(build)


def test_equal_expressions_have_equal_descriptions() -> None:
    def made(value: Any) -> Expression:
        q = FilterBuilder()
        return q.and_(q.eq(q.field("a"), value), q.not_(q.eq(q.field("b"), UNDEFINED)))

    assert describe(made(1)) == describe(made(1))
    assert describe(made(1)) != describe(made(None))
