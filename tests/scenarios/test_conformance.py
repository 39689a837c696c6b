"""The conformance checklist of the wire specification (section 8) against a running server, over real sockets and HTTP.

Every item has tests named after it. The rules that the peer decides are in `tests/unit/sync/test_conformance.py` as
well; ids and order (19, 20) in `tests/unit/values`; what only the official clients can show (12, 14, 15) beside their
other stories.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from parabola.sync.versions import decode_ts
from tests.scenarios.raw_client import ZERO, RawClient
from tests.scenarios.server_process import ServerProcess

StartServer = Callable[..., ServerProcess]


def post(server: ServerProcess, endpoint: str, **body: Any) -> httpx.Response:
    return httpx.post(f"{server.url}/api/{endpoint}", json=body, timeout=60, trust_env=False)


def send_args(room: str, body: str) -> dict[str, str]:
    return {"channel": room, "author": "me", "body": body}


@pytest.mark.parametrize("path", ["/api/sync", "/api/1.48.0/sync", "//api/1.48.0/sync"])
def test_item_1_both_forms_of_the_address_upgrade_and_connect_is_optional(server: ServerProcess, path: str) -> None:
    with RawClient(server, path) as client:
        assert client.socket.subprotocol is None
        client.send(type="Authenticate", baseVersion=0, tokenType="None")
        client.add_query(0, "values:echo", {"value": "hi"})
        assert client.until_update(0)["value"] == "hi"


def test_item_2_each_transition_starts_where_the_last_one_ended(server: ServerProcess, room: str) -> None:
    with RawClient(server).hello() as client:
        last: dict[str, Any] = ZERO
        newest = None
        for version in range(3):
            client.add_query(version, "messages:bodies", {"channel": room}, version=version)
            client.mutate(version, "messages:send", send_args(room, f"{version}"))
        while last["querySet"] != 3 or newest != ["0", "1", "2"]:
            transition = client.until("Transition")
            assert transition["startVersion"] == last
            last = transition["endVersion"]
            for change in transition["modifications"]:
                newest = change["value"]


def test_item_3_an_empty_modify_query_set_moves_to_query_set_one(server: ServerProcess) -> None:
    with RawClient(server).hello() as client:
        client.send(type="ModifyQuerySet", baseVersion=0, newVersion=1, modifications=[])
        transition = client.receive()
        assert (transition["type"], transition["modifications"]) == ("Transition", [])
        assert transition["endVersion"]["querySet"] == 1


@pytest.mark.parametrize(
    ("kind", "path", "args", "succeeds"),
    [
        ("Mutation", "messages:clear", {"channel": "none"}, True),
        ("Mutation", "failures:refuse_mutation", {"data": 1}, False),
        ("Mutation", "failures:crash_mutation", {"channel": "none"}, False),
        ("Mutation", "messages:nope", {}, False),
        ("Action", "values:echo_action", {"value": 1}, True),
        ("Action", "failures:refuse_action", {"data": 1}, False),
        ("Action", "failures:crash_action", {}, False),
    ],
)
def test_item_5_every_response_is_followed_by_a_transition(
    server: ServerProcess, kind: str, path: str, args: Any, succeeds: bool
) -> None:
    with RawClient(server).hello() as client:
        client.send(type=kind, requestId=0, udfPath=path, args=[args])
        answer = client.receive()
        assert (answer["type"], answer["success"]) == (f"{kind}Response", succeeds)
        assert client.receive()["type"] == "Transition"


def test_item_6_no_transition_reflects_a_commit_before_its_response(server: ServerProcess, room: str) -> None:
    with RawClient(server).hello() as client:
        client.add_query(0, "messages:bodies", {"channel": room})
        assert client.until_update(0)["value"] == []
        for number in range(20):
            client.mutate(number, "messages:send", send_args(room, f"{number}"))
        answered: list[int] = []
        seen: list[str] = []
        while len(seen) < 20:
            message = client.until_any("MutationResponse", "Transition")
            if message["type"] == "MutationResponse":
                answered.append(decode_ts(message["ts"]))
                continue
            assert decode_ts(message["endVersion"]["ts"]) >= max(answered, default=0)
            for change in message["modifications"]:
                seen = change["value"]
            assert len(seen) <= len(answered)


def test_item_7_the_same_request_twice_is_one_execution_with_one_answer_also_after_a_crash(
    start_server: StartServer, room: str
) -> None:
    server = start_server()
    session = str(uuid.uuid4())
    answers = []
    for life in range(3):
        if life == 2:
            server.restart()
        with RawClient(server) as client:
            client.send(type="Connect", sessionId=session, connectionCount=life)
            for _ in range(2):
                client.mutate(5, "messages:send", send_args(room, "once"))
                answers.append(client.until("MutationResponse", requestId=5))
    assert all(answer == answers[0] for answer in answers)
    assert answers[0]["success"] is True
    assert server.call("query", "messages:bodies", {"channel": room})["value"] == ["once"]


def test_item_9_paths_resolve_in_every_spelling(server: ServerProcess, room: str) -> None:
    server.call("mutation", "messages:send", send_args(room, "one"))
    with RawClient(server).hello() as client:
        for number, path in enumerate(["messages:bodies", "messages.js:bodies"]):
            client.add_query(number, path, {"channel": room}, version=number)
            assert client.until_update(number)["value"] == ["one"]
        for number, path in enumerate(["messages", "messages:default", "messages.js:default"], 2):
            client.add_query(number, path, {}, version=number)
            failed = client.until_update(number)["errorMessage"]
            assert failed.endswith("Could not find public function for 'messages'.\n")


def everything_about(client: RawClient, number: int) -> list[dict[str, Any]]:
    """The news of query `number` and the answers to the requests `2 * number` and `2 * number + 1`, as they come."""
    told: dict[str, dict[str, Any]] = {}
    while len(told) < 3:
        message = client.receive()
        if message["type"] != "Transition":
            assert message["requestId"] // 2 == number
            told[message["type"]] = message
        for change in message.get("modifications", []):
            told[change["type"]] = change
    return list(told.values())


DATA = [None, "boom", {"code": "X", "n": {"$integer": "BQAAAAAAAAA="}}, [1.5], False]


@pytest.mark.parametrize("command", ["dev", "serve"])
def test_item_10_the_data_of_a_convex_error_is_on_all_surfaces_and_never_redacted(
    start_server: StartServer, command: str
) -> None:
    server = start_server(command=command)
    with RawClient(server).hello() as client:
        for number, data in enumerate(DATA):
            args = {"data": data}
            client.add_query(number, "failures:refuse_query", args, version=number)
            client.mutate(2 * number, "failures:refuse_mutation", args)
            client.send(type="Action", requestId=2 * number + 1, udfPath="failures:refuse_action", args=[args])
            told = everything_about(client, number)
            for kind in ("query", "mutation", "action"):
                body = {"path": f"failures:refuse_{kind}", "args": args, "format": "convex_encoded_json"}
                told.append(post(server, kind, **body).json())
            for message in told:
                assert "errorData" in message
                assert message["errorData"] == data


def test_item_10_a_plain_error_has_no_data(server: ServerProcess) -> None:
    with RawClient(server).hello() as client:
        client.add_query(0, "failures:crash_query", {})
        assert "errorData" not in client.until_update(0)
        client.mutate(0, "failures:crash_mutation", {"channel": "none"})
        assert "errorData" not in client.until("MutationResponse")
    assert "errorData" not in post(server, "query", path="failures:crash_query", args={}).json()


def test_item_11_redaction_hides_details_and_log_lines(start_server: StartServer) -> None:
    server = start_server(command="serve")
    texts: list[str] = []
    with RawClient(server).hello() as client:
        failing = [("failures:crash_query", {}), ("messages:list", {"channel": 1}), ("messages:nope", {})]
        for number, (path, args) in enumerate(failing):
            client.add_query(number, path, args, version=number)
            failed = client.until_update(number)
            assert failed["logLines"] == []
            texts.append(failed["errorMessage"])
            texts.append(post(server, "query", path=path, args=args).json()["errorMessage"])
        client.add_query(3, "failures:announce", {}, version=3)
        assert client.until_update(3)["logLines"] == []
        client.mutate(0, "failures:crash_mutation", {"channel": "none"})
        texts.append(client.until("MutationResponse")["result"])
        client.send(type="Action", requestId=1, udfPath="failures:crash_action", args=[{}])
        texts.append(client.until("ActionResponse")["result"])
    assert len(texts) == 8
    for text in texts:
        head, _, tail = text.partition("] ")
        assert head.startswith("[Request ID: ")
        assert tail == "Server Error"
    assert not post(server, "query", path="failures:announce", args={}).json().get("logLines")


@pytest.mark.parametrize(
    ("path", "args", "text"),
    [
        ("messages:nope", {}, "Could not find public function for 'messages:nope'."),
        ("failures:secret", {}, "Could not find public function for 'failures:secret'."),
        (
            "messages:send",
            {},
            "Trying to execute messages.js:send as Query, but it is defined as Mutation.",
        ),
        (
            "messages:list",
            {"channel": 1},
            "ArgumentValidationError: Value does not match validator.\nPath: .channel\nValue: 1.0\nValidator: v.",
        ),
        ("messages:list", {"$x": 1}, "Invalid arguments for messages.js:list: Field name $x starts with '$', which is"),
        ("failures:crash_query", {}, "Uncaught RuntimeError: the query crashed\n    at "),
    ],
)
def test_item_17_a_function_that_fails_is_an_answer_with_status_200(
    server: ServerProcess, path: str, args: Any, text: str
) -> None:
    response = post(server, "query", path=path, args=args)
    assert response.status_code == 200
    answer = response.json()
    assert answer["status"] == "error"
    head, _, details = answer["errorMessage"].partition("\n")
    assert head.startswith("[Request ID: ")
    assert head.endswith("] Server Error")
    assert details.startswith(text)
    assert details.endswith("\n")


@pytest.mark.parametrize(
    ("method", "path", "content", "headers", "status", "code"),
    [
        ("POST", "/api/query", b"{", {}, 400, "BadJsonBody"),
        ("POST", "/api/query", b'{"path":"a b:c","args":{}}', {}, 400, "BadConvexFunctionIdentifier"),
        ("POST", "/api/mutation", b'{"path":"a:b","args":{},"format":"xml"}', {}, 400, "BadFormat"),
        ("POST", "/api/run/alone", b'{"args":{}}', {}, 400, "MissingIdentifier"),
        ("POST", "/api/function", b'{"path":"a:b","args":{}}', {}, 403, "BadDeployKey"),
        ("POST", "/api/query", b"{}", {"Authorization": "x"}, 400, "InvalidHeaderFailure"),
        ("POST", "/api/query", b'{"path":"a:b","args":{}}', {"Authorization": "Basic dXNlcg"}, 400, "InvalidAdminKey"),
        (
            "POST",
            "/api/query",
            b'{"path":"a:b","args":{}}',
            {"Authorization": "Bearer a.b.c"},
            401,
            "InvalidAuthHeader",
        ),
        ("GET", "/api/nope", b"", {}, 404, "NotFound"),
        ("PUT", "/api/query", b"", {}, 405, "MethodNotAllowed"),
        ("GET", "/api/sync", b"", {}, 426, "UpgradeRequired"),
    ],
)
def test_item_17_any_other_error_has_a_code_and_a_message(
    server: ServerProcess, method: str, path: str, content: bytes, headers: dict[str, str], status: int, code: str
) -> None:
    if headers and content == b"{}":
        content = b'{"path":"a:b","args":{}}'
    response = httpx.request(method, server.url + path, content=content, headers=headers, timeout=60, trust_env=False)
    body = response.json()
    assert (response.status_code, body["code"]) == (status, code)
    assert isinstance(body["message"], str)
    assert body["message"]


def test_item_18_floats_have_a_point_and_both_shapes_of_arguments_are_accepted(server: ServerProcess) -> None:
    sent = [1, 1.0, -3, 1e21, 5e-324, 0, {"whole": 7}]
    for args in ({"value": sent}, [{"value": sent}]):
        for path, body in (
            ("query", {"path": "values:echo", "format": "convex_encoded_json"}),
            ("query", {"path": "values:echo"}),
            ("action", {"path": "values:echo_action", "format": "export_json"}),
            ("run/values/echo", {}),
        ):
            text = post(server, path, args=args, **body).text
            assert '"value":[1.0,1.0,-3.0,1e+21,5e-324,0.0,{"whole":7.0}]' in text


@pytest.mark.parametrize(
    ("sent", "encoded", "clean", "exported"),
    [
        ('{"$integer":"//////////8="}', '{"$integer":"//////////8="}', '"-1"', "-1"),
        (
            '{"$integer":"AAAAAAAAAIA="}',
            '{"$integer":"AAAAAAAAAIA="}',
            '"-9223372036854775808"',
            "-9223372036854775808",
        ),
        ('{"$float":"AAAAAAAA+H8="}', '{"$float":"AAAAAAAA+H8="}', '"NaN"', '{"$float":"AAAAAAAA+H8="}'),
        ('{"$float":"AAAAAAAA8P8="}', '{"$float":"AAAAAAAA8P8="}', '"-Infinity"', '{"$float":"AAAAAAAA8P8="}'),
        ("-0.0", '{"$float":"AAAAAAAAAIA="}', "-0.0", '{"$float":"AAAAAAAAAIA="}'),
        ('{"$bytes":"ABCD"}', '{"$bytes":"ABCD"}', '"ABCD"', '{"$bytes":"ABCD"}'),
        ('{"$bytes":""}', '{"$bytes":""}', '""', '{"$bytes":""}'),
        ('"\\ud83d\\ude80"', '"🚀"', '"🚀"', '"🚀"'),
        ("null", "null", "null", "null"),
        ("true", "true", "true", "true"),
        ('{"b":[],"":{"a":2}}', '{"":{"a":2.0},"b":[]}', '{"":{"a":2.0},"b":[]}', '{"":{"a":2.0},"b":[]}'),
    ],
)
def test_item_18_every_format_is_right_for_every_type(
    server: ServerProcess, sent: str, encoded: str, clean: str, exported: str
) -> None:
    for format, expected in (("convex_encoded_json", encoded), ("json", clean), ("export_json", exported)):
        body = f'{{"path":"values:echo","format":"{format}","args":{{"value":{sent}}}}}'
        text = httpx.post(f"{server.url}/api/query", content=body.encode(), timeout=60, trust_env=False).text
        assert text == f'{{"status":"success","value":{expected},"logLines":[]}}'


def test_item_21_timestamps_never_go_back_across_restarts(start_server: StartServer, room: str) -> None:
    server = start_server()
    seen = 0
    for life in range(3):
        if life:
            server.restart()
        with RawClient(server).hello() as client:
            client.add_query(0, "messages:bodies", {"channel": room})
            client.mutate(life, "messages:send", send_args(room, "x"))
            committed = decode_ts(client.until("MutationResponse")["ts"])
            told = decode_ts(client.until("Transition")["endVersion"]["ts"])
        assert seen < committed <= told
        asked = decode_ts(post(server, "query_ts").json()["ts"])
        assert asked >= told
        seen = max(told, asked)
