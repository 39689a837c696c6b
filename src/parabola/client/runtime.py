"""A session's outside world on asyncio: sockets by `websockets`, timers and tokens. It decides nothing."""

from __future__ import annotations

import asyncio
import inspect
import logging
import threading
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException

from parabola.client.address import CLIENT_HEADER, Address
from parabola.client.session import Session
from parabola.errors import InvalidArgument
from parabola.seams import Clock

log = logging.getLogger("parabola.client")

TokenFetcher: TypeAlias = Callable[..., str | Awaitable[str | None] | None]
"""Gives a token, or None when nobody is signed in. It may be a coroutine function, and may take the keyword
`force_refresh`, which is true when a token that was used before will not do."""

# Servers take longer messages than frames (wire 1.11): what is longer is sent in several.
_FRAME_BYTES_MAX = 8 * 1024 * 1024

# How long a closing handshake may take; nobody waits for it but the end of the program.
_CLOSE_S = 1.0


class AsyncioRuntime:
    """The `SessionIO` of one client, in one event loop. `session` is set once, before anything happens."""

    session: Session

    def __init__(self, address: Address, clock: Clock, *, proxy: str | None, fetch_in_threads: bool) -> None:
        self._address = address
        self._clock = clock
        self._proxy = proxy
        self._fetch_in_threads = fetch_in_threads
        self.loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0
        self._sockets: dict[int, asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        # Of these, those that only say goodbye to their server.
        self._leaving: set[asyncio.Task[None]] = set()
        self._last_task: asyncio.Task[None] | None = None
        self._outbox: asyncio.Queue[bytes] = asyncio.Queue()
        self.fetcher: TokenFetcher | None = None

    # SessionIO.

    def open_socket(self, number: int) -> None:
        self._outbox = asyncio.Queue()
        self._sockets[number] = self._spawn(self._run_socket(number, self._outbox))

    def close_socket(self, number: int) -> None:
        task = self._sockets.pop(number, None)
        if task is not None:
            self._leaving.add(task)
            task.add_done_callback(self._leaving.discard)
            task.cancel()

    def send(self, text: bytes) -> None:
        self._outbox.put_nowait(text)

    def fetch_token(self, number: int, force: bool) -> None:
        self._spawn(self._fetch_token(number, force))

    def wake_at(self, deadline: float | None) -> None:
        if self._timer is not None:
            # Every message moves the deadline a little further. Waking up too early costs less than a timer for each.
            if deadline is not None and self._timer_at <= deadline:
                return
            self._timer.cancel()
            self._timer = None
        if deadline is not None:
            self._timer_at = deadline
            self._timer = self.loop.call_later(max(0.0, deadline - self._clock.monotonic()), self._wake)

    # The work behind it.

    def _wake(self) -> None:
        self._timer = None
        self.session.tick()

    def _spawn(self, work: Any) -> asyncio.Task[None]:
        task: asyncio.Task[None] = self.loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _run_socket(self, number: int, outbox: asyncio.Queue[bytes]) -> None:
        code, reason = None, ""
        try:
            async with connect(
                self._address.websocket,
                additional_headers=CLIENT_HEADER,
                compression=None,
                proxy=None if self._address.is_loopback else (self._proxy or True),
                max_size=None,
                max_queue=None,
                # How long to wait, and when to give up, is the session's decision.
                open_timeout=None,
                ping_interval=None,
                close_timeout=_CLOSE_S,
            ) as socket:
                self.session.socket_opened(number)
                writer = self._spawn(_write(socket, outbox))
                try:
                    while True:
                        self.session.receive(number, await socket.recv(decode=False))
                except ConnectionClosed as closed:
                    if closed.rcvd is not None:
                        code, reason = closed.rcvd.code, closed.rcvd.reason
                except asyncio.CancelledError:
                    await socket.close()
                    raise
                finally:
                    writer.cancel()
        except (OSError, WebSocketException) as error:
            # Said once for each time that the server goes away.
            level = logging.DEBUG if self.session.connection_state.connection_retries else logging.WARNING
            log.log(level, "Could not connect to %s, trying again: %s", self._address.websocket, error)
        except Exception:
            log.exception("The connection to %s failed, trying again.", self._address.websocket)
        self._sockets.pop(number, None)
        self.session.socket_closed(number, code, reason)

    async def _fetch_token(self, number: int, force: bool) -> None:
        token: str | None = None
        try:
            if self.fetcher is not None:
                token = _checked(await self._call_fetcher(self.fetcher, force))
        except Exception:
            log.exception("The token could not be fetched; the client goes on without one.")
        self.session.token_fetched(number, token)

    async def _call_fetcher(self, fetcher: TokenFetcher, force: bool) -> str | None:
        keywords = {"force_refresh": force} if _takes_force_refresh(fetcher) else {}
        answer: str | Awaitable[str | None] | None
        if self._fetch_in_threads and not inspect.iscoroutinefunction(fetcher):
            answer = await _in_thread(fetcher, keywords)
        else:
            answer = fetcher(**keywords)
        if inspect.isawaitable(answer):
            return await answer
        return answer

    def abandon(self, then: Callable[[], object] | None = None) -> None:
        """Nobody holds the client any more: closes once it has nothing left to do. May be called from any thread, also
        where the loop is closed already. `then` is called when everything has ended.
        """

        async def end() -> None:
            await self.close()
            if then is not None:
                then()

        def close() -> None:
            self.session.close()
            self._last_task = self.loop.create_task(end())

        try:
            self.loop.call_soon_threadsafe(self.session.when_idle, close)
        except RuntimeError:
            pass  # the loop is closed, and took everything with it

    async def close(self) -> None:
        """Waits until every task has ended. The session is closed before."""
        self.wake_at(None)
        tasks = self._tasks - {asyncio.current_task()}
        for task in tasks - self._leaving:
            task.cancel()
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=2 * _CLOSE_S)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)


