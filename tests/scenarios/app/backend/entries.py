"""A long list, read page by page."""

from typing import Any

from parabola import MutationCtx, QueryCtx, mutation, query, v


@query(args={"room": v.string(), "paginationOpts": v.any()})
async def list(ctx: QueryCtx, args: dict[str, Any]):
    return await (
        ctx.db.query("entries")
        .with_index("by_room_and_position", lambda q: q.eq("room", args["room"]))
        .paginate(args["paginationOpts"])
    )


@mutation
async def fill(ctx: MutationCtx, room: str, count: int) -> None:
    for position in range(count):
        await ctx.db.insert("entries", {"room": room, "position": float(position), "body": f"entry {position}"})


@mutation
async def add(ctx: MutationCtx, room: str, position: float) -> str:
    return await ctx.db.insert("entries", {"room": room, "position": position, "body": f"entry {position:g}"})


@mutation
async def remove(ctx: MutationCtx, room: str, position: float) -> None:
    row = await (
        ctx.db.query("entries")
        .with_index("by_room_and_position", lambda q: q.eq("room", room).eq("position", position))
        .unique()
    )
    await ctx.db.delete(row["_id"])
