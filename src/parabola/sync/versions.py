"""The three-part version of what one socket has been told, and its text on the wire (wire 1.2, 1.5)."""

from __future__ import annotations

from binascii import Error as Base64Error
from binascii import a2b_base64, b2a_base64
from typing import Final, NamedTuple

from parabola.errors import ProtocolError

TS_MAX: Final = 2**63 - 1


def encode_ts(ts: int) -> str:
    """A timestamp (nanoseconds, 0 to 2^63-1) as clients see it: base64 of eight little-endian bytes."""
    return b2a_base64(ts.to_bytes(8, "little"), newline=False).decode("ascii")


def decode_ts(text: str) -> int:
    """The inverse of `encode_ts`. Raises `ProtocolError` for anything that is not such a text."""
    try:
        raw = a2b_base64(text, strict_mode=True)
    except (Base64Error, ValueError):
        raw = b""
    ts = int.from_bytes(raw, "little")
    if len(raw) != 8 or ts > TS_MAX:
        raise ProtocolError(
            f'A timestamp must be the base64 text of 8 bytes, at most 2^63-1, not "{text[:40]}". '
            "Send back a timestamp exactly as the server gave it."
        )
    return ts


class StateVersion(NamedTuple):
    """What a socket has been told: which query set, which identity, and the state of the data at which `ts`."""

    query_set: int
    identity: int
    ts: int

    def to_json(self) -> bytes:
        """The version as a JSON object."""
        return b'{"querySet":%d,"identity":%d,"ts":"%b"}' % (
            self.query_set,
            self.identity,
            b2a_base64(self.ts.to_bytes(8, "little"), newline=False),
        )


ZERO_VERSION: Final = StateVersion(0, 0, 0)
