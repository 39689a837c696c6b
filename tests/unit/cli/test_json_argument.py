"""What may be typed as JSON, and how a slip is answered."""

from __future__ import annotations

import math

import pytest
import typer

from parabola.cli.json_argument import json_object
from parabola.values.wire import from_wire


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{}", {}),
        ('{"n": 1, "x": [1.5, -2e3, true, null, "1e400"]}', {"n": 1, "x": [1.5, -2e3, True, None, "1e400"]}),
        ('{"n": 1' + "0" * 308 + "}", {"n": 1e308}),
        (r'{"emoji": "\ud83d\ude00"}', {"emoji": "\U0001f600"}),
        ('{"n": 1e400, "n": 1}', {"n": 1}),
    ],
)
def test_json_is_read_as_it_will_be_sent(text: str, value: dict[str, object]) -> None:
    assert json_object(text, "The arguments") == value


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"n": 1e400}', "n is 1e400 at character 7, but JSON has no such number. Write one between"),
        ('{"q": "1e400", "z": -1e400}', "z is -1e400 at character 21, "),
        ('{"a b": [1, {"c": NaN}]}', '["a b"][1].c is NaN at character 19, '),
        ('{"x": {"y": -Infinity}}', "x.y is -Infinity at character 13, "),
        ('{"n": ' + "9" * 5000 + "}", "n is " + "9" * 40 + "… at character 7, "),
        (r'{"s": "a\ud83d"}', r's is "a\ud83d" at character 7, where half of a character stands alone.'),
        ('{"s": "a\udcff"}', r's is "a\udcff" at character 7, where half of a character stands alone.'),
        (r'{"\ud83d": 1}', r'["\ud83d"] is "\ud83d" at character 2, where half of a character stands alone.'),
        ('{"n": ' + "[" * 5000 + "]" * 5000 + "}", "arrays and objects are nested in each other too deeply"),
    ],
)
def test_what_cannot_be_sent_is_named_with_its_place_in_what_was_typed(text: str, words: str) -> None:
    with pytest.raises(typer.BadParameter) as refused:
        json_object(text, "The arguments")
    assert refused.value.message.startswith(f"The arguments cannot be sent: {words}")


def test_infinity_can_be_written_as_the_message_says() -> None:
    with pytest.raises(typer.BadParameter) as refused:
        json_object('{"n": Infinity}', "The arguments")
    advice = refused.value.message.partition("infinity is ")[2].removesuffix(".")
    assert from_wire(json_object(f'{{"n": {advice}}}', "The arguments")) == {"n": math.inf}
