"""Values of every kind, there and back, by way of the arguments, the database and the result."""

from typing import Any

from parabola import ActionCtx, Int64, MutationCtx, QueryCtx, action, mutation, query, v


@query(args={"value": v.any()})
async def echo(ctx: QueryCtx, value: Any) -> Any:
    return value


@action(args={"value": v.any()})
async def echo_action(ctx: ActionCtx, value: Any) -> Any:
    return value


@mutation(args={"label": v.string(), "value": v.any()})
async def store(ctx: MutationCtx, label: str, value: Any) -> Any:
    await ctx.db.insert("anything", {"label": label, "value": value})
    return value


@mutation(args={"label": v.string(), "value": v.any()})
async def restore(ctx: MutationCtx, label: str, value: Any) -> None:
    """Replaces what is stored under `label`, or stores it."""
    row = await ctx.db.query("anything").with_index("by_label", lambda q: q.eq("label", label)).unique()
    if row is None:
        await ctx.db.insert("anything", {"label": label, "value": value})
    else:
        await ctx.db.patch(row["_id"], {"value": value})


@query
async def stored(ctx: QueryCtx, label: str) -> Any:
    row = await ctx.db.query("anything").with_index("by_label", lambda q: q.eq("label", label)).unique()
    return None if row is None else row["value"]


@query
async def kinds(ctx: QueryCtx) -> dict[str, Any]:
    return {
        "int64": Int64(2**62),
        "int64Least": Int64(-(2**63)),
        "bytes": b"\x00\x10\x83\xff",
        "nan": float("nan"),
        "infinity": float("inf"),
        "minusZero": -0.0,
        "whole": 3,
        "fraction": 0.1,
        "astral": "\U0001f680",
        "nothing": None,
    }


@query
async def large(ctx: QueryCtx, size: int, count: int) -> list[str]:
    """`count` strings of `size` bytes each: a result that outgrows what one message can carry."""
    return ["x" * size for _ in range(count)]


@query
async def large_live(ctx: QueryCtx, label: str, size: int, count: int) -> list[str]:
    """The same, beginning with the value stored under `label`, so that storing one changes it."""
    row = await ctx.db.query("anything").with_index("by_label", lambda q: q.eq("label", label)).unique()
    start = "none" if row is None else str(row["value"])
    return [start.ljust(size, "x") for _ in range(count)]


@mutation(args={"value": v.int64()})
async def increment(ctx: MutationCtx, value: int) -> Int64:
    return Int64(value + 1)
