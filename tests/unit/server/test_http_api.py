"""The function endpoints: wire sections 2.1 to 2.3."""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from typing import Any

import pytest

from parabola.limits import Limits
from parabola.server.http_api import TURN_S
from parabola.sync.versions import encode_ts
from tests.unit.server.conftest import Start


async def test_queries_mutations_and_actions_answer_with_status_value_and_log_lines(start: Start) -> None:
    async with start() as client:
        assert await client.call("mutation", "messages:send", {"body": "hi"}) == {
            "status": "success",
            "value": "hi",
            "logLines": ["[LOG] 'sending' 'hi'"],
        }
        assert (await client.call("query", "messages:list"))["value"] == ["hi"]
        assert (await client.call("action", "messages:shout", {"text": "hi"}))["value"] == "HI"


async def test_a_query_sees_every_mutation_that_was_answered_before_it(start: Start) -> None:
    async with start() as client:
        for number in range(5):
            await client.call("mutation", "messages:send", {"body": str(number)})
            assert len((await client.call("query", "messages:list"))["value"]) == number + 1


async def test_arguments_come_as_an_object_or_as_an_array_with_one(start: Start) -> None:
    async with start() as client:
        for args in ({"value": 5}, [{"value": 5}]):
            assert (await client.call("query", "messages:echo", args))["value"] == 5


async def test_a_query_may_be_a_get(start: Start) -> None:
    async with start() as client:
        response = await client.get("/api/query", params={"path": "messages:echo", "args": '{"value":[1]}'})
        assert response.text == '{"status":"success","value":[1.0],"logLines":[]}'
        assert (await client.get("/api/query", params={"path": "messages:list"})).json()["value"] == []
        head = await client.head("/api/query", params={"path": "messages:list"})
        assert (head.status_code, head.content) == (200, b"")
        assert await client.refused("GET", "/api/query") == (400, "BadJsonBody")
        assert await client.refused("GET", "/api/query?path=messages:list&args={") == (400, "BadJsonBody")
        assert await client.refused("GET", "/api/query?path=%ff") == (400, "BadRequest")


@pytest.mark.parametrize(
    ("format", "expected"),
    [
        (None, "json"),
        ("json", "json"),
        ("convex_clean_json", "json"),
        ("convex_encoded_json", "encoded"),
        ("convex_json", "encoded"),
        ("export_json", "export"),
    ],
)
async def test_values_are_written_in_the_format_asked_for(start: Start, format: str | None, expected: str) -> None:
    texts = {
        "json": '{"b":"ABCD","f":1.0,"half":0.5,"i":"7","nan":"NaN","s":"x","zero":-0.0}',
        "encoded": '{"b":{"$bytes":"ABCD"},"f":1.0,"half":0.5,"i":{"$integer":"BwAAAAAAAAA="},'
        '"nan":{"$float":"AAAAAAAA+H8="},"s":"x","zero":{"$float":"AAAAAAAAAIA="}}',
        "export": '{"b":{"$bytes":"ABCD"},"f":1.0,"half":0.5,"i":7,'
        '"nan":{"$float":"AAAAAAAA+H8="},"s":"x","zero":{"$float":"AAAAAAAAAIA="}}',
    }
    async with start() as client:
        fields = {} if format is None else {"format": format}
        response = await client.post("/api/query", json={"path": "messages:everything", "args": {}, **fields})
        assert response.text == f'{{"status":"success","value":{texts[expected]},"logLines":[]}}'


@pytest.mark.parametrize(
    ("client_version", "is_encoded"),
    [
        ("npm-1.4.1", True),
        ("npm-1.4.2", False),
        ("npm-1.48.0", False),
        ("npm-cli-1.4.1", False),
        ("python-0.5.0", True),
        ("python-0.5.1", False),
        ("something", False),
    ],
)
async def test_old_clients_name_no_format_and_read_encoded_values(
    start: Start, client_version: str, is_encoded: bool
) -> None:
    headers = {"Convex-Client": client_version}
    async with start() as client:
        body = {"path": "messages:everything", "args": {}}
        for answer in [
            (await client.post("/api/query", json=body, headers=headers)).json(),
            (await client.post("/api/query_batch", json={"queries": [body]}, headers=headers)).json()["results"][0],
        ]:
            assert answer["value"]["i"] == ({"$integer": "BwAAAAAAAAA="} if is_encoded else "7")
        named = (await client.post("/api/query", json={**body, "format": "json"}, headers=headers)).json()
        by_path = (await client.post("/api/run/messages/everything", json={"args": {}}, headers=headers)).json()
        assert named["value"]["i"] == by_path["value"]["i"] == "7"


