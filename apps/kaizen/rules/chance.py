"""Chance that can be computed again: the nth draw of a seed is always the same number.

Server, pages and tests agree on every blow of a fight, because nobody draws: they look up.
"""

from __future__ import annotations

# Which question a draw answers; the same n gives independent numbers for each.
CRITICAL_HIT = 1
DOUBLE_GOLD = 2

_MASK = 0xFFFF_FFFF


def draw(seed: int, n: int, salt: int) -> float:
    """The nth number of `seed` for one question, at least 0 and below 1. All arithmetic is modulo 2**32."""
    a = (seed + n * 0x9E37_79B9 + salt * 0x85EB_CA6B + 0x6D2B_79F5) & _MASK
    t = ((a ^ (a >> 15)) * (a | 1)) & _MASK
    t ^= (t + (t ^ (t >> 7)) * (t | 61)) & _MASK
    return (t ^ (t >> 14)) / 2**32
