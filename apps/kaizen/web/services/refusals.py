"""What to tell a player when something was refused or went wrong."""

from __future__ import annotations

from typing import Any, Final

from parabola import ConvexError

TOO_SOON: Final = "TOO_MANY_REQUESTS"


def code_of(error: BaseException) -> str:
    """The code of a refusal, such as `NOT_ENOUGH_GOLD`; empty for any other error."""
    data: Any = error.data if isinstance(error, ConvexError) else None
    return str(data.get("code", "")) if isinstance(data, dict) else ""


def retry_after_s(error: BaseException) -> float | None:
    """When to try again what came too soon; None for every other error. Nothing has been done of it."""
    if not isinstance(error, ConvexError) or code_of(error) != TOO_SOON:
        return None
    return max(0.0, float(error.data.get("retryAfterMs", 0)) / 1000)


def message_of(error: BaseException) -> str:
    """The server's own words for a refusal; a plain sentence for everything else, whose details are for the log."""
    data: Any = error.data if isinstance(error, ConvexError) else None
    if isinstance(data, dict) and isinstance(data.get("message"), str):
        return str(data["message"])
    if isinstance(data, str):
        return data
    return "That did not work. Please try again."