async def test_a_client_that_is_too_old_is_told_so_in_the_headers_it_reads(start: Start) -> None:
    async with start() as client:
        body = {"path": "messages:send", "args": {"body": "x"}}
        response = await client.post("/api/mutation", json=body, headers={"Convex-Client": "npm-0.19.1"})
        assert (response.status_code, response.json()["code"]) == (400, "ClientVersionUnsupported")
        assert response.headers["x-convex-deprecation-state"] == "unsupported"
        assert response.headers["x-convex-deprecation-message"] == response.json()["message"]
        assert (await client.call("query", "messages:list"))["value"] == []


async def test_an_unknown_format_is_refused_before_a_mutation_runs(start: Start) -> None:
    async with start() as client:
        body = {"path": "messages:send", "args": {"body": "x"}, "format": "xml"}
        response = await client.post("/api/mutation", json=body)
        assert response.status_code == 400
        assert response.json() == {"code": "BadFormat", "message": "format param must be one of [`json`]. Got xml"}
        assert (await client.call("query", "messages:list"))["value"] == []


@pytest.mark.parametrize(
    ("kind", "path", "args", "text"),
    [
        ("query", "messages:nope", {}, "Could not find public function for 'messages:nope'."),
        ("query", "messages:secret", {}, "Could not find public function for 'messages:secret'."),
        (
            "query",
            "messages:send",
            {"body": "x"},
            "Trying to execute messages.js:send as Query, but it is defined as Mutation.",
        ),
        ("mutation", "messages:send", {"body": 1}, "ArgumentValidationError: Value does not match validator."),
        ("mutation", "messages:crash", {}, "Uncaught ValueError: boom"),
        ("query", "messages:echo", {"value": {"$x": 1}}, "Invalid arguments for messages.js:echo: "),
    ],
)
async def test_a_function_that_fails_is_an_answer_with_status_200(
    start: Start, kind: str, path: str, args: Any, text: str
) -> None:
    async with start() as client:
        answer = await client.call(kind, path, args)
        assert answer["status"] == "error"
        head, _, rest = answer["errorMessage"].partition(" Server Error\n")
        assert head.startswith("[Request ID: ")
        assert rest.startswith(text)
        assert "errorData" not in answer
        assert (await client.call("query", "messages:list"))["value"] == []


async def test_the_data_of_a_convex_error_arrive_in_the_format_asked_for(start: Start) -> None:
    async with start() as client:
        answer = await client.post("/api/query", json={"path": "messages:fail", "args": {}})
        assert '"errorData":{"code":1.0}' in answer.text
        assert answer.json()["logLines"] == ["[LOG] 'about to fail'"]


async def test_redaction_hides_texts_and_log_lines_but_never_error_data(start: Start) -> None:
    async with start(redact=True) as client:
        headers = {"Convex-Request-Id": "abc123"}
        answer = await client.post("/api/mutation", json={"path": "messages:crash", "args": {}}, headers=headers)
        assert answer.json() == {
            "status": "error",
            "errorMessage": "[Request ID: abc123] Server Error",
            "logLines": [],
        }
        failed = await client.call("query", "messages:fail")
        assert failed["errorData"] == {"code": 1}
        assert failed["logLines"] == []
        assert "boom" not in answer.text


