from typing import Annotated

from parabola import ConvexError, MutationCtx, QueryCtx, mutation, query, v


@query
async def list(ctx: QueryCtx, channel: str):
    return await ctx.db.query("messages").with_index("by_channel", lambda q: q.eq("channel", channel)).take(100)


@mutation
async def send(ctx: MutationCtx, channel: str, author: str, body: Annotated[str, v.length(1, 500)]):
    if "spam" in body:
        raise ConvexError({"code": "SPAM"})
    return await ctx.db.insert("messages", {"channel": channel, "author": author, "body": body})
