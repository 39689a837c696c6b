"""`AsyncClient` over a real socket: what an asyncio program sees."""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from parabola.client import (
    AsyncClient,
    CallFailed,
    ClientClosed,
    ConnectionLost,
    ConnectionState,
    ConvexError,
    LocalStore,
)
from parabola.errors import InvalidArgument
from parabola.seams import SystemClock
from tests.unit.client.small_server import SmallServer


class HastyEntropy:
    """Draws the least of every range, so that a client comes back as soon as it may."""

    def bytes(self, count: int) -> bytes:
        return bytes(count)

    def seed(self) -> int:
        return 0


def run(work: Callable[[AsyncClient], Awaitable[None]], server: SmallServer, **options: Any) -> None:
    """Runs `work` with a client, and checks that nothing of it is left."""

    async def main() -> None:
        async with AsyncClient(server.url, entropy=HastyEntropy(), **options) as client:
            async with asyncio.timeout(60):
                await work(client)
        await asyncio.sleep(0)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(main())


async def until(wanted: Callable[[], bool]) -> None:
    """Waits until something in another thread is so."""
    async with asyncio.timeout(60):
        while not wanted():
            await asyncio.sleep(0.005)


def test_calls_and_queries_are_answered(server: SmallServer) -> None:
    async def work(client: AsyncClient) -> None:
        assert await client.query("log:all") == []
        assert await client.mutation("log:append", {"value": "hi"}) == "id"
        assert await client.query("log:all") == ["hi"]
        assert await client.action("log:echo", {"n": 1.5}) == {"n": 1.5}
        with pytest.raises(ConvexError) as caught:
            await client.mutation("log:refuse", {"code": "NO"})
        assert caught.value.data == {"code": "NO"}

    run(work, server)


def test_a_client_says_what_it_is_and_speaks_the_newest_protocol(server: SmallServer) -> None:
    async def work(client: AsyncClient) -> None:
        await client.query("log:all")

    run(work, server)
    assert server.requests == [("/api/1.48.0/sync", "parabola-0.1.0")]


def test_a_subscription_brings_each_change_and_leaving_it_takes_it_off_the_server(server: SmallServer) -> None:
    async def work(client: AsyncClient) -> None:
        seen = []
        async for value in client.subscribe("log:all"):
            seen.append(value)
            if len(value) == 3:
                break
            server.append(len(value))
        assert seen == [[], [0], [0, 1], [0, 1, 2]]
        gc.collect()
        await until(lambda: server.followed() == [])

    run(work, server)


def test_a_slow_reader_gets_the_newest_result_and_skips_what_was_replaced(server: SmallServer) -> None:
    async def work(client: AsyncClient) -> None:
        async with client.subscribe("log:all") as subscription:
            assert await anext(subscription) == []
            for number in range(5):
                await client.mutation("log:append", {"value": number})
            assert await anext(subscription) == [0, 1, 2, 3, 4]

    run(work, server)


def test_a_failed_query_raises_from_the_iteration_which_then_goes_on(server: SmallServer) -> None:
    async def work(client: AsyncClient) -> None:
        subscription = client.subscribe("log:fail")
        with pytest.raises(ConvexError) as caught:
            await anext(subscription)
        assert caught.value.data == {"code": "EVEN"}
        server.append("one")
        assert await anext(subscription) == ["one"]

    run(work, server)


def test_what_a_reader_is_given_is_their_own(server: SmallServer) -> None:
    async def work(client: AsyncClient) -> None:
        await client.mutation("log:append", {"value": {"n": 1}})
        first, second = client.subscribe("log:all"), client.subscribe("log:all")
        mine = await anext(first)
        mine[0]["n"] = 2
        mine.append("mine")
        assert await anext(second) == [{"n": 1}]
        assert await client.query("log:all") == [{"n": 1}]

    run(work, server)


def test_a_closed_subscription_ends_its_iteration_and_so_does_a_closed_client(server: SmallServer) -> None:
    async def work(client: AsyncClient) -> None:
        async def read(subscription: Any) -> list[Any]:
            return [value async for value in subscription]

        first, second = client.subscribe("log:all"), client.subscribe("log:all")
        readers = [asyncio.create_task(read(first)), asyncio.create_task(read(second))]
        await client.query("log:all")
        await asyncio.sleep(0)
        first.close()
        assert await readers[0] == [[]]
        await client.close()
        assert await readers[1] == [[]]
        with pytest.raises(ClientClosed):
            await client.query("log:all")

    run(work, server)


