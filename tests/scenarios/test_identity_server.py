"""`parabola dev --identity` over real sockets: Clerk's SDK for Python, and functions that know who asks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import jwt
import pytest
from clerk_backend_api import Clerk
from clerk_backend_api.security import VerifyTokenOptions, verify_token

from tests.scenarios.server_process import ServerProcess

PASSWORD = "an honest password"
FUNCTIONS = {
    "schema.py": """
from parabola import define_schema, define_table, v

schema = define_schema(users=define_table(name=v.string(), token=v.string()).index("by_token", ["token"]))
""",
    "users.py": """
from parabola import mutation, query

@mutation
async def store(ctx):
    identity = await ctx.auth.get_user_identity()
    found = ctx.db.query("users").with_index("by_token", lambda q: q.eq("token", identity["tokenIdentifier"]))
    user = await found.unique()
    if user is None:
        return await ctx.db.insert("users", {"name": identity["name"], "token": identity["tokenIdentifier"]})
    return user["_id"]

@query
async def me(ctx):
    identity = await ctx.auth.get_user_identity()
    return None if identity is None else identity["subject"]
""",
    "auth_config.py": """
import os
from parabola import auth

providers = [auth.oidc(domain=os.environ["CLERK_JWT_ISSUER_DOMAIN"], application_id="convex")]
""",
}


class Page(httpx.Client):
    """A page of the server's own origin, with a browser's cookies."""

    def __init__(self, server: ServerProcess) -> None:
        super().__init__(
            base_url=f"{server.url}/__clerk/v1", headers={"Origin": server.url}, timeout=30, trust_env=False
        )

    def sign_up(self, address: str) -> dict[str, Any]:
        form = {"email_address": address, "password": PASSWORD, "first_name": "Ada"}
        answer = self.post("/client/sign_ups", data=form)
        assert answer.status_code == 200, answer.text
        client: dict[str, Any] = answer.json()["client"]
        return client

    def token(self, session_id: str, template: str = "/convex") -> str:
        answer = self.post(f"/client/sessions/{session_id}/tokens{template}")
        assert answer.status_code == 200, answer.text
        token: str = answer.json()["jwt"]
        return token


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    project = tmp_path_factory.mktemp("project")
    (project / "pyproject.toml").write_text('[tool.parabola.identity]\nrate_limits = "relaxed"\n')
    (project / "backend").mkdir()
    for name, source in FUNCTIONS.items():
        (project / "backend" / name).write_text(source)
    process = ServerProcess(project, project / "data", options=("--identity",))
    try:
        yield process.start()
    finally:
        process.close()


@pytest.fixture
def secret_key(server: ServerProcess) -> str:
    return server.wait_for_log(r"(sk_test_\w+)").group(1)


def call(server: ServerProcess, kind: str, path: str, token: str | None = None) -> Any:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    return server.call(kind, path, **headers)


def test_who_signs_up_is_known_to_the_functions_and_who_signs_out_is_not(server: ServerProcess) -> None:
    with Page(server) as page:
        client = page.sign_up("chain@example.com")
        token = page.token(client["last_active_session_id"])
        stored = call(server, "mutation", "users:store", token)
        assert stored["status"] == "success", stored
        assert call(server, "query", "users:me", token)["value"] == client["sessions"][0]["user"]["id"]
        assert page.post("/client/sessions?_method=DELETE").status_code == 200
        assert page.post(f"/client/sessions/{client['last_active_session_id']}/tokens/convex").status_code == 401
    assert call(server, "query", "users:me")["value"] is None


def test_py_jwt_finds_the_key_through_discovery_and_believes_the_token(server: ServerProcess) -> None:
    with Page(server) as page:
        client = page.sign_up("pyjwt@example.com")
        token = page.token(client["last_active_session_id"])
    discovery = httpx.get(f"{server.url}/.well-known/openid-configuration", trust_env=False).json()
    assert discovery["issuer"] == server.url
    keys = jwt.PyJWKSet.from_dict(httpx.get(discovery["jwks_uri"], trust_env=False).json())
    claims = jwt.decode(
        token,
        keys[jwt.get_unverified_header(token)["kid"]],
        algorithms=["RS256"],
        audience="convex",
        issuer=discovery["issuer"],
        options={"require": ["exp", "iat", "nbf", "sub", "aud", "iss"]},
    )
    assert claims["sub"] == client["sessions"][0]["user"]["id"]
    assert claims["azp"] == server.url


def test_the_python_sdk_manages_users_and_verifies_tokens(server: ServerProcess, secret_key: str) -> None:
    with Clerk(bearer_auth=secret_key, server_url=f"{server.url}/v1") as clerk:
        user = clerk.users.create(email_address=["sdk@example.com"], password=PASSWORD)
        session = clerk.sessions.create(request={"user_id": user.id})
        plain = clerk.sessions.create_token(session_id=session.id)
        named = clerk.sessions.create_token_from_template(session_id=session.id, template_name="convex")
    options = VerifyTokenOptions(secret_key=secret_key, api_url=server.url)
    assert verify_token(plain.jwt or "", options)["sid"] == session.id
    with_audience = VerifyTokenOptions(secret_key=secret_key, api_url=server.url, audience="convex")
    assert verify_token(named.jwt or "", with_audience)["sub"] == user.id
    assert call(server, "query", "users:me", named.jwt)["value"] == user.id


def test_a_browsers_session_token_is_verified_by_the_sdk(server: ServerProcess, secret_key: str) -> None:
    with Page(server) as page:
        client = page.sign_up("session@example.com")
        token = page.token(client["last_active_session_id"], template="")
    options = VerifyTokenOptions(secret_key=secret_key, api_url=server.url, authorized_parties=[server.url])
    assert verify_token(token, options)["sid"] == client["last_active_session_id"]


def test_a_hundred_sign_ups_of_one_address_at_once_make_one_user(server: ServerProcess, secret_key: str) -> None:
    form = {"email_address": "crowd@example.com", "password": PASSWORD}

    def sign_up(_: int) -> int:
        with Page(server) as page:
            return page.post("/client/sign_ups", data=form).status_code

    with ThreadPoolExecutor(20) as pool:
        outcomes = sorted(pool.map(sign_up, range(100)))
    assert outcomes == [200] + [422] * 99
    headers = {"Authorization": f"Bearer {secret_key}"}
    query = f"{server.url}/v1/users/count?email_address=crowd@example.com"
    assert httpx.get(query, headers=headers, trust_env=False).json()["total_count"] == 1


def test_a_crash_loses_no_account_no_session_and_no_key(server: ServerProcess) -> None:
    keys = httpx.get(f"{server.url}/.well-known/jwks.json", trust_env=False).json()
    with Page(server) as page:
        client = page.sign_up("crash@example.com")
        token = page.token(client["last_active_session_id"])
        server.restart()
        again = page.get("/client").json()["response"]
        assert again["last_active_session_id"] == client["last_active_session_id"]
        assert httpx.get(f"{server.url}/.well-known/jwks.json", trust_env=False).json() == keys
        assert call(server, "query", "users:me", token)["value"] == client["sessions"][0]["user"]["id"]


def test_no_password_token_or_cookie_is_in_what_the_server_printed(server: ServerProcess, secret_key: str) -> None:
    with Page(server) as page:
        client = page.sign_up("quiet@example.com")
        secrets = [PASSWORD, page.token(client["last_active_session_id"]), *page.cookies.values()]
        page.get("/nothing", params={"__clerk_db_jwt": "a-secret-browser"})
    printed = server.log
    assert [secret for secret in [*secrets, "a-secret-browser"] if secret in printed] == []
    assert printed.count(secret_key) == 1, "the secret key is shown when it is made, and never again"
    assert not re.search(r"eyJ[\w-]{20,}\.", printed)
