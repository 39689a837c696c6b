"""Values as text for error messages (wire 4.3)."""

from __future__ import annotations

import re
from base64 import b64encode
from math import isinf, isnan

import orjson

from parabola.values.kinds import Int64, Undefined, Value

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def render_value(value: Value) -> str:
    """Prints a value as validation errors do: `1.0`, `"x"`, `{a: 1.0}`. What is not a value prints as its repr."""
    kind = type(value)
    if value is None:
        return "null"
    if kind is bool:
        return "true" if value else "false"
    if kind is Int64:
        return str(int(value))
    if kind is int or kind is float:
        return render_float(float(value))
    if kind is str:
        return render_string(value)
    if kind is bytes:
        return f'b"{b64encode(value).decode()}"'
    if kind is list:
        return "[" + ", ".join([render_value(element) for element in value]) + "]"
    if kind is dict:
        fields = [f"{_render_name(name)}: {render_value(value[name])}" for name in sorted(value)]
        return "{" + ", ".join(fields) + "}"
    return "undefined" if kind is Undefined else repr(value)


def render_float(value: float) -> str:
    """A double, always recognisable as one: `1.0`, `1e+21`, `NaN`, `-Infinity`."""
    if isnan(value):
        return "NaN"
    if isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return repr(value)


def render_string(text: str) -> str:
    """A string in double quotes, escaped as JSON escapes it."""
    return orjson.dumps(text).decode()


def _render_name(name: str) -> str:
    return name if _IDENTIFIER.fullmatch(name) else render_string(name)
