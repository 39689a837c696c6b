"""Sizes: semantics 1.3."""

from __future__ import annotations

from typing import Any

import pytest

import parabola
from parabola.values.kinds import UNDEFINED, Int64
from parabola.values.size import document_size, format_size, get_convex_size, get_document_size, value_size


@pytest.mark.parametrize(
    ("value", "size"),
    [
        (UNDEFINED, 0),
        (None, 1),
        (True, 1),
        (Int64(1), 9),
        (1, 9),
        (1.5, 9),
        ("", 2),
        ("abc", 5),
        ("é", 4),
        (b"abc", 5),
        ([], 2),
        ([None, "a"], 6),
        ({}, 2),
        ({"a": None}, 5),
        ({"ab": [1], "c": {"d": b""}}, 2 + 3 + 11 + 2 + 2 + 2 + 2),
    ],
)
def test_sizes(value: Any, size: int) -> None:
    assert value_size(value) == size
    assert get_convex_size(value) == size


def test_a_document_counts_its_system_fields_also_before_it_has_them() -> None:
    bare = {"body": "hi"}
    stored = {**bare, "_id": "j57000820c20a1g7104gm2rc1m70ynr8", "_creationTime": 1.5}
    assert document_size(bare) == document_size(stored) == value_size(stored)
    assert document_size(bare) == value_size(bare) + 38 + 23


def test_missing_fields_count_nothing() -> None:
    assert get_convex_size({"a": 1, "b": UNDEFINED}) == get_convex_size({"a": 1})
    assert get_document_size({"a": 1, "b": UNDEFINED}) == get_document_size({"a": 1})


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (900, "900 B"),
        (1024, "1 KiB"),
        (1024 * 1024, "1 MiB"),
        (1024 * 1024 * 3 // 2, "1.5 MiB"),
        (32 << 20, "32 MiB"),
    ],
)
def test_sizes_print_in_binary_units(size: int, text: str) -> None:
    assert format_size(size) == text


def test_what_is_not_a_value_has_no_size() -> None:
    with pytest.raises(TypeError, match="tuple is not a value"):
        value_size(())


def test_the_public_names_count_nothing_for_missing_fields_at_any_depth() -> None:
    assert parabola.get_convex_size({"a": [{"b": UNDEFINED}], "c": UNDEFINED}) == parabola.get_convex_size({"a": [{}]})
    assert parabola.get_document_size({"a": 1, "b": UNDEFINED}) == parabola.get_document_size({"a": 1})
