"""Functions that fail, each in its own way."""

from typing import Any

from parabola import ActionCtx, ConvexError, MutationCtx, QueryCtx, action, internal_mutation, mutation, query, v


@query(args={"data": v.any()})
async def refuse_query(ctx: QueryCtx, data: Any) -> None:
    raise ConvexError(data)


@mutation(args={"data": v.any()})
async def refuse_mutation(ctx: MutationCtx, data: Any) -> None:
    raise ConvexError(data)


@action(args={"data": v.any()})
async def refuse_action(ctx: ActionCtx, data: Any) -> None:
    raise ConvexError(data)


@query
async def crash_query(ctx: QueryCtx) -> None:
    raise RuntimeError("the query crashed")


@mutation
async def crash_mutation(ctx: MutationCtx, channel: str) -> None:
    await ctx.db.insert("messages", {"channel": channel, "author": "nobody", "body": "never seen"})
    raise RuntimeError("the mutation crashed")


@action
async def crash_action(ctx: ActionCtx) -> None:
    raise RuntimeError("the action crashed")


@query
async def endless_query(ctx: QueryCtx) -> None:
    while True:
        pass


@query
async def get_document(ctx: QueryCtx, document_id: str) -> Any:
    return await ctx.db.get(document_id)


@mutation
async def insert_nested(ctx: MutationCtx, depth: int) -> None:
    value: Any = 0.0
    for _ in range(depth):
        value = [value]
    await ctx.db.insert("anything", {"label": "nested", "value": value})


@mutation
async def insert_large(ctx: MutationCtx, size: int) -> None:
    await ctx.db.insert("anything", {"label": "large", "value": "x" * size})


@internal_mutation
async def secret(ctx: MutationCtx) -> str:
    return "only from inside"


@query
async def announce(ctx: QueryCtx) -> None:
    print("hello", {"a": 1})
