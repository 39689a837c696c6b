"""Locking an account after too many wrong tries in a row (clerk spec, section 14). The count survives a restart."""

from __future__ import annotations

from parabola.identity.failures import user_locked
from parabola.identity.flows.desk import Desk
from parabola.identity.records import User


def seconds_locked(user: User, now_ms: int) -> int:
    """How long `user` stays locked, 0 if it is not."""
    if user.locked_until is None or now_ms >= user.locked_until:
        return 0
    return max(1, -(-(user.locked_until - now_ms) // 1000))


def count_try(desk: Desk, user: User) -> None:
    """Counts a try that is about to be made. Raises 403 `user_locked` if there may be none now."""
    limits = desk.parts.settings.rate_limits
    if user.locked:
        raise user_locked(limits.locked_s)
    if user.locked_until is not None and desk.now_ms >= user.locked_until:
        user.locked_until, user.failed_attempts = None, 0
    left_s = seconds_locked(user, desk.now_ms)
    if left_s == 0 and user.failed_attempts >= limits.failures_until_locked:
        # As many tries are under way, or were when the server died, as there may be failures.
        left_s = _lock(desk, user)
    if left_s:
        raise user_locked(left_s)
    user.failed_attempts += 1
    desk.work.save_user(user)


def lock_if_due(desk: Desk, user: User) -> int | None:
    """After a wrong try: locks the account if it was one too many. Returns for how many seconds, or None."""
    left_s = seconds_locked(user, desk.now_ms)
    if left_s:
        return left_s
    return _lock(desk, user) if user.failed_attempts >= desk.parts.settings.rate_limits.failures_until_locked else None


def forgive(desk: Desk, user: User) -> None:
    """After a right try: the count starts again."""
    if user.failed_attempts or user.locked_until is not None:
        user.failed_attempts, user.locked_until = 0, None
        desk.work.save_user(user)


def _lock(desk: Desk, user: User) -> int:
    locked_s = desk.parts.settings.rate_limits.locked_s
    user.locked_until = desk.now_ms + locked_s * 1000
    desk.work.save_user(user)
    return locked_s
