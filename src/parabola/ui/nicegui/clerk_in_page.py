"""Real clerk-js in a NiceGUI page: its dialogs, its session, its tokens, told to Python as signals.

The page loads the script from the Frontend API host that the publishable key names, as Clerk's own framework packages
do; `script_url` takes it from elsewhere. What clerk-js says of its user arrives as an event of the page; tokens are
asked for when the client needs one.
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any, Final

from nicegui import background_tasks, context, ui
from nicegui.client import Client as Page
from nicegui.events import GenericEventArguments
from reaktiv import Signal, batch

from parabola.client import ClientError

SCRIPT_PATH: Final = "npm/@clerk/clerk-js@5/dist/clerk.browser.js"
ANSWER_S: Final = 30.0
"""How long the browser may take for a token, in seconds."""
_EVENT: Final = "parabola_clerk"

_START = """
(() => {
  const given = %(given)s;
  const tell = () => {
    const user = window.Clerk.user;
    emitEvent("%(event)s", {
      loaded: true,
      session: window.Clerk.session ? window.Clerk.session.id : null,
      user: user ? {
        id: user.id, first_name: user.firstName, last_name: user.lastName, image_url: user.imageUrl,
        email: user.primaryEmailAddress ? user.primaryEmailAddress.emailAddress : null,
      } : null,
    });
  };
  const fail = (error) => emitEvent("%(event)s", { loaded: false, error: String(error && error.message || error) });
  const script = document.createElement("script");
  script.src = given.script;
  script.async = true;
  script.crossOrigin = "anonymous";
  script.dataset.clerkPublishableKey = given.key;
  if (given.proxy) script.dataset.clerkProxyUrl = given.proxy;
  script.onerror = () => fail("clerk-js could not be loaded from " + given.script);
  script.onload = async () => {
    try {
      await window.Clerk.load({ telemetry: false });
      window.Clerk.addListener(tell);
      tell();
    } catch (error) { fail(error); }
  };
  document.head.append(script);
})();
"""


class ClerkInPage:
    """The auth provider of one page in which clerk-js runs. Made in the page, as by `use_parabola`'s `auth`.

    `proxy_url` is for an identity server of this repository (`http://127.0.0.1:3210/__clerk`); real Clerk needs none.
    Raises `ClientError` for what is no publishable key.
    """

    def __init__(self, publishable_key: str, *, proxy_url: str | None = None, script_url: str | None = None) -> None:
        host = frontend_host(publishable_key)
        base = proxy_url.rstrip("/") if proxy_url is not None else f"https://{host}"
        self._given = {"key": publishable_key, "proxy": proxy_url, "script": script_url or f"{base}/{SCRIPT_PATH}"}
        self._page: Page = context.client
        self.is_loaded = Signal(False)
        self.error: Signal[Exception | None] = Signal(None)
        self.user: Signal[dict[str, Any] | None] = Signal(None)
        self.session_id: Signal[str | None] = Signal(None)
        ui.on(_EVENT, self._heard)
        background_tasks.create(self._start(), name="clerk-js in the page")

    def is_signed_in(self) -> bool:
        """Whether clerk-js has a user."""
        return self.user() is not None

    async def get_token(self, *, template: str | None = None, skip_cache: bool = False) -> str | None:
        """Asks clerk-js, which keeps tokens while they are fresh; None if nobody is signed in."""
        options = json.dumps({"template": template, "skipCache": skip_cache} if template else {"skipCache": skip_cache})
        asking = f"await Clerk.session.getToken({options})"
        token = await self._ask(f"return window.Clerk && Clerk.session ? {asking} : null")
        return None if token is None else str(token)

    def open_sign_in(self) -> None:
        """Shows Clerk's dialog."""
        self._do("Clerk.openSignIn()")

    def open_sign_up(self) -> None:
        """Shows Clerk's dialog."""
        self._do("Clerk.openSignUp()")

    async def sign_out(self) -> None:
        """Ends the session in this browser; the page stays where it is, and its guard decides."""
        await self._ask("await Clerk.signOut(() => {}); return null")
        with batch():
            self.user.set(None)
            self.session_id.set(None)

    async def _start(self) -> None:
        await self._page.connected()
        self._do(_START % {"given": json.dumps(self._given), "event": _EVENT})

    def _heard(self, event: GenericEventArguments) -> None:
        told: dict[str, Any] = event.args
        if not told.get("loaded"):
            self.error.set(ClientError(f"Sign-in does not work: {told.get('error')}"))
            return
        self.error.set(None)
        user = told.get("user")
        with batch():
            if user != self.user():
                self.user.set(user)
            self.session_id.set(told.get("session"))
            self.is_loaded.set(True)

    def _do(self, code: str) -> None:
        self._page.run_javascript(code)

    async def _ask(self, code: str) -> Any:
        await self._page.connected()
        return await self._page.run_javascript(code, timeout=ANSWER_S)


def frontend_host(publishable_key: str) -> str:
    """The host that a `pk_test_…` or `pk_live_…` names. Raises `ClientError` for anything else."""
    parts = publishable_key.split("_")
    try:
        if len(parts) != 3 or parts[0] != "pk" or parts[1] not in ("test", "live"):
            raise ValueError
        host = base64.b64decode(parts[2] + "=" * (-len(parts[2]) % 4)).decode("ascii")
    except (ValueError, binascii.Error, UnicodeDecodeError):
        host = ""
    if not host.endswith("$") or "." not in host:
        raise ClientError(
            f"{publishable_key!r} is no publishable key. Copy the one that begins with pk_test_ or pk_live_ from "
            "Clerk's dashboard, or from where the identity server printed it."
        )
    return host[:-1]
