"""`parabola identity` beside a running server, and how the server starts: no browser needed."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.browser.conftest import PASSWORD
from tests.browser.identity_process import KAIZEN, IdentityProcess, start_identity
from tests.scenarios.server_process import ROOT, ServerProcess


def sign_in(identity: IdentityProcess, email: str, password: str = PASSWORD) -> httpx.Response:
    form = {"identifier": email, "password": password}
    return httpx.post(f"{identity.url}/v1/client/sign_ins", data=form, trust_env=False)


def parabola(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs a command that should fail or needs no server."""
    return subprocess.run(
        [sys.executable, "-m", "parabola", *map(str, arguments)],
        cwd=ROOT,
        env={**os.environ, "NO_COLOR": "1", "COLUMNS": "200", **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        stdin=subprocess.DEVNULL,
    )


def test_a_user_made_by_a_command_signs_in_to_the_running_server(identity: IdentityProcess, email: str) -> None:
    user_id = identity.parabola(
        "identity", "users", "create", email, "--password", PASSWORD, "--first-name", "Ada", "--last-name", "Lovelace"
    ).strip()
    assert user_id.startswith("user_")
    client = sign_in(identity, email).json()["client"]
    assert client["sessions"][0]["user"]["id"] == user_id
    listed = identity.parabola("identity", "users", "list", "--query", email)
    assert user_id in listed
    assert "Ada Lovelace" in listed


def test_a_deleted_user_cannot_sign_in(identity: IdentityProcess, email: str) -> None:
    identity.parabola("identity", "users", "create", email, "--password", PASSWORD)
    identity.parabola("identity", "users", "delete", email)
    assert sign_in(identity, email).json()["errors"][0]["code"] == "form_identifier_not_found"
    gone = parabola("identity", "users", "delete", email, "--data", identity.data)
    assert gone.returncode == 1
    assert f"There is no user '{email}'" in gone.stderr


def test_a_file_of_users_is_seeded_once(identity: IdentityProcess, tmp_path: Path, email: str) -> None:
    users = [
        {"email": f"ann-{email}", "password": PASSWORD, "first_name": "Ann", "public_metadata": {"role": "admin"}},
        {"email": f"ben-{email}", "password": "password", "skip_password_checks": True},
    ]
    file = tmp_path / "users.json"
    file.write_text(json.dumps(users), encoding="utf-8")
    for _ in range(2):
        identity.parabola("identity", "users", "seed", str(file))
    found = json.loads(identity.parabola("identity", "users", "list", "--query", email, "--json"))
    assert {user["email_addresses"][0]["email_address"] for user in found} == {f"ann-{email}", f"ben-{email}"}
    assert {"role": "admin"} in [user["public_metadata"] for user in found]
    assert sign_in(identity, f"ben-{email}", "password").status_code == 200


@pytest.mark.parametrize(
    ("users", "words"),
    [
        ({"email": "a@b.example"}, "must be a JSON list"),
        ([{"password": PASSWORD}], 'User 1 of .* needs an "email"'),
        ([{"email": "a@b.example", "role": "admin"}], "'role'"),
        ([{"email": "nobody", "password": PASSWORD}], "cannot be made"),
        ([{"email": "a@b.example", "password": "short"}], "cannot be made"),
    ],
)
def test_a_seed_that_cannot_be_says_where(tmp_path: Path, users: Any, words: str) -> None:
    file = tmp_path / "users.json"
    file.write_text(json.dumps(users), encoding="utf-8")
    done = parabola("identity", "users", "seed", file, "--data", tmp_path / "data")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert re.search(words, done.stderr), done.stderr


def test_a_password_that_is_too_short_is_refused(tmp_path: Path) -> None:
    done = parabola("identity", "users", "create", "a@b.example", "--password", "short", "--data", tmp_path)
    assert done.returncode == 1
    assert "8 characters" in done.stderr


def test_rotated_keys_are_published_beside_the_old_ones(identity: IdentityProcess) -> None:
    address = f"{identity.url}/.well-known/jwks.json"
    before = {key["kid"] for key in httpx.get(address, trust_env=False).json()["keys"]}
    made = identity.parabola("identity", "keys", "rotate").strip()
    after = {key["kid"] for key in httpx.get(address, trust_env=False).json()["keys"]}
    assert after == before | {made}


def test_a_new_secret_key_replaces_the_old_one(tmp_path: Path) -> None:
    with start_identity(tmp_path) as identity:
        fresh = identity.parabola("identity", "keys", "rotate", "--secret").strip()
        for key, status in ((identity.secret_key, 401), (fresh, 200)):
            headers = {"Authorization": f"Bearer {key}"}
            assert httpx.get(f"{identity.url}/v1/users", headers=headers, trust_env=False).status_code == status


def test_the_secret_key_is_shown_once_and_the_publishable_key_every_time(tmp_path: Path) -> None:
    with start_identity(tmp_path) as identity:
        key = identity.publishable_key
        assert identity.secret_key
        seen = identity.log_lines()
        identity.restart()
        assert identity.wait_for_log(r"Publishable key: (\S+)", after_line=seen).group(1) == key
        again = identity.log.splitlines()[seen:]
        assert not any("sk_test_" in line for line in again)


def test_users_sessions_and_keys_outlive_a_kill(tmp_path: Path, email: str) -> None:
    with start_identity(tmp_path) as identity, httpx.Client(base_url=identity.url, trust_env=False) as browser:
        form = {"email_address": email, "password": PASSWORD}
        headers = {"Origin": identity.url}
        made = browser.post("/v1/client/sign_ups", data=form, headers=headers).json()["client"]["sessions"][0]
        token = browser.post(f"/v1/client/sessions/{made['id']}/tokens/convex", headers=headers).json()["jwt"]
        identity.restart()
        found = browser.get("/v1/client").json()["response"]["sessions"][0]
        assert (found["id"], found["user"]["id"]) == (made["id"], made["user"]["id"])
        answer = identity.call("mutation", "users:store", Authorization=f"Bearer {token}")
        assert answer["status"] == "success", answer


def test_an_issuer_that_is_set_already_stays_and_is_warned_of(tmp_path: Path) -> None:
    environment = {"CLERK_JWT_ISSUER_DOMAIN": "https://clerk.example.com"}
    with start_identity(tmp_path, environment=environment) as identity:
        assert "functions will not accept the tokens of the identity server here" in identity.log


def test_two_issuers_under_two_names_do_not_start() -> None:
    done = parabola(
        "dev",
        KAIZEN,
        "--port",
        "0",
        CLERK_JWT_ISSUER_DOMAIN="https://a.example.com",
        CLERK_FRONTEND_API_URL="https://b.example.com",
    )
    assert done.returncode == 1
    assert "https://a.example.com" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_other_name_of_the_issuer_is_enough(tmp_path: Path) -> None:
    process = ServerProcess(KAIZEN, tmp_path, environment={"CLERK_FRONTEND_API_URL": "https://clerk.example.com"})
    try:
        process.start()
        refused = process.call("query", "users:current", Authorization="Bearer eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJ4In0.AA")
        assert "clerk.example.com" in json.dumps(refused)
    finally:
        process.close()


def test_a_public_address_and_production_are_refused_before_anything_is_served(tmp_path: Path) -> None:
    public = parabola("dev", KAIZEN, "--identity", "--host", "0.0.0.0", "--port", "0", "--data", tmp_path)
    assert public.returncode == 1
    assert "will not listen on 0.0.0.0" in public.stderr
    production = parabola("serve", KAIZEN, "--identity", "--port", "0", "--data", tmp_path)
    assert production.returncode == 1
    assert "this is a production server" in production.stderr
    assert "ready" not in public.stdout + production.stdout


def test_a_certificate_without_its_key_is_refused(tmp_path: Path) -> None:
    done = parabola("identity", "serve", "--certificate", "cert.pem", "--data", tmp_path)
    assert done.returncode == 1
    assert "--private-key" in done.stderr
