"""Values as JSON: the encoded form that goes both ways, and the two that only go out (wire 3.2 to 3.4).

Plain JSON has no 64-bit integers, no bytes, no NaN, infinities or -0.0; the encoded form writes those as an
object with the single key `$integer`, `$bytes` or `$float`.

Theory of operation. Most values hold nothing special, so both directions try the plain road first. Writing: orjson
meets `Int64` and `bytes` as types it does not know and asks `_encode_special`; only floats slip through, as `null`
and `-0.0`, so a look for these two in the output tells whether a walk is needed. Reading: orjson makes a fresh tree,
which is checked, and changed where something special stands, in place.
"""

from __future__ import annotations

import json
import re
import struct
from base64 import b64decode, b64encode
from math import copysign, inf, isinf, isnan
from typing import Any, Final, Literal, NoReturn

import orjson

from parabola.errors import InvalidValue
from parabola.limits import DEFAULT_LIMITS
from parabola.values.careful import describe_bad_field_name, nesting_error
from parabola.values.kinds import SAFE_INTEGER_MAX, Int64, Value
from parabola.values.shapes import known_shape

HttpFormat = Literal["json", "convex_encoded_json", "export_json"]

_HALF_CHARACTER_TEXT: Final = (
    "a string holds one half of a surrogate pair. A character, perhaps an emoji, was cut in two: cut text between "
    "characters."
)
_WRITE: Final = orjson.OPT_SORT_KEYS | orjson.OPT_PASSTHROUGH_SUBCLASS
VALUE_NESTING_MAX: Final = DEFAULT_LIMITS.value_nesting_max
"""How deep a value may be nested, an argument object or a result."""
_double = struct.Struct("<d")
_NEGATIVE_ZERO: Final = re.compile(rb"-0(?![0-9.eE])")
# One with all that is before it, strings whole. A string without end goes to the end: nothing is looked at twice.
_UP_TO_NEGATIVE_ZERO: Final = re.compile(rb'(?s)(?:[^"-]++|"(?:[^"\\]++|\\.)*+"?|-(?!0(?![0-9.eE])))*+-0(?![0-9.eE])')
_NEGATIVE_ZEROS_MAX: Final = 100_000
"""How many of one text are understood: each takes a microsecond, and only malice sends more."""


def encode_wire(value: Value) -> bytes:
    """Encoded JSON with sorted keys, for the WebSocket. Plain integers stay `1`; REF's clients there accept both."""
    if value is None:
        # The commonest result of a mutation: it would else be searched for the floats that orjson writes as null.
        return b"null"
    encoded = orjson.dumps(value, _encode_special, _WRITE)
    if (b"null" in encoded or b"-0.0" in encoded) and _has_special_float(value):
        return orjson.dumps(to_wire(value), None, orjson.OPT_SORT_KEYS)
    return encoded


def encode_http(value: Value, format: HttpFormat = "convex_encoded_json") -> bytes:
    """JSON for an HTTP answer. Every number that is a double has a point or an exponent, which one client insists
    on.
    """
    return orjson.dumps(_to_http(value, format), None, orjson.OPT_SORT_KEYS)


def http_from_wire(encoded: bytes, format: HttpFormat = "convex_encoded_json") -> bytes:
    """What `encode_http` makes of the value that `encode_wire` made `encoded` of."""
    if b'"$' in encoded:
        return encode_http(decode_wire(encoded), format)
    # Nothing special in it, so all formats are alike but for integers; and the standard library's parser, which is
    # in C as well, can be asked for floats in their place. Names are in order already.
    return orjson.dumps(json.loads(encoded, parse_int=float))


def decode_wire(data: bytes | str, nesting_max: int = VALUE_NESTING_MAX) -> Value:
    """The value that encoded JSON text stands for; the result is normalised. Raises `InvalidValue`, also where it is
    nested deeper than `nesting_max`.
    """
    try:
        decoded = orjson.loads(with_negative_zeros(data))
    except orjson.JSONDecodeError as error:
        reason = _HALF_CHARACTER_TEXT if "surrogate" in error.msg else error
        raise InvalidValue(f"Not valid JSON: {reason}", code="InvalidJSON") from None
    return _settle(decoded, nesting_max)


