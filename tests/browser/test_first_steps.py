from __future__ import annotations

from tests.browser.conftest import PASSWORD, OpenPage


def test_slice(open_page: OpenPage, email: str) -> None:
    page = open_page()
    assert page.who() is None
    user = page.sign_up(email, PASSWORD)
    print(user, page.claims(template="convex"), page.claims())
    assert page.claims(template="convex")["sub"] == user["id"]
