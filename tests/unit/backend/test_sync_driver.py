"""The driver over the real engine, with sockets in memory."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import orjson
import pytest

from parabola import query
from parabola.errors import StorageFailure
from parabola.functions.loader import Deployment
from parabola.limits import Limits
from parabola.sync.client_version import ClientVersion
from parabola.sync.versions import decode_ts, encode_ts
from tests.sync_world import ADMIN_KEY, World, end_ts
from tests.unit.backend.sync_example import FUNCTIONS, follow, mutate, runs


@pytest.fixture(autouse=True)
def _no_runs() -> None:
    runs.clear()


@pytest.fixture
def world() -> World:
    return World(FUNCTIONS)


def test_a_commit_reaches_who_follows_the_query_and_nobody_else(world: World) -> None:
    follower, other = follow(world), world.connect()
    follower.take()
    mutate(world, other, 0, body="hi")
    (transition,) = follower.take()
    (change,) = transition["modifications"]
    assert change["value"] == ["hi"]


def test_the_answer_and_its_transition_leave_in_one_write_answer_first(world: World) -> None:
    socket = follow(world)
    socket.take()
    writes = socket.writes
    socket.send("Mutation", requestId=0, udfPath="messages:send", args=[{"body": "a"}])
    world.settle()
    answer, transition = socket.take()
    assert (answer["type"], transition["type"]) == ("MutationResponse", "Transition")
    assert decode_ts(answer["ts"]) <= end_ts(transition)
    assert transition["modifications"][0]["value"] == ["a"]
    assert socket.writes == writes + 1


def test_one_commit_runs_a_query_once_for_all_its_followers(world: World) -> None:
    sockets = [follow(world) for _ in range(50)]
    for socket in sockets:
        socket.take()
    runs.clear()
    mutate(world, world.connect(), 0, body="hi")
    assert runs == ["general"]
    texts = {bytes(socket.texts[0]) for socket in sockets}
    assert len(texts) == 1


def test_sockets_at_the_same_version_are_sent_the_same_bytes_object(world: World) -> None:
    sockets = [follow(world) for _ in range(3)]
    other = world.connect()
    mutate(world, other, 0, body="one")
    for socket in sockets:
        socket.take()
    mutate(world, other, 1, body="two")
    assert len({id(socket.texts[0]) for socket in sockets}) == 1


def test_a_commit_outside_every_range_read_runs_nothing(world: World) -> None:
    other = world.connect()
    first = mutate(world, other, 0, body="one")["result"]
    second = mutate(world, other, 1, body="two")["result"]
    follower = follow(world, "messages:get", {"id": first})
    follower.take()
    runs.clear()
    mutate(world, other, 2, "messages:edit", id=second, body="changed")
    assert runs == []
    assert follower.take() == []
    mutate(world, other, 3, "messages:edit", id=first, body="changed")
    assert runs == [first]
    assert follower.take()[0]["modifications"][0]["value"] == "changed"


def test_an_insert_into_a_table_that_was_empty_is_seen(world: World) -> None:
    follower = follow(world)
    assert follower.take()[0]["modifications"][0]["value"] == []
    mutate(world, world.connect(), 0, body="first")
    assert follower.take()[0]["modifications"][0]["value"] == ["first"]


def test_commits_of_one_step_are_covered_by_one_update(world: World) -> None:
    follower, writer = follow(world), world.connect()
    follower.take()
    runs.clear()
    for request_id in range(5):
        writer.send("Mutation", requestId=request_id, udfPath="messages:send", args=[{"body": str(request_id)}])
    world.settle()
    (transition,) = follower.take()
    assert transition["modifications"][0]["value"] == ["0", "1", "2", "3", "4"]
    assert runs == ["general"]


def test_mutations_run_after_the_sockets_were_read_in_the_order_in_which_they_came(world: World) -> None:
    follower = follow(world)
    follower.take()
    sockets = [world.connect() for _ in range(3)]
    before = world.database.latest_ts
    for number, socket in enumerate(sockets):
        socket.send("Mutation", requestId=0, udfPath="messages:send", args=[{"body": str(number)}])
    assert world.database.latest_ts == before, "nothing has run yet"
    world.settle()
    assert follower.take()[0]["modifications"][0]["value"] == ["0", "1", "2"]
    timestamps = [decode_ts(socket.take()[0]["ts"]) for socket in sockets]
    assert timestamps == sorted(timestamps)


def test_a_mutation_that_was_received_runs_though_its_socket_is_gone_by_then(world: World) -> None:
    follower, writer = follow(world), world.connect()
    follower.take()
    writer.send("Mutation", requestId=0, udfPath="messages:send", args=[{"body": "last words"}])
    writer.connection.lost()
    world.settle()
    assert follower.take()[0]["modifications"][0]["value"] == ["last words"]


def test_all_queries_of_a_client_move_together(world: World) -> None:
    socket, writer = world.connect(), world.connect()
    message = mutate(world, writer, 0, body="one")["result"]
    socket.add(0, {0: ("messages:list", {}), 1: ("messages:get", {"id": message})})
    world.settle()
    socket.take()
    mutate(world, writer, 1, "messages:edit", id=message, body="two")
    (transition,) = socket.take()
    assert [change["value"] for change in transition["modifications"]] == [["two"], "two"]


def test_a_transition_follows_a_failed_mutation_though_nothing_changed(world: World) -> None:
    socket = follow(world)
    socket.take()
    socket.send("Mutation", requestId=0, udfPath="messages:refuse", args=[{}])
    world.settle()
    answer, transition = socket.take()
    assert answer["success"] is False
    assert answer["errorData"] == "boom"
    assert answer["ts"] is None
    assert "Uncaught ConvexError: boom" in answer["result"]
    assert transition["modifications"] == []


def test_a_mutation_that_wrote_nothing_has_the_timestamp_it_read_at(world: World) -> None:
    socket = world.connect()
    sent = decode_ts(mutate(world, socket, 0, body="x")["ts"])
    assert decode_ts(mutate(world, socket, 1, "messages:read_only")["ts"]) == sent


def test_the_same_request_twice_runs_once_also_on_another_socket(world: World) -> None:
    answers = []
    for _ in range(2):
        socket = world.connect()
        socket.send("Connect", sessionId="session", connectionCount=0)
        answers.append(mutate(world, socket, 0, body="once"))
    assert answers[0] == answers[1]
    assert follow(world).take()[0]["modifications"][0]["value"] == ["once"]


def test_a_failing_query_is_a_result_that_changes_with_what_it_read(world: World) -> None:
    first, second = follow(world, "messages:failing"), follow(world, "messages:failing")
    (failed,) = first.take()[0]["modifications"]
    assert failed["type"] == "QueryFailed"
    assert failed["errorData"] == {"count": 0}
    second.take()
    runs.clear()
    mutate(world, world.connect(), 0, body="x")
    assert runs == ["failing"], "those who are told together share the run"
    assert first.take()[0]["modifications"][0]["errorData"] == {"count": 1}
    assert second.take()[0]["modifications"][0]["errorData"] == {"count": 1}


def test_arguments_that_are_no_values_fail_the_query_alone(world: World) -> None:
    socket = world.connect()
    socket.add(0, {0: ("messages:list", {"channel": {"$integer": "x"}}), 1: ("messages:list", {})})
    world.settle()
    bad, good = socket.take()[0]["modifications"]
    assert bad["type"] == "QueryFailed"
    assert "Invalid arguments for messages.js:list" in bad["errorMessage"]
    assert good["value"] == []


def test_a_call_into_a_component_does_not_reach_the_function_of_that_name_outside(world: World) -> None:
    socket = world.connect()
    add = {"type": "Add", "queryId": 0, "udfPath": "messages:list", "args": [{}], "componentPath": "mail"}
    socket.send("ModifyQuerySet", baseVersion=0, newVersion=1, modifications=[add])
    socket.send("Mutation", requestId=0, udfPath="messages:send", args=[{"body": "x"}], componentPath="mail")
    world.settle()
    messages = socket.take()
    (failed,) = [change for message in messages for change in message.get("modifications", ())]
    (answer,) = [message for message in messages if message["type"] == "MutationResponse"]
    assert "Could not find public function for 'messages:list' in 'mail'." in failed["errorMessage"]
    assert "Could not find public function for 'messages:send' in 'mail'." in answer["result"]
    assert follow(world).take()[0]["modifications"][0]["value"] == []


def test_spellings_of_one_query_are_two_query_ids_and_one_run(world: World) -> None:
    socket = world.connect()
    socket.add(0, {0: ("messages:list", {}), 1: ("messages.js:list", {})})
    world.settle()
    assert [change["value"] for change in socket.take()[0]["modifications"]] == [[], []]
    assert runs == ["general"]


def test_no_answer_is_kept_across_a_new_deployment(world: World) -> None:
    follower = follow(world)
    follower.take()

    @query
    async def list_two(ctx: Any) -> Any:
        return "new code"

    world.runner.deployment = Deployment({"messages:list": list_two})
    world.live.invalidate_all()
    world.settle()
    assert follower.take()[0]["modifications"][0]["value"] == "new code"


def test_an_identity_that_no_query_looked_at_runs_nothing_again(world: World) -> None:
    socket = world.connect()
    socket.add(0, {0: ("messages:list", {}), 1: ("users:whoami", {})})
    world.settle()
    socket.take()
    runs.clear()
    socket.send(
        "Authenticate",
        baseVersion=0,
        tokenType="Admin",
        value=ADMIN_KEY,
        impersonating={"issuer": "https://i", "subject": "ann"},
    )
    world.settle()
    (transition,) = socket.take()
    assert [(change["queryId"], change["value"]) for change in transition["modifications"]] == [(1, "ann")]


def test_users_who_look_at_themselves_do_not_share_an_answer(world: World) -> None:
    seen = []
    for subject in ("ann", "bob", "ann"):
        socket = world.connect()
        user = {"issuer": "https://i", "subject": subject}
        socket.send("Authenticate", baseVersion=0, tokenType="Admin", value=ADMIN_KEY, impersonating=user)
        socket.add(0, {0: ("users:whoami", {})})
        world.settle()
        seen.append(socket.take()[0]["modifications"][0]["value"])
    assert seen == ["ann", "bob", "ann"]
    assert runs == ["whoami", "whoami"]


def test_a_wrong_admin_key_is_an_auth_error_and_an_empty_close(world: World) -> None:
    socket = world.connect()
    socket.send("Authenticate", baseVersion=0, tokenType="Admin", value="test|wrong")
    world.settle()
    (error,) = socket.take()
    assert (error["type"], error["baseVersion"], error["authUpdateAttempted"]) == ("AuthError", 0, True)
    assert socket.closed == (None, "")


def test_redaction_hides_details_and_log_lines_but_never_convex_data() -> None:
    world = World(FUNCTIONS, redact=True)
    socket = world.connect()
    socket.send("Connect", sessionId="abc", connectionCount=0)
    answer = mutate(world, socket, 0, "messages:refuse")
    assert answer["result"].startswith("[Request ID: ")
    assert answer["result"].endswith("] Server Error")
    assert answer["errorData"] == "boom"
    assert answer["logLines"] == []


def test_a_request_id_is_the_hash_of_session_and_request(world: World) -> None:
    socket = world.connect()
    socket.send("Connect", sessionId="abc", connectionCount=0)
    answer = mutate(world, socket, 7, "messages:refuse")
    assert answer["result"].startswith(f"[Request ID: {sha256(b'abc|7').hexdigest()[:16]}] Server Error\n")


# Trouble.


def test_a_client_ahead_of_the_server_is_kept_waiting_shortly_then_sent_away(world: World) -> None:
    ahead = encode_ts(world.live.ts + 10**18)
    socket = world.connect()
    socket.send("Connect", sessionId="s", connectionCount=1, maxObservedTimestamp=ahead)
    socket.add(0, {0: ("messages:list", {})})
    world.loop.advance(2)
    assert socket.closed is None
    assert socket.take() == []
    world.loop.advance(2)
    assert socket.closed == (1011, "InternalServerError")


def test_a_client_slightly_ahead_is_served_once_the_server_got_there(world: World) -> None:
    socket = world.connect()
    ahead = encode_ts(world.clock.now_ns() + 1_000_000_000)
    socket.send("Connect", sessionId="s", connectionCount=1, maxObservedTimestamp=ahead)
    socket.add(0, {0: ("messages:list", {})})
    world.loop.advance(1.5)
    mutate(world, world.connect(), 0, body="x")
    world.loop.advance(0.5)
    assert socket.take()[0]["modifications"][0]["value"] == ["x"]


def test_a_storage_that_fails_closes_the_socket_instead_of_failing_the_call(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    socket = world.connect()

    def broken() -> int:
        raise StorageFailure("The disk is gone.")

    monkeypatch.setattr(world.storage, "flush", broken)
    socket.send("Mutation", requestId=0, udfPath="messages:send", args=[{"body": "x"}])
    world.settle()
    assert socket.take() == []
    assert socket.closed == (1011, "InternalServerError")


def test_a_query_that_the_system_fails_is_tried_again_unseen_by_the_client(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = world.storage.scan_index
    failures = [StorageFailure("Not now."), StorageFailure("Not now.")]

    def unsteady(*args: Any, **more: Any) -> Any:
        if failures:
            raise failures.pop()
        return original(*args, **more)

    mutate(world, world.connect(), 0, body="x")
    monkeypatch.setattr(world.storage, "scan_index", unsteady)
    socket = follow(world)
    assert socket.take() == []
    world.loop.advance(1)
    (transition,) = socket.take()
    assert transition["modifications"][0]["value"] == ["x"]


def test_a_binary_message_and_broken_json_are_fatal(world: World) -> None:
    for send_bad in (lambda s: s.connection.receive_binary(), lambda s: s.connection.receive_text(b"{")):
        socket = world.connect()
        send_bad(socket)
        world.settle()
        assert socket.take()[0]["type"] == "FatalError"
        assert socket.closed == (None, "")


# Large results.


@pytest.mark.parametrize(
    ("client", "pieces"),
    [
        (ClientVersion("npm", (1, 28, 0)), 2),
        (ClientVersion("npm", (1, 27, 9)), 1),
        (ClientVersion("python", (1, 48, 0)), 1),
        (ClientVersion("unknown", None), 1),
    ],
)
def test_a_large_transition_comes_in_pieces_to_clients_that_can_join_them(client: ClientVersion, pieces: int) -> None:
    @query
    async def big(ctx: Any) -> Any:
        return ["ü" * 1000] * 3000

    world = World({"big:big": big})
    socket = world.connect(client)
    socket.add(0, {0: ("big:big", {})})
    world.settle()
    messages = socket.take()
    assert len(messages) == pieces
    if pieces > 1:
        assert [message["partNumber"] for message in messages] == [0, 1]
        assert {message["totalParts"] for message in messages} == {2}
        assert len({message["transitionId"] for message in messages}) == 1
        whole = orjson.loads("".join(message["chunk"] for message in messages))
    else:
        whole = messages[0]
    assert whole["modifications"][0]["value"] == ["ü" * 1000] * 3000


# The cache.


def test_a_second_asker_is_answered_without_a_run(world: World) -> None:
    follow(world)
    follow(world)
    assert runs == ["general"]


def test_an_answer_that_looked_at_the_time_is_given_out_for_seconds_only(world: World) -> None:
    follow(world, "clock:time_of")
    world.clock.advance(10)
    follow(world, "clock:time_of")
    assert runs == ["time"]
    world.clock.advance(8)
    follow(world, "clock:time_of")
    assert runs == ["time", "time"]


def test_the_cache_stays_within_its_bytes() -> None:
    world = World(FUNCTIONS, limits=Limits(query_cache_bytes_max=20_000))
    for number in range(100):
        socket = follow(world, "messages:list", {"channel": str(number)})
        assert world.live.statistics()["query_cache_bytes"] <= 20_000
        socket.connection.lost()
    assert world.live.statistics()["live_runs"] == world.live.statistics()["query_cache_entries"]


def test_a_followed_query_stays_live_after_it_left_the_cache() -> None:
    world = World(FUNCTIONS, limits=Limits(query_cache_bytes_max=8_000))
    first = follow(world, "messages:list", {"channel": "kept"})
    first.take()
    for number in range(50):
        follow(world, "messages:list", {"channel": str(number)})
    mutate(world, world.connect(), 0, body="x", channel="kept")
    assert first.take()[0]["modifications"][0]["value"] == ["x"]
