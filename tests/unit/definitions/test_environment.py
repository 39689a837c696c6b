"""`env`: the variables of the function that is running, without its `ctx`."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from parabola import action, env, mutation, query
from parabola.testing import TestBackend
from tests.unit.functions.harness import Engine


def helper() -> list[Any]:
    return [env["MODE"], env.get("NONE"), "MODE" in env, list(env), len(env)]


async def test_env_is_ctx_env_of_whatever_runs() -> None:
    @query
    async def asked(ctx: Any) -> list[Any]:
        return helper()

    @mutation
    async def nesting(ctx: Any) -> list[Any]:
        return [await ctx.run_query("m:asked"), helper()]

    @action
    async def acting(ctx: Any) -> list[Any]:
        return [await ctx.run_mutation("m:nesting"), helper(), await asyncio.to_thread(helper)]

    t = TestBackend({"m": {"asked": asked, "nesting": nesting, "acting": acting}}, environment={"MODE": "test"})
    seen = ["test", None, True, ["MODE"], 1]
    assert await t.action("m:acting") == [[seen, seen], seen, seen]


async def test_a_query_that_read_it_depends_on_it() -> None:
    @query
    async def asked(ctx: Any) -> str:
        return env["MODE"]

    outcome = Engine({"m:asked": asked}, environment={"MODE": "x"}).query("m:asked")
    assert outcome.used_environment


def test_outside_of_a_function_it_says_where_it_may_be_read() -> None:
    with pytest.raises(RuntimeError, match="env was read outside of a function"):
        env.get("MODE")
    assert "running" in repr(env)
