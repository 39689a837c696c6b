"""Cursors: where a page of results ended, as an opaque string (semantics 6.1, 22.4 point 41).

A cursor carries authority over a range, so it is encrypted and authenticated with a secret that is stored in the
database, and bound to its query by a fingerprint. The same position gives the same text: a page that did not change
must not look changed to the clients that watch it. So the nonce is not drawn but derived from what is encrypted.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Final, NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from parabola.errors import ConvexError

_FINGERPRINT_BYTES: Final = 16
_NONCE_BYTES: Final = 12
_AFTER: Final = b"\x01"
_END: Final = b"\x02"
SECRET_BYTES: Final = 32


class InvalidCursor(ConvexError):
    """A cursor that is not of this query, or none at all. Clients begin again from the first page when they see it."""

    default_code = "InvalidCursor"

    def __init__(self) -> None:
        super().__init__({"isConvexSystemError": True, "paginationError": "InvalidCursor"})
        self.message = (
            "InvalidCursor: Tried to run a query starting from a cursor, but it looks like this cursor is from a "
            "different query."
        )
        self.args = (self.message,)


class UnreadableCursor(ValueError):
    """A text that no cursor of this database has. A journal like that counts as absent; a cursor is refused."""


class Cursor(NamedTuple):
    """A position: after `key` in the direction of the query, or at the end of its range if `key` is None."""

    key: bytes | None
    fingerprint: bytes


class CursorCodec:
    """Cursors to text and back, under one secret."""

    def __init__(self, secret: bytes) -> None:
        self._cipher = AESGCM(hashlib.sha256(b"parabola cursor encryption" + secret).digest())
        self._nonce_key = hashlib.sha256(b"parabola cursor nonce" + secret).digest()

    def encode(self, cursor: Cursor) -> str:
        """The text that clients hold."""
        assert len(cursor.fingerprint) == _FINGERPRINT_BYTES
        plain = cursor.fingerprint + (_END if cursor.key is None else _AFTER + cursor.key)
        nonce = hmac.digest(self._nonce_key, plain, "sha256")[:_NONCE_BYTES]
        return base64.urlsafe_b64encode(nonce + self._cipher.encrypt(nonce, plain, None)).decode().rstrip("=")

    def decode(self, text: object) -> Cursor:
        """The position in a text. Raises `UnreadableCursor` unless this database made it."""
        if not isinstance(text, str):
            raise UnreadableCursor(f"A cursor is a string, and this is {type(text).__name__}.")
        try:
            sealed = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
            plain = self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], None)
        except (ValueError, InvalidTag):
            raise UnreadableCursor("This text is not a cursor that this database made.") from None
        fingerprint, kind, key = plain[:_FINGERPRINT_BYTES], plain[16:17], plain[17:]
        return Cursor(None if kind == _END else key, fingerprint)

    def decode_for(self, text: object, fingerprint: bytes) -> Cursor:
        """The position in a text that must be of the query with this fingerprint. Raises `InvalidCursor`."""
        try:
            cursor = self.decode(text)
        except UnreadableCursor:
            raise InvalidCursor from None
        if not hmac.compare_digest(cursor.fingerprint, fingerprint):
            raise InvalidCursor
        return cursor


def fingerprint(description: bytes) -> bytes:
    """The fingerprint of a query, from bytes that say everything about it but the position."""
    return hashlib.sha256(description).digest()[:_FINGERPRINT_BYTES]
