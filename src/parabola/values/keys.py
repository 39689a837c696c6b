"""Values as bytes that sort the way values sort (wire 3.9).

Each key is a tag byte and a payload with an end. Where one key continues another, it does so with 0xff, which is no
tag, so keys of several values are concatenated to make the key of an index entry, and a range is a range of bytes.
Equal values have equal keys, whatever Python types carry them: `1` and `1.0` are one key, `True` is another,
`Int64(1)` a third.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import Any, Final

from parabola.values.kinds import UNDEFINED, Int64, Value

pack_positive: Final = struct.Struct(">Bd").pack
"""`pack_positive(FLOAT_TAG, -number)` is the key of a number above zero: negating flips the sign bit alone."""
_pack_tagged = struct.Struct(">BQ").pack
_pack_double = struct.Struct(">d").pack
_unpack_signed = struct.Struct(">q").unpack

_UNDEFINED_KEY: Final = b"\x01"
_NULL_KEY: Final = b"\x03"
_FALSE_KEY: Final = b"\x0e"
_TRUE_KEY: Final = b"\x0f"
_INT64_ZERO_TAG: Final = 0x08
FLOAT_TAG: Final = 0x0D
_END: Final = b"\x00"


def encode_key(value: Value) -> bytes:
    """The key of one value, or of `UNDEFINED`. Expects a normalised value; raises TypeError for anything else."""
    kind = type(value)
    key: bytes
    if kind is str:
        if "\x00" in value:
            return _escaped(b"\x10", value.encode())
        key = ("\x10" + value + "\x00").encode()
        return key
    if kind is float or kind is int:
        if value > 0:
            return pack_positive(FLOAT_TAG, -value)
        return _encode_float(float(value))
    if value is None:
        return _NULL_KEY
    if kind is bool:
        return _TRUE_KEY if value else _FALSE_KEY
    if kind is Int64:
        return _encode_int64(value)
    if kind is bytes:
        return _escaped(b"\x11", value)
    if kind is list:
        return b"\x12" + b"".join([encode_key(element) for element in value]) + _END
    if kind is dict:
        return _encode_object(value)
    if value is UNDEFINED:
        return _UNDEFINED_KEY
    raise TypeError(f"{kind.__name__} is not a value.")


def encode_key_parts(values: Iterable[Value]) -> bytes:
    """The key of several values in order, as an index entry has it."""
    return b"".join([encode_key(value) for value in values])


def prefix_end(key: bytes) -> bytes:
    """The exclusive upper bound of all keys that begin with the parts in `key`. No tag is as high as 0xff."""
    return key + b"\xff"


def canonical_args_key(value: Value) -> bytes:
    """The same bytes for all spellings of the same arguments: what a cache of results is keyed by."""
    return encode_key(value)


def _escaped(tag: bytes, payload: bytes) -> bytes:
    return tag + payload.replace(b"\x00", b"\x00\xff") + _END


def _encode_float(value: float) -> bytes:
    (bits,) = _unpack_signed(_pack_double(value))
    if bits >= 0:
        return _pack_tagged(FLOAT_TAG, bits + 2**63)
    return _pack_tagged(FLOAT_TAG, ~bits)


def _encode_int64(value: int) -> bytes:
    if value == 0:
        return b"\x08"
    rank, width = 1, 1
    while not -(1 << (8 * width - 1)) <= value < 1 << (8 * width - 1):
        rank, width = rank + 1, width * 2
    tag = _INT64_ZERO_TAG + rank if value > 0 else _INT64_ZERO_TAG - rank
    return bytes((tag,)) + int(value).to_bytes(width, "big", signed=True)


def _encode_object(value: dict[str, Any]) -> bytes:
    parts = [b"\x15"]
    for name in sorted(value):
        # Names are printable ASCII, so nothing in them needs escaping; the empty name must not look like the end.
        parts.append(name.encode() + _END if name else b"\x00\xff\x00")
        parts.append(encode_key(value[name]))
    parts.append(_END)
    return b"".join(parts)
