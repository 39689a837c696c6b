"""What was passed in the place of a value, and only leads to one: a call that was not awaited, a query that was not
consumed.

Whoever refuses something that is no value asks here what to add. A class says it for its instances with a method
`explain_misuse`, so that this package need not know of it.
"""

from __future__ import annotations

from types import CoroutineType


def explain_misuse(given: object) -> str:
    """The sentences that say what to write instead, after a space; "" where nothing is known."""
    explain = getattr(type(given), "explain_misuse", None)
    if explain is not None:
        return f" {explain(given)}"
    if isinstance(given, CoroutineType):
        return f" {not_awaited(given.__name__)}"
    if hasattr(type(given), "__await__"):
        return " It was used without waiting for it. Write `await …`."
    return ""


def not_awaited(call: str) -> str:
    """`call` is what was called, such as `ctx.db.get`."""
    return (
        f"The result of {call}(...) was used without waiting for it. "
        f"Write `await {call}(...)` instead of `{call}(...)`."
    )