def with_negative_zeros(text: bytes | str) -> bytes | str:
    """JSON text that orjson reads as it is meant: a number is a double, and `-0` one of its own, of which orjson makes
    the integer 0. `-0.0` it understands.
    """
    if isinstance(text, str):
        if "-0" not in text:
            return text
        # Halves of characters stay as they are, for orjson to refuse.
        return _with_negative_zeros(text.encode("utf-8", "surrogatepass")).decode("utf-8", "surrogatepass")
    return _with_negative_zeros(text)


def _with_negative_zeros(text: bytes) -> bytes:
    if b"-0" not in text or _NEGATIVE_ZERO.search(text) is None:
        return text
    pieces: list[bytes] = []
    at = 0
    while len(pieces) < _NEGATIVE_ZEROS_MAX and (found := _UP_TO_NEGATIVE_ZERO.match(text, at)) is not None:
        pieces.append(text[at : found.end()])
        at = found.end()
    return b".0".join([*pieces, text[at:]])


def to_wire(value: Value) -> Any:
    """A value as a tree of what JSON can say, special ones as `$integer`, `$bytes` and `$float` objects."""
    kind = type(value)
    if kind is float:
        return value if _is_plain_float(value) else {"$float": b64encode(_double.pack(value)).decode()}
    if kind is list:
        return [to_wire(element) for element in value]
    if kind is dict:
        return {name: to_wire(item) for name, item in value.items()}
    if kind is Int64 or kind is bytes:
        return _encode_special(value)
    return value


def from_wire(json_object: Any) -> Value:
    """The value that a decoded JSON tree stands for, as a fresh copy. Raises `InvalidValue`."""
    return _settle(_copy_tree(json_object, VALUE_NESTING_MAX), VALUE_NESTING_MAX)


def from_own_wire(json_object: Any) -> Value:
    """The same made of the tree itself, which the caller has just decoded and has no other use for. What is too long is
    refused before anything is done about what it holds.
    """
    return _settle(json_object, VALUE_NESTING_MAX)


def _encode_special(value: object) -> Any:
    if type(value) is Int64:
        return {"$integer": b64encode(value.to_bytes(8, "little", signed=True)).decode()}
    if type(value) is bytes:
        return {"$bytes": b64encode(value).decode()}
    raise TypeError(f"{type(value).__name__} is not a value.")


def _is_plain_float(value: float) -> bool:
    return value - value == 0.0 and (value != 0.0 or copysign(1.0, value) > 0.0)


def _has_special_float(value: Value) -> bool:
    kind = type(value)
    if kind is dict:
        value = value.values()
    elif kind is not list:
        return kind is float and not _is_plain_float(value)
    for item in value:
        kind = type(item)
        if kind is float:
            if not (0.0 < item < inf or -inf < item < 0.0) and not _is_plain_float(item):
                return True
        elif (kind is dict or kind is list) and _has_special_float(item):
            return True
    return False


def _to_http(value: Value, format: HttpFormat) -> Any:
    kind = type(value)
    if kind is dict:
        converted: dict[str, Any] = {}
        for name, item in value.items():
            kind = type(item)
            # What is commonest, without a call for each.
            if kind is str or kind is bool or item is None:
                converted[name] = item
            elif kind is int:
                converted[name] = float(item)
            else:
                converted[name] = _to_http(item, format)
        return converted
    if kind is list:
        return [_to_http(element, format) for element in value]
    if kind is int:
        return float(value)
    if format == "json":
        if kind is float and (isnan(value) or isinf(value)):
            return "NaN" if isnan(value) else ("Infinity" if value > 0 else "-Infinity")
        if kind is Int64:
            return str(int(value))
        if kind is bytes:
            return b64encode(value).decode()
        return value
    if kind is Int64 and format == "export_json":
        return int(value)
    return to_wire(value)