@pytest.mark.parametrize(("given", "used"), [("req-1_A", True), ("x" * 65, False), ("no spaces", False), ("", False)])
async def test_the_clients_request_id_is_used_where_it_fits_into_a_line(start: Start, given: str, used: bool) -> None:
    async with start() as client:
        body = {"path": "messages:nope", "args": {}}
        answer = (await client.post("/api/query", json=body, headers={"Convex-Request-Id": given})).json()
        shown = answer["errorMessage"].removeprefix("[Request ID: ").partition("]")[0]
        assert (shown == given) is used
        assert used or len(shown) == 16


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "BadJsonBody"),
        (b"{", "BadJsonBody"),
        (b"[]", "BadJsonBody"),
        (b"null", "BadJsonBody"),
        (b'{"path":"messages:list"}', "BadJsonBody"),
        (b'{"args":{}}', "BadJsonBody"),
        (b'{"path":5,"args":{}}', "BadJsonBody"),
        (b'{"path":"messages:list","args":"x"}', "BadJsonBody"),
        (b'{"path":"messages:list","args":[]}', "BadJsonBody"),
        (b'{"path":"messages:list","args":{},"args":{"tag":"x"}}', "BadJsonBody"),
        (b'{"path":"messages:echo","args":{"value":{"a":1,"a":2}}}', "BadJsonBody"),
        (b'{"path":"messages:echo","args":{"value":NaN}}', "BadJsonBody"),
        (b'{"path":"messages:echo","args":{"value":Infinity}}', "BadJsonBody"),
        (b'{"path":"messages:echo","args":{"value":1e400}}', "BadJsonBody"),
        (b'{"path":"messages:echo","args":{"value":"\xff"}}', "BadJsonBody"),
        (b'{"path":"messages:echo","args":{"value":"\\ud800"}}', "BadJsonBody"),
        (b'{"path":"messages:echo","args":{"value":' + b"[" * 5000 + b"]" * 5000 + b"}}", "BadJsonBody"),
        (b'{"path":"messages:list","args":{},"format":7}', "BadFormat"),
        (b'{"path":"messages:list","args":{},"componentPath":"other"}', "ComponentNotFound"),
        (b'{"path":"a b:c","args":{}}', "BadConvexFunctionIdentifier"),
        (b'{"path":"","args":{}}', "BadConvexFunctionIdentifier"),
        (b'{"path":"../etc:x","args":{}}', "BadConvexFunctionIdentifier"),
    ],
    ids=lambda value: value[:50].decode("latin-1") if isinstance(value, bytes) else None,
)
async def test_a_malformed_request_is_a_400_that_says_what_is_wrong(start: Start, body: bytes, code: str) -> None:
    async with start() as client:
        assert await client.refused("POST", "/api/query", content=body) == (400, code)
        assert (await client.call("query", "messages:list"))["status"] == "success"


async def test_a_value_nested_beyond_the_limit_is_the_functions_error(start: Start) -> None:
    async with start() as client:
        deep: Any = 1
        for _ in range(70):
            deep = [deep]
        answer = await client.call("query", "messages:echo", {"value": deep})
        assert answer["status"] == "error"
        assert "Invalid arguments for messages.js:echo" in answer["errorMessage"]


async def test_a_number_too_long_for_an_integer_is_the_nearest_double(start: Start) -> None:
    async with start() as client:
        body = b'{"path":"messages:echo","args":{"value":' + b"9" * 40 + b"}}"
        assert (await client.post("/api/query", content=body)).json()["value"] == float("9" * 40)


async def test_a_number_that_is_minus_zero_stays_so(start: Start) -> None:
    async with start() as client:
        body = b'{"path":"messages:echo","args":{"value":[-0,"-0"]}}'
        assert (await client.post("/api/query", content=body)).json()["value"] == [-0.0, "-0"]
        response = await client.get("/api/query", params={"path": "messages:echo", "args": '{"value":-0}'})
        assert b'"value":-0.0,' in response.content


async def test_keys_are_looked_for_twice_however_deep_they_are_nested(start: Start) -> None:
    async with start() as client:
        deep = b"[" * 300 + b'{"a":1,"a":2}' + b"]" * 300
        body = b'{"path":"messages:list","args":{},"ignored":%b}'
        assert await client.refused("POST", "/api/query", content=body % deep) == (400, "BadJsonBody")
        once = deep.replace(b',"a":2', b"")
        assert (await client.post("/api/query", content=body % once)).json()["value"] == []


@pytest.mark.parametrize("element", [b"0", b'{"a":1}'], ids=["numbers", "objects"])
async def test_what_is_too_long_is_refused_without_a_look_at_each_element(start: Start, element: bytes) -> None:
    async with start() as client:
        body = b'{"path":"messages:echo","args":{"value":[%b]}}' % b",".join([element] * 600_000)
        before = time.process_time()
        json.loads(body)
        whole = time.process_time() - before
        answer = (await client.post("/api/query", content=body)).json()
        # A look at each takes six times as long as it takes the standard library to read them.
        assert time.process_time() - before < 4 * whole
        assert "Array length is too long (600000 > maximum length 8192)" in answer["errorMessage"]


async def test_the_text_for_a_bad_path_names_it(start: Start) -> None:
    async with start() as client:
        response = await client.post("/api/query", json={"path": "a b:c", "args": {}})
        assert response.json()["message"].startswith("a b:c is not a valid path to a Convex function. ")


async def test_a_body_above_the_limit_is_refused_without_being_read_whole(start: Start) -> None:
    async with start(limits=Limits(http_body_bytes_max=1000)) as client:
        body = json.dumps({"path": "messages:echo", "args": {"value": "x" * 2000}}).encode()
        assert await client.refused("POST", "/api/query", content=body) == (413, "RequestBodyTooLarge")

        async def endless() -> Any:
            while True:
                yield b"x" * 600

        assert await client.refused("POST", "/api/query", content=endless()) == (413, "RequestBodyTooLarge")


