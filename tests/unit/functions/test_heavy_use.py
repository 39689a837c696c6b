"""A run that comes close to a limit is warned about (semantics 3.8)."""

from __future__ import annotations

from typing import Any

from parabola import mutation, query
from parabola.limits import Limits
from tests.unit.functions.harness import Engine

LIMITS = Limits(documents_read_max=10, documents_written_max=10)


@mutation
async def add(ctx: Any, n: int):
    for _ in range(n):
        await ctx.db.insert("t", {})


@query
async def read(ctx: Any, n: int):
    await ctx.db.query("t").take(n)


def test_more_than_four_fifths_of_a_limit_is_warned_about() -> None:
    engine = Engine({"t:add": add, "t:read": read}, limits=LIMITS)
    assert engine.mutation("t:add", {"n": 8}).log_lines == []
    assert engine.mutation("t:add", {"n": 9}).log_lines == [
        "[WARN] 'Many documents written in a single function execution (actual: 9, limit: 10).'"
    ]
    assert engine.query("t:read", {"n": 8}).log_lines == []
    (line,) = engine.query("t:read", {"n": 9}).log_lines
    assert line.startswith(
        "[WARN] 'Many documents read in a single function execution (actual: 9, limit: 10). Consider"
    )
