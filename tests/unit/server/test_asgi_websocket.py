"""The sync socket over ASGI, with a server of our own making below it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import orjson
import pytest

from parabola import mutation, query
from parabola.backend.sync_connection import DROP_AFTER_S
from parabola.server.asgi_websocket import HIGH_WATER_BYTES, serve_sync_socket
from tests.sync_world import World


@query
async def list_messages(ctx: Any) -> Any:
    return [row["body"] for row in await ctx.db.query("messages").collect()]


@mutation
async def send(ctx: Any, body: str) -> Any:
    await ctx.db.insert("messages", {"body": body})


class AsgiSocket:
    """The server and the client below the application."""

    def __init__(
        self, path: str = "/api/sync", root_path: str = "", *, extensions: Sequence[str] = (), **headers: str
    ) -> None:
        self.world = World({"messages:list": list_messages, "messages:send": send})
        self.world.driver.loop = asyncio.get_running_loop()
        self.to_app: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.from_app: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.may_send = asyncio.Event()
        self.may_send.set()
        scope = {
            "type": "websocket",
            "path": path,
            "root_path": root_path,
            "extensions": {name: {} for name in extensions},
            "headers": [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()],
        }
        self.to_app.put_nowait({"type": "websocket.connect"})
        self.task = asyncio.ensure_future(serve_sync_socket(self.world.driver, scope, self.to_app.get, self._send))

    async def _send(self, message: Any) -> None:
        await self.may_send.wait()
        self.from_app.put_nowait(dict(message))

    def say(self, **message: Any) -> None:
        self.to_app.put_nowait({"type": "websocket.receive", "text": orjson.dumps(message).decode()})

    def follow(self) -> None:
        add = {"type": "Add", "queryId": 0, "udfPath": "messages:list", "args": [{}]}
        self.say(type="ModifyQuerySet", baseVersion=0, newVersion=1, modifications=[add])

    async def hear(self) -> dict[str, Any]:
        return await asyncio.wait_for(self.from_app.get(), 60)

    async def end(self) -> None:
        self.to_app.put_nowait({"type": "websocket.disconnect", "code": 1001})
        await asyncio.wait_for(self.task, 60)
        assert not self.world.driver.connections


@pytest.mark.parametrize(
    ("path", "root_path"),
    [("/api/sync", ""), ("/api/1.48.0/sync", ""), ("/mounted/api/sync", "/mounted"), ("/api/sync", "/mounted")],
)
async def test_a_session_below_any_mount_point(path: str, root_path: str) -> None:
    socket = AsgiSocket(path, root_path)
    assert (await socket.hear())["type"] == "websocket.accept"
    socket.follow()
    transition = orjson.loads((await socket.hear())["text"])
    assert transition["modifications"][0]["value"] == []
    socket.say(type="Mutation", requestId=0, udfPath="messages:send", args=[{"body": "é"}])
    assert orjson.loads((await socket.hear())["text"])["success"] is True
    assert orjson.loads((await socket.hear())["text"])["modifications"][0]["value"] == ["é"]
    await socket.end()


@pytest.mark.parametrize(("path", "headers"), [("/chat", {}), ("/api/sync", {"convex_client": "npm-0.1.0"})])
async def test_another_path_and_a_client_that_is_too_old_are_refused(path: str, headers: dict[str, str]) -> None:
    socket = AsgiSocket(path, **headers)
    assert (await socket.hear())["type"] == "websocket.close"
    await asyncio.wait_for(socket.task, 60)


@pytest.mark.parametrize(
    ("path", "headers"), [("/api/sync", {"convex_client": "npm-0.19.1"}), ("/api/0.19.1/sync", {})]
)
async def test_a_client_that_is_too_old_is_told_so_where_the_server_below_lets_it(
    path: str, headers: dict[str, str]
) -> None:
    socket = AsgiSocket(path, extensions=["websocket.http.response"], **headers)
    start, body = await socket.hear(), await socket.hear()
    assert (start["type"], start["status"]) == ("websocket.http.response.start", 400)
    assert {b"x-convex-deprecation-state", b"x-convex-deprecation-message"} <= {name for name, _ in start["headers"]}
    assert orjson.loads(body["body"])["code"] == "ClientVersionUnsupported"
    await asyncio.wait_for(socket.task, 60)


async def test_a_client_that_never_reads_is_let_go() -> None:
    socket = AsgiSocket()
    await socket.hear()
    socket.may_send.clear()
    socket.follow()
    (connection,) = socket.world.driver.connections
    async with asyncio.timeout(60):
        while not connection.peer.queries:
            await asyncio.sleep(0)
    connection.pause_writing()
    socket.world.clock.advance(DROP_AFTER_S + 1)
    connection.heartbeat()
    await asyncio.wait_for(socket.task, 60)
    assert not socket.world.driver.connections


async def test_a_binary_message_is_fatal() -> None:
    socket = AsgiSocket()
    await socket.hear()
    socket.to_app.put_nowait({"type": "websocket.receive", "bytes": b"{}"})
    assert orjson.loads((await socket.hear())["text"])["type"] == "FatalError"
    assert (await socket.hear())["type"] == "websocket.close"
    await asyncio.wait_for(socket.task, 60)


async def test_a_stopping_server_closes_the_socket() -> None:
    socket = AsgiSocket()
    await socket.hear()
    socket.world.driver.stop()
    closed = await socket.hear()
    assert (closed["code"], closed["reason"]) == (1011, "InternalServerError")
    await asyncio.wait_for(socket.task, 60)


async def test_a_client_that_reads_slowly_skips_to_the_newest_state() -> None:
    socket = AsgiSocket()
    await socket.hear()
    socket.follow()
    await socket.hear()
    socket.may_send.clear()
    other = socket.world.connect()
    body = "x" * HIGH_WATER_BYTES
    for request_id in range(5):
        other.send("Mutation", requestId=request_id, udfPath="messages:send", args=[{"body": body}])
        for _ in range(5):
            await asyncio.sleep(0)
    socket.may_send.set()
    lengths = []
    while not lengths or lengths[-1] < 5:
        transition = orjson.loads((await socket.hear())["text"])
        lengths.append(len(transition["modifications"][0]["value"]))
    assert len(lengths) < 5, "states in between were skipped"
    other.connection.lost()
    await socket.end()
