"""A sync server small enough for unit tests: a real WebSocket in front of a `ServerPeer`, and a handful of functions.

It runs in a thread of its own, so that both clients can be tried against it, and can be stopped and started again on
the same port. Queries: `log:all`, `log:fail`, `log:who`, `log:page`; mutations: `log:append`, `log:refuse`; actions:
`log:echo`, `log:wait` (never answered). Tokens that begin with "good" are accepted.
"""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import orjson
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from parabola.sync import codec
from parabola.sync.codec import decode_client_message
from parabola.sync.effects import AwaitTimestamp, RunAction, RunMutation, VerifyToken
from parabola.sync.results import QueryResult
from parabola.sync.server_peer import ServerPeer

NOW_NS = 1_800_000_000_000_000_000


class SmallServer:
    """See the module's docstring. Use as a context manager."""

    def __init__(self) -> None:
        self.log: list[Any] = []
        self.ts = 10
        self.recorded: dict[tuple[str, int], int] = {}
        self.requests: list[tuple[str, str | None]] = []
        """Path and `Convex-Client` header of each connection."""
        self.tokens: list[str] = []
        self.page: dict[str, Any] = {}
        self.goodbyes: list[int | None] = []
        """With which code each connection ended."""
        self.peers: dict[ServerConnection, ServerPeer] = {}
        self.port = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._server: Server | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> SmallServer:
        self._thread.start()
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def start(self) -> None:
        async def begin() -> Server:
            return await serve(self._connection, "127.0.0.1", self.port, compression=None)

        self._server = asyncio.run_coroutine_threadsafe(begin(), self._loop).result()
        self.port = next(iter(self._server.sockets)).getsockname()[1]

    def stop(self) -> None:
        """Closes every connection, and the port."""
        server, self._server = self._server, None
        if server is not None:

            async def end() -> None:
                server.close(code=1012, reason="Restart")
                await server.wait_closed()

            asyncio.run_coroutine_threadsafe(end(), self._loop).result()

    def append(self, value: object) -> None:
        """Somebody else's write."""

        def write() -> None:
            self._commit(value)
            self._publish()

        self._loop.call_soon_threadsafe(write)

    def say(self, message: bytes) -> None:
        """Sends this to every connection."""

        async def send() -> None:
            for connection in list(self.peers):
                await connection.send(message, text=True)

        asyncio.run_coroutine_threadsafe(send(), self._loop).result()

    def followed(self) -> list[str]:
        """The paths of the queries that all connections follow."""

        async def look() -> list[str]:
            return sorted(query.path for peer in self.peers.values() for query in peer.queries.values())

        return asyncio.run_coroutine_threadsafe(look(), self._loop).result()

    async def _connection(self, connection: ServerConnection) -> None:
        assert connection.request is not None
        self.requests.append((connection.request.path, connection.request.headers.get("Convex-Client")))
        peer = self.peers[connection] = ServerPeer()
        try:
            async for message in connection:
                assert isinstance(message, str), "the protocol is text"
                peer.receive(decode_client_message(message.encode()), NOW_NS)
                self._carry_out(peer)
                await self._move(connection, peer)
                if peer.close is not None:
                    await connection.close()
                    return
        except ConnectionClosed:
            pass
        finally:
            del self.peers[connection]
            self.goodbyes.append(connection.close_code)

    def _carry_out(self, peer: ServerPeer) -> None:
        while peer.effects:
            effect = peer.effects.pop(0)
            if isinstance(effect, RunMutation):
                if effect.path == "log:refuse":
                    text = codec.text_json("Server Error")
                    answer = codec.write_mutation_failure(effect.request_id, text, effect.args[1:-1], b"[]")
                else:
                    assert effect.session_request is not None
                    if effect.session_request not in self.recorded:
                        self._commit(orjson.loads(effect.args)[0]["value"])
                        self.recorded[effect.session_request] = self.ts
                    ts = self.recorded[effect.session_request]
                    answer = codec.write_mutation_success(effect.request_id, b'"id"', ts, b"[]")
                peer.mutation_finished(answer)
                self._publish(but=peer)
            elif isinstance(effect, RunAction):
                if effect.path == "log:echo":
                    peer.action_finished(codec.write_action_success(effect.request_id, effect.args[1:-1], b"[]"))
            elif isinstance(effect, VerifyToken):
                self.tokens.append(effect.token)
                if effect.token.startswith("good"):
                    peer.token_accepted(effect.token, None, NOW_NS)
                else:
                    peer.token_refused("bad token")
            else:
                assert isinstance(effect, AwaitTimestamp)
                peer.timestamp_reached(NOW_NS)

    def _commit(self, value: object) -> None:
        self.ts += 1
        self.log.append(value)

    def _publish(self, but: ServerPeer | None = None) -> None:
        for connection, peer in list(self.peers.items()):
            for query_id in list(peer.queries):
                peer.invalidate(query_id)
            if peer is not but:
                task = self._loop.create_task(self._move(connection, peer))
                task.add_done_callback(lambda done: done.exception())

    async def _move(self, connection: ServerConnection, peer: ServerPeer) -> None:
        while peer.update_wanted and not peer.closed:
            update = peer.begin_update(NOW_NS)
            assert update is not None
            peer.finish_update(self.ts, [(query, self._run(query.path, peer)) for query in update.runs], NOW_NS)
        outgoing, peer.outgoing = peer.outgoing, []
        for text in outgoing:
            await connection.send(text, text=True)

    def _run(self, path: str, peer: ServerPeer) -> QueryResult:
        if path == "log:page":
            return QueryResult.success(orjson.dumps(self.page))
        if path == "log:who":
            return QueryResult.success(orjson.dumps(peer.identity))
        if path == "log:fail" and len(self.log) % 2 == 0:
            return QueryResult.failure("Server Error", comparable="Server Error", data=b'{"code":"EVEN"}')
        return QueryResult.success(orjson.dumps(self.log))
