"""The sync socket's protocol class: over a transport in memory, and under a real uvicorn."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import orjson
import pytest
import uvicorn
from uvicorn.server import ServerState
from websockets.asyncio.client import connect as connect_websocket
from websockets.exceptions import ConnectionClosed, InvalidStatus

from parabola import mutation, query
from parabola.backend.sync_connection import DROP_AFTER_S
from parabola.server.websocket import SyncWebSocketProtocol, sync_protocol
from parabola.server.websocket_frames import Opcode
from tests.sync_world import ManualLoop, World
from tests.unit.server.test_websocket_frames import frame

KEY = "dGhlIHNhbXBsZSBub25jZQ=="


@query
async def list_messages(ctx: Any) -> Any:
    return [row["body"] for row in await ctx.db.query("messages").collect()]


@query
async def big(ctx: Any) -> Any:
    return ["x" * 100_000] * 100


@mutation
async def send(ctx: Any, body: str) -> Any:
    await ctx.db.insert("messages", {"body": body})


FUNCTIONS = {"messages:list": list_messages, "messages:big": big, "messages:send": send}


class MemoryTransport(asyncio.Transport):
    """What asyncio would have written to the network."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.writes = 0
        self.closing = False
        self.aborted = False
        self.paused = False
        self.unsent = 0

    def write(self, data: Any) -> None:
        self.written += data
        self.writes += 1

    def close(self) -> None:
        self.closing = True

    def abort(self) -> None:
        self.closing = self.aborted = True

    def is_closing(self) -> bool:
        return self.closing

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        self.high = high

    def get_write_buffer_size(self) -> int:
        return self.unsent

    def pause_reading(self) -> None:
        self.paused = True

    def resume_reading(self) -> None:
        self.paused = False

    def take(self) -> bytes:
        written, self.written = self.written, b""
        return written


class LoopOfTest(ManualLoop):
    """A `ManualLoop` that also tells the time, as the protocol class asks for it."""

    def time(self) -> float:
        return self._clock.monotonic()


