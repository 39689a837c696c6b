"""Passwords: which are accepted, how they are kept, how they are checked without holding up anything else.

argon2id by argon2-cffi with its defaults, in worker threads of its own: two at a time, because each takes 64 MiB and
all lanes of a core. When more are waiting than could be served in reasonable time, the next is told to come back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from parabola.identity.common_passwords import COMMON_PASSWORDS
from parabola.identity.failures import ClerkFailure, bad_parameter, empty_parameter, too_many_requests

LENGTH_MIN: Final = 8
LENGTH_MAX: Final = 72
WAITING_MAX: Final = 256
WORKERS: Final = 2

T = TypeVar("T")


def check_new_password(password: str, *, address: str | None, param: str = "password") -> None:
    """Raises what the form shows if `password` may not be chosen."""
    if not password:
        raise empty_parameter(param)
    if "\0" in password:
        raise bad_parameter(param, "A password cannot contain the character NUL.")
    if len(password) < LENGTH_MIN:
        raise ClerkFailure(
            422,
            "form_password_length_too_short",
            f"Passwords must be {LENGTH_MIN} characters or more.",
            param=param,
        )
    if len(_encoded(password)) > LENGTH_MAX:
        raise ClerkFailure(
            422,
            "form_password_size_in_bytes_exceeded",
            f"Passwords must be {LENGTH_MAX} bytes or less.",
            param=param,
        )
    if password.lower() in COMMON_PASSWORDS:
        raise ClerkFailure(
            422,
            "form_password_pwned",
            "Password has been found in an online data breach.",
            long_message=(
                "Password has been found in an online data breach. For account safety, please use a different password."
            ),
            param=param,
        )
    if address is not None and password.lower() == address:
        raise ClerkFailure(
            422,
            "form_password_matches_identifier",
            "Password cannot be the same as your email address.",
            param=param,
        )


@dataclass(frozen=True, slots=True)
class PasswordCheck:
    """Whether a password was right, and its hash anew if the stored one is of an older kind."""

    is_right: bool
    new_hash: str | None = None


class Passwords:
    """Hashes and checks. `hasher` is replaced by a cheap one in tests."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher if hasher is not None else PasswordHasher()
        self._pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="parabola-passwords")
        self._waiting = 0
        self._dummy: str | None = None

    async def hash(self, password: str) -> str:
        return await self._run(self._hash_now, password)

    async def verify(self, stored: str | None, password: str) -> PasswordCheck:
        """Checks `password`. `stored` is None for an account that does not exist or has no password: the answer is no,
        after the same work.
        """
        return await self._run(self._verify_now, stored, password)

    def is_hash(self, text: str) -> bool:
        """Whether `text` is an argon2id hash that can be imported."""
        try:
            self._hasher.check_needs_rehash(text)
        except InvalidHashError:
            return False
        return text.startswith("$argon2id$")

    def close(self) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _hash_now(self, password: str) -> str:
        return self._hasher.hash(_encoded(password))

    def _verify_now(self, stored: str | None, password: str) -> PasswordCheck:
        if stored is None:
            if self._dummy is None:
                self._dummy = self._hasher.hash("nobody's password")
            self._matches(self._dummy, password)
            return PasswordCheck(False)
        if not self._matches(stored, password):
            return PasswordCheck(False)
        renewed = self._hash_now(password) if self._hasher.check_needs_rehash(stored) else None
        return PasswordCheck(True, renewed)

    def _matches(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, _encoded(password))
        except (VerificationError, InvalidHashError):
            return False

    async def _run(self, work: Callable[..., T], *arguments: object) -> T:
        if self._waiting >= WAITING_MAX:
            raise too_many_requests(retry_after_s=10)
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, work, *arguments)
        finally:
            self._waiting -= 1


def _encoded(password: str) -> bytes:
    # A lone surrogate cannot come from a form; through JSON it can, and must not be a crash.
    return password.encode("utf-8", "surrogatepass")
