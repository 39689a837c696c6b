"""Semantics 21, "Argument validation"."""

from __future__ import annotations

import math
from typing import Any

import pytest

from parabola import ActionCtx, MutationCtx, QueryCtx, action, mutation, query, v
from parabola.testing import FunctionCallError, TestBackend

from .support import backend_of

ran: list[Any] = []


@pytest.fixture(autouse=True)
def forget_runs() -> None:
    ran.clear()


def with_args(args: dict[str, Any]) -> TestBackend:
    @query(args=args)
    async def a_query(ctx: QueryCtx, args):
        ran.append(args)
        return args

    @mutation(args=args)
    async def a_mutation(ctx: MutationCtx, args):
        ran.append(args)
        return args

    @action(args=args)
    async def an_action(ctx: ActionCtx, args):
        ran.append(args)
        return args

    return backend_of(a_query=a_query, a_mutation=a_mutation, an_action=an_action)


async def call(t: TestBackend, kind: str, args: dict[str, Any]) -> Any:
    match kind:
        case "query":
            return await t.query("m:a_query", args)
        case "mutation":
            return await t.mutation("m:a_mutation", args)
        case _:
            return await t.action("m:an_action", args)


every_kind = pytest.mark.parametrize("kind", ["query", "mutation", "action"])


@every_kind
async def test_a_wrong_type_rejects_the_call_before_the_handler(kind: str) -> None:
    t = with_args({"a": v.string()})
    with pytest.raises(FunctionCallError) as failure:
        await call(t, kind, {"a": 42})
    assert failure.value.message.startswith("ArgumentValidationError: Value does not match validator.\nPath: .a\n")
    assert "Value: 42.0\nValidator: v.string()" in failure.value.message
    assert ran == []


@every_kind
async def test_an_undeclared_argument_rejects_the_call(kind: str) -> None:
    t = with_args({"a": v.string()})
    with pytest.raises(FunctionCallError, match="Object contains extra field `b` that is not in the validator"):
        await call(t, kind, {"a": "x", "b": 1})
    assert ran == []


@every_kind
async def test_a_missing_required_argument_rejects_the_call(kind: str) -> None:
    t = with_args({"a": v.string()})
    with pytest.raises(FunctionCallError, match="Object is missing the required field `a`"):
        await call(t, kind, {})
    assert ran == []


@every_kind
async def test_a_missing_optional_argument_is_accepted(kind: str) -> None:
    t = with_args({"a": v.optional(v.string())})
    assert await call(t, kind, {}) == {}
    assert await call(t, kind, {"a": "x"}) == {"a": "x"}


@every_kind
async def test_null_is_not_a_missing_argument(kind: str) -> None:
    t = with_args({"a": v.optional(v.string())})
    with pytest.raises(FunctionCallError, match="ArgumentValidationError"):
        await call(t, kind, {"a": None})


@every_kind
async def test_infinity_is_a_number_and_arrives_as_infinity(kind: str) -> None:
    t = with_args({"a": v.number()})
    assert await call(t, kind, {"a": math.inf}) == {"a": math.inf}
    assert ran == [{"a": math.inf}]


@every_kind
async def test_a_union_accepts_each_member_and_nothing_else(kind: str) -> None:
    t = with_args({"a": v.union(v.string(), v.number())})
    assert await call(t, kind, {"a": "x"}) == {"a": "x"}
    assert await call(t, kind, {"a": 1}) == {"a": 1}
    with pytest.raises(FunctionCallError, match="Value does not match validator"):
        await call(t, kind, {"a": None})


@every_kind
async def test_true_is_not_a_number(kind: str) -> None:
    t = with_args({"a": v.number()})
    with pytest.raises(FunctionCallError, match="ArgumentValidationError"):
        await call(t, kind, {"a": True})
