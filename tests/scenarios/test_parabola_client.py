"""`parabola.client` against a real server, beyond what all clients have in common."""

from __future__ import annotations

import asyncio
import contextlib
import io
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from parabola.client import AsyncClient, CallFailed, Client, ClientError, ConvexError, Int64
from parabola.client.http import HttpClient
from tests.docs.pages import DOCS, code_blocks
from tests.scenarios.server_process import ServerProcess

PAGE = DOCS / "how-to" / "use-the-python-client.md"
PATIENCE_S = 60.0


def message(room: str, body: object) -> dict[str, str]:
    return {"channel": room, "author": "me", "body": f"{body}"}


def test_the_code_of_the_page_about_this_client_runs(server: ServerProcess) -> None:
    server.call("mutation", "entries:fill", {"room": "lobby", "count": 25})
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        for block in code_blocks(PAGE):
            if block.language == "python":
                program = block.text.replace("http://127.0.0.1:3210", server.url)
                exec(compile(program, PAGE.name, "exec"), {"__name__": "page"})
    for expected in ("['hi']", "{'body': 'forbidden', 'code': 'FORBIDDEN'}", "'draft'", "entry 9"):
        assert expected in printed.getvalue()


def test_values_of_every_kind_keep_their_python_types(server: ServerProcess, room: str) -> None:
    value = {
        "int64": Int64(2**62 + 1),
        "bytes": bytes(range(256)),
        "infinity": float("-inf"),
        "whole": 3,
        "fraction": 0.1,
        "astral": "\U0001f680 é \u0000",
        "empty": [[], {}, "", None],
        "yes": True,
    }
    with Client(server.url) as client, HttpClient(server.url) as http:
        for caller in (client, http):
            for answer in (
                caller.query("values:echo", {"value": value}),
                caller.action("values:echo_action", {"value": value}),
                caller.mutation("values:store", {"label": f"{room}-{id(caller)}", "value": value}),
            ):
                assert answer == value
                assert type(answer["int64"]) is Int64
                assert type(answer["yes"]) is bool


def test_http_calls_read_write_and_fail_as_the_live_ones(server: ServerProcess, room: str) -> None:
    with HttpClient(server.url) as client:
        client.mutation("messages:send", message(room, "over HTTP"))
        assert client.query("messages:bodies", {"channel": room}) == ["over HTTP"]
        assert client.consistent_query("messages:bodies", {"channel": room}) == ["over HTTP"]
        with pytest.raises(ConvexError) as caught:
            client.mutation("messages:send", message(room, "forbidden"))
        assert caught.value.data == {"code": "FORBIDDEN", "body": "forbidden"}
        client.set_auth("not a token")
        with pytest.raises(ClientError):
            client.query("identity:subject")


def test_an_admin_key_acts_as_a_user_and_reaches_internal_functions(server: ServerProcess) -> None:
    key = server.parabola("admin-key").strip().splitlines()[-1]
    user = {"subject": "carol", "issuer": "https://issuer.example"}
    with Client(server.url) as client, HttpClient(server.url) as http:
        for caller in (client, http):
            caller.set_admin_auth(key, user)
            assert caller.query("identity:subject") == "carol"


def test_a_transition_of_eight_megabytes_arrives_whole(server: ServerProcess) -> None:
    with Client(server.url) as client:
        result = client.query("values:large", {"size": 1_000_000, "count": 8})
    assert [len(text) for text in result] == [1_000_000] * 8


def test_arguments_that_need_several_frames_arrive_and_those_above_the_limit_harm_nobody_else(
    server: ServerProcess, room: str
) -> None:
    with Client(server.url) as client:
        bodies = client.subscribe("messages:bodies", {"channel": room})
        assert bodies.next(PATIENCE_S) == []
        text = "\N{ROCKET}" * 2_250_000
        assert client.action("values:echo_action", {"value": text}) == text
        with pytest.raises(CallFailed, match="Arguments for values:store are too large"):
            client.mutation("values:store", {"label": room, "value": "x" * 17_000_000})
        client.mutation("messages:send", {"channel": room, "author": "me", "body": "hi"})
        assert bodies.next(PATIENCE_S) == ["hi"]
        assert client.connection_state.connection_count == 1


