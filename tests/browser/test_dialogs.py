"""The dialogs that clerk-js brings along, opened by `openSignUp` and `openSignIn` and used as people do."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.browser.clerk_page import ClerkPage
from tests.browser.conftest import PASSWORD, OpenPage
from tests.browser.identity_process import IdentityProcess

CONTINUE = ".cl-formButtonPrimary"


def fill(page: Page, **fields: str) -> None:
    for name, value in fields.items():
        page.locator(f"input[name={name}]:visible").fill(value)


def signed_in(page: ClerkPage) -> str:
    """Waits for the reload that the dialogs end with; the id of who is signed in then."""
    return str(page.until("document.body?.dataset.state === 'ready' && window.Clerk?.user?.id"))


def sign_up(page: ClerkPage, email: str) -> None:
    page.page.click("#sign-up")
    fill(page.page, emailAddress=email, password=PASSWORD)
    # Clerk checks what was typed half a second later and ignores the button until then.
    expect(page.page.locator(CONTINUE)).to_be_enabled()
    page.page.locator(CONTINUE).click()


def test_the_sign_up_dialog_signs_a_new_user_up(open_page: OpenPage, email: str) -> None:
    page = open_page()
    sign_up(page, email)
    user = signed_in(page)
    assert page.do("Clerk.user.primaryEmailAddress.emailAddress") == email
    assert page.claims(template="convex")["sub"] == user
    assert page.page.locator(".cl-modalContent").count() == 0


def test_the_sign_in_dialog_shows_a_wrong_password_and_takes_the_right_one(open_page: OpenPage, email: str) -> None:
    known = open_page().sign_up(email, PASSWORD)
    page = open_page()
    page.page.click("#sign-in")
    fill(page.page, identifier=email)
    page.page.locator(CONTINUE).click()
    fill(page.page, password="not the right one")
    page.page.locator(CONTINUE).click()
    expect(page.page.locator(".cl-formFieldErrorText").first).to_contain_text("Password is incorrect")
    fill(page.page, password=PASSWORD)
    page.page.locator(CONTINUE).click()
    assert signed_in(page) == known["id"]


def test_the_sign_in_dialog_says_that_an_address_is_unknown(open_page: OpenPage) -> None:
    page = open_page()
    page.page.click("#sign-in")
    fill(page.page, identifier="nobody@example.com")
    page.page.locator(CONTINUE).click()
    expect(page.page.locator(".cl-formFieldErrorText").first).to_contain_text("Couldn't find your account")
    assert page.who() is None


def test_forgot_password_in_the_dialog_leads_to_a_new_password(
    open_page: OpenPage, identity: IdentityProcess, email: str
) -> None:
    known = open_page().sign_up(email, PASSWORD)
    page = open_page()
    page.page.click("#sign-in")
    fill(page.page, identifier=email)
    page.page.locator(CONTINUE).click()
    page.page.get_by_text("Forgot password?").click()
    page.page.get_by_text("Reset your password").first.click()
    code_input(page.page)
    type_code(page.page, identity.code_for(email))
    fill(page.page, password="an entirely new password", confirmPassword="an entirely new password")
    expect(page.page.locator(CONTINUE)).to_be_enabled()
    page.page.locator(CONTINUE).click()
    assert signed_in(page) == known["id"]
    again = open_page()
    assert again.sign_in(email, "an entirely new password")["id"] == known["id"]


def test_opening_the_sign_in_dialog_while_signed_in_is_refused_as_clerk_does(open_page: OpenPage, email: str) -> None:
    page = open_page()
    page.sign_up(email, PASSWORD)
    text = page.failure("() => Clerk.openSignIn()")["text"]
    assert "cannot_render_single_session_enabled" in text or "single session" in text.lower()


def test_the_profile_dialog_opens_with_the_users_address(open_page: OpenPage, email: str) -> None:
    page = open_page()
    page.sign_up(email, PASSWORD)
    page.do("void Clerk.openUserProfile()")
    expect(page.page.locator(".cl-userProfile-root, .cl-modalContent").first).to_contain_text(email)
    page.page.get_by_text("Security", exact=True).first.click()
    expect(page.page.locator(".cl-modalContent")).to_contain_text("Active devices")


def code_input(page: Page) -> None:
    page.locator("input[autocomplete=one-time-code]").first.wait_for(state="attached")


def type_code(page: Page, code: str) -> None:
    field = page.locator("input[autocomplete=one-time-code]").first
    field.focus()
    page.keyboard.type(code)
