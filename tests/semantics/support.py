"""How the tests of this folder make a backend: from functions written inside the test, over an empty database.

Each test is one line of semantics 21, the behaviours that the official in-memory double pins.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import pytest

from parabola import MutationCtx
from parabola.limits import DEFAULT_LIMITS, Limits
from parabola.testing import FunctionCallError, TestBackend


def backend_of(*, schema: Any = None, limits: Limits = DEFAULT_LIMITS, **functions: Any) -> TestBackend:
    """A backend whose module `m` holds these functions: the argument `read=…` is called as `m:read`."""
    return TestBackend({"m": functions}, schema=schema, limits=limits)


async def insert_all(t: TestBackend, table: str, documents: list[Mapping[str, Any]]) -> list[str]:
    """Inserts the documents in one transaction and returns their ids."""

    async def insert(ctx: MutationCtx) -> list[str]:
        return [await ctx.db.insert(table, dict(document)) for document in documents]

    ids: list[str] = await t.run(insert)
    return ids


async def all_rows(t: TestBackend, table: str) -> list[dict[str, Any]]:
    """The documents of a table in insertion order."""
    rows: list[dict[str, Any]] = await t.run(lambda ctx: ctx.db.query(table).collect())
    return rows


async def raises(t: TestBackend, body: Callable[[MutationCtx], Awaitable[Any]], match: str) -> None:
    """Runs `body` in a transaction that must fail with a text that `match` finds."""
    with pytest.raises(FunctionCallError, match=match):
        await t.run(body)


def user_fields(document: Mapping[str, Any]) -> dict[str, Any]:
    """A document without its system fields."""
    return {name: value for name, value in document.items() if not name.startswith("_")}
