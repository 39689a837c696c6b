"""Which tokens a running server believes, over HTTP and over the socket: real tokens, a real issuer, real sockets."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import jwt
import pytest

from tests.scenarios.oidc_issuer import OidcIssuer, SigningKey, segment, unsigned_token
from tests.scenarios.raw_client import RawClient
from tests.scenarios.server_process import APP, ServerProcess

OIDC_FAILED = "Could not verify OIDC token claim. Check that the token signature is valid and the token hasn't expired."


@pytest.fixture(scope="module")
def issuer() -> Iterator[OidcIssuer]:
    with OidcIssuer() as running:
        yield running


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, issuer: OidcIssuer) -> Iterator[ServerProcess]:
    process = ServerProcess(APP, tmp_path_factory.mktemp("data"), environment={"SCENARIO_ISSUER": issuer.url})
    try:
        yield process.start()
    finally:
        process.close()


def ask_over_http(server: ServerProcess, token: str) -> httpx.Response:
    body = {"path": "identity:subject", "args": {}}
    headers = {"Authorization": f"Bearer {token}"}
    return httpx.post(f"{server.url}/api/query", json=body, headers=headers, timeout=20, trust_env=False)


def authenticate(client: RawClient, token: str, base_version: int = 0) -> None:
    client.send(type="Authenticate", tokenType="User", value=token, baseVersion=base_version)


def assert_accepted(server: ServerProcess, token: str, subject: str) -> None:
    """The token counts on both transports."""
    response = ask_over_http(server, token)
    assert (response.status_code, response.json()["value"]) == (200, subject)
    with RawClient(server).hello() as client:
        authenticate(client, token)
        client.add_query(0, "identity:subject", {})
        while client.until_update(0)["value"] != subject:
            pass


def assert_refused(server: ServerProcess, token: str, code: str, text: str) -> None:
    """The token is refused on both transports with the same text, and nobody is answered as though anonymous."""
    response = ask_over_http(server, token)
    assert response.status_code == 401
    assert response.json()["code"] == code
    assert response.json()["message"].startswith(text)
    with RawClient(server).hello() as client:
        authenticate(client, token)
        client.add_query(0, "identity:subject", {})
        error = client.until("AuthError")
        assert error["error"].startswith(text)
        assert error["authUpdateAttempted"] is True
        assert client.until_closed().code in (None, 1005)
        assert client.last is not None
        assert client.last["type"] == "AuthError"


def test_a_token_signed_with_rs256_is_accepted(server: ServerProcess, issuer: OidcIssuer) -> None:
    assert_accepted(server, issuer.token("alice"), "alice")


def unpadded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def hs256_with_the_public_key(issuer: OidcIssuer) -> str:
    key = issuer.keys[-1]
    signing_input = f"{segment({'alg': 'HS256', 'kid': key.key_id})}.{segment(issuer.claims('mallory'))}"
    return f"{signing_input}.{unpadded(hmac.new(key.public_pem(), signing_input.encode(), hashlib.sha256).digest())}"


def tampered(issuer: OidcIssuer) -> str:
    head, _, signature = issuer.token("alice").split(".")
    return f"{head}.{segment(issuer.claims('mallory'))}.{signature}"


def embedded(issuer: OidcIssuer) -> str:
    thief = SigningKey("thief")
    return thief.sign(issuer.claims("mallory"), kid=issuer.keys[-1].key_id, jwk=thief.jwk())


NO_PROVIDER = "No auth provider found matching the given token. Check that your JWT's issuer and audience match"
REFUSED: dict[str, tuple[Callable[[OidcIssuer], str], str, str]] = {
    "wrong audience": (lambda issuer: issuer.token(aud="another"), "NoAuthProvider", NO_PROVIDER),
    "wrong issuer": (lambda issuer: issuer.token(iss="https://evil.example"), "NoAuthProvider", NO_PROVIDER),
    "two audiences": (lambda issuer: issuer.token(aud=["parabola", "x"]), "Unauthenticated", OIDC_FAILED),
    "expired": (lambda issuer: issuer.token(lifetime_s=-1), "Unauthenticated", OIDC_FAILED),
    "not yet valid": (lambda issuer: issuer.token(nbf=int(time.time()) + 60), "Unauthenticated", OIDC_FAILED),
    "alg none": (
        lambda issuer: unsigned_token({"alg": "none", "kid": "key-1"}, issuer.claims("mallory")),
        "Unauthenticated",
        OIDC_FAILED,
    ),
    "HS256 with the public key": (hs256_with_the_public_key, "Unauthenticated", OIDC_FAILED),
    "unknown kid": (lambda issuer: issuer.keys[-1].sign(issuer.claims(), kid="nobody"), "Unauthenticated", OIDC_FAILED),
    "tampered payload": (tampered, "Unauthenticated", OIDC_FAILED),
    "embedded jwk": (embedded, "Unauthenticated", OIDC_FAILED),
    "no token at all": (lambda _: "hello", "InvalidAuthHeader", "Could not parse JWT payload."),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_token_that_does_not_hold_is_refused_on_both_transports(
    server: ServerProcess, issuer: OidcIssuer, case: str
) -> None:
    make, code, text = REFUSED[case]
    assert_refused(server, make(issuer), code, text)


@pytest.mark.parametrize("command", ["dev", "serve"])
def test_the_reason_why_a_socket_s_token_was_refused_is_in_the_server_s_log_without_the_token(
    start_server: Callable[..., ServerProcess], issuer: OidcIssuer, command: str
) -> None:
    server = start_server(command=command, environment={"SCENARIO_ISSUER": issuer.url})
    token = tampered(issuer)
    for _ in range(5):
        with RawClient(server).hello() as client:
            authenticate(client, token)
            assert client.until("AuthError")["error"].startswith(OIDC_FAILED)
    server.wait_for_log(re.escape(f"A token was refused (Unauthenticated): {OIDC_FAILED}"))
    assert server.log.count("A token was refused") == 1
    assert token not in server.log


def test_pyjwt_agrees_about_the_good_token_and_the_forged_ones(issuer: OidcIssuer) -> None:
    key = jwt.PyJWK(issuer.keys[-1].jwk())

    def verify(token: str) -> dict[str, Any]:
        return jwt.decode(token, key.key, algorithms=["RS256"], audience="parabola", issuer=issuer.url)

    assert verify(issuer.token("alice"))["sub"] == "alice"
    for case in ("wrong audience", "wrong issuer", "expired", "not yet valid", "alg none", "tampered payload"):
        with pytest.raises(jwt.PyJWTError):
            verify(REFUSED[case][0](issuer))
    for forged in (hs256_with_the_public_key(issuer), embedded(issuer)):
        with pytest.raises(jwt.PyJWTError):
            verify(forged)


def test_a_refused_second_token_names_the_identity_it_was_to_replace(server: ServerProcess, issuer: OidcIssuer) -> None:
    with RawClient(server).hello() as client:
        authenticate(client, issuer.token("alice"))
        client.add_query(0, "identity:subject", {})
        while client.until_update(0)["value"] != "alice":
            pass
        authenticate(client, issuer.token("alice", lifetime_s=-1), base_version=1)
        error = client.until("AuthError")
        assert (error["baseVersion"], error["authUpdateAttempted"]) == (1, True)


def test_a_token_that_expires_on_an_open_socket_stops_being_honoured(server: ServerProcess, issuer: OidcIssuer) -> None:
    with RawClient(server).hello() as client:
        expires_at = time.time() + 8  # for what comes before it, also on a busy machine
        authenticate(client, issuer.token("alice", exp=expires_at))
        client.add_query(0, "identity:subject", {})
        while client.until_update(0)["value"] != "alice":
            pass
        client.mutate(0, "identity:subjectOfMutation", {})
        assert client.until("MutationResponse")["result"] == "alice"
        time.sleep(max(0.0, expires_at - time.time()) + 0.05)
        client.mutate(1, "identity:subjectOfMutation", {})
        while True:
            message = client.receive()
            if message["type"] == "AuthError":
                break
            assert message["type"] == "Transition", "an expired identity must not be answered"
        assert message["error"] == "Convex token identity expired"
        assert message["authUpdateAttempted"] is False
        client.until_closed()


@pytest.fixture
def own(start_server: Callable[..., ServerProcess]) -> Iterator[tuple[ServerProcess, OidcIssuer]]:
    """A server and an issuer that one test has for itself."""
    with OidcIssuer() as issuer:
        yield start_server(environment={"SCENARIO_ISSUER": issuer.url}), issuer


def test_a_rotated_key_is_found_at_once_and_the_old_one_is_dropped(own: tuple[ServerProcess, OidcIssuer]) -> None:
    server, issuer = own
    old = issuer.token("alice")
    assert_accepted(server, old, "alice")
    fetched = issuer.fetches["/keys"]
    issuer.rotate("key-2")
    assert_accepted(server, issuer.token("alice"), "alice")
    assert issuer.fetches["/keys"] == fetched + 1
    assert_refused(server, old, "Unauthenticated", OIDC_FAILED)


def test_eddsa_is_accepted_and_es256_is_not_for_oidc(own: tuple[ServerProcess, OidcIssuer]) -> None:
    server, issuer = own
    issuer.rotate("ed-1", "EdDSA")
    assert_accepted(server, issuer.token("alice"), "alice")
    issuer.rotate("es-1", "ES256")
    assert_refused(server, issuer.token("alice"), "Unauthenticated", OIDC_FAILED)


def test_a_key_server_that_is_down_is_no_verdict_on_the_token(own: tuple[ServerProcess, OidcIssuer]) -> None:
    server, issuer = own
    issuer.answering = False
    token = issuer.token("alice")
    response = ask_over_http(server, token)
    assert response.status_code == 503
    assert response.json()["code"] == "AuthProviderDiscoveryFailed"
    with RawClient(server).hello() as client:
        authenticate(client, token)
        closed = client.until_closed()
        assert closed.code in (1011, 1013)
        assert closed.last is None or closed.last["type"] != "AuthError"
    issuer.answering = True
    deadline = time.monotonic() + 60
    while ask_over_http(server, token).status_code != 200:
        assert time.monotonic() < deadline, "the server did not ask the key server again"
    assert_accepted(server, token, "alice")
    # Once known, the keys outlive the next outage.
    issuer.answering = False
    assert_accepted(server, issuer.token("bob"), "bob")


def test_random_key_ids_do_not_make_the_server_hammer_the_issuer(own: tuple[ServerProcess, OidcIssuer]) -> None:
    server, issuer = own
    assert_accepted(server, issuer.token("alice"), "alice")
    before = issuer.fetches["/keys"]
    with httpx.Client(base_url=server.url, trust_env=False) as client:
        for number in range(60):
            token = issuer.keys[-1].sign(issuer.claims(), kid=f"random-{number}")
            headers = {"Authorization": f"Bearer {token}"}
            body = {"path": "identity:subject", "args": {}}
            assert client.post("/api/query", json=body, headers=headers).status_code == 401
    assert issuer.fetches["/keys"] - before < 10
    assert_accepted(server, issuer.token("alice"), "alice")


def test_the_admin_key_acts_as_a_user_on_both_transports(server: ServerProcess) -> None:
    key = server.parabola("admin-key").strip()
    user = unpadded(b'{"issuer":"https://i.example","subject":"ada"}')
    body = {"path": "identity:subject", "args": {}}
    headers = {"Authorization": f"Convex {key}:{user}"}
    assert httpx.post(f"{server.url}/api/query", json=body, headers=headers, trust_env=False).json()["value"] == "ada"
    with RawClient(server).hello() as client:
        impersonating = {"issuer": "https://i.example", "subject": "ada"}
        client.send(type="Authenticate", tokenType="Admin", value=key, impersonating=impersonating, baseVersion=0)
        client.add_query(0, "identity:subject", {})
        while client.until_update(0)["value"] != "ada":
            pass
    with RawClient(server).hello() as client:
        client.send(type="Authenticate", tokenType="Admin", value=f"{key}x", baseVersion=0)
        client.until("AuthError")
        client.until_closed()
