"""Semantics 21, "Return validation"."""

from __future__ import annotations

from typing import Any

import pytest

from parabola import ActionCtx, MutationCtx, QueryCtx, action, mutation, query, v
from parabola.testing import FunctionCallError, TestBackend

from .support import all_rows, backend_of, insert_all


def returning(value: Any, returns: Any) -> TestBackend:
    @query(returns=returns)
    async def a_query(ctx: QueryCtx):
        return value

    @mutation(returns=returns)
    async def a_mutation(ctx: MutationCtx):
        await ctx.db.insert("marks", {})
        return value

    @action(returns=returns)
    async def an_action(ctx: ActionCtx):
        return value

    return backend_of(a_query=a_query, a_mutation=a_mutation, an_action=an_action)


async def results(t: TestBackend) -> list[Any]:
    return [await t.query("m:a_query"), await t.mutation("m:a_mutation"), await t.action("m:an_action")]


async def assert_every_kind_fails(t: TestBackend) -> None:
    for call in (t.query("m:a_query"), t.mutation("m:a_mutation"), t.action("m:an_action")):
        with pytest.raises(FunctionCallError, match="ReturnsValidationError"):
            await call


async def test_a_document_with_undeclared_system_fields_fails() -> None:
    @query(returns=v.object({"name": v.string()}))
    async def first(ctx: QueryCtx):
        return await ctx.db.query("users").first()

    t = backend_of(first=first)
    await insert_all(t, "users", [{"name": "Ada"}])
    with pytest.raises(FunctionCallError, match="ReturnsValidationError: Object contains extra field `_creationTime`"):
        await t.query("m:first")


async def test_a_document_passes_a_complete_validator_unchanged() -> None:
    @query(returns=v.object({"_id": v.id("users"), "_creationTime": v.number(), "name": v.string()}))
    async def first(ctx: QueryCtx):
        return await ctx.db.query("users").first()

    t = backend_of(first=first)
    await insert_all(t, "users", [{"name": "Ada"}])
    assert await t.query("m:first") == (await all_rows(t, "users"))[0]


async def test_a_right_primitive_passes_and_a_wrong_one_fails() -> None:
    assert await results(returning("x", v.string())) == ["x", "x", "x"]
    await assert_every_kind_fails(returning(1, v.string()))


async def test_an_array_whose_items_have_undeclared_fields_fails() -> None:
    await assert_every_kind_fails(returning([{"a": 1, "b": 2}], v.array(v.object({"a": v.number()}))))


async def test_without_returns_anything_passes() -> None:
    value = {"a": [1, None, {"b": b"bytes"}]}
    assert await results(returning(value, None)) == [value, value, value]


async def test_nothing_returned_is_null_and_is_checked_as_null() -> None:
    assert await results(returning(None, v.null())) == [None, None, None]


async def test_a_mutation_whose_result_fails_is_rolled_back() -> None:
    t = returning(1, v.string())
    with pytest.raises(FunctionCallError, match="ReturnsValidationError"):
        await t.mutation("m:a_mutation")
    assert await all_rows(t, "marks") == []
