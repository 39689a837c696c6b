"""What becomes of a session, ended here, elsewhere or by the server; and the account behind it. clerk-js 5, way A."""

from __future__ import annotations

import httpx
import pytest

from tests.browser.clerk_page import ClerkPage
from tests.browser.conftest import PASSWORD, OpenPage
from tests.browser.identity_process import IdentityProcess


@pytest.fixture
def page(open_page: OpenPage, email: str) -> ClerkPage:
    """A page in which somebody signed up just now."""
    found = open_page()
    found.sign_up(email, PASSWORD)
    return found


def test_signing_out_lasts_over_a_reload(page: ClerkPage, email: str) -> None:
    page.sign_out()
    assert page.who() is None
    assert page.do("Clerk.session") is None
    assert page.do("app.events.at(-1).user") is None
    assert page.reload().who() is None
    assert page.do("Clerk.client.sessions.length") == 0
    assert page.sign_in(email, PASSWORD)["email"] == email


def test_signing_out_without_a_callback_loads_the_root_of_the_site(page: ClerkPage) -> None:
    root = page.do("location.origin") + "/"
    page.page.evaluate("void Clerk.signOut()")
    page.page.wait_for_url(root)


def test_a_session_that_is_ended_is_gone_after_a_reload(page: ClerkPage) -> None:
    page.do("Clerk.session.end()")
    assert page.reload().who() is None


def test_another_tab_sees_the_sign_out_at_once(page: ClerkPage) -> None:
    other = page.another_tab()
    assert other.who() == page.who()
    page.sign_out()
    assert other.until("Clerk.user === null") is True
    assert other.page.locator("#who").inner_text() == "signed out"


def test_a_session_that_the_server_revokes_is_signed_out_at_the_next_token(
    page: ClerkPage, identity: IdentityProcess
) -> None:
    user = page.who()
    assert user is not None
    answer = httpx.post(
        f"{identity.url}/v1/sessions/{user['session']}/revoke",
        headers={"Authorization": f"Bearer {identity.secret_key}"},
        trust_env=False,
    )
    assert answer.json()["status"] == "revoked"
    page.failure("() => Clerk.session.getToken({ skipCache: true }).then((token) => { if (!token) throw new Error() })")
    assert page.until("Clerk.user === null") is True
    assert page.do("document.cookie.split('; ').some((cookie) => /^__session.*=./.test(cookie))") is False
    assert page.reload().who() is None


def test_a_user_changes_their_name_and_everything_about_them_says_so(page: ClerkPage) -> None:
    page.do("Clerk.user.update({ firstName: 'Grace', lastName: 'Hopper', unsafeMetadata: { theme: 'dark' } })")
    assert page.do("[Clerk.user.fullName, Clerk.user.unsafeMetadata.theme]") == ["Grace Hopper", "dark"]
    assert page.claims(template="convex", skipCache=True)["name"] == "Grace Hopper"
    page.reload()
    assert page.do("Clerk.user.fullName") == "Grace Hopper"


def test_a_user_changes_their_password(page: ClerkPage, open_page: OpenPage, email: str) -> None:
    change = "(passwords) => Clerk.user.updatePassword({ ...passwords, signOutOfOtherSessions: true })"
    elsewhere = open_page()
    elsewhere.sign_in(email, PASSWORD)
    failure = page.failure(change, {"currentPassword": "a wrong one", "newPassword": "another good password"})
    assert (failure["status"], failure["code"]) == (422, "form_password_incorrect")
    assert failure["param"] == "current_password"
    page.do(change, {"currentPassword": PASSWORD, "newPassword": "another good password"})
    assert page.who() is not None
    assert elsewhere.reload().who() is None
    assert elsewhere.sign_in(email, "another good password")["email"] == email


def test_a_user_who_deletes_the_account_is_signed_out_and_unknown(page: ClerkPage, email: str) -> None:
    page.do("Clerk.user.delete()")
    assert page.until("Clerk.user === null") is True
    assert page.reload().who() is None
    failure = page.failure(
        "(fields) => Clerk.client.signIn.create(fields)", {"identifier": email, "password": PASSWORD}
    )
    assert failure["code"] == "form_identifier_not_found"


def test_the_list_of_devices_has_this_one(page: ClerkPage) -> None:
    sessions = page.do("Clerk.user.getSessions().then((found) => found.map(({ id, status }) => ({ id, status })))")
    assert sessions == [{"id": page.do("Clerk.session.id"), "status": "active"}]