async def test_any_function_runs_by_name_with_the_admin_key_only(start: Start) -> None:
    async with start() as client:
        body = {"path": "messages:secret", "args": {}}
        assert await client.refused("POST", "/api/function", json=body) == (403, "BadDeployKey")
        user = {"Authorization": f"Bearer {client.setting.token()}"}
        assert await client.refused("POST", "/api/function", json=body, headers=user) == (403, "BadDeployKey")
        client.headers["Authorization"] = f"Convex {client.backend.admin_key}"
        assert (await client.call("function", "messages:secret"))["value"] == "internal"
        assert (await client.call("function", "messages:send", {"body": "x"}))["value"] == "x"
        assert (await client.call("function", "messages:shout", {"text": "x"}))["value"] == "X"
        missing = await client.call("function", "messages:nope")
        assert (
            "Could not find function for 'messages:nope'. Did you forget to run `npx convex dev`?"
            in (missing["errorMessage"])
        )


async def test_a_public_function_runs_by_its_path_in_the_url(start: Start) -> None:
    async with start() as client:
        sent = await client.post("/api/run/messages/send", json={"args": {"body": "x"}})
        assert sent.json()["value"] == "x"
        assert (await client.post("/api/run/messages%2Ejs/list", json={"args": {}})).json()["value"] == ["x"]
        hidden = (await client.post("/api/run/messages/secret", json={"args": {}})).json()
        assert "Could not find function for 'messages:secret'." in hidden["errorMessage"]
        for url in ("/api/run/messages", "/api/run/", "/api/run//x"):
            assert await client.refused("POST", url, json={"args": {}}) == (400, "MissingIdentifier")


async def test_a_query_at_a_timestamp_does_not_see_what_came_later(start: Start) -> None:
    async with start() as client:
        await client.call("mutation", "messages:send", {"body": "early"})
        ts = (await client.post("/api/query_ts")).json()["ts"]
        client.setting.clock.advance(1)
        await client.call("mutation", "messages:send", {"body": "late"})
        assert (await client.call("query_at_ts", "messages:list", ts=ts))["value"] == ["early"]
        assert (await client.call("query", "messages:list"))["value"] == ["early", "late"]
        for bad in ({}, {"ts": "zzz"}, {"ts": 5}, {"ts": "////////////"}, {"ts": "/////////38="}):
            body = {"path": "messages:list", "args": {}, **bad}
            assert await client.refused("POST", "/api/query_at_ts", json=body) == (400, "InvalidTimestamp")


async def test_a_moment_at_which_nothing_was_committed_can_be_read_at(start: Start) -> None:
    async with start() as client:
        clock = client.setting.clock
        await client.call("mutation", "messages:send", {"body": "early"})
        clock.advance(5)
        quiet = encode_ts(clock.now_ns() - 1_000_000_000)
        assert (await client.call("query_at_ts", "messages:list", ts=quiet))["value"] == ["early"]
        await client.call("mutation", "messages:send", {"body": "late"})
        assert (await client.call("query_at_ts", "messages:list", ts=quiet))["value"] == ["early"]
        body = {"path": "messages:list", "args": {}, "ts": encode_ts(clock.now_ns() + 1_000_000_000)}
        assert await client.refused("POST", "/api/query_at_ts", json=body) == (400, "InvalidTimestamp")


