"""Pictures, the redirect script, and clerk-js from an installed package."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.identity.doubles import Desk, error_of

pytestmark = pytest.mark.anyio


async def test_an_avatar_is_the_same_each_time_and_different_for_others(desk: Desk) -> None:
    async with desk.http() as http:
        ada = await http.get("/__clerk/avatars/user_ada.svg")
        again = await http.get("/__clerk/avatars/user_ada.svg")
        bob = await http.get("/__clerk/avatars/user_bob.svg")
    assert ada.headers["content-type"].startswith("image/svg+xml")
    assert ada.content == again.content != bob.content


async def test_an_avatars_name_is_not_put_into_it(desk: Desk) -> None:
    async with desk.http() as http:
        answer = await http.get("/__clerk/avatars/%3Cscript%3E.svg")
    assert b"script" not in answer.content


async def test_the_redirect_script_bakes_in_the_servers_origin_under_both_names(desk: Desk) -> None:
    async with desk.http() as http:
        script = await http.get("/__clerk/dev-redirect.js")
    assert script.headers["content-type"].startswith("text/javascript")
    assert '"http://localhost:3210"' in script.text
    assert "window.__unstable__onBeforeRequest = redirect" in script.text
    assert "window.__internal_onBeforeRequest = redirect" in script.text


@pytest.fixture
def packages(tmp_path: Path) -> Path:
    dist = tmp_path / "node_modules" / "@clerk" / "clerk-js" / "dist"
    dist.mkdir(parents=True)
    (dist / "clerk.browser.js").write_text("// clerk")
    for name in (".env", ".secret.js", "private.pem", "notes"):
        (dist / name).write_text("// secret")
    (tmp_path / "node_modules" / "secret.js").write_text("// secret")
    other = tmp_path / "node_modules" / "@clerk" / "other" / "dist"
    other.mkdir(parents=True)
    (other / "index.js").write_text("// other")
    return tmp_path / "node_modules"


@pytest.mark.parametrize("version", ["5", "5.128.0", "6.40.0"])
@pytest.mark.parametrize("prefix", ["", "/__clerk"])
async def test_each_version_that_is_asked_for_is_the_installed_one(packages: Path, version: str, prefix: str) -> None:
    async with Desk(packages_dir=packages) as desk, desk.http() as http:
        answer = await http.get(f"{prefix}/npm/@clerk/clerk-js@{version}/dist/clerk.browser.js")
    assert (answer.status_code, answer.text) == (200, "// clerk")
    assert answer.headers["content-type"].startswith("text/javascript")


@pytest.mark.parametrize(
    "path",
    [
        "/npm/@clerk/clerk-js@5/dist/missing.js",
        "/npm/@clerk/clerk-js@5/dist/.env",
        "/npm/@clerk/clerk-js@5/dist/.secret.js",
        "/npm/@clerk/clerk-js@5/dist/private.pem",
        "/npm/@clerk/clerk-js@5/dist/notes",
        "/npm/@clerk/other@5/dist/index.js",
        "/npm/@clerk/clerk-js@5/dist/..%2f..%2f..%2fsecret.js",
        "/npm/@clerk/clerk-js@5/dist/%2e%2e/%2e%2e/secret.js",
        "/npm/@clerk/clerk-js@5/dist/..%5c..%5csecret.js",
        "/npm/@clerk/clerk-js@5/dist/clerk.browser.js%00.js",
        "/npm/@clerk/..@5/dist/index.js",
        "/npm/@clerk/clerk-js@5/package.json",
    ],
)
async def test_nothing_else_of_the_disk_is_served(packages: Path, path: str) -> None:
    async with Desk(packages_dir=packages) as desk, desk.http() as http:
        assert error_of(await http.get(path))[0] == 404


async def test_without_a_packages_folder_there_are_no_packages(desk: Desk) -> None:
    async with desk.http() as http:
        assert (await http.get("/npm/@clerk/clerk-js@5/dist/clerk.browser.js")).status_code == 404
