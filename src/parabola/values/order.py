"""The one total order, across types, that indexes, filters and equality all use (wire 3.9, semantics 1.2)."""

from __future__ import annotations

from typing import Final

from parabola.values.keys import encode_key
from parabola.values.kinds import Int64, Undefined, Value

_RANKS: Final[dict[type, int]] = {
    Undefined: 0,
    type(None): 1,
    Int64: 2,
    int: 3,
    float: 3,
    bool: 4,
    str: 5,
    bytes: 6,
    list: 7,
    dict: 8,
}


def compare_values(a: Value, b: Value) -> int:
    """-1, 0 or 1 as `a` sorts before, with or after `b`. `UNDEFINED` is allowed and sorts first."""
    rank_a, rank_b = _rank(a), _rank(b)
    if rank_a != rank_b:
        return -1 if rank_a < rank_b else 1
    if rank_a in (2, 4, 5, 6):
        # Valid text sorts by code point as its UTF-8 does by byte.
        return 0 if a == b else (-1 if a < b else 1)
    key_a, key_b = encode_key(a), encode_key(b)
    return 0 if key_a == key_b else (-1 if key_a < key_b else 1)


def values_equal(a: Value, b: Value) -> bool:
    """Equality of values: `1` equals `1.0` and `nan` equals `nan`; `True`, `Int64(1)` and `1` all differ, as do
    `-0.0` and `0.0`.
    """
    kind = type(a)
    if kind is type(b) and (kind is str or kind is bytes or kind is bool or kind is int):
        return bool(a == b)
    if a is None or b is None:
        return a is b
    if _rank(a) != _rank(b):
        return False
    return encode_key(a) == encode_key(b)


def _rank(value: Value) -> int:
    rank = _RANKS.get(type(value))
    if rank is None:
        raise TypeError(f"{type(value).__name__} is not a value.")
    return rank
