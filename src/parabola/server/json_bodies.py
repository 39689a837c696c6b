"""The JSON that requests carry: decoded strictly, with a reason for whatever is wrong.

The decoder refuses what is not JSON: `NaN`, numbers beyond a double, invalid UTF-8, lone surrogates, nesting beyond
1024 levels. It takes the last of two equal keys, though, and then two readers of one text can disagree about what it
says. Every key brings a colon, so a text with no more colons than its value needs has no repeated key; only where
there are more is it read again, slowly.
"""

from __future__ import annotations

import json
from typing import Any

import orjson

from parabola.errors import BadRequest
from parabola.values.wire import with_negative_zeros


def decode_json(data: bytes | str, what: str = "The request body") -> Any:
    """The JSON value in `data`. Raises `BadRequest`, code `BadJsonBody`, saying where `what` is wrong."""
    text = data if isinstance(data, bytes) else data.encode("utf-8", "surrogatepass")
    if not text.strip():
        raise BadRequest(f"{what} is empty. Send JSON.", code="BadJsonBody")
    try:
        value = orjson.loads(with_negative_zeros(text))
    except orjson.JSONDecodeError as error:
        raise BadRequest(f"{what} is not valid JSON: {error}.", code="BadJsonBody") from None
    if text.count(b":") > _count_colons(value):
        _refuse_repeated_keys(text, what)
    return value


def decode_json_object(data: bytes, what: str = "The request body") -> dict[str, Any]:
    """The same, for a body that must be an object."""
    value = decode_json(data, what)
    if not isinstance(value, dict):
        raise BadRequest(f"{what} must be a JSON object, but it is {kind_of(value)}.", code="BadJsonBody")
    return value


def kind_of(value: Any) -> str:
    """What JSON calls a decoded value, for error messages."""
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case str():
            return "a string"
        case list():
            return "an array"
        case _:
            return "an object"


def _count_colons(value: Any) -> int:
    """How many colons a text must have to say `value`: one for each key, and those inside keys and strings. They are
    counted where it is written down again, which takes a tenth of the time of a walk.
    """
    try:
        return orjson.dumps(value).count(b":")
    except orjson.JSONEncodeError:
        # Nested deeper than it writes. Whoever counts none looks at the text.
        return 0


def _refuse_repeated_keys(text: bytes, what: str) -> None:
    def check(pairs: list[tuple[str, Any]]) -> None:
        seen: set[str] = set()
        for key, _value in pairs:
            if key in seen:
                raise BadRequest(f"{what} has the key {key!r} twice in one object. Send it once.", code="BadJsonBody")
            seen.add(key)

    try:
        # Only the keys matter: numbers are not converted, and each object becomes None once checked.
        json.loads(text, object_pairs_hook=check, parse_int=len, parse_float=len)
    except RecursionError:
        raise BadRequest(f"{what} is nested too deeply. Send at most 64 levels.", code="BadJsonBody") from None
