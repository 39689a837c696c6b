"""clerk-js 6 without its dialogs, against the same server."""

from __future__ import annotations

import pytest

from tests.browser.clerk_page import ClerkPage
from tests.browser.conftest import PASSWORD, OpenPage
from tests.browser.identity_process import IdentityProcess


@pytest.fixture
def page(open_page: OpenPage) -> ClerkPage:
    return open_page(clerk=6)


def test_load_sign_up_token_reload_sign_out(page: ClerkPage, email: str) -> None:
    assert page.do("[Clerk.loaded, Clerk.version, Clerk.user]") == [True, "6.40.0", None]
    user = page.sign_up(email, PASSWORD, firstName="Ada")
    assert user["firstName"] == "Ada"
    claims = page.claims(template="convex")
    assert (claims["sub"], claims["aud"], claims["email"]) == (user["id"], "convex", email)
    assert page.claims()["sid"] == user["session"]
    assert page.reload().who() == user
    page.sign_out()
    assert page.reload().who() is None


def test_the_sign_in_of_version_six_by_password_and_finalize(open_page: OpenPage, email: str) -> None:
    known = open_page(clerk=6).sign_up(email, PASSWORD)
    page = open_page(clerk=6)
    result = page.do(
        """async ([identifier, password]) => {
            const attempt = Clerk.client.signIn.__internal_future;
            const wrong = await attempt.password({ identifier, password: "not the right one" });
            const right = await attempt.password({ identifier, password });
            const status = attempt.status;
            const done = await attempt.finalize();
            const code = wrong.error?.errors?.[0]?.code ?? wrong.error?.code;
            return { wrong: code, right: right.error, status, done: done.error };
        }""",
        [email, PASSWORD],
    )
    assert result["wrong"] == "form_password_incorrect"
    assert (result["right"], result["status"], result["done"]) == (None, "complete", None)
    user = page.who()
    assert user is not None
    assert user["id"] == known["id"]


def test_a_sign_up_of_version_six_by_password_and_finalize(page: ClerkPage, email: str) -> None:
    result = page.do(
        """async ([emailAddress, password]) => {
            const attempt = Clerk.client.signUp.__internal_future;
            const made = await attempt.password({ emailAddress, password });
            const done = await attempt.finalize();
            return { made: made.error, done: done.error };
        }""",
        [email, PASSWORD],
    )
    assert result == {"made": None, "done": None}
    user = page.who()
    assert user is not None
    assert user["email"] == email


def test_a_code_by_e_mail_signs_in(open_page: OpenPage, identity: IdentityProcess, email: str) -> None:
    known = open_page(clerk=6).sign_up(email, PASSWORD)
    page = open_page(clerk=6)
    page.do("(identifier) => Clerk.client.signIn.create({ strategy: 'email_code', identifier })", email)
    page.do(
        """async (code) => {
            const done = await Clerk.client.signIn.attemptFirstFactor({ strategy: "email_code", code });
            await Clerk.setActive({ session: done.createdSessionId });
        }""",
        identity.code_for(email),
    )
    user = page.who()
    assert user is not None
    assert user["id"] == known["id"]


def test_another_tab_sees_the_sign_out(page: ClerkPage, email: str) -> None:
    page.sign_up(email, PASSWORD)
    other = page.another_tab()
    assert other.who() == page.who()
    page.sign_out()
    assert other.until("Clerk.user === null") is True