def test_a_connection_on_which_nothing_happens_is_kept_by_the_servers_pings(server: ServerProcess, room: str) -> None:
    with Client(server.url, inactivity_s=18) as client:
        bodies = client.subscribe("messages:bodies", {"channel": room})
        assert bodies.next(PATIENCE_S) == []
        time.sleep(20)  # a ping comes after 15 s of silence
        assert client.connection_state.connection_count == 1
        client.mutation("messages:send", message(room, "still here"))
        assert bodies.next(PATIENCE_S) == ["still here"]


def test_many_clients_of_one_loop_see_every_message(server: ServerProcess, room: str) -> None:
    async def follow(number: int, ready: asyncio.Semaphore) -> list[str]:
        async with AsyncClient(server.url) as client:
            async for bodies in client.subscribe("messages:bodies", {"channel": room}):
                if not bodies:
                    ready.release()
                if len(bodies) == 20:
                    return list(bodies)
        raise AssertionError("the subscription ended")

    async def main() -> list[list[str]]:
        ready = asyncio.Semaphore(0)
        readers = [asyncio.create_task(follow(number, ready)) for number in range(100)]
        for _ in readers:
            await ready.acquire()
        async with AsyncClient(server.url) as writer:
            await asyncio.gather(*(writer.mutation("messages:send", message(room, number)) for number in range(20)))
        async with asyncio.timeout(PATIENCE_S):
            return list(await asyncio.gather(*readers))

    assert asyncio.run(main()) == [[f"{number}" for number in range(20)]] * 100


def test_more_mutations_than_a_server_queues_are_sent_as_it_takes_them(server: ServerProcess, room: str) -> None:
    with Client(server.url) as client:
        sendings = [client.begin_mutation("messages:send", message(room, number)) for number in range(2500)]
        for sending in sendings:
            sending.result(PATIENCE_S)
        assert client.query("messages:bodies", {"channel": room}) == [f"{number}" for number in range(2500)]
        assert client.connection_state.connection_count == 1


def test_two_windows_of_one_user_move_together_within_one_transition(server: ServerProcess, room: str) -> None:
    with Client(server.url) as first, Client(server.url) as second:
        listing = second.watch("messages:list", {"channel": room})
        bodies = second.watch("messages:bodies", {"channel": room})
        second.query("messages:list", {"channel": room})
        moments: list[tuple[int, int]] = []

        def look(state: Any) -> None:
            moments.append((len(listing.current().value), len(bodies.current().value)))

        second.query("messages:bodies", {"channel": room})
        listing.on_update(look)
        bodies.on_update(look)
        for number in range(10):
            first.mutation("messages:send", message(room, number))
        with second.subscribe("messages:list", {"channel": room}) as shown:
            while len(shown.next(PATIENCE_S)) < 10:
                pass
    assert moments
    assert all(left == right for left, right in moments)


def test_queries_that_are_not_watched_any_more_do_not_run_again(server: ServerProcess, room: str) -> None:
    def runs() -> float:
        text = httpx.get(f"{server.url}/metrics", trust_env=False).text
        (line,) = [line for line in text.splitlines() if line.startswith("parabola_query_runs ")]
        return float(line.split()[-1])

    rooms = [f"{room}{number}" for number in range(10)]
    with Client(server.url) as client:
        watches = [client.watch("messages:bodies", {"channel": name}) for name in rooms]
        for name in rooms:
            client.query("messages:bodies", {"channel": name})
            client.mutation("messages:send", message(name, "seen"))
        assert [watch.current().value for watch in watches] == [["seen"]] * 10
        for watch in watches:
            watch.close()
        client.query("identity:subject")
        before = runs()
        for name in rooms:
            client.mutation("messages:send", message(name, "unseen"))
        assert runs() == before


def test_the_page_about_this_client_is_found_from_the_readme() -> None:
    assert PAGE.name in (Path(DOCS).parent / "README.md").read_text()
