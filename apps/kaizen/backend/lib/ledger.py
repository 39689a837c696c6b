"""Gold and cores change here and nowhere else, so that every change leaves a row in the ledger."""

from __future__ import annotations

from typing import Any

from parabola import MutationCtx

from ...rules.numbers import saturated
from ...rules.upgrades import Currency
from .players import BALANCE_FIELDS, Player, change
from .refusals import refusal


async def book(
    ctx: MutationCtx,
    player: Player,
    currency: Currency,
    reason: str,
    amount: float,
    now_ms: float,
    *,
    request_id: str | None = None,
    result: dict[str, Any] | None = None,
) -> None:
    """Adds `amount`, which may be negative, to a balance.

    A `request_id` is kept with the `result` that the request is answered, for `earlier_result`.
    """
    before = player.balance(currency)
    after = saturated(before + amount)
    if after != before:
        await change(ctx, player.character, {BALANCE_FIELDS[currency]: after})
    await record(ctx, player, currency, reason, after - before, now_ms, request_id=request_id, result=result)


async def record(
    ctx: MutationCtx,
    player: Player,
    currency: Currency,
    reason: str,
    amount: float,
    now_ms: float,
    *,
    request_id: str | None = None,
    result: dict[str, Any] | None = None,
) -> None:
    """The row of a change that the balance shows already."""
    row: dict[str, Any] = {
        "userId": player.user["_id"],
        "kind": f"{currency}.{reason}",
        "amount": amount,
        "balance": player.balance(currency),
        "at": now_ms,
    }
    if request_id is not None:
        row |= {"requestId": request_id, "result": result}
    await ctx.db.insert("ledger", row)


async def open_accounts(ctx: MutationCtx, player: Player, now_ms: float) -> None:
    """Books what a player brings from before there was a ledger."""
    for currency in BALANCE_FIELDS:
        if player.balance(currency):
            await record(ctx, player, currency, "opening", player.balance(currency), now_ms)


async def earlier_result(ctx: MutationCtx, player: Player, kind: str, request_id: str | None) -> dict[str, Any] | None:
    """What this request was answered when it was first carried out; None if it is new, or has no id."""
    if request_id is None:
        return None
    row = await (
        ctx.db.query("ledger")
        .with_index("by_user_request", lambda q: q.eq("userId", player.user["_id"]).eq("requestId", request_id))
        .first()
    )
    if row is None:
        return None
    if row["kind"] != kind:
        raise refusal("Request already used", kind=row["kind"])
    result: dict[str, Any] = row["result"]
    return result
