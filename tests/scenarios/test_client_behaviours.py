"""What a client does, written once and asked of each: the official JavaScript client, the official Python client where
it has the behaviour, and `parabola.client`.
"""

from __future__ import annotations

import itertools
import os
import signal
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.scenarios.behaviour_clients import JavaScriptClient, ParabolaClient, ParabolaFeed
from tests.scenarios.js_client import JsDriver
from tests.scenarios.oidc_issuer import OidcIssuer
from tests.scenarios.programs import ClientError, Following
from tests.scenarios.py_client import PyClient
from tests.scenarios.server_process import APP, ServerProcess
from tests.scenarios.test_react_pagination import PAGE_SIZE, Feed, entries

Connect = Callable[[str], Any]
StartServer = Callable[..., ServerProcess]


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


def connecting(kind: str, shared_js: JsDriver) -> Iterator[Connect]:
    connected: list[Any] = []

    def connect(url: str) -> Any:
        makers: dict[str, Connect] = {
            "javascript": lambda address: JavaScriptClient(shared_js, address),
            "python": PyClient,
            "parabola": ParabolaClient,
        }
        connected.append(makers[kind](url))
        return connected[-1]

    try:
        yield connect
    finally:
        for client in connected:
            client.close()


@pytest.fixture(params=["javascript", "python", "parabola"])
def connect(request: pytest.FixtureRequest, shared_js: JsDriver) -> Iterator[Connect]:
    """Connects one kind of client; each test that asks for this runs with each kind."""
    yield from connecting(request.param, shared_js)


@pytest.fixture(params=["javascript", "parabola"])
def connect_full(request: pytest.FixtureRequest, shared_js: JsDriver) -> Iterator[Connect]:
    """The same, for what the official Python client does not have."""
    yield from connecting(request.param, shared_js)


@pytest.fixture(params=["javascript", "parabola"])
def open_feed(request: pytest.FixtureRequest) -> Iterator[Callable[[str, str], Feed | ParabolaFeed]]:
    """Opens an endless list on a page, of which five entries are loaded at first."""
    opened: list[Feed | ParabolaFeed] = []

    def open_one(url: str, room: str) -> Feed | ParabolaFeed:
        opened.append(Feed(url, room) if request.param == "javascript" else ParabolaFeed(url, room, PAGE_SIZE))
        return opened[-1]

    try:
        yield open_one
    finally:
        for feed in opened:
            feed.close()


@pytest.fixture
def feed(open_feed: Callable[[str, str], Feed | ParabolaFeed], server: ServerProcess, room: str) -> Feed | ParabolaFeed:
    """One of 13 entries."""
    server.call("mutation", "entries:fill", {"room": room, "count": 13})
    return open_feed(server.url, room)


def message(room: str, body: object) -> dict[str, str]:
    return {"channel": room, "author": "me", "body": f"{body}"}


# Subscribing.


def test_a_subscriber_sees_what_a_second_client_writes(server: ServerProcess, connect: Connect, room: str) -> None:
    reader, writer = connect(server.url), connect(server.url)
    bodies = reader.subscribe("messages:bodies", {"channel": room})
    assert bodies.next() == []
    writer.mutation("messages:send", message(room, "hi"))
    assert bodies.next() == ["hi"]


def test_a_query_is_answered_once_and_for_the_newest_state(server: ServerProcess, connect: Connect, room: str) -> None:
    client = connect(server.url)
    assert client.query("messages:bodies", {"channel": room}) == []
    client.mutation("messages:send", message(room, "hi"))
    assert client.query("messages:bodies", {"channel": room}) == ["hi"]


def test_a_failed_live_query_raises_and_goes_on(server: ServerProcess, connect: Connect, room: str) -> None:
    client = connect(server.url)
    stored = client.subscribe("values:stored", {"label": room})
    assert stored.next() is None
    client.mutation("values:store", {"label": room, "value": "first"})
    assert stored.next() == "first"
    client.mutation("values:store", {"label": room, "value": "second"})
    with pytest.raises(ClientError, match="unique"):
        stored.next()


@pytest.mark.parametrize("kind", ["query", "mutation", "action"])
@pytest.mark.parametrize("data", ["sold out", {"code": "OUT", "left": {"$integer": "BwAAAAAAAAA="}}, None], ids=repr)
def test_the_data_of_a_convex_error_arrives(
    server: ServerProcess, connect_full: Connect, kind: str, data: object
) -> None:
    with pytest.raises(ClientError) as caught:
        getattr(connect_full(server.url), kind)(f"failures:refuse_{kind}", {"data": data})
    assert caught.value.is_convex_error
    assert caught.value.data == data


