"""What players are called: as their identity says, wherever they are shown."""

from __future__ import annotations

from typing import Any

from parabola import MutationCtx

from .players import Row, change
from .standings import rename_standing

ANONYMOUS = "Anonymous"


def name_in(identity: dict[str, Any]) -> str:
    """What a new player is called."""
    return identity.get("name") or ANONYMOUS


async def keep_name(ctx: MutationCtx, user: Row, identity: dict[str, Any]) -> None:
    """Takes over a name that has changed. An identity without a name says nothing about it."""
    name = identity.get("name")
    if name and user["name"] != name:
        await change(ctx, user, {"name": name})
        await rename_standing(ctx, user["_id"], name)