class Wire:
    """One protocol object and its transport."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.state = ServerState()
        self.transport = MemoryTransport()
        world.loop = world.driver.loop = loop = LoopOfTest(world.clock)
        self.protocol = SyncWebSocketProtocol(
            uvicorn.Config(app=lambda: None),  # type: ignore[arg-type]
            self.state,
            {},
            loop,  # type: ignore[arg-type]
            get_driver=lambda: world.driver,
        )
        self.protocol.connection_made(self.transport)

    def request(self, path: str = "/api/sync", **changes: str | None) -> bytes:
        headers: dict[str, str | None] = {
            "host": "localhost",
            "upgrade": "websocket",
            "connection": "keep-alive, Upgrade",
            "sec-websocket-key": KEY,
            "sec-websocket-version": "13",
            **{name.replace("_", "-"): value for name, value in changes.items()},
        }
        lines = [f"{name}: {value}\r\n" for name, value in headers.items() if value is not None]
        self.protocol.data_received(f"GET {path} HTTP/1.1\r\n{''.join(lines)}\r\n".encode())
        return self.transport.take()

    def send(self, **message: Any) -> None:
        self.protocol.data_received(frame(1, orjson.dumps(message)))


@pytest.fixture
def wire() -> Wire:
    return Wire(World(FUNCTIONS))


# The opening handshake.


@pytest.mark.parametrize("path", ["/api/sync", "/api/1.48.0/sync", "//api/1.48.0/sync", "/api/sync?x=1"])
def test_both_forms_of_the_address_upgrade_without_a_subprotocol(wire: Wire, path: str) -> None:
    answer = wire.request(path)
    head, _, rest = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 101 ")
    assert b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in head
    assert b"protocol" not in head.lower().replace(b"switching protocols", b"")
    assert rest == b"\x89\x00", "the first control ping follows at once"


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"sec_websocket_key": None}, b"400"),
        ({"sec_websocket_key": "short"}, b"400"),
        ({"sec_websocket_version": "8"}, b"426"),
        ({"connection": "close"}, b"400"),
        ({"upgrade": "h2c"}, b"400"),
        ({"convex_client": "npm-0.19.1"}, b"400"),
    ],
)
def test_a_bad_handshake_gets_an_http_error(wire: Wire, changes: dict[str, str | None], status: bytes) -> None:
    answer = wire.request(**changes)
    assert answer.startswith(b"HTTP/1.1 " + status)
    assert wire.transport.closing
    body = json.loads(answer.partition(b"\r\n\r\n")[2])
    assert set(body) == {"code", "message"}
    if status == b"426":
        assert b"Sec-WebSocket-Version: 13" in answer


def test_a_client_that_is_too_old_is_told_so_in_the_headers_it_reads(wire: Wire) -> None:
    answer = wire.request(convex_client="npm-0.19.1").lower()
    assert b"x-convex-deprecation-state:" in answer
    assert b"x-convex-deprecation-message:" in answer


def test_the_header_says_more_about_the_client_than_the_path(wire: Wire) -> None:
    wire.request("/api/1.48.0/sync", convex_client="python-0.8.1")
    (connection,) = wire.world.driver.connections
    assert connection.client.name == "python"


def test_a_version_that_cannot_be_read_is_tolerated(wire: Wire) -> None:
    assert wire.request(convex_client="???").startswith(b"HTTP/1.1 101")


# Messages.


def test_messages_reach_the_peer_and_answers_leave_in_one_write(wire: Wire) -> None:
    wire.request()
    wire.send(type="ModifyQuerySet", baseVersion=0, newVersion=1, modifications=[])
    wire.send(type="Mutation", requestId=0, udfPath="messages:send", args=[{"body": "x"}])
    before = wire.transport.writes
    wire.world.settle()
    written = wire.transport.take()
    assert wire.transport.writes == before + 1
    assert written.count(b'"type":"MutationResponse"') == 1
    assert written.count(b'"type":"Transition"') == 1


def test_a_ping_is_answered_with_its_payload(wire: Wire) -> None:
    wire.request()
    wire.protocol.data_received(frame(9, b"hello"))
    assert wire.transport.take() == b"\x8a\x05hello"


def test_a_close_is_echoed_and_ends_the_connection(wire: Wire) -> None:
    wire.request()
    wire.protocol.data_received(frame(8, b"\x03\xe8"))
    assert wire.transport.take() == b"\x88\x02\x03\xe8"
    assert wire.transport.closing
    assert not wire.world.driver.connections


def test_an_empty_close_is_echoed_empty(wire: Wire) -> None:
    wire.request()
    wire.protocol.data_received(frame(8, b""))
    assert wire.transport.take() == b"\x88\x00"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (frame(1, b"{}", mask=None), 1002),
        (frame(1, b"\xff"), 1007),
        (b"\x81\xff" + (2**35).to_bytes(8, "big"), 1009),
        (frame(8, b"\x03"), 1002),
    ],
)
def test_a_breach_of_the_websocket_protocol_closes_with_its_code(wire: Wire, data: bytes, code: int) -> None:
    wire.request()
    wire.protocol.data_received(data + b"\x00" * 8)
    written = wire.transport.take()
    assert written[0] == 0x88
    assert int.from_bytes(written[2:4], "big") == code
    assert not wire.world.driver.connections


def test_a_binary_message_is_fatal(wire: Wire) -> None:
    wire.request()
    wire.protocol.data_received(frame(2, b"{}"))
    wire.world.settle()
    written = wire.transport.take()
    assert b'"type":"FatalError"' in written
    assert written.endswith(b"\x88\x00")


def test_a_client_that_does_not_answer_a_close_is_cut_off(wire: Wire) -> None:
    wire.request()
    wire.protocol.shutdown()
    assert wire.transport.take() == b"\x88\x15\x03\xf3InternalServerError"
    assert not wire.transport.closing
    wire.world.loop.advance(3)
    assert wire.transport.aborted


def test_nothing_is_sent_after_a_close(wire: Wire) -> None:
    wire.request()
    wire.protocol.shutdown()
    wire.transport.take()
    wire.send(type="Mutation", requestId=0, udfPath="messages:send", args=[{"body": "x"}])
    wire.protocol.data_received(frame(9, b""))
    wire.world.settle()
    assert wire.transport.take() == b""


def test_a_full_buffer_stops_transitions_and_reading_until_it_drains(wire: Wire) -> None:
    wire.request()
    wire.send(type="ModifyQuerySet", baseVersion=0, newVersion=1, modifications=[])
    wire.world.settle()
    wire.transport.take()
    wire.protocol.pause_writing()
    assert wire.transport.paused
    wire.send(type="ModifyQuerySet", baseVersion=1, newVersion=2, modifications=[])
    wire.world.settle()
    assert wire.transport.take() == b""
    wire.protocol.resume_writing()
    wire.world.settle()
    assert b'"querySet":2' in wire.transport.take()
    assert not wire.transport.paused


def test_the_time_in_which_nothing_was_read_is_no_silence_of_the_client(wire: Wire) -> None:
    wire.request()
    (connection,) = wire.world.driver.connections
    wire.protocol.pause_writing()
    wire.world.clock.advance(DROP_AFTER_S + 1)
    wire.protocol.resume_writing()
    connection.heartbeat()
    assert not wire.transport.aborted
    wire.world.clock.advance(DROP_AFTER_S + 1)
    connection.heartbeat()
    assert wire.transport.aborted


def test_a_lost_connection_is_forgotten_by_driver_and_server(wire: Wire) -> None:
    wire.request()
    assert len(wire.state.connections) == 1
    wire.protocol.connection_lost(None)
    assert not wire.state.connections
    assert not wire.world.driver.connections


def test_a_request_without_end_is_refused(wire: Wire) -> None:
    wire.protocol.data_received(b"GET /" + b"x" * 70_000)
    assert wire.transport.take().startswith(b"HTTP/1.1 400")


# Under uvicorn.

Asgi = Callable[[Any, Any, Any], Awaitable[None]]


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """An application with a WebSocket of its own, which is none of ours."""
    if scope["type"] != "websocket":
        return
    await receive()
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "text": message["text"] + "!"})


class LiveWorld(World):
    """A world on a real event loop."""

    def __init__(self) -> None:
        super().__init__(FUNCTIONS)
        loop = asyncio.get_running_loop()
        self.driver.loop = loop
        self.driver.heartbeats._call_later = loop.call_later  # pyright: ignore[reportPrivateUsage]


@asynccontextmanager
async def serving(world: World, app: Asgi = echo) -> Any:
    config = uvicorn.Config(
        app, host="127.0.0.1", port=0, ws=sync_protocol(lambda: world.driver), log_level="error", lifespan="off"
    )
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.005)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"ws://127.0.0.1:{port}", server
    finally:
        server.should_exit = True
        await task


async def test_a_session_over_a_real_socket() -> None:
    world = LiveWorld()
    async with serving(world) as (url, _), connect_websocket(f"{url}/api/1.48.0/sync") as socket:
        add = {"type": "Add", "queryId": 0, "udfPath": "messages:list", "args": [{}]}
        await socket.send(
            json.dumps({"type": "ModifyQuerySet", "baseVersion": 0, "newVersion": 1, "modifications": [add]})
        )
        assert json.loads(await socket.recv())["modifications"][0]["value"] == []
        await socket.send(
            json.dumps({"type": "Mutation", "requestId": 0, "udfPath": "messages:send", "args": [{"body": "é"}]})
        )
        assert json.loads(await socket.recv())["success"] is True
        assert json.loads(await socket.recv())["modifications"][0]["value"] == ["é"]


async def test_a_large_result_arrives_whole_though_in_fragments() -> None:
    world = LiveWorld()
    async with serving(world) as (url, _), connect_websocket(f"{url}/api/sync", max_size=None) as socket:
        add = {"type": "Add", "queryId": 0, "udfPath": "messages:big", "args": [{}]}
        await socket.send(
            json.dumps({"type": "ModifyQuerySet", "baseVersion": 0, "newVersion": 1, "modifications": [add]})
        )
        transition = json.loads(await socket.recv())
        assert transition["modifications"][0]["value"] == ["x" * 100_000] * 100


async def test_sockets_of_other_paths_go_to_the_application() -> None:
    async with serving(LiveWorld()) as (url, server):
        async with connect_websocket(f"{url}/chat") as socket:
            await socket.send("hi")
            assert await socket.recv() == "hi!"
        with pytest.raises(InvalidStatus):
            await connect_websocket(f"{url}/api/sync", additional_headers={"Convex-Client": "npm-0.1.0"})
        async with asyncio.timeout(60):
            while server.server_state.connections:
                await asyncio.sleep(0.01)


async def test_a_stopping_server_says_goodbye_in_bounded_time() -> None:
    async with serving(LiveWorld()) as (url, server):
        socket = await connect_websocket(f"{url}/api/sync")
        server.should_exit = True
        with pytest.raises(ConnectionClosed) as closed:
            await asyncio.wait_for(socket.recv(), 60)
        assert closed.value.rcvd is not None
        assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (1011, "InternalServerError")


def test_opcodes_are_those_of_the_rfc() -> None:
    assert [int(code) for code in Opcode] == [0, 1, 2, 8, 9, 10]
