"""How the game says no: an error that reaches the player as it is, with data that a page can act on."""

from __future__ import annotations

from typing import Any

from parabola import ConvexError


def refusal(message: str, **details: Any) -> ConvexError:
    """An error to raise. Its data are `{code, message, …details}`; the code is the message's beginning, as a constant:
    `Not enough gold` becomes `NOT_ENOUGH_GOLD`.
    """
    code = message.partition(":")[0].upper().replace(" ", "_")
    return ConvexError({"code": code, "message": message, **details})
