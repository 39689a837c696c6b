"""Signals over a real server: what a page sees, move by move, and that nothing is left when it goes."""

from __future__ import annotations

import asyncio
import re
import threading
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from reaktiv import Computed, Effect, Signal

from parabola.client import Client, ConvexError, LocalStore
from parabola.ui import (
    Scope,
    inject_connection_state,
    inject_mutation,
    inject_paginated_query,
    inject_prewarm_query,
    inject_queries,
    inject_query,
    provide_parabola,
    skip,
    until,
)
from tests.scenarios.server_process import ServerProcess

PATIENCE_S = 60


async def soon(predicate: Callable[[], bool]) -> None:
    await asyncio.wait_for(_await(predicate), PATIENCE_S)


async def _await(predicate: Callable[[], bool]) -> None:
    await until(predicate)


def counted(server: ServerProcess) -> tuple[int, int]:
    """How many connections the server has, and how many queries they follow."""
    text = httpx.get(f"{server.url}/metrics", timeout=PATIENCE_S, trust_env=False).text
    counters = dict(re.findall(r"^(parabola_\w+) (\d+)$", text, re.MULTILINE))
    return int(counters["parabola_sync_connections"]), int(counters["parabola_sync_queries"])


async def becomes(server: ServerProcess, expected: tuple[int, int]) -> None:
    """The server's counts become these; they follow the client's messages, which take a moment."""
    end = time.monotonic() + PATIENCE_S
    while (seen := await asyncio.to_thread(counted, server)) != expected:
        assert time.monotonic() < end, f"(connections, queries) are {seen} and not {expected}"


def add_draft(store: LocalStore, args: dict[str, Any]) -> None:
    shown = store.get_query("messages:bodies", {"channel": args["channel"]})
    if shown is not None:
        store.set_query("messages:bodies", {"channel": args["channel"]}, [*shown, args["body"]])


def message(room: str, body: str) -> dict[str, str]:
    return {"channel": room, "author": "me", "body": body}


async def test_a_page_follows_a_query_and_sees_its_own_writes(server: ServerProcess, room: str) -> None:
    async with provide_parabola(server.url):
        bodies = inject_query("messages:bodies", {"channel": room})
        count = Computed(lambda: len(bodies.data() or []))
        send = inject_mutation("messages:send")
        assert bodies.is_loading()
        await soon(bodies.is_success)
        assert bodies.data() == []
        for number in range(1, 6):
            await send.mutate(message(room, f"{number}"))
            assert count() == number, "a mutation is over once its queries show it"
        assert send.is_success()


async def test_an_optimistic_update_shows_at_once_and_goes_when_the_server_refuses(
    server: ServerProcess, room: str
) -> None:
    async with provide_parabola(server.url):
        bodies = inject_query("messages:bodies", {"channel": room})
        send = inject_mutation("messages:send", optimistic_update=add_draft)
        await soon(bodies.is_success)
        seen: list[Any] = []
        effect = Effect(lambda: seen.append((bodies.data(), send.status())))
        seen.clear()

        pending = send.mutate(message(room, "hi"))
        assert bodies.data() == ["hi"], "in the same step"
        await pending
        assert bodies.data() == ["hi"]

        refused = send.mutate(message(room, "forbidden"))
        assert bodies.data() == ["hi", "forbidden"]
        with pytest.raises(ConvexError) as caught:
            await refused
        assert caught.value.data == {"code": "FORBIDDEN", "body": "forbidden"}
        assert bodies.data() == ["hi"]
        assert send.error() is caught.value
        shown = [data for data, _ in seen]
        assert [data for data in shown if data == []] == [], "it never flickers back"
        effect.dispose()


async def test_two_queries_of_one_moment_change_together(server: ServerProcess, room: str) -> None:
    async with provide_parabola(server.url):
        rows = inject_query("messages:list", {"channel": room})
        bodies = inject_query("messages:bodies", {"channel": room})
        await soon(lambda: rows.is_success() and bodies.is_success())
        seen: list[tuple[int, int]] = []
        effect = Effect(lambda: seen.append((len(rows.data()), len(bodies.data()))))
        send = inject_mutation("messages:send")
        for number in range(5):
            await send.mutate(message(room, f"{number}"))
        assert seen == [(count, count) for count in range(6)]
        effect.dispose()


async def test_changed_arguments_move_the_subscription_and_keep_the_data_meanwhile(
    server: ServerProcess, room: str
) -> None:
    async with provide_parabola(server.url):
        send = inject_mutation("messages:send")
        for channel in ("a", "b"):
            await send.mutate(message(room + channel, f"of {channel}"))
        chosen: Signal[str | None] = Signal("a")
        bodies = inject_query(
            "messages:bodies", lambda: skip if (channel := chosen()) is None else {"channel": room + channel}
        )
        await soon(bodies.is_success)
        seen: list[Any] = []
        effect = Effect(lambda: seen.append((bodies.data(), bodies.status())))
        chosen.set("b")
        await soon(bodies.is_success)
        chosen.set(None)
        chosen.set("a")
        await soon(bodies.is_success)
        assert seen == [
            (["of a"], "success"),
            (["of a"], "pending"),
            (["of b"], "success"),
            (None, "skipped"),
            (None, "pending"),
            (["of a"], "success"),
        ]
        effect.dispose()


