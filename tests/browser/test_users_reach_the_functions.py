"""The whole chain: signed up in the browser, known to the functions, followed live, and gone after signing out.

clerk-js 5 and the `convex` client, both from npm, in one page; Kaizen's functions behind them.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.browser.clerk_page import ClerkPage
from tests.browser.conftest import PASSWORD, OpenPage
from tests.browser.identity_process import IdentityProcess

ME = "users:current"


def rows(identity: IdentityProcess, table: str) -> list[dict[str, Any]]:
    return list(json.loads(identity.parabola("data", table, "--json", "--url", identity.url)))


def newest(page: ClerkPage) -> Any:
    return page.do("app.values.at(-1)?.value ?? null")


@pytest.fixture
def page(open_page: OpenPage, identity: IdentityProcess) -> ClerkPage:
    return open_page(backend=identity.url)


def test_from_sign_up_to_a_row_and_back_to_nobody(page: ClerkPage, identity: IdentityProcess, email: str) -> None:
    page.do(f"app.follow('{ME}')")
    assert page.until("app.values.length > 0") is True
    assert newest(page) is None, "nobody is signed in"

    user = page.sign_up(email, PASSWORD, firstName="Ada", lastName="Lovelace")
    assert page.until("app.authChanges?.at(-1) === true") is True
    row_id = page.do("app.call('mutation', 'users:store')")
    stored = [row for row in rows(identity, "users") if row["_id"] == row_id]
    assert [(row["name"], row["tokenIdentifier"]) for row in stored] == [
        ("Ada Lovelace", f"{identity.issuer}|{user['id']}")
    ]
    assert page.until("app.values.at(-1).value !== null") is True
    assert newest(page)["_id"] == row_id

    loaded_at = page.do("performance.timeOrigin")
    page.sign_out()
    assert page.until("app.values.at(-1).value === null") is True
    assert page.do(f"app.call('query', '{ME}')") is None
    assert page.do("performance.timeOrigin") == loaded_at, "the page was not loaded again"
    refused = page.do("app.call('mutation', 'users:store').then(() => null, (error) => error.message)")
    assert "No user identity found" in refused


def test_a_reload_brings_back_the_session_and_the_live_query(page: ClerkPage, email: str) -> None:
    page.sign_up(email, PASSWORD)
    assert page.until("app.authChanges?.at(-1) === true") is True
    row_id = page.do("app.call('mutation', 'users:store')")
    page.reload()
    page.do(f"app.follow('{ME}')")
    assert page.until("app.values.at(-1)?.value?._id") == row_id


def test_a_new_name_reaches_the_functions_with_the_next_token(page: ClerkPage, email: str) -> None:
    page.sign_up(email, PASSWORD, firstName="Ada")
    assert page.until("app.authChanges?.at(-1) === true") is True
    page.do(f"app.follow('{ME}')")
    page.do("app.call('mutation', 'users:store')")
    assert page.until("app.values.at(-1)?.value?.name") == "Ada"
    page.do("Clerk.user.update({ firstName: 'Grace' })")
    page.reload()
    page.do(f"app.follow('{ME}')")
    assert page.until("app.authChanges?.at(-1) === true") is True
    page.do("app.call('mutation', 'users:store')")
    assert page.until("app.values.at(-1)?.value?.name === 'Grace'") is True


def test_two_users_in_two_browsers_see_their_own(open_page: OpenPage, identity: IdentityProcess, email: str) -> None:
    seen = []
    for name in ("ann", "ben"):
        page = open_page(backend=identity.url)
        page.sign_up(f"{name}-{email}", PASSWORD)
        assert page.until("app.authChanges?.at(-1) === true") is True
        row_id = page.do("app.call('mutation', 'users:store')")
        assert page.do(f"app.call('query', '{ME}')")["_id"] == row_id
        seen.append(row_id)
    assert seen[0] != seen[1]


def test_keys_rotated_under_a_running_page_sign_nobody_out(
    page: ClerkPage, identity: IdentityProcess, email: str
) -> None:
    user = page.sign_up(email, PASSWORD)
    before = page.token(template="convex")
    key = identity.parabola("identity", "keys", "rotate").strip()
    after = page.token(template="convex", skipCache=True)
    assert after != before
    for token in (before, after):
        status = page.do(
            """([backend, token]) => fetch(`${backend}/api/mutation`, {
                method: "POST",
                headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
                body: JSON.stringify({ path: "users:store", args: {}, format: "json" }),
            }).then((answer) => answer.json()).then(({ status }) => status)""",
            [identity.url, token],
        )
        assert status == "success"
    headers = page.do("(token) => JSON.parse(atob(token.split('.')[0]))", after)
    assert headers["kid"] == key
    assert page.reload().who() == user
