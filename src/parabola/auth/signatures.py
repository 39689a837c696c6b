"""Signature checks: which keys may be used for which algorithm, and nothing more clever than that.

The two classic holes are closed by construction. A token cannot bring its own key, because keys come only from a
`KeyRing` built out of the provider's key set. A token cannot choose how it is checked, because every entry point is
given the list of algorithms and each algorithm takes keys of one type only: an RSA public key never serves as an HMAC
secret, and neither `none` nor any `HS…` is in a list.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey

RSA_BITS_MIN: Final = 2048
"""NIST SP 800-131A: shorter RSA keys no longer protect a signature."""

PublicKey = RSAKey | ECKey | OKPKey


class _Registry(jws.JWSRegistry):
    """joserfc's checks with provider-specific header fields allowed (Clerk sends `cat`) and longer headers.

    It also leaves out the library's warning about the name EdDSA, which the OIDC providers in use still send.
    """

    max_header_length = 8192

    def get_alg(self, name: str) -> Any:
        if self.allowed is None or name not in self.allowed:
            raise JoseError(description=f"Algorithm of '{name}' is not allowed")
        return self.algorithms[name]


@dataclass(frozen=True, slots=True)
class VerificationKey:
    """One public key of a provider; `algorithm` is the only one it is used with."""

    key_id: str | None
    algorithm: str
    key: PublicKey


class KeyRing:
    """A provider's usable public keys at one moment. Immutable."""

    def __init__(self, keys: Sequence[VerificationKey]) -> None:
        self.keys = tuple(keys)

    def pick(self, key_id: str | None, algorithms: Sequence[str]) -> VerificationKey | None:
        """The key with this id that suits one of `algorithms`; without an id, the only suitable key there is."""
        suitable = [key for key in self.keys if key.algorithm in algorithms]
        if key_id is None:
            return suitable[0] if len(suitable) == 1 else None
        return next((key for key in suitable if key.key_id == key_id), None)


def key_ring_from_jwks(document: Any) -> KeyRing:
    """The ring of a JSON Web Key Set. Keys that are of no use here are left out; raises ValueError if it is no key
    set.
    """
    entries = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(entries, list):
        raise ValueError("it is not a JSON Web Key Set: an object with a list called 'keys' was expected")
    keys = (_usable_key(entry) for entry in entries if isinstance(entry, dict))
    return KeyRing([key for key in keys if key is not None])


def signature_holds(token: str, key: VerificationKey, algorithms: Sequence[str]) -> bool:
    """Whether `token` is signed by `key` with one of `algorithms`."""
    allowed = [name for name in algorithms if name == key.algorithm]
    try:
        jws.deserialize_compact(token, key.key, registry=_Registry(algorithms=allowed, strict_check_header=False))
    except (JoseError, ValueError, TypeError):
        return False
    return True


def _usable_key(entry: dict[str, Any]) -> VerificationKey | None:
    if entry.get("use", "sig") != "sig" or "verify" not in (entry.get("key_ops") or ["verify"]):
        return None
    try:
        found = _import_key(entry)
    except (JoseError, ValueError, TypeError, KeyError, AttributeError):
        return None
    if found is None:
        return None
    algorithm, key = found
    if entry.get("alg") not in (None, algorithm):
        return None
    key_id = entry.get("kid")
    return VerificationKey(key_id if isinstance(key_id, str) else None, algorithm, key)


def _import_key(entry: dict[str, Any]) -> tuple[str, PublicKey] | None:
    """The public half of an entry (a private half published by mistake is not read), with its algorithm."""
    kind, curve = entry.get("kty"), entry.get("crv")
    if kind == "RSA":
        modulus: Any = entry["n"]
        if len(modulus) * 6 < RSA_BITS_MIN:  # A quick look that spares the library's warning about short keys.
            return None
        rsa = RSAKey.import_key({"kty": "RSA", "n": modulus, "e": entry["e"]})
        return ("RS256", rsa) if rsa.public_key.key_size >= RSA_BITS_MIN else None
    if kind == "EC" and curve == "P-256":
        return "ES256", ECKey.import_key({"kty": "EC", "crv": "P-256", "x": entry["x"], "y": entry["y"]})
    if kind == "OKP" and curve == "Ed25519":
        return "EdDSA", OKPKey.import_key({"kty": "OKP", "crv": "Ed25519", "x": entry["x"]})
    return None