@pytest.mark.parametrize("kind", ["query", "mutation", "action"])
def test_any_other_failure_arrives_as_the_servers_text(
    server: ServerProcess, connect_full: Connect, room: str, kind: str
) -> None:
    with pytest.raises(ClientError, match=r"Server Error\nUncaught RuntimeError: the \w+ crashed") as caught:
        getattr(connect_full(server.url), kind)(
            f"failures:crash_{kind}", {"channel": room} if kind == "mutation" else {}
        )
    assert not caught.value.is_convex_error


def test_values_of_every_kind_go_there_and_back(server: ServerProcess, connect_full: Connect, room: str) -> None:
    client = connect_full(server.url)
    value = {
        "int64": {"$integer": "AAAAAAAAAIA="},
        "bytes": {"$bytes": "ABCD/w=="},
        "nan": {"$float": "AAAAAAAA+H8="},
        "minusZero": {"$float": "AAAAAAAAAIA="},
        "whole": 3,
        "fraction": 0.1,
        "astral": "\U0001f680",
        "nested": [[], {}, None, True],
    }
    assert client.query("values:echo", {"value": value}) == value
    assert client.action("values:echoAction", {"value": value}) == value
    assert client.mutation("values:store", {"label": room, "value": value}) == value


def test_a_result_of_several_megabytes_arrives_whole_and_stays_live(
    server: ServerProcess, connect_full: Connect, room: str
) -> None:
    client = connect_full(server.url)
    asked = {"label": room, "size": 1_000_000, "count": 6}
    large = client.subscribe("values:largeLive", asked)  # longer than one message to the official client may be
    assert [len(text) for text in large.next()] == [1_000_000] * 6
    client.mutation("values:store", {"label": room, "value": "changed"})
    assert {text[:8] for text in large.next()} == {"changedx"}


def test_the_same_query_followed_twice_shows_the_same_to_both(
    server: ServerProcess, connect_full: Connect, room: str
) -> None:
    client = connect_full(server.url)
    first = client.subscribe("messages:bodies", {"channel": room})
    assert first.next() == []
    client.mutation("messages:send", message(room, "hi"))
    second = client.subscribe("messages:bodies", {"channel": room})
    assert second.next() == ["hi"]
    assert first.next() == ["hi"]
    client.mutation("messages:send", message(room, "ho"))
    assert first.next() == second.next() == ["hi", "ho"]


# Order.


def test_a_mutation_resolves_only_when_its_own_client_sees_it(
    server: ServerProcess, connect_full: Connect, room: str
) -> None:
    client = connect_full(server.url)
    bodies = client.subscribe("messages:bodies", {"channel": room})
    assert bodies.next() == []
    for count in range(1, 11):
        client.mutation("messages:send", message(room, count))
        arrived = bodies.seen + bodies.pending()
        bodies.seen = arrived
        assert len(arrived[-1]) == count


def test_mutations_begun_in_a_row_happen_in_that_order(server: ServerProcess, connect_full: Connect, room: str) -> None:
    client = connect_full(server.url)
    sendings = [client.begin_mutation("messages:send", message(room, number)) for number in range(30)]
    for sending in sendings:
        sending()
    assert client.query("messages:bodies", {"channel": room}) == [f"{number}" for number in range(30)]


def test_a_failed_mutation_holds_up_none_of_those_after_it(
    server: ServerProcess, connect_full: Connect, room: str
) -> None:
    client = connect_full(server.url)
    sendings = [client.begin_mutation("messages:send", message(room, body)) for body in ("a", "forbidden", "b")]
    sendings[0]()
    with pytest.raises(ClientError) as caught:
        sendings[1]()
    assert caught.value.data == {"code": "FORBIDDEN", "body": "forbidden"}
    sendings[2]()
    assert client.query("messages:bodies", {"channel": room}) == ["a", "b"]


# Reconnecting.


def test_subscriptions_are_restored_when_the_server_comes_back(
    start_server: StartServer, connect: Connect, room: str
) -> None:
    server = start_server()
    reader, writer = connect(server.url), connect(server.url)
    bodies = reader.subscribe("messages:bodies", {"channel": room})
    writer.mutation("messages:send", message(room, "before"))
    bodies.until(lambda shown: shown == ["before"])
    server.restart()
    writer.mutation("messages:send", message(room, "after"))
    assert bodies.until(lambda shown: len(shown) > 1) == ["before", "after"]


