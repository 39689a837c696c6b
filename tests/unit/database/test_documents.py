from __future__ import annotations

from typing import Any

import pytest

from parabola.database.documents import new_document, patched_document
from parabola.errors import InvalidValue
from parabola.limits import DEFAULT_LIMITS, Limits
from parabola.values.documents import decode_document, encode_document
from parabola.values.model import UNDEFINED, Int64
from parabola.values.order import values_equal

OLD: dict[str, Any] = {"_id": "x", "_creationTime": 1.0, "a": 1, "b": "text"}


def patched(fields: dict[str, Any], old: dict[str, Any] = OLD, limits: Limits = DEFAULT_LIMITS) -> Any:
    return patched_document(old, encode_document(old), fields, limits)


@pytest.mark.parametrize(
    "value", [2, -0.0, 0.0, 2.5, float("nan"), float("inf"), Int64(1), True, None, "é", b"b", [1], {"c": -0.0}]
)
def test_what_is_stored_is_what_was_given(value: Any) -> None:
    changed = patched({"a": value})
    assert values_equal(decode_document(changed[1]), changed[0])
    assert values_equal(changed[0]["a"], value)
    assert {**changed[0], "a": 1} == OLD


@pytest.mark.parametrize("fields", [{}, {"a": 1}, {"a": 1.0, "b": "text"}, {"none": UNDEFINED}, {"_id": "x"}])
def test_nothing_changes(fields: dict[str, Any]) -> None:
    assert patched(fields) is None


def test_a_document_with_special_values_stays_special() -> None:
    old = {**OLD, "big": Int64(5)}
    changed = patched({"a": 2}, old)
    assert values_equal(decode_document(changed[1])["big"], Int64(5))


@pytest.mark.parametrize("fields", [{"a": 2**60}, {"a": "\ud800"}, {"a": object()}, {"$x": 1}, {"_x": 1}, {"a": (1,)}])
def test_what_is_no_value_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(InvalidValue):
        patched(fields)


def test_the_whole_must_stay_within_the_limits() -> None:
    with pytest.raises(InvalidValue, match="too many fields"):
        patched({"c": 1}, limits=Limits(object_fields_max=4))
    with pytest.raises(InvalidValue, match="Value is too large"):
        patched({"b": "x" * 200}, limits=Limits(document_bytes_max=200))


@pytest.mark.parametrize("count", [1022, 1023])
def test_the_system_fields_count_among_the_fields_of_a_document(count: int) -> None:
    fields = {f"f{number}": number for number in range(count)}
    if count == 1022:
        new_document(fields, "id", 1.0, DEFAULT_LIMITS)
    else:
        with pytest.raises(InvalidValue, match=r"too many fields \(1025 > maximum number 1024\)"):
            new_document(fields, "id", 1.0, DEFAULT_LIMITS)
