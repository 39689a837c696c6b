"""Arithmetic that neither overflows nor loses its head: what the formulas need beyond `+` and `*`."""

from __future__ import annotations

import math

# The largest whole number that a double holds along with all smaller ones. Gold and cores stop here.
BALANCE_MAX = 2**53 - 1


def floor(value: float) -> float:
    """The largest whole number not above `value`; infinity stays infinity."""
    # From 2**53 on every double is whole, and as a Python int it would be too large to store.
    return math.floor(value) if abs(value) <= BALANCE_MAX else value


def power(base: float, exponent: float) -> float:
    """`base ** exponent` for a positive base; infinity where Python would raise OverflowError."""
    try:
        result: float = float(base) ** exponent
    except OverflowError:
        return math.inf
    return result


def saturated(balance: float) -> float:
    """`balance`, or the most that one can own."""
    return min(balance, BALANCE_MAX)


def is_whole(value: float) -> bool:
    """Whether `value` is finite and without a fraction."""
    return math.isfinite(value) and value == math.floor(value)


def nearest_whole(value: float, least: int, most: int) -> int:
    """The lawful number nearest to `value`, of two the smaller; nothing is near to NaN, so that gives `least`."""
    if math.isnan(value):
        return least
    inside = min(max(value, least), most)
    whole = math.floor(inside)
    return whole + (inside - whole > 0.5)