async def _write(socket: ClientConnection, outbox: asyncio.Queue[bytes]) -> None:
    try:
        while True:
            text = await outbox.get()
            if len(text) <= _FRAME_BYTES_MAX:
                await socket.send(text, text=True)
            else:
                pieces = [text[start : start + _FRAME_BYTES_MAX] for start in range(0, len(text), _FRAME_BYTES_MAX)]
                await socket.send(pieces, text=True)
    except ConnectionClosed:
        pass  # whoever reads will see it, and what was not sent is sent again


def _checked(token: object) -> str | None:
    """What a function for tokens gave. Raises `InvalidArgument` for what no server could read."""
    if token is None or (isinstance(token, str) and token.isascii()):
        return token
    raise InvalidArgument(
        f"The function for tokens gave {type(token).__name__} {token!r:.50}. A token is a str, or None for nobody."
    )


async def _in_thread(work: Callable[..., Any], keywords: dict[str, bool]) -> Any:
    """What `work` gives, called in a thread that keeps neither the client nor the program from ending."""
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[Any] = loop.create_future()

    def settle(result: Any, error: Exception | None) -> None:
        if answer.done():
            return
        if error is None:
            answer.set_result(result)
        else:
            answer.set_exception(error)

    def run() -> None:
        result, failure = None, None
        try:
            result = work(**keywords)
        except Exception as error:
            failure = error
        try:
            loop.call_soon_threadsafe(settle, result, failure)
        except RuntimeError:
            pass  # the client was closed, and its loop with it: nobody waits

    threading.Thread(target=run, name="parabola-client-token", daemon=True).start()
    return await answer


def _takes_force_refresh(fetcher: TokenFetcher) -> bool:
    try:
        parameters = inspect.signature(fetcher).parameters
    except (TypeError, ValueError):
        return False
    return "force_refresh" in parameters or any(
        parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in parameters.values()
    )
