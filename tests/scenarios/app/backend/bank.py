"""Money that must stay in total, whatever happens to the server."""

from typing import Any

from parabola import ConvexError, MutationCtx, QueryCtx, mutation, query


async def account(ctx: QueryCtx | MutationCtx, bank: str, number: float) -> dict[str, Any]:
    row = await (
        ctx.db.query("accounts")
        .with_index("by_bank_and_number", lambda q: q.eq("bank", bank).eq("number", number))
        .unique()
    )
    if row is None:
        raise ConvexError({"code": "NO_SUCH_ACCOUNT", "number": number})
    return row


@mutation
async def open(ctx: MutationCtx, bank: str, count: int, balance: float) -> None:
    for number in range(count):
        await ctx.db.insert("accounts", {"bank": bank, "number": float(number), "balance": balance})


@mutation
async def transfer(ctx: MutationCtx, bank: str, source: float, target: float, amount: float, key: str) -> None:
    """Moves money and notes the transfer's key, so that a test can ask later which transfers took place."""
    payer = await account(ctx, bank, source)
    payee = await account(ctx, bank, target)
    await ctx.db.patch(payer["_id"], {"balance": payer["balance"] - amount})
    await ctx.db.patch(payee["_id"], {"balance": payee["balance"] + amount})
    await ctx.db.insert("transfers", {"bank": bank, "key": key})


@query
async def total(ctx: QueryCtx, bank: str) -> float:
    rows = await ctx.db.query("accounts").with_index("by_bank_and_number", lambda q: q.eq("bank", bank)).collect()
    return float(sum(row["balance"] for row in rows))


@query
async def balances(ctx: QueryCtx, bank: str) -> list[float]:
    rows = await ctx.db.query("accounts").with_index("by_bank_and_number", lambda q: q.eq("bank", bank)).collect()
    return [row["balance"] for row in rows]


@query
async def transfers_after(ctx: QueryCtx, bank: str, key: str, count: int) -> dict[str, Any]:
    """Up to `count` transfers with keys above `key`, in order, each with the time that its commit gave it."""
    rows = await (
        ctx.db.query("transfers").with_index("by_bank_and_key", lambda q: q.eq("bank", bank).gt("key", key)).take(count)
    )
    return {"keys": [row["key"] for row in rows], "times": [row["_creationTime"] for row in rows]}
