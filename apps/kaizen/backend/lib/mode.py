"""Whom the game believes: nobody (`strict`), or the client (`parity`, as the original did)."""

from __future__ import annotations

import os

from parabola import MutationCtx, QueryCtx

MODE_VARIABLE = "KAIZEN_MODE"


async def is_strict(ctx: QueryCtx | MutationCtx) -> bool:
    """Whether the server owns the numbers. `parity` is for compatibility tests and for putting players in place."""
    mode = ctx.env.get(MODE_VARIABLE) or os.environ.get(MODE_VARIABLE) or "strict"
    if mode not in ("strict", "parity"):
        raise ValueError(f'{MODE_VARIABLE} is "{mode}". Set it to "strict" or "parity", or leave it out for "strict".')
    return mode == "strict"
