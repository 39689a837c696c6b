"""How numbers, times and shares are written on the pages. Rounded down, so nobody sees more than they have."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Final

_SUFFIXES: Final = ("", "K", "M", "B", "T", "Qa", "Qi", "Sx", "Sp", "Oc", "No", "Dc")
_GROUPED_UP_TO: Final = 10**21


def short(number: float) -> str:
    """A number in three digits: `999`, `1.23K`, `45.6M`, `7.89e40`. Whole below a thousand, with two decimals at most.

    Infinity is `∞`, and what is no number a dash.
    """
    if math.isnan(number):
        return "–"
    if number < 0:
        return f"-{short(-number)}"
    if math.isinf(number):
        return "∞"
    if number < 1000:
        return plain(number)
    # As the decimal number that the double is written as: a division of doubles could round up, and 1.5e30 is a
    # little less than its name.
    whole = int(Decimal(repr(number)))
    exponent = len(str(whole)) - 1
    digits = whole // 10 ** (exponent - 2)
    group, place = divmod(exponent, 3)
    if group >= len(_SUFFIXES):
        return f"{_decimal(digits, 2)}e{exponent}"
    return f"{_decimal(digits, 2 - place)}{_SUFFIXES[group]}"


def exact(number: float) -> str:
    """All digits of a number, in groups of three, for tooltips; beyond 10**21, where digits say little, `1.5e+30`."""
    if not math.isfinite(number):
        return short(number)
    if abs(number) >= _GROUPED_UP_TO:
        return repr(float(number))
    if number == int(number):
        return f"{int(number):,}"
    return f"{number:,.2f}"


def plain(number: float) -> str:
    """A number as it is, rounded down to two decimals: `12`, `0.28`, `2.5`. By the doubles' own arithmetic, as the
    game's rules say: 0.29 is 0.28.
    """
    return f"{math.floor(number * 100) / 100:.2f}".rstrip("0").rstrip(".")


def percent(share: float) -> str:
    """A share as a percentage with two decimals at most: 0.125 is `12.5%`."""
    # Percentages are for reading, so 0.29 is 29%: the error of the double goes first.
    return f"{plain(round(share * 100, 6))}%"


def duration(ms: float) -> str:
    """A time in its two largest units: `45 s`, `3 min 20 s`, `2 h 5 min`, `1 d 3 h`."""
    seconds = int(max(0, ms) // 1000)
    units = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))
    parts: list[str] = []
    for name, size in units:
        count, seconds = divmod(seconds, size)
        if parts or count:
            parts.append(f"{count} {name}" if count else "")
        if len(parts) == 2:
            break
    return " ".join(part for part in parts if part) or "0 s"


def counted(number: float, one: str, many: str | None = None) -> str:
    """`1 enemy`, `23 enemies`."""
    return f"{short(number)} {one if number == 1 else many or one + 's'}"


def _decimal(digits: int, decimals: int) -> str:
    """`123` with two decimals is `1.23`; zeros at the end are left out."""
    if not decimals:
        return str(digits)
    text = f"{digits:03d}"
    return f"{text[:-decimals]}.{text[-decimals:]}".rstrip("0").rstrip(".")
