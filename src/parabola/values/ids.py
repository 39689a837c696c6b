"""Document ids: a table number, 16 internal bytes and a checksum, in Crockford's base 32 (wire 3.7).

Decoding is strict, which is what tells "not an id" from "an id of a document that is gone": the length, the
alphabet, the checksum and the canonical spelling must all hold.
"""

from __future__ import annotations

from functools import lru_cache
from operator import mul
from typing import Final

_ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"
_PYTHON_DIGITS: Final = "0123456789abcdefghijklmnopqrstuv"

# Python's own base 32 has another alphabet. What is not in ours becomes "!", which int() refuses (it would take "_"
# and "+").
_TO_PYTHON: Final = bytes(
    ord(_PYTHON_DIGITS[_ALPHABET.index(chr(code))]) if chr(code) in _ALPHABET else ord("!") for code in range(256)
)
_PAIRS: Final[list[str]] = [high + low for high in _ALPHABET for low in _ALPHABET]

_VERSION: Final = 0
_INTERNAL_BYTES: Final = 16
_SERIES_BYTES: Final = 5
_LENGTH_MIN: Final = 31
_LENGTH_MAX: Final = 37
_TABLE_NUMBER_MAX: Final = 2**32 - 1

# The second Fletcher sum counts byte i of n exactly n - i times.
_WEIGHTS: Final = {count: tuple(range(count, 0, -1)) for count in range(17, 22)}


def _layout(body_bytes: int) -> tuple[int, int, tuple[int, ...]]:
    """How many digits an id has, how far its number is moved up, and where each pair of digits stands in it."""
    bits = (body_bytes + 2) * 8
    digits = (bits + 4) // 5
    # An even number of digits, so that two can be taken at a time.
    even = digits + (digits & 1)
    return digits, even * 5 - bits, tuple(range(even * 5 - 10, -1, -10))


_LAYOUTS: Final = {count: _layout(count) for count in _WEIGHTS}


class InvalidId(ValueError):
    """A string that is not a document id; the message says why."""


def encode_id(table_number: int, internal: bytes) -> str:
    """The id text of `internal` (16 bytes) in the table numbered `table_number` (1 to 2**32 - 1)."""
    if not 1 <= table_number <= _TABLE_NUMBER_MAX:
        raise ValueError(f"Table number {table_number} is out of range: it must be between 1 and {_TABLE_NUMBER_MAX}.")
    if len(internal) != _INTERNAL_BYTES:
        raise ValueError(f"An internal id has {_INTERNAL_BYTES} bytes, and this one has {len(internal)}.")
    body = _encode_vint(table_number) + internal
    number = int.from_bytes(body + (_fletcher16(body) ^ _VERSION).to_bytes(2, "little"), "big")
    digits, padding, shifts = _LAYOUTS[len(body)]
    number <<= padding
    return "".join([_PAIRS[number >> shift & 1023] for shift in shifts])[:digits]


class IdSeries:
    """The ids of one table whose internal bytes begin alike, for who makes many: each costs a fifth of `encode_id`.

    `first` is the first 11 of the 16 internal bytes; `table_number` is at most 127.
    """

    __slots__ = ("_digits", "_low", "_plain_sum", "_weighted_sum")

    def __init__(self, table_number: int, first: bytes) -> None:
        if not 1 <= table_number <= 0x7F:
            raise ValueError(f"A series is of a table numbered 1 to 127, not {table_number}.")
        if len(first) != _INTERNAL_BYTES - _SERIES_BYTES:
            raise ValueError(f"A series has {_INTERNAL_BYTES - _SERIES_BYTES} first bytes, and not {len(first)}.")
        body = bytes((table_number,)) + first
        # 12 bytes are 18 digits and 6 bits.
        number = int.from_bytes(body, "big")
        self._digits = "".join([_PAIRS[number >> shift & 1023] for shift in range(86, 0, -10)])
        self._low = (number & 63) << 56
        self._plain_sum = sum(body)
        self._weighted_sum: int = sum(map(mul, body, _WEIGHTS[_INTERNAL_BYTES + 1]))

    def text(self, high: int, low: int) -> str:
        """The id that ends in `high`, 32 bits, and `low`, 8 bits."""
        a, b, c, d = high >> 24, high >> 16 & 255, high >> 8 & 255, high & 255
        plain = self._plain_sum + a + b + c + d + low
        weighted = self._weighted_sum + 5 * a + 4 * b + 3 * c + 2 * d + low
        # The checksum, its low byte first; then a bit and a digit that only fill up.
        number = (self._low | high << 24 | low << 16 | (plain & 255) << 8 | (weighted & 255)) << 8
        pairs = _PAIRS
        return (
            self._digits
            + pairs[number >> 60]
            + pairs[number >> 50 & 1023]
            + pairs[number >> 40 & 1023]
            + pairs[number >> 30 & 1023]
            + pairs[number >> 20 & 1023]
            + pairs[number >> 10 & 1023]
            + pairs[number & 1023][0]
        )


