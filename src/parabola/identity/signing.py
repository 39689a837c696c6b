"""The keys that sign tokens: made once, kept in the store, rotated with both published until old tokens expire.

The keys are read from the store with every use, so that a rotation by the command line reaches a running server; only
the parsing of a private key, which is slow, is remembered.
"""

from __future__ import annotations

import base64
from typing import Any, Final

import orjson
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from parabola.identity.chance import Chance
from parabola.identity.records import SigningKey
from parabola.identity.store.work import Work

KEY_BITS: Final = 2048
PUBLISHED_MARGIN_S: Final = 60
"""How long a retired key stays published after its last token has expired: the leeway of verifiers' clocks."""

_parsed: dict[str, rsa.RSAPrivateKey] = {}


def ensure_key(work: Work, chance: Chance, now_ms: int) -> SigningKey:
    """The key that signs now; made if there is none."""
    current = _current(work.signing_keys())
    return current if current is not None else _make(work, chance, now_ms)


def rotate(work: Work, chance: Chance, now_ms: int, longest_token_s: int) -> SigningKey:
    """Makes a new signing key, retires the others, and drops those whose tokens have all expired."""
    for key in work.signing_keys():
        if not _is_published(key, now_ms, longest_token_s):
            work.delete_signing_key(key.id)
        elif key.retired_at is None:
            key.retired_at = now_ms
            work.save_signing_key(key)
    return _make(work, chance, now_ms)


def sign(key: SigningKey, claims: dict[str, Any]) -> str:
    """A compact RS256 token."""
    header = {"alg": "RS256", "kid": key.id, "typ": "JWT"}
    signed = f"{_segment(orjson.dumps(header))}.{_segment(orjson.dumps(claims))}"
    signature = _private(key).sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
    return f"{signed}.{_segment(signature)}"


def key_set(work: Work, now_ms: int, longest_token_s: int) -> dict[str, Any]:
    """The JWKS document: public halves only."""
    return {"keys": [_public_jwk(key) for key in work.signing_keys() if _is_published(key, now_ms, longest_token_s)]}


def _current(keys: list[SigningKey]) -> SigningKey | None:
    return next((key for key in keys if key.retired_at is None), None)


def _is_published(key: SigningKey, now_ms: int, longest_token_s: int) -> bool:
    return key.retired_at is None or now_ms < key.retired_at + (longest_token_s + PUBLISHED_MARGIN_S) * 1000


def _make(work: Work, chance: Chance, now_ms: int) -> SigningKey:
    # cryptography takes its own randomness from the system: a seeded test gets real keys, and that is well.
    private = rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS)
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    key = SigningKey(chance.id("ins"), pem.decode(), now_ms)
    work.save_signing_key(key)
    return key


def _private(key: SigningKey) -> rsa.RSAPrivateKey:
    parsed = _parsed.get(key.id)
    if parsed is None:
        loaded = serialization.load_pem_private_key(key.private_pem.encode(), password=None)
        if not isinstance(loaded, rsa.RSAPrivateKey):
            raise TypeError(f"Signing key {key.id} is not an RSA key. Restore the store, or rotate the keys.")
        parsed = _parsed[key.id] = loaded
    return parsed


def _public_jwk(key: SigningKey) -> dict[str, str]:
    numbers = _private(key).public_key().public_numbers()
    return {
        "kty": "RSA",
        "use": "sig",
        "alg": "RS256",
        "kid": key.id,
        "n": _segment(numbers.n.to_bytes((numbers.n.bit_length() + 7) // 8, "big")),
        "e": _segment(numbers.e.to_bytes((numbers.e.bit_length() + 7) // 8, "big")),
    }


def _segment(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