async def test_a_commit_under_way_is_waited_for_where_it_may_have_been_earlier(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with start() as client:
        clock, committer = client.setting.clock, client.backend.database.committer
        flusher = committer._flusher
        flush, asked = flusher.request, asyncio.Event()
        monkeypatch.setattr(flusher, "request", asked.set)
        writing = asyncio.create_task(client.call("mutation", "messages:send", {"body": "staged"}))
        await asked.wait()
        clock.advance(5)
        reading = asyncio.create_task(
            client.call("query_at_ts", "messages:list", ts=encode_ts(clock.now_ns() - 1_000_000_000))
        )
        while len(committer._waiting) < 2:
            await asyncio.sleep(0)
        flush()
        assert (await reading)["value"] == ["staged"]
        await writing


async def test_a_batch_answers_each_query_at_one_timestamp(start: Start) -> None:
    async with start() as client:
        await client.call("mutation", "messages:send", {"body": "a"})
        queries = [
            {"path": "messages:list", "args": {}},
            {"path": "messages:everything", "args": [{}], "format": "convex_encoded_json"},
            {"path": "messages:nope", "args": {}},
        ]
        results = (await client.post("/api/query_batch", json={"queries": queries})).json()["results"]
        assert [result["status"] for result in results] == ["success", "success", "error"]
        assert results[0]["value"] == ["a"]
        assert results[1]["value"]["i"] == {"$integer": "BwAAAAAAAAA="}
        assert (await client.post("/api/query_batch", json={"queries": []})).json() == {"results": []}
        for bad in ({}, {"queries": {}}, {"queries": [1]}, {"queries": [{"path": "messages:list"}]}):
            assert await client.refused("POST", "/api/query_batch", json=bad) == (400, "BadJsonBody")


async def test_a_batch_of_too_many_queries_or_with_too_large_answers_is_refused(start: Start) -> None:
    echo = {"path": "messages:echo", "args": {"value": "x" * 100}}
    async with start(limits=Limits(batched_queries_max=5, batch_bytes_max=500)) as client:
        fits = (await client.post("/api/query_batch", json={"queries": [echo] * 3})).json()["results"]
        assert [result["value"] for result in fits] == ["x" * 100] * 3
        for queries in ([echo] * 4, [{"path": "messages:nope", "args": {}}] * 6):
            refused = await client.refused("POST", "/api/query_batch", json={"queries": queries})
            assert refused == (400, "BatchTooLarge")


async def test_a_long_batch_lets_others_have_their_turn(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    async with start() as client:
        turns = 0
        batch_is_done = False

        async def others() -> None:
            nonlocal turns
            while not batch_is_done:
                turns += 1
                await asyncio.sleep(0)

        # Each query takes as long as a turn.
        looks = itertools.count(client.setting.clock.monotonic(), TURN_S)
        monkeypatch.setattr(client.setting.clock, "monotonic", lambda: next(looks))
        watching = asyncio.create_task(others())
        queries = [{"path": "messages:echo", "args": {"value": number}} for number in range(50)]
        answer = (await client.post("/api/query_batch", json={"queries": queries})).json()
        batch_is_done = True
        await watching
        assert [entry["value"] for entry in answer["results"]] == list(range(50))
        assert turns >= 50


async def test_the_caller_is_whoever_the_authorization_header_proves(start: Start) -> None:
    async with start() as client:
        assert (await client.call("query", "messages:whoami"))["value"] is None
        client.headers["Authorization"] = f"Bearer {client.setting.token()}"
        assert (await client.call("query", "messages:whoami"))["value"] == "https://issuer.example|alice"
        attributes = "eyJpc3N1ZXIiOiJpIiwic3ViamVjdCI6InMifQ=="
        client.headers["Authorization"] = f"Convex dev:{client.backend.admin_key}:{attributes}"
        assert (await client.call("query", "messages:whoami"))["value"] == "i|s"
        del client.headers["Authorization"]
        body = {"path": "messages:secret", "args": {}}
        response = await client.post("/api/query", json=body, params={"adminKey": client.backend.admin_key})
        assert response.json()["value"] == "internal"


@pytest.mark.parametrize("endpoint", ["query", "mutation", "action", "function", "query_at_ts", "query_batch"])
async def test_a_bad_token_never_becomes_an_anonymous_call(start: Start, endpoint: str) -> None:
    async with start() as client:
        ts = (await client.post("/api/query_ts")).json()["ts"]
        body = {"path": "messages:list", "args": {}, "ts": ts, "queries": []}
        expired = client.setting.token(exp=client.setting.now - 1)
        for header, expected in [
            (f"Bearer {expired}", (401, "Unauthenticated")),
            ("Bearer nonsense", (401, "InvalidAuthHeader")),
            ("Convex parabola|wrong", (401, "BadAdminKey")),
            ("Basic abcdefgh", (400, "InvalidAdminKey")),
        ]:
            headers = {"Authorization": header}
            assert await client.refused("POST", f"/api/{endpoint}", json=body, headers=headers) == expected
        assert (await client.post("/api/mutation", params={"adminKey": "x|y"}, json=body)).status_code == 403


async def test_a_key_server_that_is_down_is_a_503_and_no_verdict_on_the_token(start: Start) -> None:
    async with start() as client:
        client.setting.documents.reachable = False
        headers = {"Authorization": f"Bearer {client.setting.token()}"}
        body = {"path": "messages:list", "args": {}}
        refused = await client.refused("POST", "/api/query", json=body, headers=headers)
        assert refused == (503, "AuthProviderDiscoveryFailed")
