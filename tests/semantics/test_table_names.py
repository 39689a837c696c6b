"""Semantics 21, "Table name forms"."""

from __future__ import annotations

from typing import Any

import pytest

from parabola import MutationCtx

from .support import all_rows, backend_of, insert_all, raises, user_fields


async def test_the_right_table_name_works_everywhere() -> None:
    t = backend_of()
    [document_id] = await insert_all(t, "a", [{"n": 1, "keep": True}])

    async def body(ctx: MutationCtx) -> list[Any]:
        got = await ctx.db.get("a", document_id)
        await ctx.db.patch("a", document_id, {"n": 2})
        patched = await ctx.db.get("a", document_id)
        await ctx.db.replace("a", document_id, {"n": 3})
        replaced = await ctx.db.get("a", document_id)
        await ctx.db.delete("a", document_id)
        return [user_fields(got), user_fields(patched), user_fields(replaced)]

    assert await t.run(body) == [{"n": 1, "keep": True}, {"n": 2, "keep": True}, {"n": 3}]
    assert await all_rows(t, "a") == []


@pytest.mark.parametrize("method", ["get", "patch", "replace", "delete"])
async def test_a_wrong_table_name_throws_and_names_both_tables(method: str) -> None:
    t = backend_of()
    [document_id] = await insert_all(t, "a", [{"n": 1}])
    await insert_all(t, "b", [{}])
    value = [{}] if method in ("patch", "replace") else []
    await raises(
        t,
        lambda ctx: getattr(ctx.db, method)("b", document_id, *value),
        rf'Invalid argument `id` for `db\.{method}`: expected to be an Id<"b">, got Id<"a"> instead\.',
    )
    assert [user_fields(row) for row in await all_rows(t, "a")] == [{"n": 1}]
