"""Values as JSON: wire 3.2 to 3.4, with the vectors of the JavaScript client."""

from __future__ import annotations

import json
from typing import Any

import pytest

from parabola.errors import InvalidValue
from parabola.values.kinds import Int64
from parabola.values.order import values_equal
from parabola.values.wire import (
    HttpFormat,
    decode_wire,
    encode_http,
    encode_wire,
    from_own_wire,
    from_wire,
    to_wire,
)

VECTORS: list[tuple[Any, dict[str, str]]] = [
    (Int64(0), {"$integer": "AAAAAAAAAAA="}),
    (Int64(1), {"$integer": "AQAAAAAAAAA="}),
    (Int64(-1), {"$integer": "//////////8="}),
    (Int64(2**63 - 1), {"$integer": "/////////38="}),
    (Int64(-(2**63)), {"$integer": "AAAAAAAAAIA="}),
    (-0.0, {"$float": "AAAAAAAAAIA="}),
    (float("nan"), {"$float": "AAAAAAAA+H8="}),
    (float("inf"), {"$float": "AAAAAAAA8H8="}),
    (float("-inf"), {"$float": "AAAAAAAA8P8="}),
    (bytes.fromhex("001083"), {"$bytes": "ABCD"}),
    (b"", {"$bytes": ""}),
    (bytes.fromhex("fffe"), {"$bytes": "//4="}),
]


@pytest.mark.parametrize(("value", "form"), VECTORS)
def test_special_values_match_the_vectors_in_both_directions(value: Any, form: dict[str, str]) -> None:
    assert to_wire(value) == form
    assert json.loads(encode_wire(value)) == form
    assert json.loads(encode_wire({"a": [value, None]})) == {"a": [form, None]}
    for decoded in (from_wire(form), decode_wire(json.dumps(form)), decode_wire(json.dumps({"a": [form]}))["a"][0]):
        assert type(decoded) is type(value)
        assert values_equal(decoded, value)


def test_keys_are_sorted_and_plain_numbers_stay_as_they_are() -> None:
    assert encode_wire({"b": 1, "a": {"d": 1.0, "c": [True, None, "x"]}}) == (
        b'{"a":{"c":[true,null,"x"],"d":1.0},"b":1}'
    )


def test_numbers_near_minus_zero_and_the_word_null_are_not_mistaken_for_special_values() -> None:
    assert (
        encode_wire({"a": -0.05, "b": "null", "c": None, "d": "-0.0"}) == b'{"a":-0.05,"b":"null","c":null,"d":"-0.0"}'
    )


@pytest.mark.parametrize("text", ["1e21", "5e-324", "1.5", "-1e-7", "9007199254740992"])
def test_doubles_read_back_as_the_same_double(text: str) -> None:
    value = decode_wire(text)
    assert float(value) == float(text)
    assert decode_wire(encode_wire(value)) == value


@pytest.mark.parametrize("digits", ["9007199254740993", "-9007199254740993", "99999999999999999999", "1" * 40])
def test_an_integer_of_many_digits_is_a_double(digits: str) -> None:
    for value in (decode_wire(digits), decode_wire(f'{{"a":[{digits}]}}')["a"][0], from_wire(int(digits))):
        assert type(value) is float
        assert value == float(digits)


@pytest.mark.parametrize(
    "text", ["1e400", "NaN", "Infinity", "-Infinity", "{", "", "{'a':1}", "[1,]", '"\\ud800"', "nul"]
)
def test_what_is_not_json_is_refused(text: str) -> None:
    with pytest.raises(InvalidValue, match=r"^Not valid JSON: "):
        decode_wire(text)


@pytest.mark.parametrize(
    ("form", "message"),
    [
        ({"$float": "AAAAAAAA8D8="}, "Float64 1 should be encoded as a number"),
        ({"$float": "AAAAAAAAAAA="}, "Float64 0 should be encoded as a number"),
        ({"$float": 1.5}, "$float must hold a base64 string, and holds float."),
        ({"$float": "AAAA"}, "$float must hold 8 bytes, and holds 3."),
        ({"$integer": "AAAA"}, "$integer must hold 8 bytes, and holds 3."),
        ({"$integer": 5}, "$integer must hold a base64 string, and holds int."),
        ({"$bytes": "ABC"}, "$bytes must hold base64, in the standard alphabet with padding."),
        ({"$bytes": "//-_"}, "$bytes must hold base64, in the standard alphabet with padding."),
        ({"$bytes": None}, "$bytes must hold a base64 string, and holds NoneType."),
        ({"$set": []}, "Field name $set starts with '$', which is reserved."),
        ({"$map": []}, "Field name $map starts with '$', which is reserved."),
        ({"$commitTs": None}, "Field name $commitTs starts with '$', which is reserved."),
        ({"$integer": "AQAAAAAAAAA=", "a": 1}, "Field name $integer starts with '$', which is reserved."),
        (
            {"é": 1},
            "Field name é has invalid character 'é': Field names can only contain non-control ASCII characters",
        ),
    ],
)
def test_malformed_special_objects_and_bad_names_are_refused(form: Any, message: str) -> None:
    for decode in (lambda: from_wire(form), lambda: decode_wire(json.dumps({"x": [form]}))):
        with pytest.raises(InvalidValue) as refusal:
            decode()
        assert refusal.value.message == message


