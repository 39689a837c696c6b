"""Semantics 21, "Filters"."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from parabola import UNDEFINED, Int64, define_schema, define_table, v

from .support import backend_of, insert_all, raises


async def names(documents: list[dict[str, Any]], predicate: Callable[[Any], Any]) -> list[str]:
    """The `name`s of those documents that the filter keeps, in order."""
    t = backend_of()
    await insert_all(t, "rows", documents)
    kept = await t.run(lambda ctx: ctx.db.query("rows").filter(predicate).collect())
    return [row["name"] for row in kept]


async def test_eq_undefined_finds_exactly_the_documents_without_the_field() -> None:
    documents = [{"name": "absent"}, {"name": "null", "a": None}, {"name": "set", "a": 1}]
    assert await names(documents, lambda q: q.eq(q.field("a"), UNDEFINED)) == ["absent"]
    assert await names(documents, lambda q: q.neq(q.field("a"), UNDEFINED)) == ["null", "set"]


PEOPLE = [{"name": "ada", "age": 36}, {"name": "bob", "age": 20}, {"name": "cyd", "age": 36}]


async def test_and_or_neq_not_work_and_or_keeps_insertion_order() -> None:
    assert await names(PEOPLE, lambda q: q.and_(q.eq(q.field("age"), 36), q.neq(q.field("name"), "ada"))) == ["cyd"]
    either = await names(PEOPLE, lambda q: q.or_(q.eq(q.field("name"), "cyd"), q.eq(q.field("name"), "ada")))
    assert either == ["ada", "cyd"]
    assert await names(PEOPLE, lambda q: q.not_(q.eq(q.field("age"), 36))) == ["bob"]


async def test_and_of_nothing_is_true_and_or_of_nothing_is_false() -> None:
    assert await names(PEOPLE, lambda q: q.and_()) == ["ada", "bob", "cyd"]
    assert await names(PEOPLE, lambda q: q.or_()) == []


@pytest.mark.parametrize(
    ("predicate", "expected"),
    [
        (lambda q: q.gt(q.field("n"), 2), ["3.0", "4.0"]),
        (lambda q: q.gte(q.field("n"), 2), ["2.0", "3.0", "4.0"]),
        (lambda q: q.lt(q.field("n"), 2), ["1.0"]),
        (lambda q: q.lte(q.field("n"), 2), ["1.0", "2.0"]),
        (lambda q: q.eq(q.add(q.field("n"), 1), 4), ["3.0"]),
        (lambda q: q.eq(q.sub(q.field("n"), 1), 1), ["2.0"]),
        (lambda q: q.eq(q.mul(q.field("n"), 2), 8), ["4.0"]),
        (lambda q: q.eq(q.div(q.field("n"), 2), 1.5), ["3.0"]),
        (lambda q: q.eq(q.mod(q.field("n"), 2), 0), ["2.0", "4.0"]),
        (lambda q: q.lt(q.neg(q.field("n")), -3), ["4.0"]),
    ],
)
async def test_comparisons_and_arithmetic_combine_with_constants(predicate: Any, expected: list[str]) -> None:
    assert await names([{"name": str(n), "n": n} for n in (1.0, 2.0, 3.0, 4.0)], predicate) == expected


async def test_any_two_values_compare_by_type_first() -> None:
    documents = [{"name": "null", "a": None}, {"name": "bigint", "a": Int64(9)}, {"name": "text", "a": "x"}]
    assert await names(documents, lambda q: q.lt(q.field("a"), 5)) == ["null", "bigint"]


async def test_arithmetic_on_two_kinds_of_number_throws() -> None:
    t = backend_of()
    await insert_all(t, "rows", [{"n": 1.0}])
    await raises(
        t,
        lambda ctx: ctx.db.query("rows").filter(lambda q: q.eq(q.add(q.field("n"), Int64(1)), 2)).collect(),
        "Cannot add",
    )


async def test_a_filter_must_give_a_boolean() -> None:
    t = backend_of()
    await insert_all(t, "rows", [{"n": 1.0}])
    await raises(
        t, lambda ctx: ctx.db.query("rows").filter(lambda q: q.field("n")).collect(), "A filter must be true or false"
    )


async def test_a_nested_field_is_read_by_its_path_also_by_an_index() -> None:
    schema = define_schema(
        rows=define_table({"name": v.string(), "a": v.optional(v.object({"b": v.number()}))}).index("by_b", ["a.b"])
    )
    t = backend_of(schema=schema)
    await insert_all(t, "rows", [{"name": "without"}, {"name": "one", "a": {"b": 1}}, {"name": "two", "a": {"b": 2}}])
    filtered = await t.run(lambda ctx: ctx.db.query("rows").filter(lambda q: q.eq(q.field("a.b"), 1)).collect())
    indexed = await t.run(lambda ctx: ctx.db.query("rows").with_index("by_b", lambda q: q.eq("a.b", 1)).collect())
    assert [row["name"] for row in filtered] == [row["name"] for row in indexed] == ["one"]


async def test_several_filters_are_conjoined() -> None:
    t = backend_of()
    await insert_all(t, "rows", PEOPLE)
    kept = await t.run(
        lambda ctx: (
            ctx.db.query("rows")
            .filter(lambda q: q.eq(q.field("age"), 36))
            .filter(lambda q: q.eq(q.field("name"), "cyd"))
            .collect()
        )
    )
    assert [row["name"] for row in kept] == ["cyd"]
