"""Ids, codes and secrets, drawn from an `Entropy`."""

from __future__ import annotations

import base64
import hashlib
import threading
from typing import Final, Literal

from parabola.seams import Entropy

ID_LENGTH: Final = 27
SECRET_BYTES: Final = 32
CODE_DIGITS: Final = 6
_ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

IdKind = Literal["client", "sess", "user", "idn", "sia", "sua", "img", "ins", "act"]


class Chance:
    """Draws from `entropy` under a lock: flows run in the store's thread, requests on the event loop."""

    def __init__(self, entropy: Entropy) -> None:
        self._entropy = entropy
        self._lock = threading.Lock()

    def _bytes(self, count: int) -> bytes:
        with self._lock:
            return self._entropy.bytes(count)

    def id(self, kind: IdKind) -> str:
        """`user_` and the like with 27 letters and digits (about 160 bits)."""
        number = int.from_bytes(self._bytes(24), "big")
        letters: list[str] = []
        for _ in range(ID_LENGTH):
            number, position = divmod(number, len(_ALPHABET))
            letters.append(_ALPHABET[position])
        return f"{kind}_{''.join(letters)}"

    def code(self) -> str:
        """Six digits, each code as likely as the next (the bias of the remainder is below one in 2**44)."""
        return f"{int.from_bytes(self._bytes(8), 'big') % 10**CODE_DIGITS:0{CODE_DIGITS}d}"

    def secret(self) -> str:
        """256 bits as text that fits in a cookie and in a URL."""
        return base64.urlsafe_b64encode(self._bytes(SECRET_BYTES)).rstrip(b"=").decode()

    def trace_id(self) -> str:
        return self._bytes(16).hex()


def hash_secret(secret: str) -> str:
    """How bearer secrets of 256 bits are kept: nothing that is stored lets anybody in. Not for passwords or codes."""
    return hashlib.sha256(secret.encode()).hexdigest()
