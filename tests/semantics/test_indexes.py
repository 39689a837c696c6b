"""Semantics 21, "Indexes and ranges"."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from parabola import UNDEFINED, Int64, define_schema, define_table, v
from parabola.testing import TestBackend

from .support import all_rows, backend_of, insert_all, raises

SCHEMA = define_schema(
    rows=define_table(v.any()).index("by_a", ["a"]).index("by_a_b", ["a", "b"]),
)


@pytest.fixture
def t() -> TestBackend:
    return backend_of(schema=SCHEMA)


async def select(t: TestBackend, index: str, bounds: Callable[[Any], Any], order: str = "asc") -> list[Any]:
    """The values of `a` in the documents of an index range."""
    rows = await t.run(lambda ctx: ctx.db.query("rows").with_index(index, bounds).order(order).collect())
    return [row.get("a") for row in rows]


async def test_a_field_that_is_not_in_the_index_throws(t: TestBackend) -> None:
    await raises(
        t,
        lambda ctx: ctx.db.query("rows").with_index("by_a", lambda q: q.eq("b", 1)).collect(),
        r'The index range included a comparison with "b", but rows\.by_a with fields .* doesn\'t index this field\.',
    )


async def test_by_id_accepts_only_the_id(t: TestBackend) -> None:
    [document_id] = await insert_all(t, "rows", [{"a": 1}])
    assert await select(t, "by_id", lambda q: q.eq("_id", document_id)) == [1]
    await raises(
        t,
        lambda ctx: ctx.db.query("rows").with_index("by_id", lambda q: q.gt("_creationTime", 1)).collect(),
        "doesn't index this field",
    )


async def test_by_creation_time_cannot_begin_with_the_id(t: TestBackend) -> None:
    [document_id] = await insert_all(t, "rows", [{"a": 1}])
    await raises(
        t,
        lambda ctx: ctx.db.query("rows").with_index("by_creation_time", lambda q: q.eq("_id", document_id)).collect(),
        "didn't use the index fields in order",
    )


@pytest.mark.parametrize("first", ["gt", "lt"])
@pytest.mark.parametrize("second", ["gt", "lt", "eq"])
async def test_two_bounded_fields_throw(t: TestBackend, first: str, second: str) -> None:
    [document_id] = await insert_all(t, "rows", [{"a": 1}])
    await raises(
        t,
        lambda ctx: (
            ctx.db.query("rows")
            .with_index(
                "by_a", lambda q: getattr(getattr(q.eq("a", 1), first)("_creationTime", 1), second)("_id", document_id)
            )
            .collect()
        ),
        "can only be applied to a single index field|didn't use the index fields in order",
    )


async def test_both_bounds_on_one_field_are_allowed_in_either_order(t: TestBackend) -> None:
    await insert_all(t, "rows", [{"a": n} for n in range(5)])
    assert await select(t, "by_a", lambda q: q.gt("a", 1).lt("a", 4)) == [2, 3]
    assert await select(t, "by_a", lambda q: q.lt("a", 4).gt("a", 1)) == [2, 3]
    assert await select(t, "by_a", lambda q: q.gte("a", 1).lte("a", 4)) == [1, 2, 3, 4]


@pytest.mark.parametrize(
    "bounds",
    [
        lambda q: q.gt("a", 1).lt("a", 4).gt("a", 2),
        lambda q: q.gt("a", 1).lt("a", 4).lte("a", 3),
        lambda q: q.eq("a", 1).eq("a", 1),
    ],
)
async def test_a_third_bound_on_one_field_throws(t: TestBackend, bounds: Any) -> None:
    await raises(t, lambda ctx: ctx.db.query("rows").with_index("by_a", bounds).collect(), "Already defined")


async def test_by_creation_time_gives_the_documents_created_up_to_a_time(t: TestBackend) -> None:
    await insert_all(t, "rows", [{"a": n} for n in range(4)])
    middle = (await all_rows(t, "rows"))[1]["_creationTime"]
    assert await select(t, "by_creation_time", lambda q: q.lte("_creationTime", middle)) == [0, 1]


async def test_by_id_without_a_range_gives_all_documents(t: TestBackend) -> None:
    await insert_all(t, "rows", [{"a": n} for n in range(4)])
    rows = await t.run(lambda ctx: ctx.db.query("rows").with_index("by_id").collect())
    assert sorted(row["a"] for row in rows) == [0, 1, 2, 3]
    assert [row["_id"] for row in rows] == sorted(row["_id"] for row in rows)


async def test_a_missing_field_and_null_are_told_apart(t: TestBackend) -> None:
    await insert_all(t, "rows", [{"n": "absent"}, {"n": "null", "a": None}])

    async def names(value: Any) -> list[str]:
        rows = await t.run(lambda ctx: ctx.db.query("rows").with_index("by_a", lambda q: q.eq("a", value)).collect())
        return [row["n"] for row in rows]

    assert await names(UNDEFINED) == ["absent"]
    assert await names(None) == ["null"]


async def test_a_descending_scan_over_mixed_types_follows_the_total_order(t: TestBackend) -> None:
    ascending: list[dict[str, Any]] = [
        {},
        {"a": None},
        {"a": Int64(1)},
        {"a": 1.5},
        {"a": 2},
        {"a": False},
        {"a": True},
        {"a": "a"},
        {"a": "b"},
        {"a": b"x"},
        {"a": [1]},
        {"a": {"x": 1}},
    ]
    await insert_all(t, "rows", [ascending[at] for at in (5, 0, 9, 11, 3, 1, 7, 2, 10, 4, 8, 6)])
    expected = [document.get("a") for document in reversed(ascending)]
    assert await select(t, "by_a", lambda q: q, "desc") == expected
    assert await select(t, "by_a", lambda q: q) == expected[::-1]


async def test_descending_order_reverses_ties_by_creation_as_well(t: TestBackend) -> None:
    ids = await insert_all(t, "rows", [{"a": 1} for _ in range(3)])
    rows = await t.run(
        lambda ctx: ctx.db.query("rows").with_index("by_a", lambda q: q.eq("a", 1)).order("desc").collect()
    )
    assert [row["_id"] for row in rows] == ids[::-1]


async def test_the_last_three_across_and_within_transactions(t: TestBackend) -> None:
    await insert_all(t, "rows", [{"a": 1}, {"a": 2}])
    await insert_all(t, "rows", [{"a": 3}, {"a": 4}])
    rows = await t.run(lambda ctx: ctx.db.query("rows").order("desc").take(3))
    assert [row["a"] for row in rows] == [4, 3, 2]


async def test_an_unknown_index_of_a_known_table_throws(t: TestBackend) -> None:
    await insert_all(t, "rows", [{}])
    await raises(t, lambda ctx: ctx.db.query("rows").with_index("nope").collect(), r"Index rows\.nope not found")


async def test_a_table_that_does_not_exist_is_empty_under_any_index(t: TestBackend) -> None:
    assert await t.run(lambda ctx: ctx.db.query("ghosts").with_index("nope", lambda q: q.eq("x", 1)).collect()) == []
