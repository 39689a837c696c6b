"""Semantics 21, "Values": every kind of value survives every way through the database and is found by equality."""

from __future__ import annotations

import math
from typing import Any

import pytest

from parabola import UNDEFINED, Int64, MutationCtx, compare_values, define_schema, define_table, v

from .support import backend_of

VALUES: dict[str, Any] = {
    "string": "hello",
    "missing": UNDEFINED,
    "true": True,
    "number": 35,
    "bigint": Int64(34),
    "null": None,
    "array": [1, "two", None],
    "array of bigint": [Int64(1), Int64(-1)],
    "object": {"a": 1, "b": {"c": []}},
    "object with bigint": {"n": Int64(2**62)},
    "bytes": bytes(range(8)),
    "infinity": math.inf,
    "negative infinity": -math.inf,
    "negative zero": -0.0,
    "nan": math.nan,
}

SCHEMA = define_schema(rows=define_table(v.any()).index("by_value", ["value"]))


def same(document: dict[str, Any], value: Any) -> bool:
    """Whether the document's value is this very one, by Convex equality (a NaN is itself, -0 is not 0)."""
    if value is UNDEFINED:
        return "value" not in document
    return compare_values(document["value"], value) == 0


@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES.keys())
async def test_a_value_round_trips_and_is_found_by_equality(value: Any) -> None:
    async def body(ctx: MutationCtx) -> None:
        document_id = await ctx.db.insert("rows", {"value": value, "n": 1})
        assert same(await ctx.db.get(document_id), value)

        indexed = await ctx.db.query("rows").with_index("by_value", lambda q: q.eq("value", value)).collect()
        filtered = await ctx.db.query("rows").filter(lambda q: q.eq(q.field("value"), value)).collect()
        assert [row["_id"] for row in indexed] == [row["_id"] for row in filtered] == [document_id]

        await ctx.db.patch(document_id, {"value": "other"})
        await ctx.db.patch(document_id, {"value": value})
        assert same(await ctx.db.get(document_id), value)

        await ctx.db.replace(document_id, {"value": value})
        assert same(await ctx.db.get(document_id), value)

    t = backend_of(schema=SCHEMA)
    await t.run(body)

    async def after_commit(ctx: MutationCtx) -> None:
        found = await ctx.db.query("rows").with_index("by_value", lambda q: q.eq("value", value)).unique()
        assert found is not None
        assert same(found, value)
        await ctx.db.delete(found["_id"])
        assert await ctx.db.get(found["_id"]) is None

    await t.run(after_commit)


@pytest.mark.parametrize(("stored", "asked"), [(0.0, -0.0), (1, Int64(1)), (1, True), (None, UNDEFINED), (1, "1")])
async def test_values_that_only_look_alike_are_different(stored: Any, asked: Any) -> None:
    t = backend_of(schema=SCHEMA)

    async def body(ctx: MutationCtx) -> Any:
        await ctx.db.insert("rows", {"value": stored})
        return await ctx.db.query("rows").with_index("by_value", lambda q: q.eq("value", asked)).collect()

    assert await t.run(body) == []


async def test_a_whole_float_and_an_integer_are_one_number() -> None:
    t = backend_of(schema=SCHEMA)

    async def body(ctx: MutationCtx) -> Any:
        await ctx.db.insert("rows", {"value": 1})
        return await ctx.db.query("rows").with_index("by_value", lambda q: q.eq("value", 1.0)).collect()

    assert len(await t.run(body)) == 1
