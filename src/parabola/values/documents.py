"""Documents as bytes in the store.

A document that plain JSON can say is stored as plain JSON (its first byte is `{`), in which integers stay integers
and floats stay floats. Any other is stored as a marker byte and the encoded JSON of the wire.
"""

from __future__ import annotations

from typing import Any, Final

import orjson

from parabola.errors import InvalidValue, StorageFailure
from parabola.values.wire import encode_wire, from_wire

_MARKER: Final = b"\x01"
_PLAIN_START: Final = ord("{")


def encode_document(document: dict[str, Any], *, plain: bool | None = None) -> bytes:
    """The stored form of a normalised document. `plain` is what `normalize_document` reported, where that is known.

    False is always safe; True must be true.
    """
    if not plain:
        encoded = encode_wire(document)
        if b'"$' in encoded:
            return _MARKER + encoded
        return _fitted(encoded)
    return _fitted(orjson.dumps(document, None, orjson.OPT_SORT_KEYS))


def decode_document(data: bytes) -> dict[str, Any]:
    """The document that was stored, as a fresh dict. Raises `StorageFailure` for bytes that `encode_document` never
    made: a disk gave back something else than it was given.
    """
    try:
        document: dict[str, Any] = orjson.loads(data) if data[0] == _PLAIN_START else from_wire(orjson.loads(data[1:]))
    except (ValueError, IndexError, InvalidValue) as error:
        raise StorageFailure(
            f"A stored document is damaged: {error}. Restore the data folder from a backup."
        ) from error
    return document


def _fitted(encoded: bytes) -> bytes:
    """A copy of the right size: orjson hands out the tail of a larger buffer, which a cache would keep alive."""
    return bytes(memoryview(encoded))
