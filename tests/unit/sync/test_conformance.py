"""The conformance checklist of the wire specification (section 8): the items that the peer and its driver decide.

Those about HTTP and processes, and most of these once more over real sockets, are in
`tests/scenarios/test_conformance.py`, which also says where the rest are.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import orjson
import pytest

from parabola import ConvexError, mutation, query
from parabola.storage.memory import MemoryStorage
from parabola.sync import codec
from parabola.sync.client_version import ClientVersion
from parabola.sync.effects import Close
from parabola.sync.versions import decode_ts
from tests.sync_world import MemorySocket, World, end_ts
from tests.unit.sync.peer_socket import LATER, Socket, mutation_success, value, version


@query
async def list_messages(ctx: Any) -> Any:
    return sorted(row["body"] for row in await ctx.db.query("messages").collect())


@query
async def default_query(ctx: Any) -> Any:
    return "default"


@query
async def large(ctx: Any) -> Any:
    return ["x" * 100_000] * 60


@query
async def failing(ctx: Any) -> Any:
    print("about to fail")
    raise ConvexError(None)


@mutation
async def send(ctx: Any, body: str) -> Any:
    await ctx.db.insert("messages", {"body": body})
    return body


@mutation
async def refuse(ctx: Any) -> Any:
    print("about to fail")
    raise ConvexError(None)


FUNCTIONS = {
    "messages:list": list_messages,
    "messages:default": default_query,
    "messages:large": large,
    "messages:failing": failing,
    "messages:send": send,
    "messages:refuse": refuse,
}


def follow(world: World, path: str, client: ClientVersion | None = None) -> MemorySocket:
    socket = world.connect() if client is None else world.connect(client)
    socket.add(0, {0: (path, {})})
    world.settle()
    return socket


def mutate(world: World, socket: MemorySocket, request_id: int, body: str) -> list[dict[str, Any]]:
    socket.send("Mutation", requestId=request_id, udfPath="messages:send", args=[{"body": body}])
    world.settle()
    return socket.take()


def test_item_1_connect_is_optional() -> None:
    socket = Socket()
    socket.sign_in(0)
    socket.add(0, 0)
    assert socket.update(5, {0: value("a")})[0]["endVersion"] == version(1, 1, 5)


def test_item_2_the_first_transition_starts_at_zero_and_each_start_equals_the_previous_end() -> None:
    socket = Socket()
    last = version(0, 0, 0)
    for step in range(5):
        socket.add(step, step)
        (transition,) = socket.update(step * 10 + 1, {step: value("a")})
        assert transition["startVersion"] == last
        last = transition["endVersion"]


def test_item_3_an_empty_modify_query_set_gets_a_transition_to_query_set_one() -> None:
    socket = Socket()
    socket.add(0)
    (transition,) = socket.update(1)
    assert transition["endVersion"]["querySet"] == 1
    assert transition["modifications"] == []


def test_item_4_re_subscribed_queries_always_get_a_modification_on_a_new_socket() -> None:
    world = World(FUNCTIONS)
    for _ in range(3):
        (transition,) = follow(world, "messages:list").take()
        assert len(transition["modifications"]) == 1


@pytest.mark.parametrize("succeeds", [True, False])
@pytest.mark.parametrize("kind", ["Mutation", "Action"])
def test_item_5_every_response_is_followed_by_a_transition(kind: str, succeeds: bool) -> None:
    socket = Socket()
    socket.send(kind, requestId=0, udfPath="messages:send", args=[{}])
    if kind == "Mutation":
        failure = codec.write_mutation_failure(0, b'"no"', None, b"[]")
        socket.peer.mutation_finished(mutation_success(0, 3) if succeeds else failure)
    else:
        success, failure = (
            codec.write_action_success(0, b"1", b"[]"),
            codec.write_action_failure(0, b'"no"', None, b"[]"),
        )
        socket.peer.action_finished(success if succeeds else failure)
    assert socket.take()[0]["success"] is succeeds
    assert socket.update(3)[0]["type"] == "Transition"


def test_item_6_the_response_comes_before_its_transition_whose_ts_is_not_below_the_commit() -> None:
    world = World(FUNCTIONS)
    socket = follow(world, "messages:list")
    socket.take()
    answer, transition = mutate(world, socket, 0, "a")
    assert answer["type"] == "MutationResponse"
    assert decode_ts(answer["ts"]) <= end_ts(transition)
    assert transition["modifications"][0]["value"] == ["a"]


def test_item_7_the_same_request_twice_is_executed_once_across_sockets_and_restarts() -> None:
    storage = MemoryStorage()
    answers = []
    for _ in range(2):
        world = World(FUNCTIONS, storage=storage)  # a new server over the same data
        for _ in range(2):
            socket = world.connect()
            socket.send("Connect", sessionId="s", connectionCount=0)
            answers.append(mutate(world, socket, 4, "once")[0])
            mutate(world, socket, 5, "later")
    assert all(answer == answers[0] for answer in answers)
    assert follow(world, "messages:list").take()[0]["modifications"][0]["value"] == ["later", "once"]


def test_item_8_mutations_in_order_actions_concurrent() -> None:
    socket = Socket()
    for request_id in range(4):
        socket.send("Action", requestId=request_id, udfPath="a:b", args=[{}])
    assert len(socket.effects()) == 4
    for request_id in range(4, 8):
        socket.mutate(request_id)
    order = []
    while runs := socket.effects():
        assert len(runs) == 1
        order.append(runs[0].request_id)
        socket.peer.mutation_finished(mutation_success(runs[0].request_id, 1))
    assert order == [4, 5, 6, 7]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("messages:list", []),
        ("messages.js:list", []),
        ("messages", "default"),
        ("messages:default", "default"),
        ("messages.js:default", "default"),
    ],
)
def test_item_9_paths_resolve_in_every_spelling(path: str, expected: Any) -> None:
    world = World(FUNCTIONS)
    assert follow(world, path).take()[0]["modifications"][0]["value"] == expected


@pytest.mark.parametrize("redact", [False, True])
def test_item_10_convex_error_data_is_never_redacted_and_null_is_still_present(redact: bool) -> None:
    world = World(FUNCTIONS, redact=redact)
    socket = follow(world, "messages:failing")
    (change,) = socket.take()[0]["modifications"]
    assert change["errorData"] is None
    socket.send("Mutation", requestId=0, udfPath="messages:refuse", args=[{}])
    world.settle()
    answer = socket.take()[0]
    assert answer["success"] is False
    assert answer["errorData"] is None


def test_item_11_redaction_hides_details_and_log_lines_when_on() -> None:
    open_world, redacting = World(FUNCTIONS), World(FUNCTIONS, redact=True)
    (shown,) = follow(open_world, "messages:failing").take()[0]["modifications"]
    (hidden,) = follow(redacting, "messages:failing").take()[0]["modifications"]
    assert shown["logLines"] == ["[LOG] 'about to fail'"]
    assert "Uncaught ConvexError" in shown["errorMessage"]
    assert hidden["logLines"] == []
    assert hidden["errorMessage"].endswith("] Server Error")


def test_item_12_auth_error_then_close_with_base_version_and_attempt() -> None:
    socket = Socket()
    socket.sign_in(0)
    socket.update(1)
    socket.send("Authenticate", baseVersion=1, tokenType="User", value="bad")
    socket.peer.token_refused("no")
    (error,) = socket.take()
    assert (error["type"], error["baseVersion"], error["authUpdateAttempted"]) == ("AuthError", 1, True)
    assert socket.peer.close == Close(None, "")


@pytest.mark.parametrize("next_thing", ["mutation", "action", "update"])
def test_item_13_an_expired_token_is_noticed_at_the_next_mutation_action_or_update(next_thing: str) -> None:
    socket = Socket()
    socket.sign_in(0, expires_ns=LATER)
    socket.now = LATER
    if next_thing == "update":
        assert socket.peer.begin_update(socket.now) is None
        (error,) = socket.take()
    else:
        (error,) = socket.send(next_thing.capitalize(), requestId=0, udfPath="messages:send", args=[{}])
    assert (error["error"], error["authUpdateAttempted"]) == ("Convex token identity expired", False)
    assert socket.peer.close == Close(None, "")
    assert socket.effects() == []


def test_item_14_a_json_ping_within_15_s_of_silence_and_control_pings_every_5_s() -> None:
    world = World(FUNCTIONS)
    socket = follow(world, "messages:list")
    socket.take()
    heard = [0.0]
    pings_before = socket.pings
    for second in range(1, 121):
        world.loop.advance(1)
        if socket.take():
            heard.append(float(second))
    assert max(later - earlier for earlier, later in pairwise(heard)) <= 15
    assert socket.pings - pings_before == 24


@pytest.mark.parametrize(
    ("client", "parts"), [(ClientVersion("npm", (1, 48, 0)), 2), (ClientVersion("python", (0, 8, 1)), 1)]
)
def test_item_15_six_megabytes_are_chunked_for_npm_and_whole_for_python(client: ClientVersion, parts: int) -> None:
    world = World(FUNCTIONS)
    messages = follow(world, "messages:large", client).take()
    assert len(messages) == parts
    text = "".join(message["chunk"] for message in messages) if parts > 1 else orjson.dumps(messages[0]).decode()
    assert len(orjson.loads(text)["modifications"][0]["value"]) == 60


@pytest.mark.parametrize("client_ts", [None, 0, 1_795_378_587_340, 1_795_378_587_340.75])
def test_item_16_server_ts_and_client_clock_skew_are_integers_null_or_absent(client_ts: float | None) -> None:
    socket = Socket()
    socket.send("Connect", sessionId="s", connectionCount=0, clientTs=client_ts)
    socket.add(0, 0)
    transitions = socket.update(1, {0: value("a")})
    socket.peer.invalidate(0)
    transitions += socket.update(2, {0: value("b")})
    for transition in transitions:
        assert type(transition.get("serverTs")) in (int, type(None))
        assert type(transition.get("clientClockSkew")) in (int, type(None))


def test_item_21_timestamps_never_go_back_across_restarts() -> None:
    storage = MemoryStorage()
    seen = 0
    for number in range(3):
        world = World(FUNCTIONS, storage=storage)  # its clock starts at the same instant each time
        socket = world.connect()
        answer, transition = mutate(world, socket, number, "x")
        assert seen < decode_ts(answer["ts"]) <= end_ts(transition)
        seen = end_ts(transition)