def _copy_tree(item: Any, depth_left: int) -> Any:
    if isinstance(item, (dict, list)):
        if depth_left < 0:
            raise nesting_error("Value", VALUE_NESTING_MAX + 1, VALUE_NESTING_MAX)
        if isinstance(item, dict):
            return {name: _copy_tree(child, depth_left - 1) for name, child in item.items()}
        return [_copy_tree(child, depth_left - 1) for child in item]
    return item


def _settle(item: Any, depth_left: int) -> Value:
    """Checks a fresh JSON tree in place and replaces what stands for something special; returns what `item` stands
    for.
    """
    kind = type(item)
    if kind is dict:
        return _settle_object(item, depth_left)
    if kind is list:
        _settle_array(item, depth_left)
    elif kind is int and not -SAFE_INTEGER_MAX <= item <= SAFE_INTEGER_MAX:
        # A number on the wire is a double, however many digits it is written with.
        return float(item)
    return item


def _settle_object(item: dict[str, Any], depth_left: int) -> Value:
    if len(item) == 1:
        special = _decode_special(item)
        if special is not None:
            return special
    if depth_left <= 0:
        raise nesting_error("Value", VALUE_NESTING_MAX + 1, VALUE_NESTING_MAX)
    if len(item) > DEFAULT_LIMITS.object_fields_max or known_shape(tuple(item)) is None:
        _refuse_object(item)
    for name, child in item.items():
        kind = type(child)
        if kind is str or kind is float or child is None or kind is bool:
            continue
        if kind is int and -SAFE_INTEGER_MAX <= child <= SAFE_INTEGER_MAX:
            continue
        settled = _settle(child, depth_left - 1)
        if settled is not child:
            item[name] = settled
    return item


def _settle_array(item: list[Any], depth_left: int) -> None:
    if depth_left <= 0:
        raise nesting_error("Value", VALUE_NESTING_MAX + 1, VALUE_NESTING_MAX)
    if len(item) > DEFAULT_LIMITS.array_length_max:
        raise InvalidValue(
            f"Array length is too long ({len(item)} > maximum length {DEFAULT_LIMITS.array_length_max})",
            code="ArrayTooLong",
        )
    for at, child in enumerate(item):
        kind = type(child)
        if kind is str or kind is float or child is None or kind is bool:
            continue
        if kind is int and -SAFE_INTEGER_MAX <= child <= SAFE_INTEGER_MAX:
            continue
        settled = _settle(child, depth_left - 1)
        if settled is not child:
            item[at] = settled


def _refuse_object(item: dict[str, Any]) -> NoReturn:
    if len(item) > DEFAULT_LIMITS.object_fields_max:
        raise InvalidValue(
            f"Object has too many fields ({len(item)} > maximum number {DEFAULT_LIMITS.object_fields_max})",
            code="TooManyFieldsError",
        )
    problems = [describe_bad_field_name(name) for name in item]
    raise InvalidValue(next(problem for problem in problems if problem is not None))


def _decode_special(item: dict[str, Any]) -> Value:
    """The value of a `$integer`, `$bytes` or `$float` object; None if `item` is an ordinary object."""
    ((name, payload),) = item.items()
    if name == "$integer":
        return Int64(int.from_bytes(_decode_base64(name, payload, 8), "little", signed=True))
    if name == "$bytes":
        return _decode_base64(name, payload, None)
    if name == "$float":
        value: float = _double.unpack(_decode_base64(name, payload, 8))[0]
        if _is_plain_float(value):
            _refuse(f"Float64 {value:g} should be encoded as a number")
        return value
    return None


def _decode_base64(name: str, payload: object, size: int | None) -> bytes:
    if type(payload) is not str:
        _refuse(f"{name} must hold a base64 string, and holds {type(payload).__name__}.")
    try:
        data = b64decode(payload, validate=True)
    except ValueError:
        _refuse(f"{name} must hold base64, in the standard alphabet with padding.")
    if size is not None and len(data) != size:
        _refuse(f"{name} must hold {size} bytes, and holds {len(data)}.")
    return data


def _refuse(reason: str) -> NoReturn:
    raise InvalidValue(reason)
