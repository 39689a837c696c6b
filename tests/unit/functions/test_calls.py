"""What is checked around a call, for what no function has to be run."""

from __future__ import annotations

import pytest

from parabola.errors import InvalidValue
from parabola.functions.calls import decode_arguments
from parabola.values.kinds import Int64
from parabola.values.wire import decode_wire


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
    "text", ["[", '[{"$a":1,"b":2}]', '[{"a":"\\ud83d"}]', "[" * 65 + "]" * 65, '[{"a":' + "[" * 63 + "]" * 63 + "}]"]
)
def test_what_is_no_value_is_none_as_an_argument_either(text: str) -> None:
    with pytest.raises(InvalidValue) as plain:
        decode_wire(text)
    with pytest.raises(InvalidValue) as arguments:
        decode_arguments(text.encode())
    assert (arguments.value.message, arguments.value.code) == (plain.value.message, plain.value.code)
