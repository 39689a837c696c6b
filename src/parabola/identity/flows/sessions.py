"""A browser's client and its sessions: reading, touching, ending, and tokens (clerk spec, 5.1 and 11)."""

from __future__ import annotations

from parabola.identity import shapes
from parabola.identity.chance import hash_secret
from parabola.identity.failures import not_found, signed_out
from parabola.identity.flows.desk import CREDENTIAL_LIFETIME_MS, Call, Desk, Reply
from parabola.identity.lifetimes import keep_alive
from parabola.identity.parts import Parts
from parabola.identity.records import SessionStatus
from parabola.identity.store.work import Work
from parabola.identity.tokens import session_token, template_token

TOKEN_THROTTLE = "token"


class Sessions:
    """Clients and sessions of all browsers."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def new_dev_browser(self, call: Call) -> Reply:
        """An id that stands in for the cookie where cookies do not reach (clerk spec, 4.3)."""
        self._parts.throttle.admit("new_client", call.address, self._parts.settings.rate_limits.new_clients)

        def step(work: Work) -> Reply:
            secret = self._parts.chance.secret()
            expires_at = self._parts.now_ms() + CREDENTIAL_LIFETIME_MS
            work.add_credential(hash_secret(secret), "dev_browser", None, expires_at)
            return Reply({"id": secret, "object": "dev_browser"})

        return await self._parts.store.transact(step)

    async def client(self, call: Call) -> Reply:
        """The client or null; a plain read makes none."""

        def step(work: Work) -> Reply:
            desk = Desk(self._parts, work, call)
            return desk.bare({"response": desk.client_json(), "client": None})

        return await self._parts.store.transact(step)

    async def make_client(self, call: Call) -> Reply:
        def step(work: Work) -> Reply:
            desk = Desk(self._parts, work, call)
            desk.ensure_client()
            return desk.bare({"response": desk.client_json(), "client": None})

        return await self._parts.store.transact(step)

    async def forget_client(self, call: Call) -> Reply:
        """Ends all sessions, forgets the client and clears the cookie."""

        def step(work: Work) -> Reply:
            desk = Desk(self._parts, work, call)
            if desk.client is not None:
                desk.end_sessions(desk.active_sessions(), "removed")
                work.delete_client(desk.client.id)
            return Reply({"response": None, "client": None}, clear_cookie=True)

        return await self._parts.store.transact(step)

    async def sign_out_everywhere(self, call: Call) -> Reply:
        """Ends this client's sessions and clears its attempts: what `signOut()` calls."""

        def step(work: Work) -> Reply:
            desk = Desk(self._parts, work, call)
            client = desk.client
            if client is not None:
                desk.end_sessions(desk.active_sessions(), "removed")
                for attempt_id in (client.sign_in_id, client.sign_up_id):
                    work.delete_attempt(attempt_id)
                client.sign_in_id = client.sign_up_id = client.last_active_session_id = None
                desk.save_client()
            shown = desk.client_json()
            return desk.bare({"response": shown, "client": shown})

        return await self._parts.store.transact(step)

    async def renew_cookie(self, call: Call) -> Reply:
        """A new cookie for a client that has one: `GET /client/touch`."""

        def step(work: Work) -> Reply:
            desk = Desk(self._parts, work, call)
            if desk.client is not None:
                desk.rotate_credential()
            return desk.bare(None)

        return await self._parts.store.transact(step)

    async def get(self, call: Call, session_id: str) -> Reply:
        """A session of this client, whatever its status."""

        def step(work: Work) -> Reply:
            desk = Desk(self._parts, work, call)
            desk.active_sessions()
            session = work.session(session_id)
            if session is None or desk.client is None or session.client_id != desk.client.id:
                raise not_found("session")
            return desk.reply(desk.session_json(session))

        return await self._parts.store.transact(step)

    async def touch(self, call: Call, session_id: str) -> Reply:
        """Marks a session as the one in use: what `setActive` and a focused window send."""

        def step(work: Work) -> Reply:
            desk = Desk(self._parts, work, call)
            session = desk.session(session_id)
            keep_alive(session, desk.now_ms, self._parts.settings.session_idle_s * 1000)
            work.save_session(session)
            user = desk.user(session.user_id)
            user.last_active_at = desk.now_ms
            work.save_user(user)
            if desk.client is not None:
                desk.client.last_active_session_id = session.id
                desk.save_client()
            return desk.reply(desk.session_json(session))

        return await self._parts.store.transact(step)

    async def finish(self, call: Call, session_id: str, status: SessionStatus) -> Reply:
        """Ends or removes one session of this client."""

        def step(work: Work) -> Reply:
            desk = Desk(self._parts, work, call)
            session = desk.session(session_id)
            desk.end_sessions([session], status)
            desk.save_client()
            return desk.reply(desk.session_json(session))

        return await self._parts.store.transact(step)

    async def token(self, call: Call, session_id: str, template: str | None) -> Reply:
        """A token of a session of this client. Only answers 401 for a session that is over: any 422 here would sign the
        user out.
        """

        def step(work: Work) -> Reply:
            desk = Desk(self._parts, work, call)
            session = desk.session(session_id)
            # After the check, so that nobody can use up another's tokens.
            self._parts.throttle.admit(TOKEN_THROTTLE, session_id, self._parts.settings.rate_limits.tokens)
            if template is None:
                jwt = session_token(work, self._parts, session, desk.now_ms, call.origin)
            else:
                user = work.user(session.user_id)
                if user is None:
                    raise signed_out()
                jwt = template_token(
                    work, self._parts, template, user, desk.primary_email(user), desk.now_ms, call.origin
                )
            return desk.bare(shapes.token_shape(jwt))

        return await self._parts.store.transact(step)