def test_a_client_waits_for_a_server_that_is_not_there_yet(
    start_server: StartServer, connect_full: Connect, room: str
) -> None:
    server = start_server()
    server.kill()
    client = connect_full(server.url)
    bodies = client.subscribe("messages:bodies", {"channel": room})
    sending = client.begin_mutation("messages:send", message(room, "early"))
    server.start()
    sending()
    assert bodies.until(lambda shown: shown != []) == ["early"]


def test_what_has_not_changed_meanwhile_is_not_told_again_after_a_reconnect(
    start_server: StartServer, connect_full: Connect, room: str
) -> None:
    server = start_server()
    client = connect_full(server.url)
    bodies = client.subscribe("messages:bodies", {"channel": room})
    assert bodies.next() == []
    client.mutation("messages:send", message(room, "before"))
    assert bodies.next() == ["before"]
    server.restart()
    client.mutation("messages:send", message(room, "after"))
    assert bodies.until(lambda shown: len(shown) > 1) == ["before", "after"]
    assert [] not in bodies.seen[1:], "what is shown never falls back behind what was shown before"


def test_mutations_begun_while_the_server_is_away_are_applied_once_and_in_order(
    start_server: StartServer, connect_full: Connect, room: str
) -> None:
    server = start_server()
    client = connect_full(server.url)
    assert client.subscribe("messages:bodies", {"channel": room}).next() == []
    server.kill()
    sendings = [client.begin_mutation("messages:send", message(room, number)) for number in range(10)]
    assert client.connection_state()["hasInflightRequests"]
    server.start()
    for sending in sendings:
        sending()
    assert client.query("messages:bodies", {"channel": room}) == [f"{number}" for number in range(10)]
    state = client.connection_state()
    assert state["isWebSocketConnected"]
    assert not state["hasInflightRequests"]
    assert state["connectionCount"] == 2


def test_mutations_under_way_when_the_server_dies_happen_exactly_once(
    start_server: StartServer, connect_full: Connect, room: str
) -> None:
    server = start_server()
    client = connect_full(server.url)
    first = client.begin_mutation("messages:send", message(room, 0))
    sendings = [client.begin_mutation("messages:send", message(room, number)) for number in range(1, 200)]
    first()
    server.restart()
    for sending in sendings:
        sending()
    assert client.query("messages:bodies", {"channel": room}) == [f"{number}" for number in range(200)]


def test_an_action_under_way_fails_when_the_connection_is_lost(
    start_server: StartServer, connect_full: Connect
) -> None:
    server = start_server()
    client = connect_full(server.url)
    assert client.query("identity:subject") is None
    os.kill(server.pid, signal.SIGSTOP)  # it receives, and does not answer
    acting = client.begin_action("values:echo_action", {"value": 1})
    server.kill()
    server.start()
    with pytest.raises(ClientError, match="Connection lost while action was in flight"):
        acting()
    assert client.action("values:echo_action", {"value": 2}) == 2


# Who is asking.


def test_signing_in_and_out_changes_what_queries_mutations_and_actions_see(
    server: ServerProcess, issuer: OidcIssuer, connect_full: Connect
) -> None:
    client = connect_full(server.url)
    subject = client.subscribe("identity:subject")
    assert subject.next() is None
    client.set_auth()
    client.give_token(issuer.token("alice"), force=False)
    assert client.auth_changed() is True
    client.give_token(issuer.token("alice", name="Alice"), force=True)
    assert subject.next() == "alice"
    assert client.mutation("identity:subjectOfMutation") == "alice"
    assert client.action("identity:subjectOfAction") == "alice"
    client.clear_auth()
    assert subject.next() is None
    assert client.mutation("identity:subjectOfMutation") is None


def test_nothing_is_asked_while_the_first_token_is_being_fetched(
    server: ServerProcess, issuer: OidcIssuer, connect_full: Connect
) -> None:
    client = connect_full(server.url)
    client.set_auth()
    subject = client.subscribe("identity:subject")
    asking = client.begin_mutation("identity:subjectOfMutation")
    client.give_token(issuer.token("alice"), force=False)
    assert subject.next() == "alice"
    assert asking() == "alice"


def test_another_user_takes_the_place_of_the_first(
    server: ServerProcess, issuer: OidcIssuer, connect_full: Connect
) -> None:
    client = connect_full(server.url)
    subject = client.subscribe("identity:subject")
    for name in ("alice", "bob"):
        client.set_auth()
        client.give_token(issuer.token(name), force=False)
        client.give_token(issuer.token(name, fresh=True), force=True)
        assert subject.until(lambda value: value is not None) == name


