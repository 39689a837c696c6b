"""What is checked around a call, for what no function has to be run."""

from __future__ import annotations

from typing import Any

import pytest

from parabola.errors import InvalidValue
from parabola.functions.calls import decode_arguments
from parabola.values.kinds import Int64
from parabola.values.size import value_size
from parabola.values.wire import decode_wire, encode_wire


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('[{"a":1,"b":[{"$integer":"AQAAAAAAAAA="}]}]', {"a": 1, "b": [Int64(1)]}),
        ("[{}]", {}),
        ('[{"$integer":"AQAAAAAAAAA="}]', Int64(1)),
        ("[[1]]", [1]),
        ("[9007199254740993]", 9007199254740992.0),
        ('["x"]', "x"),
        ("[]", []),
        ("[1,{}]", [1, {}]),
        ('{"a":1}', {"a": 1}),
        ("null", None),
    ],
)
def test_arguments_are_what_stands_alone_in_a_list(text: str, expected: object) -> None:
    decoded = decode_arguments(text.encode())
    assert (decoded, type(decoded)) == (expected, type(expected))


@pytest.mark.parametrize(
    "text", ["[", '[{"$a":1,"b":2}]', '[{"a":"\\ud83d"}]', "[" * 66 + "]" * 66, '[{"a":' + "[" * 64 + "]" * 64 + "}]"]
)
def test_what_is_no_value_is_none_as_an_argument_either(text: str) -> None:
    with pytest.raises(InvalidValue) as plain:
        decode_wire(text)
    with pytest.raises(InvalidValue) as arguments:
        decode_arguments(text.encode())
    assert (arguments.value.message, arguments.value.code) == (plain.value.message, plain.value.code)


@pytest.mark.parametrize(
    "element", ["0", "null", "[]", "{}", '{"a":1}', '"a"', '",,,,"'], ids=lambda element: f"of {element}"
)
def test_arguments_far_above_the_limit_are_refused_before_they_are_decoded(element: str) -> None:
    text = ('[{"a":[' + ",".join([element] * 400) + "]}]").encode()
    with pytest.raises(InvalidValue, match=r"^Arguments are too large \(actual: at least .* MiB, limit: .* MiB\)$"):
        decode_arguments(text, arguments_bytes_max=399)
    (elements,) = decode_arguments(text).values()
    assert value_size({"a": elements}) > 399


@pytest.mark.parametrize(
    "value",
    [
        {"a": None, "b": [None] * 5, "c": [[], {}, [[]]]},
        {"text": ',:[{"\\' * 20, ',:[{"': ',:[{"'},
        {"i": Int64(5), "b": b"", "f": float("inf"), "bytes": b"\x00\xff" * 50},
        {},
    ],
    ids=["small things", "in strings", "special", "nothing"],
)
def test_no_arguments_within_the_limit_are_refused(value: dict[str, Any]) -> None:
    text = encode_wire([value])
    for spaced in (text, text.replace(b",", b" ,\n" + b" " * 1000) if b'"text"' not in text else text):
        assert encode_wire([decode_arguments(spaced, arguments_bytes_max=value_size(value))]) == text


@pytest.mark.parametrize("depth", [64, 65])
def test_arguments_may_be_as_deep_as_a_value_and_the_array_around_them_does_not_count(depth: int) -> None:
    text = ("[" + '{"a":' * depth + "1" + "}" * depth + "]").encode()
    if depth == 64:
        assert decode_arguments(text)["a"]
    else:
        with pytest.raises(InvalidValue, match=r"nested 65 levels deep > maximum nesting 64"):
            decode_arguments(text)
