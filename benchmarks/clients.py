"""What a workload does to a system, in that system's own words: transfer, watch, read."""

from __future__ import annotations

import asyncio
import itertools
import uuid
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable

from benchmarks.wire import Http, Socket, connect_http, connect_socket

Transfer = Callable[[int, int], Awaitable[None]]
Read = Callable[[int], Awaitable[None]]


class Client(ABC):
    """One system, as a load generator sees it."""

    def __init__(self, port: int) -> None:
        self.port = port

    @abstractmethod
    async def writer(self) -> Transfer:
        """A new connection; awaiting `transfer(source, target)` returns when the answer has come."""

    @abstractmethod
    async def watch(
        self, numbers: list[int], on_update: Callable[[], None], *, tag: int | None = None
    ) -> Callable[[], None]:
        """A new connection that watches accounts; returns when each has been shown once. Calling the result closes it.

        `on_update` is called for every message with news from then on. With a `tag`, the query is one that no other
        subscriber shares, where the system knows such a difference.
        """

    @abstractmethod
    async def reader(self, what: str, transport: str) -> Read:
        """A new connection that reads `what` ("get" or "hundred") over "http" or "socket"."""

    transports: tuple[str, ...]


class ParabolaClient(Client):
    """The sync protocol and the HTTP API."""

    transports = ("socket", "http")

    async def _connect(self) -> Socket:
        socket = await connect_socket(self.port, "/api/sync")
        hello = (
            b'{"type":"Connect","sessionId":"%s","connectionCount":0,"lastCloseReason":"InitialConnect","clientTs":0}'
        )
        socket.send(hello % str(uuid.uuid4()).encode())
        return socket

    async def writer(self) -> Transfer:
        socket = await self._connect()
        loop = asyncio.get_running_loop()
        requests = itertools.count()
        answer: asyncio.Future[None] | None = None

        def heard(text: bytes) -> None:
            nonlocal answer
            if answer is not None and b'"MutationResponse"' in text:
                waiting, answer = answer, None
                if b'"success":true' in text:
                    waiting.set_result(None)
                else:
                    waiting.set_exception(RuntimeError(text.decode()))

        socket.on_text = heard
        call = (
            b'{"type":"Mutation","requestId":%d,"udfPath":"accounts:transfer",'
            b'"args":[{"amount":1,"source":%d,"target":%d}]}'
        )

        def transfer(source: int, target: int) -> Awaitable[None]:
            nonlocal answer
            answer = loop.create_future()
            socket.send(call % (next(requests), source, target))
            return answer

        return transfer

    async def watch(
        self, numbers: list[int], on_update: Callable[[], None], *, tag: int | None = None
    ) -> Callable[[], None]:
        socket = await self._connect()
        shown = asyncio.get_running_loop().create_future()
        awaited = len(numbers)

        def heard(text: bytes) -> None:
            nonlocal awaited
            updates = text.count(b'"QueryUpdated"')
            if awaited > 0:
                awaited -= updates
                if awaited <= 0:
                    shown.set_result(None)
            elif updates:
                on_update()

        socket.on_text = heard
        path = "accounts:get" if tag is None else "accounts:getTagged"
        extra = "" if tag is None else f',"tag":{tag}'
        added = ",".join(
            f'{{"type":"Add","queryId":{at},"udfPath":"{path}","args":[{{"number":{number}{extra}}}]}}'
            for at, number in enumerate(numbers)
        )
        socket.send(f'{{"type":"ModifyQuerySet","baseVersion":0,"newVersion":1,"modifications":[{added}]}}'.encode())
        await shown
        return socket.close

    async def reader(self, what: str, transport: str) -> Read:
        path, name = (b"accounts:get", b"number") if what == "get" else (b"accounts:hundred", b"start")
        if transport == "http":
            http = await connect_http(self.port)
            body = b'{"path":"%s","format":"convex_encoded_json","args":{"%s":%%d}}' % (path, name)
            return lambda number: _checked(http.post(b"/api/query", body % number))
        return await self._socket_reader(path, name)

    async def _socket_reader(self, path: bytes, name: bytes) -> Read:
        """As `client.query()` of the official clients reads: subscribe, take one value, unsubscribe."""
        socket = await self._connect()
        loop = asyncio.get_running_loop()
        versions = itertools.count()
        answer: asyncio.Future[None] | None = None

        def heard(text: bytes) -> None:
            nonlocal answer
            if answer is not None and b'"QueryUpdated"' in text:
                waiting, answer = answer, None
                waiting.set_result(None)

        socket.on_text = heard
        message = (
            b'{"type":"ModifyQuerySet","baseVersion":%d,"newVersion":%d,"modifications":[%s'
            b'{"type":"Add","queryId":%d,"udfPath":"' + path + b'","args":[{"' + name + b'":%d}]}]}'
        )

        def read(number: int) -> Awaitable[None]:
            nonlocal answer
            version = next(versions)
            remove = b'{"type":"Remove","queryId":%d},' % (version - 1) if version else b""
            answer = loop.create_future()
            socket.send(message % (version, version + 1, remove, version, number))
            return answer

        return read


async def _checked(answer: Awaitable[bytes]) -> None:
    body = await answer
    assert b'"status":"success"' in body, body


class FastApiClient(Client):
    """The baseline's routes."""

    transports = ("http",)

    async def writer(self) -> Transfer:
        http = await connect_http(self.port)

        async def transfer(source: int, target: int) -> None:
            body = await http.post(b"/transfer", b'{"source":%d,"target":%d,"amount":1}' % (source, target))
            assert body == b"true", body

        return transfer

    async def watch(
        self, numbers: list[int], on_update: Callable[[], None], *, tag: int | None = None
    ) -> Callable[[], None]:
        socket = await connect_socket(self.port, "/ws")
        shown = asyncio.get_running_loop().create_future()
        awaited = len(numbers)

        def heard(_text: bytes) -> None:
            nonlocal awaited
            if awaited > 0:
                awaited -= 1
                if awaited == 0:
                    shown.set_result(None)
            else:
                on_update()

        socket.on_text = heard
        for number in numbers:
            socket.send(b'{"watch":%d}' % number)
        await shown
        return socket.close

    async def reader(self, what: str, transport: str) -> Read:
        http: Http = await connect_http(self.port)
        path = b"/accounts/%d" if what == "get" else b"/hundred/%d"

        async def read(number: int) -> None:
            await http.get(path % number)

        return read


CLIENTS: dict[str, type[Client]] = {"parabola": ParabolaClient, "fastapi": FastApiClient}
