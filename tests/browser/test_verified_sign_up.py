"""A server that wants addresses proven at sign-up, and lets several users share a browser."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.browser.conftest import PASSWORD, OpenPage
from tests.browser.identity_process import IdentityProcess, start_identity
from tests.browser.test_dialogs import code_input, sign_up, signed_in, type_code


@pytest.fixture(scope="module")
def identity(tmp_path_factory: pytest.TempPathFactory) -> Iterator[IdentityProcess]:
    settings = "verify_email_at_sign_up = true\nsingle_session = false"
    with start_identity(tmp_path_factory.mktemp("data"), settings=settings) as running:
        yield running


def test_a_sign_up_in_stages_address_then_password_then_code(
    open_page: OpenPage, identity: IdentityProcess, email: str
) -> None:
    page = open_page()
    shown = """({ status, missingFields, unverifiedFields, verifications }) =>
        ({ status, missingFields, unverifiedFields, strategy: verifications.emailAddress.strategy })"""
    first = page.do(f"(emailAddress) => Clerk.client.signUp.create({{ emailAddress }}).then({shown})", email)
    assert first["status"] == "missing_requirements"
    assert first["missingFields"] == ["password"]
    assert first["strategy"] is None, "no code is on its way yet"
    second = page.do(f"(password) => Clerk.client.signUp.update({{ password }}).then({shown})", PASSWORD)
    assert second["status"] == "missing_requirements"
    assert (second["missingFields"], second["unverifiedFields"]) == ([], ["email_address"])
    page.do("Clerk.client.signUp.prepareEmailAddressVerification({ strategy: 'email_code' }).then(() => null)")
    code = identity.code_for(email)
    attempt = "(code) => Clerk.client.signUp.attemptEmailAddressVerification({ code })"
    failure = page.failure(attempt, f"{(int(code) + 1) % 1_000_000:06}")
    assert (failure["status"], failure["code"], failure["param"]) == (422, "form_code_incorrect", "code")
    assert page.do(f"(code) => ({attempt})(code).then(({{ status }}) => status)", code) == "complete"
    page.do("Clerk.setActive({ session: Clerk.client.signUp.createdSessionId })")
    user = page.who()
    assert user is not None
    assert user["email"] == email
    assert page.claims(template="convex")["email_verified"] is True


def test_the_sign_up_dialog_asks_for_the_code_of_the_e_mail(
    open_page: OpenPage, identity: IdentityProcess, email: str
) -> None:
    page = open_page()
    sign_up(page, email)
    code_input(page.page)
    type_code(page.page, identity.code_for(email))
    user = signed_in(page)
    assert page.do("Clerk.user.primaryEmailAddress.verification.status") == "verified"
    assert page.claims()["sub"] == user


def test_two_users_share_a_browser_and_take_turns(open_page: OpenPage, email: str) -> None:
    page = open_page()
    addresses = [f"{name}+clerk_test-{email}" for name in ("ann", "ben")]
    users = []
    for address in addresses:
        page.do(
            """async ([emailAddress, password]) => {
                await Clerk.client.signUp.create({ emailAddress, password });
                await Clerk.client.signUp.prepareEmailAddressVerification({ strategy: "email_code" });
                const done = await Clerk.client.signUp.attemptEmailAddressVerification({ code: "424242" });
                await Clerk.setActive({ session: done.createdSessionId });
            }""",
            [address, PASSWORD],
        )
        users.append(page.who())
    ann, ben = users
    assert ann is not None
    assert ben is not None
    assert page.do("Clerk.client.sessions.map(({ id }) => id).sort()") == sorted([ann["session"], ben["session"]])
    page.do("(session) => Clerk.setActive({ session })", ann["session"])
    assert page.who() == ann
    assert page.claims(template="convex")["sub"] == ann["id"]
    page.do("(session) => Clerk.setActive({ session })", ben["session"])
    assert page.reload().who() == ben
    page.sign_out(sessionId=ben["session"])
    assert page.do("Clerk.client.sessions.map(({ id }) => id)") == [ann["session"]]
    assert page.seen.of(f"/client/sessions/{ben['session']}/remove")
