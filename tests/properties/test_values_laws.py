"""Laws of values: what goes in comes out, and bytes sort as values do."""

from __future__ import annotations

import json
from functools import cmp_to_key
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from parabola.limits import DEFAULT_LIMITS
from parabola.testing.strategies import documents, floats, int64s, plain_ints, texts, values
from parabola.values.careful import normalize_carefully
from parabola.values.documents import decode_document, encode_document
from parabola.values.ids import InvalidId, decode_id, encode_id, table_number_of
from parabola.values.keys import encode_key, encode_key_parts, prefix_end
from parabola.values.kinds import UNDEFINED, Int64
from parabola.values.model import normalize, normalize_document
from parabola.values.order import compare_values, values_equal
from parabola.values.size import document_size, value_size
from parabola.values.wire import HttpFormat, decode_wire, encode_http, encode_wire, from_wire, http_from_wire, to_wire

modest = settings(max_examples=150, deadline=None)
values_or_missing = st.one_of(st.just(UNDEFINED), values)


def same(a: Any, b: Any) -> bool:
    """Equal as values, and of the same Python types throughout."""
    if type(a) is not type(b):
        return False
    if isinstance(a, list):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[name], b[name]) for name in a)
    return values_equal(a, b)


@modest
@given(values)
def test_a_value_survives_the_wire(value: Any) -> None:
    assert same(decode_wire(encode_wire(value)), value)
    assert same(from_wire(to_wire(value)), value)


@modest
@given(values)
def test_a_value_survives_http_as_a_value_though_integers_come_back_as_floats(value: Any) -> None:
    assert values_equal(decode_wire(encode_http(value)), value)


@modest
@given(values, st.sampled_from(["json", "convex_encoded_json", "export_json"]))
def test_the_answer_over_http_can_be_made_of_the_form_on_the_wire(value: Any, format: HttpFormat) -> None:
    assert http_from_wire(encode_wire(value), format) == encode_http(value, format)


@modest
@given(values)
def test_encoded_json_is_json_and_does_not_depend_on_the_order_of_fields(value: Any) -> None:
    json.loads(encode_wire(value), parse_constant=lambda token: 1 / 0)
    if isinstance(value, dict):
        assert encode_wire(dict(reversed(value.items()))) == encode_wire(value)


@modest
@given(documents)
def test_a_document_survives_the_store(document: dict[str, Any]) -> None:
    normalized = normalize_document(document)
    assert same(decode_document(encode_document(document)), document)
    assert same(decode_document(encode_document(normalized.document, plain=normalized.plain)), document)
    assert normalized.plain == (encode_document(document)[:1] == b"{" and b'"$' not in encode_wire(document)) or (
        # A string that starts with a dollar sign costs the marker where nothing is known, and harms nothing.
        normalized.plain and b'"$' in encode_wire(document)
    )


@modest
@given(values_or_missing, values_or_missing)
def test_keys_sort_as_values_do(a: Any, b: Any) -> None:
    key_a, key_b = encode_key(a), encode_key(b)
    assert compare_values(a, b) == (key_a > key_b) - (key_a < key_b)
    assert compare_values(b, a) == -compare_values(a, b)
    assert values_equal(a, b) == (key_a == key_b)


@modest
@given(st.lists(st.one_of(plain_ints, floats, int64s, texts, values), max_size=8))
def test_the_order_is_total(unsorted: list[Any]) -> None:
    ordered = sorted(unsorted, key=cmp_to_key(compare_values))
    assert [encode_key(value) for value in ordered] == sorted(encode_key(value) for value in unsorted)


@modest
@given(values, values, values)
def test_keys_of_several_values_sort_part_by_part(first: Any, second: Any, other: Any) -> None:
    left, right = encode_key_parts([first, second]), encode_key_parts([first, other])
    assert compare_values(second, other) == (left > right) - (left < right)
    assert encode_key(first) <= left < prefix_end(encode_key(first))


@modest
@given(values, values)
def test_a_key_that_continues_another_is_outside_of_its_range(a: Any, b: Any) -> None:
    key_a, key_b = encode_key(a), encode_key(b)
    if key_a != key_b and key_a.startswith(key_b):
        assert key_a >= prefix_end(key_b)


@modest
@given(plain_ints)
def test_an_integer_is_the_double_of_the_same_value(number: int) -> None:
    assert encode_key(number) == encode_key(float(number))
    assert values_equal(number, float(number))
    assert value_size(number) == value_size(float(number)) == 9
    assert not values_equal(number, Int64(number))


@modest
@given(values)
def test_normalising_is_a_deep_copy_that_changes_nothing(value: Any) -> None:
    copy = normalize(value)
    assert same(copy, value)
    assert value is not copy or not isinstance(value, (list, dict))


@modest
@given(documents)
def test_both_lanes_of_normalising_agree(document: dict[str, Any]) -> None:
    copy, size = normalize_carefully(document, DEFAULT_LIMITS, 64)
    fast = normalize_document(document)
    assert same(fast.document, copy)
    assert fast.size == document_size(document) == size + 38 * ("_id" not in copy) + 23 * ("_creationTime" not in copy)


@modest
@given(st.integers(1, 2**32 - 1), st.binary(min_size=16, max_size=16))
def test_an_id_gives_back_its_table_and_its_bytes(table_number: int, internal: bytes) -> None:
    text = encode_id(table_number, internal)
    assert 31 <= len(text) <= 37
    assert decode_id(text) == (table_number, internal)
    assert table_number_of(text) == table_number


@modest
@given(st.integers(1, 2**14), st.binary(min_size=16, max_size=16), st.data())
def test_an_id_with_one_character_changed_is_no_id(table_number: int, internal: bytes, data: st.DataObject) -> None:
    text = encode_id(table_number, internal)
    at = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.sampled_from("0123456789abcdefghjkmnpqrstvwxyz_ilouA+ é").filter(lambda c: c != text[at]))
    changed = text[:at] + other + text[at + 1 :]
    try:
        decoded = decode_id(changed)
    except InvalidId:
        assert table_number_of(changed) is None
    else:
        # The checksum is small; what it cannot see must at least be a canonical id of something else.
        assert encode_id(*decoded) == changed != text
