"""Signing in with the official clients: real RS256 tokens of a small OpenID Connect issuer, and the admin key."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from convex.http_client import ConvexHttpClient

from tests.scenarios.js_client import JsDriver, JsError
from tests.scenarios.oidc_issuer import OidcIssuer
from tests.scenarios.py_client import ConnectPy
from tests.scenarios.raw_client import RawClient
from tests.scenarios.server_process import APP, ServerProcess


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


def test_a_javascript_client_signs_in_and_out(server: ServerProcess, issuer: OidcIssuer, js: JsDriver) -> None:
    client = js.connect(server.url)
    subject = client.subscribe("identity:subject")
    assert subject.next() is None

    client.set_auth()
    client.give_token(issuer.token("alice"), force=False)
    assert client.auth_changed() is True
    client.give_token(issuer.token("alice", name="Alice"), force=True)  # at once, to know how long tokens live
    assert subject.next() == "alice"
    assert client.mutation("identity:subjectOfMutation") == "alice"
    assert client.action("identity:subjectOfAction") == "alice"
    identity = client.query("identity:who")
    assert identity["tokenIdentifier"] == f"{issuer.url}|alice"
    assert identity["issuer"] == issuer.url

    client.clear_auth()
    assert subject.next() is None
    assert client.mutation("identity:subjectOfMutation") is None


def test_a_javascript_client_refreshes_its_token_before_it_runs_out(
    server: ServerProcess, issuer: OidcIssuer, js: JsDriver
) -> None:
    client = js.connect(server.url)
    who = client.subscribe("identity:who")
    assert who.next() is None
    client.set_auth()
    client.give_token(issuer.token("alice", name="first"), force=False)
    client.give_token(issuer.token("alice", name="second", lifetime_s=12), force=True)
    who.until(lambda identity: identity is not None and identity["name"] == "second")
    client.give_token(issuer.token("alice", name="third"), force=True, timeout=12)  # 10 s before the end, by itself
    who.until(lambda identity: identity["name"] == "third")


def test_item_12_a_javascript_client_recovers_from_a_rejected_token(
    server: ServerProcess, issuer: OidcIssuer, js: JsDriver
) -> None:
    client = js.connect(server.url)
    subject = client.subscribe("identity:subject")
    assert subject.next() is None
    client.set_auth()
    client.give_token(issuer.token("alice", aud="another application"), force=False)
    client.give_token(issuer.token("alice"), force=True)
    assert client.auth_changed() is True
    assert subject.until(lambda value: value is not None) == "alice"


def test_item_12_a_javascript_client_whose_tokens_are_always_bad_ends_anonymous_after_four(
    server: ServerProcess, issuer: OidcIssuer, js: JsDriver
) -> None:
    client = js.connect(server.url)
    client.set_auth()
    for attempt in range(4):
        client.give_token(issuer.token("alice", aud="elsewhere", attempt=attempt), force=attempt > 0)
    assert client.auth_changed() is False
    assert client.query("identity:subject") is None


def test_a_python_client_signs_in_and_out(server: ServerProcess, issuer: OidcIssuer, connect_py: ConnectPy) -> None:
    client = connect_py(server.url)
    subject = client.subscribe("identity:subject")
    assert subject.next() is None
    client.set_auth(issuer.token("bob"))
    assert subject.next() == "bob"
    assert client.mutation("identity:subject_of_mutation") == "bob"
    client.clear_auth()
    assert subject.until(lambda value: value != "bob") is None


def test_both_http_clients_send_their_token(server: ServerProcess, issuer: OidcIssuer, js: JsDriver) -> None:
    token = issuer.token("carol")
    javascript = js.connect_http(server.url)
    javascript.set_auth(token)
    python = ConvexHttpClient(server.url)
    python.set_auth(token)
    for client in (javascript, python):
        assert client.query("identity:subject") == "carol"
        assert client.mutation("identity:subject_of_mutation") == "carol"
        assert client.action("identity:subject_of_action") == "carol"


def test_a_bad_token_over_http_is_an_error_and_not_an_anonymous_call(
    server: ServerProcess, issuer: OidcIssuer, js: JsDriver
) -> None:
    token = issuer.token("carol", lifetime_s=-600)
    javascript = js.connect_http(server.url)
    javascript.set_auth(token)
    with pytest.raises(JsError, match="Unauthenticated"):
        javascript.query("identity:subject")
    python = ConvexHttpClient(server.url)
    python.set_auth(token)
    with pytest.raises(Exception, match="401 Unauthenticated"):
        python.query("identity:subject")


def test_each_user_sees_the_answer_made_for_them(
    server: ServerProcess, issuer: OidcIssuer, connect_py: ConnectPy
) -> None:
    clients = {name: connect_py(server.url) for name in ("ann", "ben", "cas")}
    for name, client in clients.items():
        client.set_auth(issuer.token(name))
    for name, client in clients.items():
        assert client.query("identity:subject") == name


def test_a_rejected_token_is_answered_with_an_auth_error_and_a_close(server: ServerProcess, issuer: OidcIssuer) -> None:
    with RawClient(server) as client:
        client.hello().send(
            type="Authenticate", baseVersion=0, tokenType="User", value=issuer.token("eve", aud="elsewhere")
        )
        closed = client.until_closed()
    assert closed.code in (None, 1005)
    assert closed.last is not None
    assert closed.last["type"] == "AuthError"
    assert closed.last["baseVersion"] == 0
    assert closed.last["authUpdateAttempted"] is True


def test_a_token_that_runs_out_on_an_open_socket_stops_being_honoured(
    server: ServerProcess, issuer: OidcIssuer, room: str
) -> None:
    with RawClient(server) as client:
        client.hello().send(
            type="Authenticate", baseVersion=0, tokenType="User", value=issuer.token("dora", lifetime_s=3)
        )
        client.add_query(0, "identity:subject", {})
        assert client.until_update(0)["value"] == "dora"
        request = 0
        message = {"type": "Transition"}
        while message["type"] != "AuthError":  # one call after the other, until the token has run out
            client.mutate(request, "identity:subjectOfMutation", {})
            message = client.until_any("MutationResponse", "AuthError")
            if message["type"] == "MutationResponse":
                assert message["result"] == "dora"
                request += 1
        assert message["error"] == "Convex token identity expired"
        assert message["authUpdateAttempted"] is False
        assert message["baseVersion"] == 1
        assert client.until_closed().code in (None, 1005)
    assert request > 0


@pytest.fixture
def admin_key(server: ServerProcess) -> str:
    return server.parabola("admin-key").strip().splitlines()[-1]


def test_the_admin_key_opens_internal_functions_to_both_clients(
    server: ServerProcess, js: JsDriver, admin_key: str, connect_py: ConnectPy
) -> None:
    javascript = js.connect(server.url)
    javascript.set_admin_auth(admin_key)
    assert javascript.mutation("failures:secret") == "only from inside"
    python = connect_py(server.url)
    python.set_admin_auth(admin_key)
    assert python.mutation("failures:secret") == "only from inside"
    over_http = ConvexHttpClient(server.url)
    over_http.set_admin_auth(admin_key)
    assert over_http.mutation("failures:secret") == "only from inside"


def test_an_administrator_acts_as_a_user(server: ServerProcess, js: JsDriver, admin_key: str) -> None:
    client = js.connect(server.url)
    client.set_admin_auth(admin_key, {"issuer": "https://issuer.example", "subject": "ann", "name": "Ann"})
    identity = client.query("identity:who")
    assert (identity["subject"], identity["name"]) == ("ann", "Ann")
    assert client.mutation("identity:subjectOfMutation") == "ann"


def test_a_wrong_admin_key_is_refused(server: ServerProcess, admin_key: str) -> None:
    with RawClient(server) as client:
        wrong = admin_key[:-1] + ("0" if admin_key[-1] != "0" else "1")
        client.hello().send(type="Authenticate", baseVersion=0, tokenType="Admin", value=wrong)
        closed = client.until_closed()
    assert closed.last is not None
    assert closed.last["type"] == "AuthError"


def test_a_signed_in_client_stays_signed_in_over_a_restart(
    start_server: Callable[..., ServerProcess], issuer: OidcIssuer, js: JsDriver, connect_py: ConnectPy
) -> None:
    server = start_server(environment={"SCENARIO_ISSUER": issuer.url})
    javascript, python = js.connect(server.url), connect_py(server.url)
    javascript.set_auth()
    token = issuer.token("alice")
    javascript.give_token(token, force=False)
    javascript.give_token(token, force=True)
    assert javascript.auth_changed() is True
    python.set_auth(issuer.token("bob"))
    assert javascript.query("identity:subject") == "alice"
    assert python.query("identity:subject") == "bob"
    server.restart()
    assert javascript.mutation("identity:subjectOfMutation") == "alice"
    assert python.mutation("identity:subject_of_mutation") == "bob"
