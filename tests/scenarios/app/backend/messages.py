"""A chat: what most live-query stories need."""

from parabola import ConvexError, MutationCtx, QueryCtx, mutation, query


@query
async def list(ctx: QueryCtx, channel: str):
    return await ctx.db.query("messages").with_index("by_channel", lambda q: q.eq("channel", channel)).collect()


@query
async def bodies(ctx: QueryCtx, channel: str):
    rows = await ctx.db.query("messages").with_index("by_channel", lambda q: q.eq("channel", channel)).collect()
    return [row["body"] for row in rows]


@mutation
async def send(ctx: MutationCtx, channel: str, author: str, body: str) -> str:
    if body == "forbidden":
        raise ConvexError({"code": "FORBIDDEN", "body": body})
    return await ctx.db.insert("messages", {"channel": channel, "author": author, "body": body})


@mutation
async def clear(ctx: MutationCtx, channel: str) -> float:
    rows = await ctx.db.query("messages").with_index("by_channel", lambda q: q.eq("channel", channel)).collect()
    for row in rows:
        await ctx.db.delete(row["_id"])
    return float(len(rows))
