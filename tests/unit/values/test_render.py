"""Values as text in errors: wire 4.3."""

from __future__ import annotations

from typing import Any

import pytest

from parabola.values.kinds import UNDEFINED, Int64
from parabola.values.render import render_value


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (True, "true"),
        (False, "false"),
        (Int64(-5), "-5"),
        (1, "1.0"),
        (1.5, "1.5"),
        (-0.0, "-0.0"),
        (float("nan"), "NaN"),
        (float("-inf"), "-Infinity"),
        ("x", '"x"'),
        ('say "hi"\n', '"say \\"hi\\"\\n"'),
        (b"\xff", 'b"/w=="'),
        ([1, "b"], '[1.0, "b"]'),
        ({"b": "x", "a": 1}, '{a: 1.0, b: "x"}'),
        ({"a b": 1, "": 2}, '{"": 2.0, "a b": 1.0}'),
        ({}, "{}"),
        (UNDEFINED, "undefined"),
    ],
)
def test_values_print_as_the_spec_prints_them(value: Any, text: str) -> None:
    assert render_value(value) == text
