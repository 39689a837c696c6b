"""Well-formed calls with impossible contents, on the socket and over HTTP: a clear error, and nobody else suffers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.scenarios.raw_client import RawClient, Witness
from tests.scenarios.server_process import ServerProcess


@pytest.fixture(autouse=True)
def witness(server: ServerProcess, room: str) -> Iterator[None]:
    """Somebody else, connected all the while."""
    bystander = Witness(server, room)
    bystander.still_served()
    yield
    bystander.still_served()
    bystander.close()
    assert server.is_running


@pytest.fixture
def client(server: ServerProcess) -> Iterator[RawClient]:
    with RawClient(server) as raw:
        yield raw.hello()


def fails(client: RawClient, path: str, args: object, *words: str) -> dict[str, Any]:
    """The mutation is refused with a text that holds all `words`, and the connection goes on."""
    client.mutate(0, path, args)
    answer = client.until("MutationResponse", requestId=0)
    assert not answer["success"]
    for word in words:
        assert word in answer["result"]
    assert client.until("Transition")["endVersion"]["querySet"] == 0
    client.add_query(0, "identity:subject", {})
    assert client.until_update(0)["value"] is None
    return answer


def query_fails(client: RawClient, path: str, args: object, *words: str) -> dict[str, Any]:
    """The live query fails with a text that holds all `words`, and the connection goes on."""
    client.add_query(0, path, args)
    failed = client.until_update(0)
    assert failed["type"] == "QueryFailed"
    for word in words:
        assert word in failed["errorMessage"]
    client.add_query(1, "identity:subject", {}, version=1)
    assert client.until_update(1)["value"] is None
    return failed


def test_an_unknown_function_is_named(client: RawClient) -> None:
    fails(client, "messages:nope", {}, "Could not find public function for 'messages:nope'.")


def test_an_unknown_module_is_named(client: RawClient) -> None:
    query_fails(client, "nowhere/deep:nope", {}, "Could not find public function for 'nowhere/deep:nope'.")


def test_an_internal_function_looks_as_though_it_were_not_there(client: RawClient) -> None:
    fails(client, "failures:secret", {}, "Could not find public function for 'failures:secret'.")


def test_a_system_function_is_not_for_strangers(client: RawClient) -> None:
    failed = query_fails(client, "_system/cli/tables:default", {"paginationOpts": {"cursor": None, "numItems": 10}})
    assert "value" not in failed


def test_a_query_called_as_a_mutation_is_told_so(client: RawClient) -> None:
    fails(client, "messages:list", {"channel": "x"}, "as Mutation, but it is defined as Query")


def test_an_argument_of_the_wrong_type_is_named(client: RawClient) -> None:
    fails(
        client,
        "messages:send",
        {"channel": "x", "author": "me", "body": 1},
        "ArgumentValidationError: Value does not match validator.",
        "Path: .body",
        "Value: 1.0",
        "Validator: v.string()",
    )


def test_a_missing_argument_is_named(client: RawClient) -> None:
    fails(client, "messages:send", {"channel": "x", "author": "me"}, "missing the required field `body`")


def test_an_extra_argument_is_named(client: RawClient) -> None:
    query_fails(client, "messages:bodies", {"channel": "x", "extra": 1}, "contains extra field `extra`")


@pytest.mark.parametrize(
    ("value", "word"),
    [
        ({"$integer": "AQ=="}, "nteger"),
        ({"$integer": 5}, "nteger"),
        ({"$bytes": "not base64!"}, "ytes"),
        ({"$float": "AAAAAAAA8D8="}, "Float64 1"),
        ({"$set": []}, "$set"),
        ({"$unknown": 1, "b": 2}, "$unknown"),
        ({"naïve": 1}, "naïve"),
    ],
    ids=["short integer", "integer as number", "bad base64", "plain float", "set", "reserved field", "non-ASCII field"],
)
def test_a_value_that_cannot_be_is_refused(client: RawClient, room: str, value: object, word: str) -> None:
    answer = fails(client, "values:store", {"label": room, "value": value})
    assert word in answer["result"]


def nested(depth: int) -> object:
    value: object = 0
    for _ in range(depth):
        value = [value]
    return value


def test_arguments_nested_too_deeply_are_refused(client: RawClient) -> None:
    query_fails(client, "values:echo", {"value": nested(80)}, "too nested", "64")


def test_a_document_nested_too_deeply_is_refused(client: RawClient) -> None:
    fails(client, "failures:insert_nested", {"depth": 20}, "too nested", "16")


def test_a_document_of_more_than_a_mebibyte_is_refused(client: RawClient) -> None:
    fails(client, "failures:insert_large", {"size": (1 << 20) + 1}, "too large", "1 MiB")


def test_an_array_of_more_than_8192_elements_is_refused(client: RawClient, room: str) -> None:
    fails(client, "values:store", {"label": room, "value": [0] * 8193}, "8193", "8192")


def test_arguments_of_more_than_16_mebibytes_are_refused(client: RawClient) -> None:
    # In three frames, since one of that size would already be refused as a frame.
    head = '{"type":"Mutation","requestId":0,"udfPath":"values:store","args":[{"label":"l","value":"'
    client.socket.send([head, "x" * (9 << 20), "x" * (9 << 20), '"}]}'])
    answer = client.until("MutationResponse", requestId=0)
    assert not answer["success"]
    assert "too large" in answer["result"]
    client.add_query(0, "identity:subject", {})
    assert client.until_update(0)["value"] is None


def test_a_frame_of_more_than_16_mebibytes_ends_its_own_connection(client: RawClient) -> None:
    client.send_text('{"type":"Event","eventType":"x","event":"' + "x" * (17 << 20) + '"}')
    assert client.until_closed().code == 1009


def test_a_result_of_more_than_16_mebibytes_is_refused(client: RawClient) -> None:
    query_fails(client, "values:large", {"size": 1 << 20, "count": 17}, "too large")


@pytest.mark.parametrize("document_id", ["", "nope", "j57000820c20a1g7104gm2rc1m70ynr9", "0" * 31, "j5" * 5000])
def test_a_bad_document_id_is_refused(client: RawClient, document_id: str) -> None:
    query_fails(client, "failures:get_document", {"document_id": document_id}, "ID")


@pytest.mark.parametrize("cursor", ["", "nope", "{}", "A" * 10_000])
def test_a_bad_cursor_is_refused_in_the_way_that_clients_start_over(client: RawClient, room: str, cursor: str) -> None:
    failed = query_fails(
        client, "entries:list", {"room": room, "paginationOpts": {"numItems": 5, "cursor": cursor}}, "InvalidCursor"
    )
    assert "Server Error\nUncaught InvalidCursor: Tried to run a query starting from a cursor" in failed["errorMessage"]
    assert failed["errorData"]["isConvexSystemError"] is True
    assert failed["errorData"]["paginationError"] == "InvalidCursor"


def test_a_cursor_of_another_query_is_refused(client: RawClient, server: ServerProcess, room: str) -> None:
    server.call("mutation", "entries:fill", {"room": room, "count": 10})
    page = server.call("query", "entries:list", {"room": room, "paginationOpts": {"numItems": 3, "cursor": None}})
    cursor = page["value"]["continueCursor"]
    opts = {"numItems": 3, "cursor": cursor}
    query_fails(client, "entries:list", {"room": f"{room}-other", "paginationOpts": opts}, "InvalidCursor")


def test_pagination_options_of_the_wrong_shape_are_refused(client: RawClient, room: str) -> None:
    query_fails(client, "entries:list", {"room": room, "paginationOpts": {"numItems": "all"}})


def test_a_handler_that_never_ends_is_stopped_and_named(client: RawClient, server: ServerProcess) -> None:
    query_fails(client, "failures:endless_query", {}, "endless")


def post(server: ServerProcess, path: str, content: bytes, **headers: str) -> httpx.Response:
    return httpx.post(f"{server.url}{path}", content=content, headers=headers, timeout=30, trust_env=False)


BAD_BODIES = {
    "not JSON": b"{",
    "nothing": b"",
    "an array": b"[]",
    "no path": b'{"args":{}}',
    "a path that is a number": b'{"path":5,"args":{}}',
    "not UTF-8": b'{"path":"\xff\xfe","args":{}}',
}


@pytest.mark.parametrize("body", BAD_BODIES.values(), ids=BAD_BODIES.keys())
@pytest.mark.parametrize("kind", ["query", "mutation", "action"])
def test_a_bad_http_body_gets_a_400_with_code_and_message(server: ServerProcess, kind: str, body: bytes) -> None:
    answer = post(server, f"/api/{kind}", body)
    assert answer.status_code == 400
    assert set(answer.json()) >= {"code", "message"}


def test_a_path_that_cannot_be_parsed_gets_its_own_code(server: ServerProcess) -> None:
    answer = post(server, "/api/query", b'{"path":"a b:::c?","args":{}}')
    assert answer.status_code == 400
    assert answer.json()["code"] == "BadConvexFunctionIdentifier"


def test_an_unknown_format_is_refused_before_the_mutation_runs(server: ServerProcess, room: str) -> None:
    args = f'{{"channel":"{room}","author":"me","body":"hi"}}'
    answer = post(server, "/api/mutation", f'{{"path":"messages:send","args":{args},"format":"yaml"}}'.encode())
    assert answer.status_code == 400
    assert answer.json()["code"] == "BadFormat"
    assert server.call("query", "messages:bodies", {"channel": room})["value"] == []


def test_an_http_body_above_the_limit_is_refused(server: ServerProcess) -> None:
    answer = post(server, "/api/query", b'{"path":"values:echo","args":{"value":"' + b"x" * (17 << 20) + b'"}}')
    assert answer.status_code in (400, 413)
    assert set(answer.json()) >= {"code", "message"}


def test_an_internal_function_is_hidden_over_http_as_well(server: ServerProcess) -> None:
    answer = server.call("mutation", "failures:secret")
    assert answer["status"] == "error"
    assert "Could not find public function for 'failures:secret'." in str(answer["errorMessage"])


@pytest.mark.parametrize(
    ("value", "status", "code"),
    [
        ("x", 400, "InvalidHeaderFailure"),
        ("Basic dXNlcjpwYXNz", 400, "InvalidAdminKey"),
        ("Bearer not.a.token", 401, "InvalidAuthHeader"),
        ("Convex name|wrong", None, None),
    ],
)
def test_bad_credentials_are_refused(server: ServerProcess, value: str, status: int | None, code: str | None) -> None:
    answer = post(server, "/api/query", b'{"path":"identity:who","args":{}}', authorization=value)
    assert answer.status_code == status or (status is None and answer.status_code in (401, 403))
    assert answer.json()["code"] == code or code is None
    assert "value" not in answer.json()


def test_an_unknown_address_is_a_404_and_a_wrong_method_a_405(server: ServerProcess) -> None:
    assert httpx.get(f"{server.url}/api/nothing", trust_env=False).status_code == 404
    assert httpx.delete(f"{server.url}/api/query", trust_env=False).status_code == 405
