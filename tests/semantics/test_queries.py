"""Semantics 21, "Queries"."""

from __future__ import annotations

from typing import Any

import pytest

from parabola import MutationCtx, define_schema, define_table, v

from .support import backend_of, insert_all, raises


async def test_collect_returns_insertion_order() -> None:
    t = backend_of()
    for n in range(3):
        await insert_all(t, "rows", [{"n": n}])
    assert [row["n"] for row in await t.run(lambda ctx: ctx.db.query("rows").collect())] == [0, 1, 2]


async def test_an_index_range_returns_index_order_then_creation_order() -> None:
    schema = define_schema(rows=define_table(a=v.string(), b=v.number()).index("by_a_b", ["a", "b"]))
    t = backend_of(schema=schema)
    await insert_all(t, "rows", [{"a": "x", "b": b} for b in (2, 1, 2, 1)] + [{"a": "y", "b": 0}])
    rows = await t.run(lambda ctx: ctx.db.query("rows").with_index("by_a_b", lambda q: q.eq("a", "x")).collect())
    assert [row["b"] for row in rows] == [1, 1, 2, 2]
    assert rows[0]["_creationTime"] < rows[1]["_creationTime"]
    assert rows[2]["_creationTime"] < rows[3]["_creationTime"]


async def test_normalize_id_gives_the_id_of_that_table_and_null_otherwise() -> None:
    t = backend_of()
    [document_id] = await insert_all(t, "rows", [{}])
    await insert_all(t, "others", [{}])

    async def body(ctx: MutationCtx) -> list[Any]:
        return [
            ctx.db.normalize_id("rows", document_id),
            ctx.db.normalize_id("others", document_id),
            ctx.db.normalize_id("ghosts", document_id),
            ctx.db.normalize_id("rows", "not an id"),
        ]

    assert await t.run(body) == [document_id, None, None, None]


async def test_first_take_and_unique() -> None:
    t = backend_of()

    async def body(ctx: MutationCtx, method: str, *args: Any) -> Any:
        found = await getattr(ctx.db.query("rows"), method)(*args)
        if isinstance(found, list):
            return [row["n"] for row in found]
        return found and found["n"]

    assert await t.run(lambda ctx: body(ctx, "first")) is None
    assert await t.run(lambda ctx: body(ctx, "unique")) is None
    await insert_all(t, "rows", [{"n": 1}])
    assert await t.run(lambda ctx: body(ctx, "unique")) == 1
    await insert_all(t, "rows", [{"n": 2}])
    assert await t.run(lambda ctx: body(ctx, "first")) == 1
    assert await t.run(lambda ctx: body(ctx, "take", 0)) == []
    assert await t.run(lambda ctx: body(ctx, "take", 5)) == [1, 2]
    await raises(t, lambda ctx: body(ctx, "unique"), r"unique\(\) query returned more than one result from table rows")


@pytest.mark.parametrize("count", [-1, 1.5, "2"])
async def test_take_wants_a_non_negative_integer(count: Any) -> None:
    await raises(
        backend_of(),
        lambda ctx: ctx.db.query("rows").take(count),
        "Arg 1 `n` to `take` must be a non-negative integer",
    )


async def test_a_query_can_be_iterated() -> None:
    t = backend_of()
    await insert_all(t, "rows", [{"n": n} for n in range(5)])

    async def body(ctx: MutationCtx) -> list[Any]:
        seen = []
        async for row in ctx.db.query("rows"):
            seen.append(row["n"])
            if len(seen) == 3:
                break
        return seen

    assert await t.run(body) == [0, 1, 2]


async def test_a_query_is_used_once() -> None:
    async def body(ctx: MutationCtx) -> None:
        rows = ctx.db.query("rows")
        await rows.collect()
        await rows.collect()

    await raises(backend_of(), body, "This query is closed and can't emit any more values")


async def test_order_may_be_given_once() -> None:
    await raises(
        backend_of(),
        lambda ctx: ctx.db.query("rows").order("asc").order("desc").collect(),
        "Queries may only specify order at most once",
    )


async def test_system_and_user_tables_have_their_own_doors() -> None:
    t = backend_of()
    await raises(t, lambda ctx: ctx.db.query("_tables").collect(), "System tables can only be accessed")
    await raises(t, lambda ctx: ctx.db.system.query("rows").collect(), "User tables can only be accessed")
    await raises(t, lambda ctx: ctx.db.insert("_tables", {}), "read-only")
