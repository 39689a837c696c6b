"""Keys: the table and the examples of wire 3.9."""

from __future__ import annotations

from typing import Any

import pytest

from parabola.values.keys import canonical_args_key, encode_key, encode_key_parts, prefix_end
from parabola.values.kinds import UNDEFINED, Int64


@pytest.mark.parametrize(
    ("value", "key"),
    [
        (UNDEFINED, "01"),
        (None, "03"),
        (Int64(0), "08"),
        (Int64(5), "0905"),
        (Int64(-1), "07ff"),
        (Int64(127), "097f"),
        (Int64(128), "0a0080"),
        (Int64(-128), "0780"),
        (Int64(-129), "06ff7f"),
        (Int64(300), "0a012c"),
        (Int64(2**31), "0c0000000080000000"),
        (Int64(-(2**63)), "048000000000000000"),
        (1.0, "0dbff0000000000000"),
        (1, "0dbff0000000000000"),
        (-1.0, "0d400fffffffffffff"),
        (0.0, "0d8000000000000000"),
        (0, "0d8000000000000000"),
        (-0.0, "0d7fffffffffffffff"),
        (float("inf"), "0dfff0000000000000"),
        (float("-inf"), "0d000fffffffffffff"),
        (float("nan"), "0dfff8000000000000"),
        (False, "0e"),
        (True, "0f"),
        ("", "1000"),
        ("a", "106100"),
        ("a\x00b", "106100ff6200"),
        ("é", "10c3a900"),
        (b"", "1100"),
        (b"a\x00", "116100ff00"),
        ([], "1200"),
        ([1.0, "a"], "120dbff000000000000010610000"),
        ({}, "1500"),
        ({"a": None}, "1561000300"),
        ({"": None}, "1500ff000300"),
        ({"b": True, "a": None}, "1561000362000f00"),
    ],
)
def test_keys_match_the_table(value: Any, key: str) -> None:
    assert encode_key(value).hex() == key


def test_keys_of_several_values_are_concatenated() -> None:
    assert encode_key_parts(["a", None]) == encode_key("a") + encode_key(None)
    assert encode_key_parts([]) == b""


def test_the_end_of_a_prefix_is_above_everything_that_begins_with_it() -> None:
    start = encode_key("a")
    assert start < encode_key_parts(["a", {"z": [True]}]) < prefix_end(start) < encode_key("b")
    assert prefix_end(start) <= encode_key("a\x00")


def test_arguments_have_one_key_whatever_the_order_of_their_fields_and_the_spelling_of_numbers() -> None:
    assert canonical_args_key({"a": 1, "b": "x"}) == canonical_args_key({"b": "x", "a": 1.0})
    assert canonical_args_key({"a": 1}) != canonical_args_key({"a": True})
    assert canonical_args_key({"a": 1}) != canonical_args_key({"a": Int64(1)})


def test_what_is_not_a_value_has_no_key() -> None:
    with pytest.raises(TypeError, match="tuple is not a value"):
        encode_key((1,))
