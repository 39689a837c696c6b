"""Serving one backend from one process until told to stop.

The socket is bound first, where a port in use can be explained; the backend is started next; only then does uvicorn
accept connections, so that "ready" means that functions can be called. SIGINT and SIGTERM ask for one orderly end: no
new connections, sockets told to come back, a short wait for running requests, data closed. A second signal does not
wait.
"""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Final

import uvicorn

from parabola.backend.backend import Backend
from parabola.errors import SystemFault
from parabola.server.app import build_app
from parabola.server.tuning import tune_process
from parabola.server.websocket import sync_protocol

if sys.platform == "win32":
    new_event_loop = asyncio.new_event_loop
else:
    from uvloop import new_event_loop

DEFAULT_HOST: Final = "127.0.0.1"
DEFAULT_PORT: Final = 3210
GRACE_S: Final = 1.0
"""How long running requests may take to end after a signal. With the rest of the end it stays below 2 s."""


class AddressInUse(SystemFault):
    """The address to listen at cannot be had."""

    default_code = "AddressInUse"


def serve(
    backend: Backend,
    host: str = DEFAULT_HOST,
    port: int = DEFAULT_PORT,
    *,
    grace_s: float = GRACE_S,
    on_ready: Callable[[str], None] | None = None,
) -> None:
    """Starts `backend` and serves it at `host` and `port` (0 takes any free one) until SIGINT or SIGTERM.

    `on_ready` gets the origin once functions can be called; by default it is printed. Raises `AddressInUse`, and what
    `Backend.start` raises. Call it in the main thread, without a running event loop.
    """
    bound = listen(host, port)
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(serve_until_stopped(backend, bound, grace_s=grace_s, on_ready=on_ready or _print_ready))


async def serve_until_stopped(
    backend: Backend,
    bound: socket.socket,
    *,
    grace_s: float = GRACE_S,
    on_ready: Callable[[str], None] = lambda origin: None,
    stop: asyncio.Event | None = None,
    handle_signals: bool = True,
) -> None:
    """The same in the running event loop, on a socket that is bound already. `stop`, when set, also ends it."""
    try:
        await backend.start()
    except BaseException:
        bound.close()
        raise
    tune_process()
    origin = origin_of(bound)
    server = _Server(_config(backend, grace_s), lambda: on_ready(origin))
    loop = asyncio.get_running_loop()
    signals = (signal.SIGINT, signal.SIGTERM) if handle_signals and sys.platform != "win32" else ()
    for number in signals:
        loop.add_signal_handler(number, server.ask_to_stop)
    waiting = None if stop is None else asyncio.ensure_future(_stop_when(stop, server))
    try:
        await server.serve(sockets=[bound])
    finally:
        for number in signals:
            loop.remove_signal_handler(number)
        if waiting is not None:
            waiting.cancel()
        await backend.stop()


def listen(host: str, port: int) -> socket.socket:
    """A socket bound to the address. Raises `AddressInUse` with what to do when it cannot be had."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except OSError as error:
        raise AddressInUse(
            f"{host!r} is not an address of this machine: {error.strerror}. Use 127.0.0.1, or 0.0.0.0 for all."
        ) from error
    bound = socket.socket(family, kind, protocol)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
    except OSError as error:
        bound.close()
        raise AddressInUse(
            f"Port {port} of {host} cannot be used: {error.strerror}. Stop the program that holds it, or choose "
            "another port."
        ) from error
    return bound


def origin_of(bound: socket.socket) -> str:
    """The address as people type it: `http://host:port`."""
    host, port = bound.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _config(backend: Backend, grace_s: float) -> uvicorn.Config:
    return uvicorn.Config(
        build_app(backend),
        http="httptools",
        ws=sync_protocol(lambda: backend.sync),
        # The backend is started and stopped here, before and after uvicorn.
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        # uvicorn's annotation says whole seconds; it passes the value to asyncio.wait_for.
        timeout_graceful_shutdown=grace_s,  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    )


class _Server(uvicorn.Server):
    """uvicorn's server, which says when it can be reached and leaves signals to us: it would raise them again
    afterwards.
    """

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        self._ready()

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        yield

    def ask_to_stop(self) -> None:
        """The first time orderly, the second time at once."""
        self.force_exit = self.should_exit
        self.should_exit = True


async def _stop_when(stop: asyncio.Event, server: _Server) -> None:
    await stop.wait()
    server.ask_to_stop()


def _print_ready(origin: str) -> None:
    print(f"Parabola is ready on {origin}", flush=True)
