"""The total order across types: wire 3.9, semantics 1.2 and 22.2."""

from __future__ import annotations

import struct
from itertools import pairwise
from typing import Any

import pytest

from parabola.values.kinds import INT64_MAX, INT64_MIN, UNDEFINED, Int64
from parabola.values.order import compare_values, values_equal

NEGATIVE_NAN: float = struct.unpack(">d", bytes.fromhex("fff8000000000000"))[0]

ASCENDING: list[Any] = [
    UNDEFINED,
    None,
    Int64(INT64_MIN),
    Int64(-1),
    Int64(0),
    Int64(5),
    Int64(INT64_MAX),
    NEGATIVE_NAN,
    float("-inf"),
    -1.5,
    -1,
    -5e-324,
    -0.0,
    0,
    5e-324,
    1,
    1.5,
    2**53,
    float("inf"),
    float("nan"),
    False,
    True,
    "",
    "\x00",
    "a",
    "a\x00",
    "ab",
    "b",
    "é",
    "\uffff",
    "\U00010000",
    b"",
    b"\x00",
    b"a",
    b"a\x00",
    b"\xff",
    [],
    [None],
    [None, None],
    [1],
    [1, 2],
    ["a"],
    {},
    {"": 1},
    {"a": 1},
    {"a": 1, "b": 1},
    {"a": 2},
    {"b": None},
]


def test_item_20_the_order_across_and_within_types() -> None:
    for earlier, later in pairwise(ASCENDING):
        assert compare_values(earlier, later) == -1, (earlier, later)
        assert compare_values(later, earlier) == 1, (earlier, later)
        assert not values_equal(earlier, later), (earlier, later)


def test_every_value_equals_itself() -> None:
    for value in ASCENDING:
        assert compare_values(value, value) == 0
        assert values_equal(value, value)


@pytest.mark.parametrize(
    ("a", "b"),
    [(1, 1.0), (float("nan"), float("nan")), ([1, {"a": 2}], [1.0, {"a": 2.0}]), ({"a": 1, "b": 2}, {"b": 2, "a": 1})],
)
def test_equal_as_values(a: Any, b: Any) -> None:
    assert values_equal(a, b)
    assert compare_values(a, b) == 0


@pytest.mark.parametrize(
    ("a", "b"),
    [(1, True), (0, False), (1, Int64(1)), (1.0, Int64(1)), (0.0, -0.0), (0, -0.0), ("a", b"a"), (None, UNDEFINED)],
)
def test_equal_in_python_or_alike_and_still_different_values(a: Any, b: Any) -> None:
    assert not values_equal(a, b)
    assert not values_equal(b, a)
    assert compare_values(a, b) == -compare_values(b, a) != 0


def test_what_is_not_a_value_does_not_compare() -> None:
    with pytest.raises(TypeError, match="set is not a value"):
        compare_values(set(), 1)
