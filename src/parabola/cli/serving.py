"""Serving until told to stop: the socket, the event loop, the signals, and a clean and quick end.

uvicorn would catch the signals itself and raise them again afterwards, which ends in a traceback; and it logs a
failure to listen instead of raising. So the socket is bound here, where a port in use can be explained, and the
signals are turned into one request to stop. A second signal drops what is still open.
"""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
from collections.abc import Callable, Coroutine, Generator
from contextlib import contextmanager
from typing import Any

import uvicorn

from parabola.backend.backend import Backend
from parabola.cli.failure import CommandFailed
from parabola.server.app import build_app
from parabola.server.websocket import sync_protocol

if sys.platform == "win32":
    new_event_loop = asyncio.new_event_loop
else:
    from uvloop import new_event_loop


def listen(host: str, port: int) -> socket.socket:
    """A bound socket; port 0 takes any free one. Raises CommandFailed with what to do when it cannot be had."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except OSError as error:
        raise CommandFailed(
            f'"{host}" is not an address of this machine: {error.strerror}.\nUse --host 127.0.0.1, or 0.0.0.0 for all.'
        ) from error
    bound = socket.socket(family, kind, protocol)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind(address)
    except OSError as error:
        bound.close()
        raise CommandFailed(
            f"Port {port} of {host} cannot be used: {error.strerror}.\n"
            f"Stop the program that holds it, or choose another port with --port."
        ) from error
    return bound


def address_of(bound: socket.socket) -> str:
    """The origin to show people: `http://host:port`."""
    host, port = bound.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class _Server(uvicorn.Server):
    """uvicorn's server without signal handlers of its own, which says when it can be reached."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        self._ready()

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


class Stop:
    """One request to stop, made by Ctrl-C or SIGTERM."""

    def __init__(self) -> None:
        self.requested = asyncio.Event()
        self._servers: list[_Server] = []

    def request(self) -> None:
        """Asks everything to end; asked again, drops what is still open."""
        for server in self._servers:
            server.force_exit = server.should_exit
            server.should_exit = True
        self.requested.set()

    def watch(self, server: _Server) -> None:
        """Makes the request to stop reach this server, also one that was made already."""
        self._servers.append(server)
        server.should_exit = self.requested.is_set()


async def serve_backend(
    backend: Backend, bound: socket.socket, *, stop: Stop, grace_s: float, ready: Callable[[], None]
) -> None:
    """Serves a started backend until the request to stop, then gives open requests `grace_s` seconds to end.

    `ready` is called once, when clients can connect.
    """
    config = uvicorn.Config(
        build_app(backend),
        ws=sync_protocol(lambda: backend.sync),
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        # uvicorn's annotation says whole seconds; it passes the value to asyncio.wait_for.
        timeout_graceful_shutdown=grace_s,  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    )
    server = _Server(config, ready)
    stop.watch(server)
    await server.serve(sockets=[bound])


def run_until_stopped(main: Callable[[Stop], Coroutine[Any, Any, None]]) -> None:
    """Runs `main` in an event loop, with Ctrl-C and SIGTERM turned into a request to stop."""

    async def with_signals() -> None:
        stop = Stop()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            if sys.platform == "win32":
                signal.signal(number, lambda *_: loop.call_soon_threadsafe(stop.request))
            else:
                loop.add_signal_handler(number, stop.request)
        await main(stop)

    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(with_signals())
