"""Signing in at an identity server of this repository without JavaScript: the pages' program speaks for the visitor.

Theory of operation. A visitor is one browser, known by NiceGUI's session cookie; all its tabs share one `Visitor`, so
who signs out in one tab is signed out in all, at once. What the identity server knows the browser by is kept in
`app.storage.user`, which is on disk: a restart of the pages' program signs nobody out. The state that is shown is the
*client* of the Frontend API, which every answer brings along.
"""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import MutableMapping
from typing import Any, Final, Literal, TypeAlias

from nicegui import app, context
from reaktiv import Computed, Signal

from parabola.client import ClientError
from parabola.ui.nicegui.clerk_frontend import Answer, FrontendApi, SignInRefused
from parabola.ui.nicegui.page_scopes import page_scope

STORED_AS: Final = "parabola_visitor_token"
FRESH_FOR_S: Final = 10.0
"""A token that ends sooner than this is not handed out again."""

Step: TypeAlias = Literal["complete", "needs_code"]


class Visitor:
    """One browser at the identity server, shared by its tabs. The attributes are signals: call them to read them."""

    def __init__(self, api: FrontendApi, storage: MutableMapping[str, Any], address: str | None) -> None:
        self._api = api
        self._storage = storage
        self._address = address
        self._tokens: dict[str, tuple[str, float]] = {}
        self._loading: asyncio.Task[None] | None = None
        self._client: Signal[dict[str, Any] | None] = Signal(None)
        self.is_loaded = Signal(False)
        self.error: Signal[Exception | None] = Signal(None)
        self.session = Computed(lambda: _active_session(self._client()))
        self.user = Computed(lambda: (self.session() or {}).get("user"))

    def load(self) -> asyncio.Future[None]:
        """Asks the identity server who this is; once, however often it is called. Tried again until it answers.

        A tab that stops waiting, because it was closed, does not stop it for the others.
        """
        if self._loading is None:
            self._loading = asyncio.ensure_future(self._load())
        return asyncio.shield(self._loading)

    async def sign_up(self, email: str, password: str, *, first_name: str = "", last_name: str = "") -> Step:
        """Makes an account. "needs_code" means that a code was mailed, which goes to `verify_sign_up`."""
        fields = {"email_address": email, "password": password, "first_name": first_name, "last_name": last_name}
        answer = await self._ask("POST", "/client/sign_ups", {name: text for name, text in fields.items() if text})
        if answer.resource.get("status") == "complete":
            return "complete"
        if "email_address" in (answer.resource.get("unverified_fields") or ()):
            await self._ask(
                "POST", f"/client/sign_ups/{answer.resource['id']}/prepare_verification", {"strategy": "email_code"}
            )
            return "needs_code"
        missing = ", ".join(answer.resource.get("missing_fields") or ()) or "something"
        raise SignInRefused(f"The account also needs: {missing}.", code="form_param_missing", field=None)

    async def verify_sign_up(self, code: str) -> None:
        """Ends a sign-up with the code from the e-mail."""
        attempt = ((self._client() or {}).get("sign_up") or {}).get("id")
        if attempt is None:
            raise SignInRefused("That sign-up is over. Begin again.", code="resource_not_found", field=None)
        fields = {"strategy": "email_code", "code": code}
        await self._ask("POST", f"/client/sign_ups/{attempt}/attempt_verification", fields)

    async def sign_in(self, email: str, password: str) -> None:
        """Signs in with a password. Raises `SignInRefused` with a text for the visitor."""
        answer = await self._ask("POST", "/client/sign_ins", {"identifier": email, "password": password})
        if answer.resource.get("status") != "complete":
            raise SignInRefused(
                "This account asks for more than a password.", code="strategy_for_user_invalid", field="password"
            )

    async def sign_out(self) -> None:
        """Ends the sessions of this browser, in all its tabs."""
        await self._ask("DELETE", "/client/sessions")
        self._client.set(None)

    async def get_token(self, *, template: str | None = None, skip_cache: bool = False) -> str | None:
        """A token of the session that is active, from the cache while it is fresh; None if nobody is signed in."""
        session = self.session()
        if session is None:
            return None
        name = f"{session['id']}/{template or ''}"
        cached = self._tokens.get(name)
        if cached is not None and not skip_cache and cached[1] - time.time() > FRESH_FOR_S:
            return cached[0]
        path = f"/client/sessions/{session['id']}/tokens{'/' + template if template else ''}"
        try:
            answer = await self._ask("POST", path)
        except SignInRefused:
            # Ended somewhere else: on the server, or by another program with the same account.
            await self._load()
            return None
        token = str(answer.resource["jwt"])
        self._tokens = {name: (token, _end_of(token))}
        return token

    async def _load(self) -> None:
        pause_s = 0.25
        while True:
            try:
                answer = await self._ask("GET", "/client")
            except SignInRefused as error:
                self.error.set(error)
                break
            except ClientError as error:
                self.error.set(error)
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, 5.0)
                continue
            self._client.set(answer.resource or None)
            self.error.set(None)
            break
        self.is_loaded.set(True)

    async def _ask(self, method: str, path: str, fields: dict[str, str] | None = None) -> Answer:
        answer = await self._api.ask(
            method,
            path,
            fields,
            visitor_token=self._storage.get(STORED_AS),
            visitor_address=self._address,
        )
        if answer.visitor_token != self._storage.get(STORED_AS):
            self._storage[STORED_AS] = answer.visitor_token
        if answer.client is not None:
            self._client.set(answer.client)
            self.is_loaded.set(True)
        return answer


