"""Signing in: in one step and in two, with a code, with a new password, and not at all. clerk-js 5, way A."""

from __future__ import annotations

from typing import Any

import pytest

from tests.browser.clerk_page import ClerkPage
from tests.browser.conftest import PASSWORD, OpenPage
from tests.browser.identity_process import IdentityProcess

CREATE = "(fields) => Clerk.client.signIn.create(fields)"


@pytest.fixture
def known(open_page: OpenPage, email: str) -> dict[str, Any]:
    """A user who signed up in another browser."""
    return open_page().sign_up(email, PASSWORD, firstName="Ada")


@pytest.fixture
def page(open_page: OpenPage, known: dict[str, Any]) -> ClerkPage:
    return open_page()


def test_address_and_password_together_sign_in(page: ClerkPage, known: dict[str, Any], email: str) -> None:
    user = page.sign_in(email, PASSWORD)
    assert user["id"] == known["id"]
    assert user["session"] != known["session"]
    assert page.claims(template="convex")["sub"] == known["id"]


def test_a_wrong_password_is_refused_at_its_field(page: ClerkPage, email: str) -> None:
    failure = page.failure(CREATE, {"identifier": email, "password": "not the right one"})
    assert (failure["status"], failure["code"], failure["param"]) == (422, "form_password_incorrect", "password")
    assert page.who() is None


def test_an_unknown_address_is_refused_at_its_field(page: ClerkPage) -> None:
    failure = page.failure(CREATE, {"identifier": "nobody@example.com", "password": PASSWORD})
    assert (failure["status"], failure["code"], failure["param"]) == (422, "form_identifier_not_found", "identifier")


def test_signing_in_in_two_steps(page: ClerkPage, known: dict[str, Any], email: str) -> None:
    first = page.do(
        """async (identifier) => {
            const attempt = await Clerk.client.signIn.create({ identifier });
            return { status: attempt.status, ways: attempt.supportedFirstFactors.map((factor) => factor.strategy),
                     name: attempt.userData?.firstName };
        }""",
        email,
    )
    assert first["status"] == "needs_first_factor"
    assert {"password", "email_code", "reset_password_email_code"} <= set(first["ways"])
    assert first["name"] == "Ada"
    failure = page.failure(
        "() => Clerk.client.signIn.attemptFirstFactor({ strategy: 'password', password: 'not this one' })"
    )
    assert failure["code"] == "form_password_incorrect"
    page.do(
        """async (password) => {
            const done = await Clerk.client.signIn.attemptFirstFactor({ strategy: "password", password });
            await Clerk.setActive({ session: done.createdSessionId });
        }""",
        PASSWORD,
    )
    user = page.who()
    assert user is not None
    assert user["id"] == known["id"]


def test_signing_in_with_a_code_from_an_e_mail(
    page: ClerkPage, identity: IdentityProcess, known: dict[str, Any], email: str
) -> None:
    status = page.do(
        """async (identifier) => {
            const attempt = await Clerk.client.signIn.create({ identifier });
            const { emailAddressId } = attempt.supportedFirstFactors.find(({ strategy }) => strategy === "email_code");
            await attempt.prepareFirstFactor({ strategy: "email_code", emailAddressId });
            return attempt.firstFactorVerification.status;
        }""",
        email,
    )
    assert status == "unverified"
    code = identity.code_for(email)
    wrong = f"{(int(code) + 1) % 1_000_000:06}"
    failure = page.failure("(code) => Clerk.client.signIn.attemptFirstFactor({ strategy: 'email_code', code })", wrong)
    assert (failure["status"], failure["code"], failure["param"]) == (422, "form_code_incorrect", "code")
    page.do(
        """async (code) => {
            const done = await Clerk.client.signIn.attemptFirstFactor({ strategy: "email_code", code });
            await Clerk.setActive({ session: done.createdSessionId });
        }""",
        code,
    )
    user = page.who()
    assert user is not None
    assert user["id"] == known["id"]
    assert page.do("Clerk.user.primaryEmailAddress.verification.status") == "verified"


def test_a_forgotten_password_is_replaced_by_a_code(
    page: ClerkPage, identity: IdentityProcess, known: dict[str, Any], email: str
) -> None:
    page.do(
        """(identifier) => Clerk.client.signIn.create({ strategy: "reset_password_email_code", identifier })""", email
    )
    status = page.do(
        """async (code) => {
            const { status } = await Clerk.client.signIn.attemptFirstFactor(
                { strategy: "reset_password_email_code", code });
            return status;
        }""",
        identity.code_for(email),
    )
    assert status == "needs_new_password"
    assert page.who() is None
    page.do(
        """async (password) => {
            const done = await Clerk.client.signIn.resetPassword({ password, signOutOfOtherSessions: true });
            await Clerk.setActive({ session: done.createdSessionId });
        }""",
        "an entirely new password",
    )
    user = page.who()
    assert user is not None
    assert user["id"] == known["id"]
    page.sign_out()
    assert page.failure(CREATE, {"identifier": email, "password": PASSWORD})["code"] == "form_password_incorrect"
    assert page.sign_in(email, "an entirely new password")["id"] == known["id"]


def test_a_test_address_takes_the_fixed_code_and_sends_nothing(
    open_page: OpenPage, identity: IdentityProcess, email: str
) -> None:
    address = email.replace("@", "+clerk_test@")
    known = open_page().sign_up(address, PASSWORD)
    page = open_page()
    page.do("(identifier) => Clerk.client.signIn.create({ strategy: 'email_code', identifier })", address)
    page.do(
        """async (code) => {
            const done = await Clerk.client.signIn.attemptFirstFactor({ strategy: "email_code", code });
            await Clerk.setActive({ session: done.createdSessionId });
        }""",
        "424242",
    )
    user = page.who()
    assert user is not None
    assert user["id"] == known["id"]
    assert all(message["address"] != address for message in identity.inbox())