def test_a_dollar_sign_that_hides_behind_an_escape_is_seen() -> None:
    assert decode_wire('{"\\u0024integer":"AQAAAAAAAAA="}') == Int64(1)


def test_what_is_decoded_is_limited() -> None:
    assert decode_wire("[" * 64 + "]" * 64)
    with pytest.raises(InvalidValue, match=r"^Value is too nested"):
        decode_wire("[" * 65 + "]" * 65)
    with pytest.raises(InvalidValue, match=r"^Value is too nested"):
        decode_wire('{"a":' * 65 + "1" + "}" * 65)
    with pytest.raises(InvalidValue, match=r"^Array length is too long"):
        decode_wire("[" + "0," * 8192 + "0]")
    with pytest.raises(InvalidValue, match=r"^Object has too many fields"):
        decode_wire(json.dumps({str(n): 0 for n in range(1025)}))


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("-0", "-0.0"),
        ("[-0,-0 ,1,-0\n]", "[-0.0, -0.0, 1, -0.0]"),
        (
            '{"-0":-0,"a":"-0, ","b":["\\"-0",-0,"\\\\",-0]}',
            """{'-0': -0.0, 'a': '-0, ', 'b': ['"-0', -0.0, '\\\\', -0.0]}""",
        ),
        ("[-0.0,-0e3,-0.5,0,-1,-10]", "[-0.0, -0.0, -0.5, 0, -1, -10]"),
        ('"2024-01-02 -0"', "'2024-01-02 -0'"),
        ('"é-0"', "'é-0'"),
        ('["é",-0]', "['é', -0.0]"),
    ],
)
def test_minus_zero_is_a_double_of_its_own_also_without_a_point(text: str, meant: str) -> None:
    assert repr(decode_wire(text.encode())) == meant
    assert repr(decode_wire(text)) == meant


@pytest.mark.parametrize("text", ['"-0', "-0-0", "[-0", "--0", "-00", '"' * 5 + "-0"])
def test_what_is_not_json_does_not_become_so_for_its_minus_zeros(text: str) -> None:
    with pytest.raises(InvalidValue, match="Not valid JSON"):
        decode_wire(text)


def test_a_tree_of_ones_own_is_changed_in_place() -> None:
    tree = {"a": [{"$integer": "AQAAAAAAAAA="}], "b": {"c": 10**20}}
    assert from_own_wire(tree) is tree
    assert tree == {"a": [1], "b": {"c": 1e20}}


def test_reading_a_tree_leaves_the_tree_alone() -> None:
    tree = {"a": [{"$integer": "AQAAAAAAAAA="}], "b": {"c": 10**20}}
    assert from_wire(tree) == {"a": [1], "b": {"c": 1e20}}
    assert tree == {"a": [{"$integer": "AQAAAAAAAAA="}], "b": {"c": 10**20}}


@pytest.mark.parametrize(
    ("format", "text"),
    [
        (
            "json",
            '{"b":"/w==","f":1.5,"i":"7","inf":["Infinity","-Infinity"],"n":null,"nan":"NaN","one":1.0,"s":"x","z":-0.0}',
        ),
        (
            "convex_encoded_json",
            '{"b":{"$bytes":"/w=="},"f":1.5,"i":{"$integer":"BwAAAAAAAAA="},"inf":[{"$float":"AAAAAAAA8H8="},'
            '{"$float":"AAAAAAAA8P8="}],"n":null,"nan":{"$float":"AAAAAAAA+H8="},"one":1.0,"s":"x",'
            '"z":{"$float":"AAAAAAAAAIA="}}',
        ),
        (
            "export_json",
            '{"b":{"$bytes":"/w=="},"f":1.5,"i":7,"inf":[{"$float":"AAAAAAAA8H8="},{"$float":"AAAAAAAA8P8="}],"n":null,'
            '"nan":{"$float":"AAAAAAAA+H8="},"one":1.0,"s":"x","z":{"$float":"AAAAAAAAAIA="}}',
        ),
    ],
)
def test_http_forms(format: HttpFormat, text: str) -> None:
    value = {
        "i": Int64(7),
        "one": 1,
        "f": 1.5,
        "b": b"\xff",
        "nan": float("nan"),
        "inf": [float("inf"), float("-inf")],
        "z": -0.0,
        "s": "x",
        "n": None,
    }
    assert encode_http(value, format).decode() == text


@pytest.mark.parametrize("number", [0, 1, -1, 10**15, 2**53, -(2**53), 1e16, 1e21, 1e300, 5e-324])
def test_every_number_over_http_is_recognisable_as_a_double(number: float) -> None:
    text = encode_http(number).decode()
    assert "." in text or "e" in text
    assert float(text) == number
    assert encode_http(Int64(1), "export_json") == b"1"
