"""One tab with clerk-js in it, in the words of the tests: `tests/browser/site/app.js` is the other end."""

from __future__ import annotations

from typing import Any

import jwt
from playwright.sync_api import BrowserContext, Page

from tests.browser.browser import PATIENCE_MS, Seen, answer_of

Json = dict[str, Any]


class ClerkPage:
    """A tab of one profile at one address."""

    def __init__(self, context: BrowserContext, seen: Seen, address: str) -> None:
        self.context = context
        self.seen = seen
        self.address = address
        self.page: Page = context.new_page()

    def open(self) -> ClerkPage:
        """Loads the page and waits until clerk-js has finished loading."""
        self.page.goto(self.address)
        return self.wait_ready()

    def wait_ready(self) -> ClerkPage:
        self.page.wait_for_selector("body[data-state]", state="attached")
        state = self.page.locator("body").get_attribute("data-state")
        assert state == "ready", f"{self.do('app.errors')}\n{self.seen.console}\n{self.seen.requests}"
        return self

    def reload(self) -> ClerkPage:
        self.page.reload()
        return self.wait_ready()

    def another_tab(self) -> ClerkPage:
        return ClerkPage(self.context, self.seen, self.address).open()

    def do(self, expression: str, argument: Any = None) -> Any:
        """What an expression or a function of one argument comes to, awaited, as JSON."""
        return answer_of(self.page, expression, argument)

    def until(self, expression: str, argument: Any = None, *, timeout_s: float = PATIENCE_MS / 1000) -> Any:
        """Waits until an expression is true in the page; returns its value."""
        return self.page.wait_for_function(expression, arg=argument, timeout=timeout_s * 1000, polling=50).json_value()

    def failure(self, action: str, argument: Any = None) -> Json:
        """How `action` (the text of a function) failed: status, code, param and text. Fails if it did not."""
        found = self.do(f"(argument) => app.failure(() => ({action})(argument))", argument)
        assert found is not None, f"{action} did not fail"
        return dict(found)

    # What users do.

    def sign_up(self, email: str, password: str, **fields: Any) -> Json:
        """Signs up and activates the session; who is signed in then."""
        found = self.do("(fields) => app.signUp(fields)", {"emailAddress": email, "password": password, **fields})
        assert found is not None, "nobody is signed in after signing up"
        return dict(found)

    def sign_in(self, email: str, password: str) -> Json:
        found = self.do("([email, password]) => app.signIn(email, password)", [email, password])
        assert found is not None, "nobody is signed in after signing in"
        return dict(found)

    def sign_out(self, **options: Any) -> None:
        self.do("(options) => app.signOut(options)", options)

    def who(self) -> Json | None:
        """The signed-in user as the page sees it: id, email, firstName and session."""
        found = self.do("app.who()")
        return None if found is None else dict(found)

    def token(self, **options: Any) -> str:
        """`session.getToken(options)`."""
        found = self.do("(options) => app.token(options)", options)
        assert isinstance(found, str), f"getToken gave {found!r}"
        return found

    def claims(self, **options: Any) -> Json:
        """What a token says, unverified."""
        return claims_of(self.token(**options))


def claims_of(token: str) -> Json:
    return dict(jwt.decode(token, options={"verify_signature": False}))
