"""Semantics 21, "Transaction limits and metrics"."""

from __future__ import annotations

from dataclasses import replace

import pytest

from parabola import MutationCtx, QueryCtx, get_document_size, mutation, query
from parabola.limits import DEFAULT_LIMITS
from parabola.testing import FunctionCallError

from .support import all_rows, backend_of, insert_all, raises


@query
async def read_all(ctx: QueryCtx):
    return len(await ctx.db.query("rows").collect())


@query
async def read_three_times(ctx: QueryCtx):
    for _ in range(3):
        await ctx.db.query("rows").collect()


async def test_reading_more_documents_than_the_limit_throws() -> None:
    t = backend_of(limits=replace(DEFAULT_LIMITS, documents_read_max=3), read_all=read_all)
    await insert_all(t, "rows", [{}] * 3)
    assert await t.query("m:read_all") == 3
    await insert_all(t, "rows", [{}])
    with pytest.raises(FunctionCallError, match=r"Too many documents read in a single function execution \(limit: 3\)"):
        await t.query("m:read_all")


async def test_reading_more_bytes_than_the_limit_throws() -> None:
    t = backend_of(limits=replace(DEFAULT_LIMITS, bytes_read_max=2000), read_all=read_all)
    await insert_all(t, "rows", [{"text": "x" * 900}])
    assert await t.query("m:read_all") == 1
    await insert_all(t, "rows", [{"text": "x" * 900}] * 2)
    with pytest.raises(FunctionCallError, match=r"Too many bytes read .* \(limit: 2000 bytes\)"):
        await t.query("m:read_all")


async def test_writing_more_documents_than_the_limit_throws_and_writes_nothing() -> None:
    t = backend_of(limits=replace(DEFAULT_LIMITS, documents_written_max=3))
    with pytest.raises(FunctionCallError, match=r"Too many writes in a single function execution \(limit: 3\)"):
        await insert_all(t, "rows", [{}] * 4)
    assert await all_rows(t, "rows") == []


async def test_writing_more_bytes_than_the_limit_throws() -> None:
    t = backend_of(limits=replace(DEFAULT_LIMITS, bytes_written_max=2000))
    with pytest.raises(FunctionCallError, match="Too many bytes written in a single function execution"):
        await insert_all(t, "rows", [{"text": "x" * 900}] * 3)


async def test_more_index_ranges_than_the_limit_throw() -> None:
    t = backend_of(limits=replace(DEFAULT_LIMITS, index_ranges_read_max=2))
    ids = await insert_all(t, "rows", [{}] * 3)

    async def get(ctx: MutationCtx, count: int) -> None:
        for document_id in ids[:count]:
            await ctx.db.get(document_id)

    await t.run(lambda ctx: get(ctx, 2))
    await raises(t, lambda ctx: get(ctx, 3), r"Too many reads in a single function execution \(limit: 2\)")


async def test_limits_accumulate_over_all_reads_of_a_transaction() -> None:
    t = backend_of(limits=replace(DEFAULT_LIMITS, documents_read_max=5), read_three_times=read_three_times)
    await insert_all(t, "rows", [{}] * 2)
    with pytest.raises(FunctionCallError, match="Too many documents read"):
        await t.query("m:read_three_times")


async def test_reading_one_document_twice_is_one_range() -> None:
    t = backend_of(limits=replace(DEFAULT_LIMITS, index_ranges_read_max=1))
    [document_id] = await insert_all(t, "rows", [{}])

    async def get_twice(ctx: MutationCtx) -> None:
        await ctx.db.get(document_id)
        await ctx.db.get(document_id)

    await t.run(get_twice)


async def test_metrics_after_reading() -> None:
    @query
    async def measure(ctx: QueryCtx):
        await ctx.db.query("rows").collect()
        return await ctx.meta.get_transaction_metrics()

    t = backend_of(measure=measure)
    await insert_all(t, "rows", [{"n": n} for n in range(3)])
    size = sum(get_document_size(row) for row in await all_rows(t, "rows"))
    metrics = await t.query("m:measure")
    assert metrics["documentsRead"] == {"used": 3, "remaining": 32_000 - 3}
    assert metrics["bytesRead"] == {"used": size, "remaining": 16 * 1024 * 1024 - size}
    assert metrics["databaseQueries"]["used"] == 1
    for untouched in ("documentsWritten", "bytesWritten", "functionsScheduled", "scheduledFunctionArgsBytes"):
        assert metrics[untouched]["used"] == 0


async def test_metrics_after_one_insert() -> None:
    @mutation
    async def measure(ctx: MutationCtx):
        document_id = await ctx.db.insert("rows", {"n": 1})
        metrics = await ctx.meta.get_transaction_metrics()
        return [metrics, await ctx.db.get(document_id)]

    metrics, document = await backend_of(measure=measure).mutation("m:measure")
    assert metrics["documentsWritten"]["used"] == 1
    assert metrics["bytesWritten"]["used"] == get_document_size(document)


async def test_a_nested_limit_stops_the_callee_and_lets_a_smaller_one_pass() -> None:
    @query
    async def outer(ctx: QueryCtx, limit: float):
        return await ctx.run_query("m:read_all", {}, transaction_limits={"documentsRead": limit})

    t = backend_of(outer=outer, read_all=read_all)
    await insert_all(t, "rows", [{}] * 3)
    assert await t.query("m:outer", {"limit": 3}) == 3
    with pytest.raises(FunctionCallError, match="Too many documents read"):
        await t.query("m:outer", {"limit": 2})


async def test_a_nested_limit_looser_than_the_outer_one_does_not_loosen_it() -> None:
    @query
    async def outer(ctx: QueryCtx):
        return await ctx.run_query("m:read_all", {}, transaction_limits={"documentsRead": 1000})

    t = backend_of(limits=replace(DEFAULT_LIMITS, documents_read_max=2), outer=outer, read_all=read_all)
    await insert_all(t, "rows", [{}] * 3)
    with pytest.raises(FunctionCallError, match="Too many documents read"):
        await t.query("m:outer")


async def test_a_nested_limit_ends_with_the_call() -> None:
    @query
    async def outer(ctx: QueryCtx):
        await ctx.run_query("m:read_all", {}, transaction_limits={"documentsRead": 3})
        return len(await ctx.db.query("rows").collect())

    t = backend_of(outer=outer, read_all=read_all)
    await insert_all(t, "rows", [{}] * 3)
    assert await t.query("m:outer") == 3


async def test_undone_writes_of_a_nested_mutation_are_neither_counted_nor_stored() -> None:
    @mutation
    async def inner(ctx: MutationCtx):
        for _ in range(2):
            await ctx.db.insert("rows", {"from": "inner"})
        raise ValueError("undo me")

    @mutation
    async def outer(ctx: MutationCtx):
        for _ in range(3):
            try:
                await ctx.run_mutation("m:inner", {})
            except Exception:
                pass
        await ctx.db.insert("rows", {"from": "outer"})
        return (await ctx.meta.get_transaction_metrics())["documentsWritten"]["used"]

    t = backend_of(limits=replace(DEFAULT_LIMITS, documents_written_max=2), inner=inner, outer=outer)
    assert await t.mutation("m:outer") == 1
    assert [row["from"] for row in await all_rows(t, "rows")] == ["outer"]
