"""From a page that nobody is signed in to, to tokens that anybody can verify. clerk-js 5, way A."""

from __future__ import annotations

import httpx
import jwt
import pytest

from tests.browser.clerk_page import ClerkPage
from tests.browser.conftest import PASSWORD, OpenPage
from tests.browser.identity_process import IdentityProcess


def verified(token: str, identity: IdentityProcess, audience: str | None = None) -> dict[str, object]:
    """The claims of a token, checked as a stranger would: keys found by discovery, over HTTP."""
    found = httpx.get(f"{identity.issuer}/.well-known/openid-configuration", trust_env=False).json()
    assert found["issuer"] == identity.issuer
    keys = jwt.PyJWKSet.from_dict(httpx.get(found["jwks_uri"], trust_env=False).json())
    key = keys[jwt.get_unverified_header(token)["kid"]]
    options = {"require": ["iss", "sub", "exp", "iat", "nbf"]}
    return dict(jwt.decode(token, key, ["RS256"], audience=audience, issuer=identity.issuer, options=options))


@pytest.fixture
def page(open_page: OpenPage) -> ClerkPage:
    return open_page()


def test_a_fresh_browser_loads_signed_out(page: ClerkPage) -> None:
    assert page.do("[Clerk.loaded, Clerk.version, Clerk.user, Clerk.session]") == [True, "5.128.0", None, None]
    assert page.do("Clerk.instanceType") == "development"
    assert page.do("document.cookie.includes('__session')") is False
    assert page.do("app.errors") == []
    assert page.page.locator("#who").inner_text() == "signed out"


def test_signing_up_makes_an_active_session(page: ClerkPage, email: str) -> None:
    attempt = page.do(
        """async (fields) => {
            const made = await Clerk.client.signUp.create(fields);
            app.before = Clerk.user;
            const { status, createdUserId: user, createdSessionId: session, emailAddress: email } = made;
            return { status, user, session, email };
        }""",
        {"emailAddress": email, "password": PASSWORD, "firstName": "Ada", "lastName": "Lovelace"},
    )
    assert attempt["status"] == "complete"
    assert attempt["email"] == email
    assert attempt["user"].startswith("user_")
    assert attempt["session"].startswith("sess_")
    assert page.do("app.before") is None, "clerk-js is signed in by setActive and not before"

    page.do("(session) => Clerk.setActive({ session })", attempt["session"])
    assert page.who() == {"id": attempt["user"], "email": email, "firstName": "Ada", "session": attempt["session"]}
    assert page.do("[Clerk.user.fullName, Clerk.user.passwordEnabled]") == ["Ada Lovelace", True]
    assert page.do("app.events.at(-1).user") == attempt["user"]
    assert page.page.locator("#who").inner_text() == email
    assert page.seen.of(f"/client/sessions/{attempt['session']}/touch")


def test_the_template_named_convex_gives_a_token_that_its_published_key_verifies(
    page: ClerkPage, identity: IdentityProcess, email: str
) -> None:
    user = page.sign_up(email, PASSWORD, firstName="Ada", lastName="Lovelace")
    token = page.token(template="convex")
    claims = verified(token, identity, audience="convex")
    assert claims["sub"] == user["id"]
    assert claims["aud"] == "convex"
    assert claims["name"] == "Ada Lovelace"
    assert claims["given_name"] == "Ada"
    assert claims["email"] == email
    assert claims["azp"] == page.do("location.origin")
    assert claims["exp"] - claims["iat"] == 60  # type: ignore[operator]
    assert not {"sid", "v", "sts", "fva"} & claims.keys()
    picture = str(claims["picture"])
    assert httpx.get(picture, trust_env=False).headers["content-type"].startswith("image/svg+xml")


def test_a_plain_token_says_which_session_it_is_of(page: ClerkPage, identity: IdentityProcess, email: str) -> None:
    user = page.sign_up(email, PASSWORD)
    claims = verified(page.token(), identity)
    assert claims["sub"] == user["id"]
    assert claims["sid"] == user["session"]
    assert claims["v"] == 2
    assert claims["sts"] == "active"
    assert claims["fva"] == [0, -1]
    assert "aud" not in claims


def test_tokens_are_cached_until_the_cache_is_skipped(page: ClerkPage, email: str) -> None:
    page.sign_up(email, PASSWORD)
    first = page.token(template="convex")
    asked = len(page.seen.of("/tokens/convex"))
    assert page.token(template="convex") == first
    assert len(page.seen.of("/tokens/convex")) == asked
    fresh = page.token(template="convex", skipCache=True)
    assert fresh != first
    assert page.token(template="convex") == fresh
    assert len(page.seen.of("/tokens/convex")) == asked + 1


def test_an_unknown_template_is_not_found(page: ClerkPage, email: str) -> None:
    page.sign_up(email, PASSWORD)
    failure = page.failure("() => Clerk.session.getToken({ template: 'hasura' })")
    assert (failure["status"], failure["code"]) == (404, "resource_not_found")
    assert page.who() is not None


def test_a_reload_keeps_the_session_and_needs_no_new_token(page: ClerkPage, email: str) -> None:
    user = page.sign_up(email, PASSWORD)
    before = len(page.seen.of("/tokens"))
    assert page.reload().who() == user
    assert len(page.seen.of("/tokens")) == before
    assert page.claims()["sid"] == user["session"]


def test_the_cookie_that_holds_the_session_is_out_of_reach_of_scripts(page: ClerkPage, email: str) -> None:
    page.sign_up(email, PASSWORD)
    cookies = {cookie["name"]: cookie for cookie in page.context.cookies()}
    client = next(cookie for name, cookie in cookies.items() if name.startswith("__client") and "uat" not in name)
    assert client["httpOnly"] is True
    assert client["sameSite"] == "Lax"
    assert client["value"] not in page.do("document.cookie")
    assert any(name.startswith("__session") for name in cookies)


@pytest.mark.parametrize(
    ("fields", "code", "param"),
    [
        ({"password": "short"}, "form_password_length_too_short", "password"),
        ({"password": "password123"}, "form_password_pwned", "password"),
        ({"password": "x" * 73}, "form_password_size_in_bytes_exceeded", "password"),
        ({"emailAddress": "nobody"}, "form_param_format_invalid", "email_address"),
    ],
)
def test_a_field_that_cannot_be_is_refused_where_it_stands(
    page: ClerkPage, email: str, fields: dict[str, str], code: str, param: str
) -> None:
    failure = page.failure(
        "(fields) => Clerk.client.signUp.create(fields)", {"emailAddress": email, "password": PASSWORD, **fields}
    )
    assert (failure["status"], failure["code"], failure["param"]) == (422, code, param)
    assert page.who() is None


def test_an_address_that_is_taken_is_refused(open_page: OpenPage, email: str) -> None:
    open_page().sign_up(email, PASSWORD)
    failure = open_page().failure(
        "(fields) => Clerk.client.signUp.create(fields)", {"emailAddress": email.upper(), "password": PASSWORD}
    )
    assert (failure["status"], failure["code"]) == (422, "form_identifier_exists")
    assert failure["param"] == "email_address"


def test_a_second_sign_up_while_signed_in_is_refused(page: ClerkPage, email: str) -> None:
    page.sign_up(email, PASSWORD)
    failure = page.failure(
        "(fields) => Clerk.client.signUp.create(fields)", {"emailAddress": f"x{email}", "password": PASSWORD}
    )
    assert (failure["status"], failure["code"]) == (400, "session_exists")
