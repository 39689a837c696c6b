"""One transaction on behalf of one browser: which client it is, what it may act on, and what it is answered.

A browser shows a cookie, or a dev-browser id in the query (clerk spec, section 4); if both come, the id decides, since
with the cookie first a stale id would never be noticed. What it shows is rotated when a session is made, so that a
value planted before sign-in is worth nothing after; the old one still works for a moment, because requests under way
carry it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from parabola.identity import shapes
from parabola.identity.chance import hash_secret
from parabola.identity.failures import session_exists, signed_out, unknown_dev_browser
from parabola.identity.lifetimes import finish, settle
from parabola.identity.parts import Parts
from parabola.identity.records import Client, Device, EmailAddress, Session, SessionStatus, SignIn, User
from parabola.identity.store.work import CredentialKind, Work
from parabola.identity.tokens import session_token

Json = dict[str, Any]
CREDENTIAL_LIFETIME_MS: Final = 400 * 86_400_000
ROTATION_GRACE_MS: Final = 30_000
ATTEMPT_LIFETIME_MS: Final = 86_400_000


@dataclass(frozen=True, slots=True)
class Call:
    """What a request says about who sends it, and its parameters."""

    cookie: str | None = field(default=None, repr=False)
    dev_browser: str | None = field(default=None, repr=False)
    origin: str | None = None
    address: str = "unknown"
    device: Device = field(default_factory=Device)
    acting_session_id: str | None = None
    parameters: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)

    def given(self, name: str) -> str | None:
        """A parameter, with the empty text that clerk-js sends for null taken as absent."""
        return self.parameters.get(name) or None

    def flag(self, name: str) -> bool:
        return self.parameters.get(name) == "true"


@dataclass(frozen=True, slots=True)
class Reply:
    """A body to send, and what the browser shall show from now on."""

    body: Any
    fresh_cookie: str | None = field(default=None, repr=False)
    fresh_dev_browser: str | None = field(default=None, repr=False)
    clear_cookie: bool = False


class Desk:
    """Raises 401 `dev_browser_unauthenticated` at once for a dev-browser id that is not known."""

    def __init__(self, parts: Parts, work: Work, call: Call) -> None:
        self.parts = parts
        self.work = work
        self.call = call
        self.now_ms = parts.now_ms()
        self.client: Client | None = None
        self._fresh_cookie: str | None = None
        self._fresh_dev_browser: str | None = None
        self._identify()

    def _identify(self) -> None:
        if self.call.dev_browser is not None:
            found = self.work.credential(hash_secret(self.call.dev_browser), "dev_browser", self.now_ms)
            if found is None:
                raise unknown_dev_browser()
        elif self.call.cookie is not None:
            # An unknown cookie may belong to another server on this host name: it simply means "no client".
            found = self.work.credential(hash_secret(self.call.cookie), "cookie", self.now_ms)
        else:
            return
        if found is not None and found[0] is not None:
            self.client = self.work.client(found[0])

    # Clients

    def ensure_client(self) -> Client:
        """This browser's client, made if it has none."""
        if self.client is not None:
            return self.client
        self.parts.throttle.admit("new_client", self.call.address, self.parts.settings.rate_limits.new_clients)
        self.parts.upkeep.run_if_due(self.work, self.now_ms)
        client = Client(self.parts.chance.id("client"), self.now_ms, self.now_ms)
        self.work.save_client(client)
        self.client = client
        if self.call.dev_browser is not None:
            self.work.link_credential(hash_secret(self.call.dev_browser), client.id)
        else:
            self._fresh_cookie = self._new_credential("cookie")
        return client

    def rotate_credential(self) -> None:
        """Gives the browser a new secret; the one it showed dies soon."""
        shown = self.call.dev_browser or self.call.cookie
        if self._fresh_cookie is None:
            if self.call.dev_browser is not None:
                self._fresh_dev_browser = self._new_credential("dev_browser")
            else:
                self._fresh_cookie = self._new_credential("cookie")
        if shown is not None:
            self.work.shorten_credential(hash_secret(shown), self.now_ms + ROTATION_GRACE_MS)

    def _new_credential(self, kind: CredentialKind) -> str:
        secret = self.parts.chance.secret()
        client_id = None if self.client is None else self.client.id
        self.work.add_credential(hash_secret(secret), kind, client_id, self.now_ms + CREDENTIAL_LIFETIME_MS)
        return secret

    def save_client(self) -> None:
        """Stores the client as changed now: clerk-js tells other tabs by `updated_at`."""
        if self.client is not None:
            self._save_changed(self.client)

    def _save_changed(self, client: Client) -> None:
        client.updated_at = max(self.now_ms, client.updated_at + 1)
        self.work.save_client(client)

    # Sessions

    def active_sessions(self) -> list[Session]:
        """This client's sessions that are alive now."""
        if self.client is None:
            return []
        return self._settled(self.work.active_sessions_of_client(self.client.id))

    def _settled(self, sessions: list[Session]) -> list[Session]:
        alive: list[Session] = []
        for session in sessions:
            if settle(session, self.now_ms):
                self.work.save_session(session)
            else:
                alive.append(session)
        return alive

    def refuse_second_session(self) -> None:
        """Raises 400 `session_exists` if one session is all this server allows and there is one."""
        if self.parts.settings.single_session and self.active_sessions():
            raise session_exists()

    def session(self, session_id: str) -> Session:
        """An active session of this client. Raises 401 otherwise: that is what makes clerk-js look again."""
        for session in self.active_sessions():
            if session.id == session_id:
                return session
        raise signed_out()

    def acting_session(self) -> Session:
        """The session that a request outside `/client` names, or else the last active one."""
        if self.call.acting_session_id is not None:
            return self.session(self.call.acting_session_id)
        sessions = self.active_sessions()
        if not sessions or self.client is None:
            raise signed_out()
        last = self.client.last_active_session_id
        return next((session for session in sessions if session.id == last), sessions[0])

    def acting_user(self) -> User:
        return self.user(self.acting_session().user_id)

    def user(self, user_id: str) -> User:
        """Raises 401 if the account is gone."""
        user = self.work.user(user_id)
        if user is None:
            raise signed_out()
        return user

    def begin_session(self, user: User, strategy: str) -> Session:
        """Signs `user` in at this client. In single-session mode it replaces what a parallel request began."""
        client = self.ensure_client()
        settings = self.parts.settings
        if settings.single_session:
            self.end_sessions(self.active_sessions(), "replaced")
        session = Session(
            id=self.parts.chance.id("sess"),
            client_id=client.id,
            user_id=user.id,
            created_at=self.now_ms,
            updated_at=self.now_ms,
            last_active_at=self.now_ms,
            expire_at=self.now_ms + settings.session_lifetime_s * 1000,
            abandon_at=self.now_ms + settings.session_idle_s * 1000,
            first_factor_at=self.now_ms,
            device=self.call.device,
        )
        self.work.save_session(session)
        client.last_active_session_id = session.id
        client.last_authentication_strategy = strategy
        user.last_sign_in_at = user.last_active_at = user.updated_at = self.now_ms
        self.work.save_user(user)
        self.save_client()
        self.rotate_credential()
        return session

    def end_sessions(self, sessions: list[Session], status: SessionStatus) -> None:
        """Ends sessions of this client or of others; attempts that led to them are forgotten with them."""
        for session in sessions:
            finish(session, status, self.now_ms)
            self.work.save_session(session)
            is_own = self.client is not None and session.client_id == self.client.id
            owner = self.client if is_own else self.work.client(session.client_id)
            if owner is not None:
                self._forget(owner, session.id)
                self._save_changed(owner)

    def _forget(self, client: Client, session_id: str) -> None:
        if client.last_active_session_id == session_id:
            client.last_active_session_id = None
        sign_in, sign_up = self.work.sign_in(client.sign_in_id), self.work.sign_up(client.sign_up_id)
        if sign_in is not None and sign_in.created_session_id == session_id:
            self.work.delete_attempt(client.sign_in_id)
            client.sign_in_id = None
        if sign_up is not None and sign_up.created_session_id == session_id:
            self.work.delete_attempt(client.sign_up_id)
            client.sign_up_id = None

    # Shapes

    def primary_email(self, user: User) -> EmailAddress | None:
        found = user.primary_email_address_id
        return None if found is None else self.work.email_address(found)

    def user_json(self, user: User) -> Json:
        return shapes.user_shape(
            user,
            self.work.emails_of(user.id),
            self.parts.image_url(user),
            self.now_ms,
            delete_self=self.parts.settings.delete_self,
        )

    def session_json(self, session: Session) -> Json:
        """A session with its user, and a fresh token while it is active, so that clerk-js need not ask for one."""
        user = self.work.user(session.user_id)
        if user is None:
            return shapes.session_shape(session, None, None, None, self.now_ms)
        is_active = session.status == "active"
        jwt = session_token(self.work, self.parts, session, self.now_ms, self.call.origin) if is_active else None
        public = shapes.public_user_data(user, self.primary_email(user), self.parts.image_url(user))
        return shapes.session_shape(session, self.user_json(user), public, jwt, self.now_ms)

    def client_json(self) -> Json | None:
        """The complete, current client: what updates clerk-js's state after every change."""
        client = self.client
        if client is None:
            return None
        sessions = [self.session_json(session) for session in self.active_sessions()]
        sign_in, sign_up = self.work.sign_in(client.sign_in_id), self.work.sign_up(client.sign_up_id)
        return shapes.client_shape(
            client,
            sessions,
            None if sign_in is None or self.now_ms >= sign_in.abandon_at else self.sign_in_json(sign_in),
            None
            if sign_up is None or self.now_ms >= sign_up.abandon_at
            else shapes.sign_up_shape(sign_up, self.now_ms, verify_email=self.parts.settings.verify_email_at_sign_up),
        )

    def sign_in_json(self, sign_in: SignIn) -> Json:
        if sign_in.identifier is None:
            return shapes.sign_in_shape(sign_in, None, None, self.now_ms)
        user = None if sign_in.user_id is None else self.work.user(sign_in.user_id)
        protects = self.parts.settings.enumeration_protection
        factors = shapes.first_factors(
            has_password=protects or (user is not None and user.password_enabled),
            email_address_id=sign_in.email_address_id,
            address=sign_in.identifier,
        )
        user_data = None
        if user is not None and not protects:
            user_data = {
                "first_name": user.first_name,
                "last_name": user.last_name,
                "image_url": self.parts.image_url(user),
                "has_image": user.profile_image_id is not None,
            }
        return shapes.sign_in_shape(sign_in, factors, user_data, self.now_ms)

    def reply(self, resource: Any) -> Reply:
        """The envelope of a change: the resource, and the client with it."""
        return self.bare({"response": resource, "client": self.client_json()})

    def bare(self, body: Any) -> Reply:
        return Reply(body, self._fresh_cookie, self._fresh_dev_browser)