def test_the_client_comes_back_with_its_subscriptions_mutations_and_journal(server: SmallServer) -> None:
    async def work(client: AsyncClient) -> None:
        states: list[ConnectionState] = []
        client.on_connection_change(states.append)
        subscription = client.subscribe("log:all")
        assert await anext(subscription) == []
        await asyncio.to_thread(server.stop)
        sending = [asyncio.create_task(client.mutation("log:append", {"value": number})) for number in range(5)]
        await until(lambda: not client.connection_state.is_connected)
        await asyncio.to_thread(server.start)
        await asyncio.gather(*sending)
        assert await anext(subscription) == [0, 1, 2, 3, 4]
        assert client.connection_state.connection_count == 2
        assert [state.is_connected for state in states][-1]
        assert not client.connection_state.has_in_flight_requests

    run(work, server)


def test_an_action_fails_when_its_connection_is_lost(server: SmallServer) -> None:
    async def work(client: AsyncClient) -> None:
        waiting = asyncio.create_task(client.action("log:wait"))
        await client.query("log:all")
        await asyncio.to_thread(server.stop)
        with pytest.raises(ConnectionLost, match="Connection lost while action was in flight"):
            await waiting

    run(work, server)


def test_a_server_that_is_not_there_is_waited_for(server: SmallServer) -> None:
    server.stop()

    async def work(client: AsyncClient) -> None:
        asking = asyncio.create_task(client.query("log:all"))
        await until(lambda: client.connection_state.connection_retries > 0)
        await asyncio.to_thread(server.start)
        assert await asking == []

    run(work, server)


def test_a_mutation_that_is_not_waited_for_any_more_happens_all_the_same(server: SmallServer) -> None:
    async def work(client: AsyncClient) -> None:
        waiting = asyncio.create_task(client.mutation("log:append", {"value": 1}))
        await asyncio.sleep(0)
        waiting.cancel()
        await client.mutation("log:append", {"value": 2})
        assert await client.query("log:all") == [1, 2]

    run(work, server)


def test_an_optimistic_update_is_seen_before_the_mutation_is_over(server: SmallServer) -> None:
    async def work(client: AsyncClient) -> None:
        watch = client.watch("log:all")
        await client.query("log:all")

        def update(store: LocalStore, args: dict[str, Any]) -> None:
            store.set_query("log:all", {}, [*store.get_query("log:all"), args["value"]])

        sending = asyncio.create_task(client.mutation("log:append", {"value": "hi"}, optimistic_update=update))
        await asyncio.sleep(0)
        assert watch.current().value == ["hi"]
        assert server.log == []
        await sending
        assert watch.current().value == ["hi"]

    run(work, server)


def test_a_fatal_error_ends_everything_with_its_text(server: SmallServer) -> None:
    async def work(client: AsyncClient) -> None:
        subscription = client.subscribe("log:all")
        await anext(subscription)
        waiting = asyncio.create_task(client.action("log:wait"))
        await asyncio.sleep(0)
        server.say(b'{"type":"FatalError","error":"you are broken"}')
        with pytest.raises(ClientClosed, match="you are broken"):
            await anext(subscription)
        with pytest.raises(ClientClosed, match="you are broken"):
            await waiting
        with pytest.raises(ClientClosed):
            client.subscribe("log:all")

    run(work, server)


def test_a_server_that_refuses_the_connection_is_named_once(
    server: SmallServer, caplog: pytest.LogCaptureFixture
) -> None:
    server.stop()

    async def work(client: AsyncClient) -> None:
        _ = client.session
        await until(lambda: client.connection_state.connection_retries > 1)

    with caplog.at_level(logging.WARNING):
        run(work, server)
    assert [record.message.split(",")[0] for record in caplog.records] == [
        f"Could not connect to ws://127.0.0.1:{server.port}/api/1.48.0/sync"
    ]


def test_a_closed_client_says_goodbye_to_its_server(server: SmallServer) -> None:
    async def work(client: AsyncClient) -> None:
        await client.query("log:all")

    run(work, server)
    asyncio.run(until(lambda: server.goodbyes == [1000]))


@pytest.mark.parametrize("steps", range(4))
def test_a_session_that_was_closed_a_moment_before_its_client_still_says_goodbye(
    server: SmallServer, steps: int
) -> None:
    async def work(client: AsyncClient) -> None:
        await client.query("log:all")
        client.session.close()
        for _ in range(steps):
            await asyncio.sleep(0)

    # `run` closes the client next, and finds no task left. A transport left open would be a warning, which is an error.
    run(work, server)
    gc.collect()
    asyncio.run(until(lambda: server.goodbyes == [1000]))


# Signing in.


