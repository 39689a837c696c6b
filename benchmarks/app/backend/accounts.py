"""The functions that the workloads call, as a user would write them."""

from typing import Any

from parabola import ConvexError, MutationCtx, QueryCtx, mutation, query, v


async def find(ctx: QueryCtx | MutationCtx, number: float) -> dict[str, Any]:
    account = await ctx.db.query("accounts").with_index("by_number", lambda q: q.eq("number", number)).unique()
    if account is None:
        raise ConvexError({"code": "NO_SUCH_ACCOUNT", "number": number})
    return account


@mutation(args={"start": v.number(), "count": v.number(), "balance": v.number()})
async def seed(ctx: MutationCtx, start: float, count: float, balance: float) -> None:
    for number in range(int(start), int(start + count)):
        await ctx.db.insert("accounts", {"number": number, "balance": balance})


@mutation(args={"source": v.number(), "target": v.number(), "amount": v.number()})
async def transfer(ctx: MutationCtx, source: float, target: float, amount: float) -> bool:
    payer = await find(ctx, source)
    payee = await find(ctx, target)
    if payer["balance"] < amount:
        return False
    await ctx.db.patch(payer["_id"], {"balance": payer["balance"] - amount})
    await ctx.db.patch(payee["_id"], {"balance": payee["balance"] + amount})
    return True


@query(args={"number": v.number()})
async def get(ctx: QueryCtx, number: float) -> dict[str, Any]:
    return await find(ctx, number)


@query(args={"number": v.number(), "tag": v.number()})
async def get_tagged(ctx: QueryCtx, number: float, tag: float) -> dict[str, Any]:
    """The same for each tag, but a query of its own: nothing can be shared between two subscribers."""
    return {**await find(ctx, number), "tag": tag}


@query(args={"start": v.number()})
async def hundred(ctx: QueryCtx, start: float) -> list[dict[str, Any]]:
    return await ctx.db.query("accounts").with_index("by_number", lambda q: q.gte("number", start)).take(100)
