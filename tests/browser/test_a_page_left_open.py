"""A page that is left open for three minutes: tokens live one, so three run out meanwhile. The one test that waits."""

from __future__ import annotations

import pytest

from tests.browser.conftest import PASSWORD, OpenPage
from tests.browser.identity_process import IdentityProcess

OPEN_S = 185


@pytest.mark.timeout(OPEN_S + 90)
def test_three_minutes_later_the_session_and_the_live_query_are_still_there(
    open_page: OpenPage, identity: IdentityProcess, email: str
) -> None:
    page = open_page(backend=identity.url)
    user = page.sign_up(email, PASSWORD)
    assert page.until("app.authChanges?.at(-1) === true") is True
    page.do("app.follow('users:current')")
    assert page.until("app.values.length > 0") is True
    first = page.token(template="convex")
    page.do("app.leftAt = Date.now()")

    assert page.until(f"Date.now() - app.leftAt > {OPEN_S * 1000}", timeout_s=OPEN_S + 30) is True

    assert page.who() == user
    assert set(page.do("app.authChanges")) == {True}, "the functions were never without a user"
    assert len(page.seen.of("/tokens/convex")) >= 3
    assert page.token(template="convex") != first
    assert page.do("app.values.filter(({ error }) => error)") == []
    assert page.do("app.values.at(-1).value") is None
    row_id = page.do("app.call('mutation', 'users:store')")
    assert page.until("app.values.at(-1).value?._id") == row_id, "a commit still reaches the page"
    assert page.do("app.convex.connectionState().connectionCount") == 1
    assert page.do("app.errors") == []
