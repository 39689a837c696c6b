"""`Client` over a real socket: what a program without an event loop sees, from one thread and from several."""

from __future__ import annotations

import gc
import queue
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from parabola.client import Client, ClientClosed, ClientError, ConvexError, LocalStore, QueryState
from tests.unit.client.small_server import SmallServer

# How long to wait for what should come soon: long enough for a machine that has other things to do.
PATIENCE_S = 60


@pytest.fixture
def client(server: SmallServer) -> Iterator[Client]:
    with Client(server.url) as connected:
        yield connected


def until(wanted: Callable[[], bool]) -> None:
    """Waits until something in another thread is so."""
    done = threading.Event()
    for _ in range(6000):
        if wanted():
            return
        done.wait(0.01)
    raise AssertionError("it never came to be")


def test_calls_and_queries_are_answered(client: Client) -> None:
    assert client.query("log:all") == []
    assert client.mutation("log:append", {"value": "hi"}) == "id"
    assert client.query("log:all") == ["hi"]
    assert client.action("log:echo", {"n": 1.5}) == {"n": 1.5}
    with pytest.raises(ConvexError) as caught:
        client.mutation("log:refuse", {"code": "NO"})
    assert caught.value.data == {"code": "NO"}


def test_a_for_loop_follows_a_query_and_leaving_it_takes_it_off_the_server(client: Client, server: SmallServer) -> None:
    seen = []
    for value in client.subscribe("log:all"):
        seen.append(value)
        if len(value) == 3:
            break
        server.append(len(value))
    assert seen == [[], [0], [0, 1], [0, 1, 2]]
    gc.collect()
    until(lambda: server.followed() == [])


def test_a_failed_query_raises_from_the_loop_which_can_go_on(client: Client, server: SmallServer) -> None:
    subscription = client.subscribe("log:fail")
    with pytest.raises(ConvexError):
        next(subscription)
    server.append("one")
    assert next(subscription) == ["one"]


def test_a_subscription_can_be_waited_for_with_a_limit(client: Client) -> None:
    with client.subscribe("log:all") as subscription:
        assert subscription.next(timeout=PATIENCE_S) == []
        with pytest.raises(TimeoutError):
            subscription.next(timeout=0.01)
        client.mutation("log:append", {"value": 1})
        assert subscription.next(timeout=PATIENCE_S) == [1]
    with pytest.raises(ClientClosed):
        subscription.next()
    assert list(subscription) == []


def test_closing_the_client_ends_loops_and_calls_in_other_threads(server: SmallServer) -> None:
    client = Client(server.url)
    ended: queue.Queue[Any] = queue.Queue()

    shown = threading.Event()

    def follow() -> None:
        values = []
        for value in client.subscribe("log:all"):
            values.append(value)
            shown.set()
        ended.put(values)

    def call() -> None:
        try:
            client.action("log:wait")
        except ClientClosed as error:
            ended.put(error)

    threads = [threading.Thread(target=work) for work in (follow, call)]
    for thread in threads:
        thread.start()
    until(lambda: server.followed() == ["log:all"] and client.connection_state.actions_in_flight == 1)
    # That the client has the result is not enough: the thread must have been given it.
    assert shown.wait(PATIENCE_S)
    client.close()
    for thread in threads:
        thread.join(PATIENCE_S)
    results = [ended.get(timeout=PATIENCE_S), ended.get(timeout=PATIENCE_S)]
    assert [[]] in results
    client.close()
    with pytest.raises(ClientClosed):
        client.query("log:all")


def test_mutations_begun_from_one_thread_happen_in_order(client: Client, server: SmallServer) -> None:
    futures = [client.begin_mutation("log:append", {"value": number}) for number in range(50)]
    assert [future.result(PATIENCE_S) for future in futures] == ["id"] * 50
    assert server.log == list(range(50))


def test_many_threads_may_use_one_client(client: Client) -> None:
    def write(number: int) -> None:
        for _ in range(10):
            client.mutation("log:append", {"value": number})

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_S)
    assert sorted(client.query("log:all")) == sorted([*range(8)] * 10)


def test_watches_tell_their_callbacks_in_the_clients_thread(client: Client, server: SmallServer) -> None:
    watch = client.watch("log:all")
    heard: queue.Queue[tuple[QueryState, str]] = queue.Queue()
    stop = watch.on_update(lambda state: heard.put((state, threading.current_thread().name)))
    client.query("log:all")
    server.append(1)
    while (news := heard.get(timeout=PATIENCE_S))[0].value != [1]:
        pass
    assert news[1] == "parabola-client"
    assert watch.current().value == [1]
    stop()
    watch.close()
    until(lambda: server.followed() == [])


