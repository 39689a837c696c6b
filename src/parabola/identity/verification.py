"""Proving an e-mail address by a six-digit code. Pure: the time and the hashes come in.

A code lives ten minutes and stands three wrong tries; then even the right one is refused and a new one must be sent.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Final

from parabola.identity.failures import ClerkFailure, code_incorrect
from parabola.identity.records import Verification

CODE_LIFETIME_MS: Final = 600_000
WRONG_TRIES_MAX: Final = 3


def hash_code(code: str, *, owner_id: str, pepper: str) -> str:
    """How a code is kept. `owner_id` is what it was made for, so that a hash copied elsewhere is worth nothing."""
    return hmac.new(pepper.encode(), f"{owner_id}:{code}".encode(), hashlib.sha256).hexdigest()


def begin(strategy: str, code_hash: str, now_ms: int) -> Verification:
    """A verification whose code has just been sent."""
    return Verification("unverified", strategy, 0, now_ms + CODE_LIFETIME_MS, code_hash)


def attempt(verification: Verification, code_hash: str, now_ms: int) -> None:
    """Checks a code and updates `verification`. Returns if it is right, else raises what clerk-js expects; what it
    raises keeps the changes, since a wrong try must count.
    """
    if verification.status == "verified":
        raise ClerkFailure(400, "verification_already_verified", "This has already been verified", param="code")
    if verification.code_hash is None or verification.expire_at is None:
        raise ClerkFailure(
            400, "verification_missing", "No code was sent yet", long_message="Ask for a code first.", param="code"
        )
    if verification.status == "failed":
        raise _failed()
    if now_ms >= verification.expire_at:
        verification.status = "expired"
        raise ClerkFailure(
            400,
            "verification_expired",
            "The code has expired",
            long_message="The code has expired. Ask for a new one.",
            param="code",
            keeps_changes=True,
        )
    verification.attempts = (verification.attempts or 0) + 1
    if hmac.compare_digest(verification.code_hash, code_hash):
        verification.status = "verified"
        verification.code_hash = None
        return
    if verification.attempts >= WRONG_TRIES_MAX:
        verification.status = "failed"
    raise code_incorrect()


def shown_status(verification: Verification, now_ms: int) -> str:
    """The status as of now: an open one may have expired since it was stored."""
    if verification.status == "unverified" and verification.expire_at is not None and now_ms >= verification.expire_at:
        return "expired"
    return verification.status


def _failed() -> ClerkFailure:
    return ClerkFailure(
        400,
        "verification_failed",
        "Too many failed attempts",
        long_message="Too many wrong codes. Ask for a new one.",
        param="code",
    )
