"""Semantics 21, "Writes and transactions"."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from parabola import UNDEFINED, MutationCtx, QueryCtx, mutation, query
from parabola.testing import FunctionCallError

from .support import all_rows, backend_of, insert_all, raises, user_fields


async def test_writes_are_visible_to_later_calls() -> None:
    t = backend_of()
    [document_id] = await insert_all(t, "rows", [{"n": 1, "keep": "me"}])
    assert [user_fields(row) for row in await all_rows(t, "rows")] == [{"n": 1, "keep": "me"}]
    await t.run(lambda ctx: ctx.db.patch(document_id, {"n": 2}))
    assert [user_fields(row) for row in await all_rows(t, "rows")] == [{"n": 2, "keep": "me"}]
    await t.run(lambda ctx: ctx.db.replace(document_id, {"n": 3}))
    assert [user_fields(row) for row in await all_rows(t, "rows")] == [{"n": 3}]
    await t.run(lambda ctx: ctx.db.delete(document_id))
    assert await all_rows(t, "rows") == []


async def test_replace_keeps_the_system_fields() -> None:
    t = backend_of()
    [document_id] = await insert_all(t, "rows", [{"n": 1}])
    [before] = await all_rows(t, "rows")
    await t.run(lambda ctx: ctx.db.replace(document_id, {"m": 1}))
    [after] = await all_rows(t, "rows")
    assert (after["_id"], after["_creationTime"]) == (before["_id"], before["_creationTime"])


async def test_patch_accepts_the_right_id_and_refuses_another() -> None:
    t = backend_of()
    first, second = await insert_all(t, "rows", [{"n": 1}, {"n": 2}])
    await t.run(lambda ctx: ctx.db.patch(first, {"_id": first, "n": 3}))
    await raises(t, lambda ctx: ctx.db.patch(first, {"_id": second, "n": 4}), "doesn't match '_id' field")
    assert [row["n"] for row in await all_rows(t, "rows")] == [3, 2]


async def test_patch_with_undefined_removes_the_field() -> None:
    t = backend_of()
    [document_id] = await insert_all(t, "rows", [{"n": 1, "gone": True}])
    await t.run(lambda ctx: ctx.db.patch(document_id, {"gone": UNDEFINED}))
    assert [user_fields(row) for row in await all_rows(t, "rows")] == [{"n": 1}]


async def test_patch_is_shallow() -> None:
    t = backend_of()
    [document_id] = await insert_all(t, "rows", [{"nested": {"a": 1, "b": 2}}])
    await t.run(lambda ctx: ctx.db.patch(document_id, {"nested": {"a": 3}}))
    assert [user_fields(row) for row in await all_rows(t, "rows")] == [{"nested": {"a": 3}}]


async def test_an_insert_can_be_changed_and_deleted_in_its_own_transaction() -> None:
    async def body(ctx: MutationCtx) -> list[Any]:
        document_id = await ctx.db.insert("rows", {"n": 1})
        await ctx.db.patch(document_id, {"m": 2})
        patched = user_fields(await ctx.db.get(document_id))
        await ctx.db.replace(document_id, {"k": 3})
        replaced = [user_fields(row) for row in await ctx.db.query("rows").collect()]
        await ctx.db.delete(document_id)
        return [patched, replaced, await ctx.db.get(document_id), await ctx.db.query("rows").collect()]

    t = backend_of()
    assert await t.run(body) == [{"n": 1, "m": 2}, [{"k": 3}], None, []]
    assert await all_rows(t, "rows") == []


@pytest.mark.parametrize(("method", "verb"), [("patch", "Update"), ("replace", "Replace"), ("delete", "Delete")])
async def test_writing_a_document_that_is_gone_throws(method: str, verb: str) -> None:
    t = backend_of()
    [document_id] = await insert_all(t, "rows", [{"n": 1}])
    await t.run(lambda ctx: ctx.db.delete(document_id))
    value = [] if method == "delete" else [{}]
    await raises(
        t, lambda ctx: getattr(ctx.db, method)(document_id, *value), f"{verb} on nonexistent document ID {document_id}"
    )


async def test_ten_concurrent_read_modify_writes_of_one_document_all_take_effect() -> None:
    @mutation
    async def add_one(ctx: MutationCtx):
        counter = await ctx.db.query("counters").first()
        await asyncio.sleep(0)
        await ctx.db.patch(counter["_id"], {"n": counter["n"] + 1})

    t = backend_of(add_one=add_one)
    await insert_all(t, "counters", [{"n": 0}])
    await asyncio.gather(*(t.mutation("m:add_one") for _ in range(10)))
    assert [row["n"] for row in await all_rows(t, "counters")] == [10]


@mutation
async def insert_inner(ctx: MutationCtx):
    return await ctx.db.insert("rows", {"by": "inner"})


@mutation
async def insert_and_throw(ctx: MutationCtx):
    await ctx.db.insert("rows", {"by": "undone"})
    raise ValueError("undo me")


async def test_a_caught_nested_failure_leaves_no_writes_and_spares_the_parents() -> None:
    @mutation
    async def outer(ctx: MutationCtx):
        await ctx.db.insert("rows", {"by": "before"})
        with pytest.raises(Exception, match="undo me"):
            await ctx.run_mutation("m:insert_and_throw", {})
        await ctx.db.insert("rows", {"by": "after"})
        return [row["by"] for row in await ctx.db.query("rows").collect()]

    t = backend_of(outer=outer, insert_and_throw=insert_and_throw)
    assert await t.mutation("m:outer") == ["before", "after"]
    assert [row["by"] for row in await all_rows(t, "rows")] == ["before", "after"]


async def test_a_nested_success_is_undone_when_the_parent_throws() -> None:
    @mutation
    async def outer(ctx: MutationCtx):
        await ctx.run_mutation("m:insert_inner", {})
        raise ValueError("all of it")

    t = backend_of(outer=outer, insert_inner=insert_inner)
    with pytest.raises(FunctionCallError, match="all of it"):
        await t.mutation("m:outer")
    assert await all_rows(t, "rows") == []


async def test_a_nested_mutation_changes_what_the_parent_inserted_and_sees_it_in_a_scan() -> None:
    @mutation
    async def inner(ctx: MutationCtx, args):
        await ctx.db.patch(args["patch"], {"n": 10})
        await ctx.db.delete(args["delete"])
        return [row["n"] for row in await ctx.db.query("rows").collect()]

    @mutation
    async def outer(ctx: MutationCtx):
        ids = [await ctx.db.insert("rows", {"n": n}) for n in range(3)]
        seen = await ctx.run_mutation("m:inner", {"patch": ids[0], "delete": ids[1]})
        return [seen, [row["n"] for row in await ctx.db.query("rows").collect()]]

    t = backend_of(inner=inner, outer=outer)
    assert await t.mutation("m:outer") == [[10, 2], [10, 2]]


async def test_a_stale_snapshot_query_sees_earlier_commits_and_no_pending_writes() -> None:
    @query
    async def count(ctx: QueryCtx):
        return len(await ctx.db.query("rows").collect())

    @mutation
    async def outer(ctx: MutationCtx):
        await ctx.db.insert("rows", {})
        stale = await ctx.run_query("m:count", {}, use_stale_snapshot=True)
        return [stale, await ctx.run_query("m:count", {})]

    t = backend_of(outer=outer, count=count)
    await insert_all(t, "rows", [{}, {}])
    assert await t.mutation("m:outer") == [2, 3]


async def test_documents_are_copies() -> None:
    t = backend_of()
    shared = {"list": [1]}

    async def body(ctx: MutationCtx) -> None:
        document_id = await ctx.db.insert("rows", shared)
        shared["list"].append(2)
        read = await ctx.db.get(document_id)
        read["list"].append(3)
        assert user_fields(await ctx.db.get(document_id)) == {"list": [1]}

    await t.run(body)
    assert [user_fields(row) for row in await all_rows(t, "rows")] == [{"list": [1]}]