def test_a_callback_that_waits_for_its_own_client_is_told_what_to_do(client: Client) -> None:
    watch = client.watch("log:all")
    heard: queue.Queue[Any] = queue.Queue()

    def react(state: QueryState) -> None:
        for call in (lambda: client.query("log:all"), lambda: client.action("log:echo", {"n": 1})):
            try:
                call()
            except ClientError as error:
                heard.put(error.message)
        heard.put(client.begin_action("log:echo", {"n": 2}))

    watch.on_update(react)
    client.mutation("log:append", {"value": 1})
    assert "would wait for ever" in heard.get(timeout=PATIENCE_S)
    assert "would wait for ever" in heard.get(timeout=PATIENCE_S)
    assert heard.get(timeout=PATIENCE_S).result(PATIENCE_S) == {"n": 2}


def test_an_optimistic_update_is_shown_when_the_call_was_begun(client: Client) -> None:
    watch = client.watch("log:all")
    assert client.query("log:all") == []

    def update(store: LocalStore, args: dict[str, Any]) -> None:
        store.set_query("log:all", {}, [*store.get_query("log:all"), args["value"]])

    future = client.begin_mutation("log:refuse", {"value": 1}, optimistic_update=update)
    with pytest.raises(ConvexError):
        future.result(PATIENCE_S)
    assert watch.current().value == []
    assert client.mutation("log:append", {"value": 2}, optimistic_update=update) == "id"
    assert watch.current().value == [2]


def test_an_optimistic_update_that_fails_at_once_is_raised(client: Client) -> None:
    def update(store: LocalStore, args: dict[str, Any]) -> None:
        raise LookupError("no")

    with pytest.raises(LookupError):
        client.mutation("log:append", {"value": 1}, optimistic_update=update)


def test_the_client_comes_back_when_its_server_does(client: Client, server: SmallServer) -> None:
    states: queue.Queue[bool] = queue.Queue()
    stop = client.on_connection_change(lambda state: states.put(state.is_connected))
    subscription = client.subscribe("log:all")
    assert next(subscription) == []
    server.stop()
    sending = client.begin_mutation("log:append", {"value": 1})
    server.start()
    assert sending.result(PATIENCE_S) == "id"
    assert next(subscription) == [1]
    stop()
    assert False in list(states.queue)


def test_a_token_is_fetched_in_a_thread_where_it_may_block(client: Client) -> None:
    names: list[str] = []
    changes: queue.Queue[bool] = queue.Queue()

    def fetch() -> str:
        names.append(threading.current_thread().name)
        threading.Event().wait(0.01)
        return "good"

    client.set_auth(fetch, changes.put)
    assert client.query("log:who") == "good"
    assert changes.get(timeout=PATIENCE_S) is True
    assert client.is_authenticated
    assert "parabola-client" not in names
    client.clear_auth()
    client.set_admin_auth("good key")
    assert client.query("log:who") == "good key"


def test_a_client_of_a_server_that_is_not_there_can_be_closed(server: SmallServer) -> None:
    server.stop()
    with Client(server.url) as client:
        future = client.begin_mutation("log:append", {"value": 1})
    with pytest.raises(ClientClosed):
        future.result(0)


def test_a_token_that_is_still_being_fetched_keeps_no_client_from_closing(server: SmallServer) -> None:
    never, asked = threading.Event(), threading.Event()

    def fetch() -> str | None:
        asked.set()
        never.wait()
        return None

    with Client(server.url) as client:
        client.set_auth(fetch)
        asked.wait(PATIENCE_S)
    never.set()


def test_pages_can_be_waited_for_and_loaded_from_any_thread(server: SmallServer) -> None:
    server.page = {"page": [1, 2], "isDone": False, "continueCursor": "after 2"}
    with Client(server.url) as client:
        pages = client.paginated("log:page", {}, initial_num_items=2)
        assert pages.wait(timeout=PATIENCE_S).results == [1, 2]
        # What is new after this call is told, and nothing before it: the first page is here already.
        states: queue.Queue[Any] = queue.Queue()
        pages.on_update(states.put)
        server.page = {"page": [3], "isDone": True, "continueCursor": "end"}
        assert pages.load_more(2)
        assert pages.wait(timeout=PATIENCE_S).results == [1, 2, 3]
        assert pages.current().status == "Exhausted"
        assert [states.get(timeout=PATIENCE_S).status for _ in range(2)] == ["LoadingMore", "Exhausted"]
        with pytest.raises(TimeoutError):
            pages.wait(lambda state: False, timeout=0.01)
        pages.reset()
        assert pages.wait(timeout=PATIENCE_S).results == [3]
        pages.close()
        until(lambda: server.followed() == [])
