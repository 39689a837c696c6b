"""The system queries behind `parabola data` and the official tools (wire 2.7)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import pytest

from parabola import MutationCtx, mutation
from parabola.auth import AdminIdentity
from parabola.backend import Backend
from parabola.functions.loader import Deployment
from parabola.functions.outcome import Outcome

TABLES = "_system/cli/tables:default"
TABLE_DATA = "_system/cli/tableData:default"
FIRST_PAGE = {"cursor": None, "numItems": 100}


@mutation
async def add(ctx: MutationCtx, table: str, n: int) -> str:
    return await ctx.db.insert(table, {"n": n})


Call = Callable[[str, dict[str, Any]], Coroutine[Any, Any, Outcome]]


@asynccontextmanager
async def admin() -> AsyncIterator[Call]:
    """Calls by an administrator of a backend whose table `b` holds three documents and `a` one."""
    async with Backend(Deployment({"m:add": add}), storage="memory") as backend:
        for table, n in (("b", 1), ("b", 2), ("b", 3), ("a", 1)):
            await backend.mutation("m:add", {"table": table, "n": n})

        async def call(path: str, args: dict[str, Any]) -> Outcome:
            return await backend.run_query(path, args, AdminIdentity())

        yield call


def rows(outcome: Outcome) -> list[dict[str, Any]]:
    assert outcome.error is None, outcome.error
    found: list[dict[str, Any]] = outcome.value["page"]
    return found


async def test_the_tables_are_listed_by_name() -> None:
    async with admin() as call:
        assert rows(await call(TABLES, {"paginationOpts": FIRST_PAGE})) == [{"name": "a"}, {"name": "b"}]


async def test_the_documents_of_a_table_come_in_either_order_and_in_pages() -> None:
    async with admin() as call:
        newest = await call(TABLE_DATA, {"table": "b", "order": "desc", "paginationOpts": FIRST_PAGE})
        assert [row["n"] for row in rows(newest)] == [3, 2, 1]
        first = await call(TABLE_DATA, {"table": "b", "paginationOpts": {"cursor": None, "numItems": 2}})
        assert [row["n"] for row in rows(first)] == [1, 2]
        rest = {"cursor": first.value["continueCursor"], "numItems": 2}
        second = await call(TABLE_DATA, {"table": "b", "paginationOpts": rest})
        assert ([row["n"] for row in rows(second)], second.value["isDone"]) == ([3], True)


async def test_an_unknown_or_a_system_table_reads_as_empty() -> None:
    async with admin() as call:
        for table in ("ghosts", "_scheduled_functions"):
            assert rows(await call(TABLE_DATA, {"table": table, "paginationOpts": FIRST_PAGE})) == []


@pytest.mark.parametrize("path", [TABLES, TABLE_DATA])
async def test_only_an_administrator_reaches_them(path: str) -> None:
    async with Backend(Deployment({}), storage="memory") as backend:
        outcome = await backend.run_query(path, {"paginationOpts": FIRST_PAGE})
        assert outcome.error is not None
        assert outcome.error.code == "FunctionNotFound"


async def test_the_functions_are_listed_by_name_without_these() -> None:
    async with admin() as call:
        outcome = await call("_system/cli/functions:default", {})
    assert outcome.value == [{"name": "m:add", "kind": "mutation", "visibility": "public"}]