async def test_pages_grow_and_stay_live(server: ServerProcess, room: str) -> None:
    async with provide_parabola(server.url):
        await inject_mutation("entries:fill").mutate({"room": room, "count": 25.0})
        entries = inject_paginated_query("entries:list", {"room": room}, initial_num_items=10)
        positions = Computed(lambda: [entry["position"] for entry in entries.results()])
        await soon(entries.can_load_more)
        assert positions() == list(range(10))
        assert entries.load_more(10)
        await soon(entries.can_load_more)
        assert entries.load_more(10)
        await soon(entries.is_exhausted)
        assert positions() == list(range(25))
        await inject_mutation("entries:add").mutate({"room": room, "position": 3.5})
        await inject_mutation("entries:remove").mutate({"room": room, "position": 20.0})
        assert positions() == sorted([*range(20), *range(21, 25), 3.5])
        entries.reset()
        assert entries.is_loading_first_page()
        await soon(entries.can_load_more)
        assert positions() == [0, 1, 2, 3, 3.5, 4, 5, 6, 7, 8]


async def test_nothing_is_left_on_the_server_when_its_owner_goes(start_server: Any, room: str) -> None:
    server = start_server()
    async with provide_parabola(server.url):
        name = Signal("a")
        async with Scope():
            query = inject_query("messages:bodies", lambda: {"channel": room + name()})
            same = inject_query("messages:bodies", lambda: {"channel": room + name()})
            many = inject_queries(
                lambda: {key: ("messages:list", {"channel": room + key}) for key in ("a", "b", name())}
            )
            pages = inject_paginated_query("entries:list", lambda: {"room": room + name()})
            inject_prewarm_query("messages:list").prewarm({"channel": "soon"})
            await soon(lambda: query.is_success() and same.is_success() and pages.is_success())
            await soon(lambda: not many.is_loading())
            await becomes(server, (1, 5))
            for _ in range(20):
                for chosen in ("c", "d", "a"):
                    name.set(chosen)
            name.set("c")
            await soon(lambda: query.is_success() and pages.is_success() and not many.is_loading())
            await becomes(server, (1, 6))
            same.close()
            await becomes(server, (1, 6))
            query.close()
            await becomes(server, (1, 5))
        await becomes(server, (1, 0))
        for _ in range(50):
            with Scope():
                inject_query("messages:bodies", {"channel": room})
        await becomes(server, (1, 0))
    await becomes(server, (0, 0))


async def test_the_connection_is_a_signal_and_what_is_shown_survives_its_loss(start_server: Any, room: str) -> None:
    server = start_server()
    async with provide_parabola(server.url):
        connection = inject_connection_state()
        bodies = inject_query("messages:bodies", {"channel": room})
        send = inject_mutation("messages:send")
        await send.mutate(message(room, "before"))
        await soon(bodies.is_success)
        await asyncio.to_thread(server.kill)
        await soon(lambda: not connection().is_connected)
        assert (bodies.data(), bodies.status()) == (["before"], "success")
        pending = send.mutate(message(room, "meanwhile"))
        await asyncio.to_thread(server.start)
        await asyncio.wait_for(pending, PATIENCE_S)
        assert bodies.data() == ["before", "meanwhile"]
        assert connection().is_connected


def test_a_script_without_a_loop_uses_the_same_calls(server: ServerProcess, room: str) -> None:
    with provide_parabola(server.url):
        chosen = Signal("a")
        bodies = inject_query("messages:bodies", lambda: {"channel": room + chosen()})
        send = inject_mutation("messages:send", optimistic_update=add_draft)
        until(bodies.is_success).result(PATIENCE_S)
        seen: list[Any] = []
        effect = Effect(lambda: seen.append(bodies.data()))
        send.mutate(message(room + "a", "hi")).result(PATIENCE_S)
        assert seen[0] == []
        assert seen[-1] == ["hi"]
        with pytest.raises(ConvexError):
            send.mutate(message(room + "a", "forbidden")).result(PATIENCE_S)
        refetching: list[bool] = []
        watching = Effect(lambda: refetching.append(bodies.is_refetching()))
        chosen.set("b")
        # The answer may be there before this thread looks; what was shown in between, it was shown.
        until(lambda: bodies.is_success() and not bodies.is_refetching()).result(PATIENCE_S)
        assert refetching[:2] == [False, True]
        assert bodies.data() == []
        watching.dispose()
        effect.dispose()
    assert not [thread for thread in threading.enumerate() if thread.name == "parabola-client"]


def test_many_threads_may_set_the_signals_that_arguments_are_made_of(server: ServerProcess, room: str) -> None:
    with provide_parabola(server.url):
        inject_mutation("messages:send").mutate(message(f"{room}7", "seven")).result(PATIENCE_S)
        chosen = Signal(0)
        bodies = inject_query("messages:bodies", lambda: {"channel": f"{room}{chosen()}"})
        seen: list[Any] = []
        effect = Effect(lambda: seen.append((bodies.data(), bodies.status())))

        def choose(first: int) -> None:
            for number in range(200):
                chosen.set((first + number) % 10)

        threads = [threading.Thread(target=choose, args=(first,)) for first in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE_S)
            assert not thread.is_alive(), "setting a signal never waits for the client"
        chosen.set(8)
        chosen.set(7)
        until(lambda: bodies.is_success() and bodies.data() == ["seven"]).result(PATIENCE_S)
        effect.dispose()


def test_a_client_that_was_given_is_not_closed_with_the_scope(server: ServerProcess, room: str) -> None:
    with Client(server.url) as client:
        with provide_parabola(client):
            until(inject_query("messages:bodies", {"channel": room}).is_success).result(PATIENCE_S)
        assert client.query("messages:bodies", {"channel": room}) == []
