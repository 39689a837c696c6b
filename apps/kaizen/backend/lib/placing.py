"""Heroes that are put somewhere from outside the rules: by a client of parity mode, or by an operator.

The original's tables say where they are now. What the server keeps beside those has to follow: the ledger adds up, the
enemy is one of the new place, and the leaderboard knows.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from parabola import MutationCtx

from .battles import begin_here
from .ledger import record
from .players import BALANCE_FIELDS, Player, Row, find_player, place_of, rows_of_user
from .standings import record_standing


@asynccontextmanager
async def placing(ctx: MutationCtx, user: Row) -> AsyncIterator[None]:
    """Around writes to the original's rows of `user`. Somebody who has not played here yet has nothing to follow."""
    has_played = bool(await rows_of_user(ctx, "runState", user))
    before = await find_player(ctx, user) if has_played else None
    yield
    if before is not None:
        after = await find_player(ctx, user)
        assert after is not None, "a hero is put somewhere, not taken away"
        await _follow(ctx, before, after)


async def _follow(ctx: MutationCtx, before: Player, after: Player) -> None:
    now = int(ctx.now())
    for currency in BALANCE_FIELDS:
        amount = after.balance(currency) - before.balance(currency)
        if amount:
            await record(ctx, after, currency, "placed", amount, now)
    if place_of(after.character) != place_of(before.character) or "absence" in after.run:
        await begin_here(ctx, after, now)
    await record_standing(ctx, after, now)