@pytest.mark.parametrize("how", ["plain", "async", "forced", "string"])
def test_tokens_come_from_functions_of_any_kind(server: SmallServer, how: str) -> None:
    calls: list[bool] = []

    async def fetch_async() -> str:
        return "good token"

    def fetch_forced(*, force_refresh: bool) -> str:
        calls.append(force_refresh)
        return "good token"

    ways: dict[str, Any] = {
        "plain": lambda: "good token",
        "async": fetch_async,
        "forced": fetch_forced,
        "string": "good token",
    }

    async def work(client: AsyncClient) -> None:
        changes: asyncio.Queue[bool] = asyncio.Queue()
        client.set_auth(ways[how], changes.put_nowait)
        assert await client.query("log:who") == "good token"
        assert await changes.get() is True
        assert client.is_authenticated
        client.clear_auth()
        assert not client.is_authenticated
        await client.mutation("log:append", {"value": 1})
        assert await client.query("log:who") is None

    run(work, server)
    assert calls in ([], [False, True])


def test_a_refused_token_is_fetched_again_by_force(server: SmallServer) -> None:
    async def work(client: AsyncClient) -> None:
        refreshing: list[bool] = []
        client.on_auth_refresh(refreshing.append)
        client.set_auth(lambda force_refresh: "good" if force_refresh else "bad")
        assert await client.query("log:who") == "good"
        assert refreshing == [True, False]

    run(work, server)
    assert server.tokens[:2] == ["bad", "good"]


def test_a_function_that_fails_to_fetch_a_token_is_logged_and_the_client_is_nobody(
    server: SmallServer, caplog: pytest.LogCaptureFixture
) -> None:
    async def work(client: AsyncClient) -> None:
        changes: list[bool] = []
        client.on_auth_change(changes.append)
        client.set_auth(lambda: [][0])
        assert await client.query("log:who") is None
        assert changes == [False]

    with caplog.at_level(logging.ERROR):
        run(work, server)
    assert "The token could not be fetched" in caplog.text


@pytest.mark.parametrize("given", [5, b"good token", "tök\u00e9n", "\ud800", {"jwt": "good token"}], ids=ascii)
def test_a_function_that_gives_something_else_than_a_token_is_told_what_one_is(
    server: SmallServer, caplog: pytest.LogCaptureFixture, given: Any
) -> None:
    async def work(client: AsyncClient) -> None:
        changes: list[bool] = []
        client.set_auth(lambda: given, changes.append)
        assert await client.query("log:who") is None
        assert changes == [False]
        assert await client.mutation("log:append", {"value": 1}) == "id"

    with caplog.at_level(logging.ERROR):
        run(work, server)
    assert "A token is a str, or None for nobody." in caplog.text
    assert server.tokens == []


@pytest.mark.parametrize("given", [None, 5, {"jwt": "good token"}], ids=repr)
def test_what_gives_no_tokens_is_refused_at_once(server: SmallServer, given: Any) -> None:
    async def work(client: AsyncClient) -> None:
        with pytest.raises(InvalidArgument, match="To sign out, call clear_auth"):
            client.set_auth(given)

    run(work, server)


def test_an_admin_key_is_taken(server: SmallServer) -> None:
    async def work(client: AsyncClient) -> None:
        client.set_admin_auth("good key")
        assert await client.query("log:who") == "good key"

    run(work, server)


def test_an_admin_key_takes_the_place_of_a_user(server: SmallServer) -> None:
    async def work(client: AsyncClient) -> None:
        changes: list[bool] = []
        client.on_auth_change(changes.append)
        client.set_auth("good token")
        await client.query("log:who")
        await until(lambda: client.is_authenticated)
        client.set_admin_auth("good key")
        assert not client.is_authenticated
        assert changes == [True, False]

    run(work, server)


# The rest.


@pytest.mark.parametrize("url", ["", "127.0.0.1:3210", "ftp://host", "http://"])
def test_what_is_no_address_is_refused_at_once(url: str) -> None:
    with pytest.raises(InvalidArgument, match="is not the address of a server"):
        AsyncClient(url)


def test_a_client_that_was_never_used_closes_without_a_loop_of_its_own() -> None:
    async def main() -> None:
        client = AsyncClient("http://127.0.0.1:1", clock=SystemClock())
        await client.close()

    asyncio.run(main())


def test_a_plain_failure_is_a_call_that_failed(server: SmallServer) -> None:
    async def work(client: AsyncClient) -> None:
        request = asyncio.create_task(client.action("log:wait"))
        await client.query("log:all")
        answer = b'{"type":"ActionResponse","requestId":0,"success":false,"result":"Server Error","logLines":[]}'
        server.say(answer)
        with pytest.raises(CallFailed, match="Server Error"):
            await request

    run(work, server)
