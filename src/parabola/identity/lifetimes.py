"""When sessions end by themselves. Pure; evaluated when a session is looked at, so nothing has to run on time."""

from __future__ import annotations

from parabola.identity.records import Session, SessionStatus


def settle(session: Session, now_ms: int) -> bool:
    """Brings the status of `session` up to date. Returns whether it changed."""
    if session.status != "active":
        return False
    if now_ms >= session.expire_at:
        finish(session, "expired", now_ms)
        return True
    if now_ms >= session.abandon_at:
        finish(session, "abandoned", now_ms)
        return True
    return False


def finish(session: Session, status: SessionStatus, now_ms: int) -> None:
    """Ends `session` with `status`."""
    session.status = status
    session.updated_at = now_ms


def keep_alive(session: Session, now_ms: int, idle_ms: int) -> None:
    """Notes that `session` is in use."""
    session.last_active_at = now_ms
    session.updated_at = now_ms
    session.abandon_at = now_ms + idle_ms


def minutes_since_first_factor(session: Session, now_ms: int) -> int:
    return max(0, (now_ms - session.first_factor_at) // 60_000)