def decode_id(text: str) -> tuple[int, bytes]:
    """The table number and the 16 internal bytes of an id. Raises `InvalidId`."""
    length = len(text)
    if not _LENGTH_MIN <= length <= _LENGTH_MAX:
        raise InvalidId(f"Unable to decode ID: Invalid ID length {length}")
    try:
        number = int(text.encode("ascii").translate(_TO_PYTHON), 32)
    except ValueError:
        raise InvalidId("Unable to decode ID: ID wasn't valid base32") from None
    byte_count, padding = divmod(length * 5, 8)
    if padding >= 5 or number & ((1 << padding) - 1):
        raise InvalidId("Unable to decode ID: ID wasn't valid base32")
    data = (number >> padding).to_bytes(byte_count, "big")
    table_number, at = _decode_vint(data)
    if byte_count - at != _INTERNAL_BYTES + 2:
        raise InvalidId(f"Unable to decode ID: Invalid ID length {length}")
    body = data[:-2]
    version = int.from_bytes(data[-2:], "little") ^ _fletcher16(body)
    if version != _VERSION:
        raise InvalidId(f"Unable to decode ID: Invalid ID version {version} (expected {_VERSION})")
    return table_number, data[at:-2]


@lru_cache(maxsize=16_384)
def _table_number_of(text: str) -> int | None:
    try:
        return decode_id(text)[0]
    except InvalidId:
        return None


def table_number_of(text: object) -> int | None:
    """The table number in an id, or None if `text` is not an id. Checks all that `decode_id` checks."""
    if not isinstance(text, str) or not _LENGTH_MIN <= len(text) <= _LENGTH_MAX:
        return None
    number: int | None = _table_number_of(text)
    return number


def new_internal_id(entropy: bytes, day: int) -> bytes:
    """A fresh internal id: 14 random bytes, then the day (whole days since the Unix epoch), so that ids of one day
    are near.
    """
    if len(entropy) != 14:
        raise ValueError(f"A new internal id takes 14 random bytes, and was given {len(entropy)}.")
    return entropy + (day & 0xFFFF).to_bytes(2, "big")


def _fletcher16(body: bytes) -> int:
    weighted: int = sum(map(mul, body, _WEIGHTS[len(body)]))
    return (weighted & 255) << 8 | (sum(body) & 255)


def _encode_vint(number: int) -> bytes:
    if number <= 0x7F:
        return bytes((number,))
    encoded = bytearray()
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)


def _decode_vint(data: bytes) -> tuple[int, int]:
    """The number at the front of `data` and how many bytes it took. Refuses 0, over-long forms and more than 32
    bits.
    """
    number = 0
    for at in range(5):
        byte = data[at]
        number |= (byte & 0x7F) << (7 * at)
        if byte < 0x80:
            minimal = byte != 0 or at == 0
            if 1 <= number <= _TABLE_NUMBER_MAX and minimal:
                return number, at + 1
            break
    raise InvalidId("Unable to decode ID: Invalid table number")