def test_a_token_is_replaced_before_it_runs_out(
    server: ServerProcess, issuer: OidcIssuer, connect_full: Connect
) -> None:
    client = connect_full(server.url)
    who = client.subscribe("identity:who")
    assert who.next() is None
    client.set_auth()
    client.give_token(issuer.token("alice", name="first"), force=False)
    client.give_token(issuer.token("alice", name="second", lifetime_s=12), force=True)
    who.until(lambda identity: identity is not None and identity["name"] == "second")
    client.give_token(issuer.token("alice", name="third"), force=True, timeout=12)  # 10 s before its end
    who.until(lambda identity: identity["name"] == "third")


def test_a_rejected_token_is_replaced_by_a_fresh_one(
    server: ServerProcess, issuer: OidcIssuer, connect_full: Connect
) -> None:
    client = connect_full(server.url)
    subject = client.subscribe("identity:subject")
    assert subject.next() is None
    client.set_auth()
    client.give_token(issuer.token("alice", aud="another application"), force=False)
    client.give_token(issuer.token("alice"), force=True)
    assert client.auth_changed() is True
    assert subject.until(lambda value: value is not None) == "alice"


def test_a_client_whose_tokens_are_always_rejected_goes_on_as_nobody_after_four(
    server: ServerProcess, issuer: OidcIssuer, connect_full: Connect
) -> None:
    client = connect_full(server.url)
    client.set_auth()
    for attempt in range(4):
        client.give_token(issuer.token("alice", aud="elsewhere", attempt=attempt), force=attempt > 0)
    assert client.auth_changed() is False
    assert client.query("identity:subject") is None


def test_a_client_without_any_token_goes_on_as_nobody(server: ServerProcess, connect_full: Connect) -> None:
    client = connect_full(server.url)
    client.set_auth()
    client.give_token(None, force=False)
    client.give_token(None, force=True)
    assert client.auth_changed() is False
    assert client.query("identity:subject") is None


def test_a_signed_in_client_stays_signed_in_over_a_reconnect(
    start_server: StartServer, issuer: OidcIssuer, connect_full: Connect
) -> None:
    server = start_server(environment={"SCENARIO_ISSUER": issuer.url})
    client = connect_full(server.url)
    client.set_auth()
    client.give_token(issuer.token("alice"), force=False)
    client.give_token(issuer.token("alice", fresh=True), force=True)
    assert client.query("identity:subject") == "alice"
    server.restart()
    assert client.mutation("identity:subjectOfMutation") == "alice"


# Optimistic updates.


def watch(client: Any, room: str) -> Following:
    messages: Following = client.subscribe("messages:list", {"channel": room})
    assert messages.next() == []
    return messages


def summary(messages: list[dict[str, str]]) -> list[tuple[str, bool]]:
    """Each body, and whether it is still only the client's own guess."""
    return [(row["body"], row["_id"] == "draft") for row in messages]


def test_an_optimistic_update_settles_into_the_servers_answer(
    server: ServerProcess, connect_full: Connect, room: str
) -> None:
    client = connect_full(server.url)
    messages = watch(client, room)
    sending = client.begin_mutation("messages:send", message(room, "hi"), optimistic="appendMessage")
    assert summary(messages.next()) == [("hi", True)]
    assert summary(messages.next()) == [("hi", False)]
    sending()
    assert messages.pending() == []


def test_an_optimistic_update_is_taken_back_when_its_mutation_fails(
    server: ServerProcess, connect_full: Connect, room: str
) -> None:
    client = connect_full(server.url)
    messages = watch(client, room)
    sending = client.begin_mutation("messages:send", message(room, "forbidden"), optimistic="appendMessage")
    assert summary(messages.next()) == [("forbidden", True)]
    assert messages.next() == []
    with pytest.raises(ClientError):
        sending()


def test_a_row_of_optimistic_updates_never_flickers(server: ServerProcess, connect_full: Connect, room: str) -> None:
    client = connect_full(server.url)
    messages = watch(client, room)
    sendings = [
        client.begin_mutation("messages:send", message(room, number), optimistic="appendMessage")
        for number in range(10)
    ]
    for sending in sendings:
        sending()
    messages.until(lambda rows: summary(rows) == [(f"{number}", False) for number in range(10)])
    lists = [[row["body"] for row in rows] for rows in messages.seen if rows]
    for before, after in itertools.pairwise(lists):
        assert after[: len(before)] == before
    settled = [sum(not is_draft for _, is_draft in summary(rows)) for rows in messages.seen]
    assert settled == sorted(settled)


