"""Clients that nobody closes, that are used where they do not belong, or after their end."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
import weakref
from collections.abc import Callable
from typing import Any

import pytest

from parabola.client import AsyncClient, Client, ClientClosed, ClientError, QueryState
from tests.unit.client.small_server import SmallServer

PATIENCE_S = 60


def wait_until(wanted: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not wanted():
        assert time.monotonic() < end, "it never came to be"
        time.sleep(0.005)


async def until(wanted: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not wanted():
            await asyncio.sleep(0.005)


def own_tasks() -> set[asyncio.Task[Any]]:
    return asyncio.all_tasks() - {asyncio.current_task()}  # type: ignore[arg-type]  # there is one


# Nobody holds it any more.


def test_a_blocking_client_that_nobody_holds_ends_with_its_thread_and_says_goodbye(server: SmallServer) -> None:
    before = threading.active_count()
    client = Client(server.url)
    assert client.query("log:all") == []
    held = weakref.ref(client)
    del client
    gc.collect()
    assert held() is None
    wait_until(lambda: threading.active_count() == before)
    wait_until(lambda: server.goodbyes == [1000])


def test_what_was_begun_by_a_client_that_nobody_holds_goes_to_its_end(server: SmallServer) -> None:
    before = threading.active_count()
    futures = [Client(server.url).begin_mutation("log:append", {"value": number}) for number in range(3)]
    assert [future.result(PATIENCE_S) for future in futures] == ["id"] * 3
    for messages in Client(server.url).subscribe("log:all"):
        assert sorted(messages) == [0, 1, 2]
        break
    gc.collect()
    wait_until(lambda: threading.active_count() == before)


def test_callbacks_of_a_client_that_nobody_holds_are_called_until_the_watch_is_closed(server: SmallServer) -> None:
    heard: list[Any] = []

    def follow() -> Callable[[], None]:
        watch = Client(server.url).watch("log:all")
        watch.on_update(lambda state: heard.append(state.value))
        heard.append(watch.current().value)
        return watch.close

    close = follow()
    gc.collect()
    wait_until(lambda: heard[-1] == [])
    server.append("news")
    wait_until(lambda: heard[-1] == ["news"])
    close()
    del close
    gc.collect()
    wait_until(lambda: server.goodbyes == [1000])


async def test_an_async_client_that_nobody_holds_leaves_no_task_behind(server: SmallServer) -> None:
    async def ask() -> Any:
        return await AsyncClient(server.url).query("log:all")

    assert await ask() == []
    gc.collect()
    await until(lambda: own_tasks() == set())
    await until(lambda: server.goodbyes == [1000])


async def test_an_iteration_keeps_going_when_it_is_all_that_is_held_of_its_client(server: SmallServer) -> None:
    subscription = AsyncClient(server.url).subscribe("log:all")
    gc.collect()
    assert await anext(subscription) == []
    server.append("news")
    assert await anext(subscription) == ["news"]
    subscription.close()
    gc.collect()
    await until(lambda: own_tasks() == set())


def test_a_client_of_a_loop_that_is_closed_can_be_forgotten(server: SmallServer) -> None:
    clients: list[AsyncClient] = []

    async def leave_open() -> None:
        clients.append(AsyncClient(server.url))
        await clients[0].query("log:all")

    asyncio.run(leave_open())
    asyncio.run(clients[0].close())
    clients.clear()
    gc.collect()


# Where it does not belong.


def test_an_async_client_is_for_one_event_loop_and_says_so(server: SmallServer) -> None:
    async def main() -> None:
        async with AsyncClient(server.url) as client:
            await client.query("log:all")

            async def elsewhere() -> None:
                await client.query("log:all")

            with pytest.raises(ClientError, match="belongs to another event loop"):
                await asyncio.to_thread(asyncio.run, elsewhere())
            with pytest.raises(ClientError, match="belongs to another event loop"):
                await asyncio.to_thread(client.subscribe, "log:all")
            assert client.connection_state.is_connected

    asyncio.run(main())
    with pytest.raises(ClientError, match="no event loop runs"):
        AsyncClient(server.url).subscribe("log:all")


@pytest.mark.parametrize("how", ["mutation", "action", "next", "pages"])
def test_nothing_waits_for_a_client_in_its_own_thread(server: SmallServer, how: str) -> None:
    told: list[str] = []
    is_over = threading.Event()
    server.page = {"page": [1], "isDone": True, "continueCursor": "end"}
    with Client(server.url) as client:
        pages = client.paginated("log:page")
        ways: dict[str, Callable[[], object]] = {
            "mutation": lambda: client.mutation("log:append", {"value": 1}),
            "action": lambda: client.action("log:wait"),
            "next": lambda: next(client.subscribe("log:who")),
            "pages": lambda: pages.wait(lambda state: len(state.results) > 1),
        }

        def react(state: QueryState) -> None:
            try:
                ways[how]()
            except ClientError as error:
                told.append(error.message)
            is_over.set()

        assert client.query("log:who") is None
        client.watch("log:all").on_update(react)
        server.append("news")
        assert is_over.wait(PATIENCE_S)
        assert "would wait for ever" in told[0]
        client.mutation("log:append", {"value": "last"})
        assert client.query("log:all") == ["news", "last"]  # what could not be waited for was not begun either


# After its end.


def test_a_closed_client_still_tells_how_it_was_and_takes_nothing_new(server: SmallServer) -> None:
    client = Client(server.url)
    client.query("log:all")
    client.close()
    client.close()
    assert not client.connection_state.is_connected
    assert client.connection_state.connection_count == 1
    with pytest.raises(ClientClosed, match="Make a new client"), client:
        pass


async def test_a_closed_async_client_cannot_be_entered_again(server: SmallServer) -> None:
    client = AsyncClient(server.url)
    async with client:
        await client.query("log:all")
    with pytest.raises(ClientClosed, match="Make a new client"):
        async with client:
            pass


# Blocks.


def test_a_block_ends_what_is_followed_in_it(server: SmallServer) -> None:
    with Client(server.url) as client:
        server.page = {"page": [1], "isDone": True, "continueCursor": "end"}
        with client.watch("log:all") as watch, client.paginated("log:page") as pages:
            assert pages.wait().results == [1]
            wait_until(lambda: watch.current().value == [])
            assert len(server.followed()) == 2
        wait_until(lambda: server.followed() == [])


async def test_a_block_ends_what_is_followed_in_it_on_asyncio_too(server: SmallServer) -> None:
    async with AsyncClient(server.url) as client:
        with client.watch("log:all") as watch, client.paginated("log:page") as pages:
            await client.query("log:all")
            assert watch.current().value == []
            assert pages.current().results == []
        await until(lambda: server.followed() == [])
