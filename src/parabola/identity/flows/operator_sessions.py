"""Sessions as their operator sees them: the Backend API (clerk spec, section 15)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from parabola.identity import shapes
from parabola.identity.failures import bad_parameter, not_found
from parabola.identity.flows.desk import Desk
from parabola.identity.flows.users import OPERATOR
from parabola.identity.lifetimes import settle
from parabola.identity.parts import Parts
from parabola.identity.records import Client, Session
from parabola.identity.store.work import Work
from parabola.identity.tokens import session_token, template_token

Json = dict[str, Any]
T = TypeVar("T")


class OperatorSessions:
    """All sessions."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def list(
        self, *, user_id: str | None, client_id: str | None, status: str | None, limit: int, offset: int
    ) -> list[Json]:
        def step(work: Work) -> list[Json]:
            now_ms = self._parts.now_ms()
            if status in (None, "active", "expired", "abandoned"):
                # What has ended by itself since it was looked at last, so that the filter tells the truth.
                for session in work.find_sessions(user_id=user_id, client_id=client_id, status="active", limit=-1):
                    if settle(session, now_ms):
                        work.save_session(session)
            found = work.find_sessions(user_id=user_id, client_id=client_id, status=status, limit=limit, offset=offset)
            return [operator_session_json(session) for session in found]

        return await self._parts.store.transact(step)

    async def get(self, session_id: str) -> Json:
        return await self._on(session_id, lambda desk, session: operator_session_json(session))

    async def create(self, user_id: str) -> Json:
        """A session without a browser, for tests."""

        def step(work: Work) -> Json:
            desk = Desk(self._parts, work, OPERATOR)
            user = work.user(user_id)
            if user is None:
                raise not_found("user")
            desk.client = Client(self._parts.chance.id("client"), desk.now_ms, desk.now_ms)
            work.save_client(desk.client)
            return operator_session_json(desk.begin_session(user, "ticket"))

        return await self._parts.store.transact(step)

    async def revoke(self, session_id: str) -> Json:
        def step(desk: Desk, session: Session) -> Json:
            if session.status == "active":
                desk.end_sessions([session], "revoked")
            return operator_session_json(session)

        return await self._on(session_id, step)

    async def token(self, session_id: str, template: str | None, expires_in_s: int | None) -> Json:
        """A token of an active session. Raises 404 for one that is over, and for an unknown template."""
        if expires_in_s is not None:
            raise bad_parameter(
                "expires_in_seconds", "Set the lifetime in the server's settings; it is the same for all tokens."
            )

        def step(desk: Desk, session: Session) -> Json:
            user = desk.work.user(session.user_id)
            if user is None or session.status != "active":
                raise not_found("active session")
            if template is None:
                jwt = session_token(desk.work, self._parts, session, desk.now_ms, None)
            else:
                primary = desk.primary_email(user)
                jwt = template_token(desk.work, self._parts, template, user, primary, desk.now_ms, None)
            return shapes.token_shape(jwt)

        return await self._on(session_id, step)

    async def _on(self, session_id: str, step: Callable[[Desk, Session], T]) -> T:
        def run(work: Work) -> T:
            session = work.session(session_id)
            if session is None:
                raise not_found("session")
            desk = Desk(self._parts, work, OPERATOR)
            if settle(session, desk.now_ms):
                work.save_session(session)
            return step(desk, session)

        return await self._parts.store.transact(run)


def operator_session_json(session: Session) -> Json:
    return {
        "object": "session",
        "id": session.id,
        "user_id": session.user_id,
        "client_id": session.client_id,
        "status": session.status,
        "actor": None,
        "tasks": None,
        "last_active_organization_id": None,
        "last_active_at": session.last_active_at,
        "expire_at": session.expire_at,
        "abandon_at": session.abandon_at,
        "created_at": session.created_at,
        "updated_at": session.updated_at,
    }