def test_an_optimistic_update_that_is_taken_back_leaves_those_around_it(
    server: ServerProcess, connect_full: Connect, room: str
) -> None:
    client = connect_full(server.url)
    messages = watch(client, room)
    bodies = ("first", "forbidden", "last")
    with server.frozen():  # so that all three are guesses for a while
        sendings = [
            client.begin_mutation("messages:send", message(room, body), optimistic="appendMessage") for body in bodies
        ]
        messages.until(lambda rows: summary(rows) == [("first", True), ("forbidden", True), ("last", True)])
    sendings[0]()
    with pytest.raises(ClientError):
        sendings[1]()
    sendings[2]()
    messages.until(lambda rows: summary(rows) == [("first", False), ("last", False)])
    shown = [summary(rows) for rows in messages.seen]
    for before, after in itertools.pairwise(shown):
        for body in ("first", "last"):
            was_there = any(name == body for name, _ in before)
            assert not was_there or any(name == body for name, _ in after), f"{body} was gone for a moment"
    assert ("forbidden", False) not in itertools.chain(*shown)


def test_an_optimistic_update_survives_a_restart_of_the_server(
    start_server: StartServer, connect_full: Connect, room: str
) -> None:
    server = start_server()
    client = connect_full(server.url)
    messages = watch(client, room)
    server.kill()
    sending = client.begin_mutation("messages:send", message(room, "patient"), optimistic="appendMessage")
    assert summary(messages.next()) == [("patient", True)]
    server.start()
    assert len(messages.until(lambda rows: summary(rows) == [("patient", False)])) == 1
    sending()
    assert client.query("messages:bodies", {"channel": room}) == ["patient"]


# Pages.


def test_pages_load_one_after_the_other(feed: Feed | ParabolaFeed) -> None:
    feed.until("CanLoadMore", entries(*range(5)))
    feed.load_more(PAGE_SIZE)
    feed.until("LoadingMore", entries(*range(5)))
    feed.until("CanLoadMore", entries(*range(10)))
    feed.load_more(PAGE_SIZE)
    feed.until("Exhausted", entries(*range(13)))


def test_pages_stay_live_without_gaps_or_repeats(feed: Feed | ParabolaFeed, server: ServerProcess, room: str) -> None:
    feed.until("CanLoadMore", entries(*range(5)))
    feed.load_more(PAGE_SIZE)
    feed.until("CanLoadMore", entries(*range(10)))
    shown: list[float] = list(range(10))
    for new in (1.5, 7.5, 4.5):
        server.call("mutation", "entries:add", {"room": room, "position": new})
        shown = sorted([*shown, new])
        feed.until("CanLoadMore", entries(*shown))
    for gone in (4, 5, 2, 8):
        server.call("mutation", "entries:remove", {"room": room, "position": gone})
        shown.remove(gone)
        feed.until("CanLoadMore", entries(*shown))


def test_a_page_that_grows_too_long_is_split_unnoticed(
    feed: Feed | ParabolaFeed, server: ServerProcess, room: str
) -> None:
    feed.until("CanLoadMore", entries(*range(5)))
    shown: list[float] = list(range(5))
    for step in range(1, 13):
        new = 2 + step / 100
        server.call("mutation", "entries:add", {"room": room, "position": new})
        shown = sorted([*shown, new])
        feed.until("CanLoadMore", entries(*shown))
    feed.load_more(PAGE_SIZE)
    feed.until("CanLoadMore", entries(*shown, *range(5, 10)))


def test_pages_keep_their_borders_over_a_restart_of_the_server(
    start_server: StartServer, open_feed: Callable[[str, str], Feed | ParabolaFeed], room: str
) -> None:
    server = start_server()
    server.call("mutation", "entries:fill", {"room": room, "count": 13})
    feed = open_feed(server.url, room)
    feed.until("CanLoadMore", entries(*range(5)))
    feed.load_more(PAGE_SIZE)
    feed.until("CanLoadMore", entries(*range(10)))
    server.restart()
    for new in (2.5, 7.5):
        server.call("mutation", "entries:add", {"room": room, "position": new})
    shown = sorted([*range(10), 2.5, 7.5])
    feed.until("CanLoadMore", entries(*shown))
    feed.load_more(PAGE_SIZE)
    feed.until("Exhausted", entries(*shown, 10, 11, 12))