class Visitors:
    """The browsers with open pages, by NiceGUI's id of them.

    ::

        visitors = Visitors("http://127.0.0.1:3210/__clerk")
        use_parabola("http://127.0.0.1:3210", auth=lambda: VisitorAuth(visitors.current()), template="convex")
    """

    def __init__(self, address: str) -> None:
        self.api = FrontendApi(address)
        self._open: dict[str, tuple[Visitor, int]] = {}

    def current(self) -> Visitor:
        """The visitor whose page this is. Needs `storage_secret` in `ui.run` or `ui.run_with`."""
        browser = str(app.storage.browser["id"])
        known = self._open.get(browser)
        if known is None:
            request = context.client.request
            address = request.client.host if request.client is not None else None
            known = Visitor(self.api, app.storage.user, address), 0
        visitor, pages = known
        self._open[browser] = visitor, pages + 1
        page_scope().on_close(lambda: self._leave(browser))
        visitor.load()
        return visitor

    def _leave(self, browser: str) -> None:
        visitor, pages = self._open[browser]
        if pages > 1:
            self._open[browser] = visitor, pages - 1
        else:
            del self._open[browser]


class VisitorAuth:
    """The auth provider of one page: what the visitor's browser is signed in as."""

    def __init__(self, visitor: Visitor) -> None:
        self.visitor = visitor
        self.error = visitor.error

    def session_id(self) -> str | None:
        """Another session asks for another token."""
        return (self.visitor.session() or {}).get("id")

    def is_loaded(self) -> bool:
        return self.visitor.is_loaded()

    def is_signed_in(self) -> bool:
        return self.visitor.session() is not None

    async def get_token(self, *, template: str | None = None, skip_cache: bool = False) -> str | None:
        return await self.visitor.get_token(template=template, skip_cache=skip_cache)


def _active_session(client: dict[str, Any] | None) -> dict[str, Any] | None:
    if client is None:
        return None
    active = [session for session in client.get("sessions") or () if session.get("status") == "active"]
    last = client.get("last_active_session_id")
    return next((session for session in active if session["id"] == last), active[0] if active else None)


def _end_of(token: str) -> float:
    """When a token ends, in seconds since the epoch; 0 for one that cannot be read, which is then not kept."""
    try:
        payload = token.split(".")[1]
        return float(json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["exp"])
    except (IndexError, KeyError, TypeError, ValueError):
        return 0.0
