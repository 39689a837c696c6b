"""Serving one backend from one process until told to stop.

The socket is bound first, where a port in use can be explained; the backend is started next; only then does uvicorn
accept connections, so that "ready" means that functions can be called. SIGINT and SIGTERM ask for one orderly end: no
new connections, sockets told to come back, a short wait for running requests, data closed. A second signal does not
wait. The event loop carries the request out; while it is held by code that does not come back (a module that waits
while it is imported, a handler that blocks), the request becomes a `KeyboardInterrupt` in that code.
"""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
import threading
from _thread import interrupt_main
from collections.abc import Callable, Coroutine, Generator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, Final

import uvicorn

from parabola.backend.backend import Backend
from parabola.errors import SystemFault
from parabola.server.app import build_app
from parabola.server.http_protocol import HttpProtocol
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

LOOP_HELD_S_MAX: Final = 2.0
"""How long a signal waits for the event loop before it interrupts what holds it. A query or mutation that computes for
as long as it may is waited for; a second signal waits for nothing."""

ASGIApplication = Callable[..., Any]
InFront = Callable[[ASGIApplication], ASGIApplication]
"""Makes an application that answers some requests itself and hands the others to the one it is given."""


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
    ready = on_ready or _print_ready
    run_until_stopped(lambda stop: serve_until_stopped(backend, bound, stop=stop, grace_s=grace_s, on_ready=ready))


async def serve_until_stopped(
    backend: Backend,
    bound: socket.socket,
    *,
    stop: Stop,
    grace_s: float = GRACE_S,
    on_ready: Callable[[str], None] = lambda origin: None,
    in_front: InFront | None = None,
) -> None:
    """The same in the running event loop, on a socket that is bound already, until `stop` is requested."""
    try:
        await backend.start()
        await serve_started(backend, bound, stop=stop, grace_s=grace_s, on_ready=on_ready, in_front=in_front)
    finally:
        bound.close()
        await backend.stop()


async def serve_started(
    backend: Backend,
    bound: socket.socket,
    *,
    stop: Stop,
    grace_s: float = GRACE_S,
    on_ready: Callable[[str], None] = lambda origin: None,
    in_front: InFront | None = None,
) -> None:
    """Serves a backend that is started already, and leaves it started.

    `in_front` may put another application before the backend's, which then gets what that one hands on. Whoever calls
    this owns the process, so the process is tuned for serving (`tuning`).
    """
    tune_process()
    origin = origin_of(bound)
    app = build_app(backend)
    config = _config(app if in_front is None else in_front(app), grace_s, sync_protocol(lambda: backend.sync))
    await _serve(config, bound, stop, lambda: on_ready(origin))


async def serve_app(
    app: ASGIApplication,
    bound: socket.socket,
    *,
    stop: Stop,
    grace_s: float = GRACE_S,
    on_ready: Callable[[str], None] = lambda origin: None,
    certificate: Path | None = None,
    private_key: Path | None = None,
) -> None:
    """Serves any HTTP application in the same way; over TLS if a certificate and its key are given (PEM files)."""
    config = _config(app, grace_s, "none")
    config.ssl_certfile, config.ssl_keyfile = certificate, private_key
    origin = origin_of(bound)
    await _serve(config, bound, stop, lambda: on_ready(origin if certificate is None else f"https{origin[4:]}"))


async def _serve(config: uvicorn.Config, bound: socket.socket, stop: Stop, ready: Callable[[], None]) -> None:
    server = _Server(config, ready)
    stop.watch(server)
    await server.serve(sockets=[bound])


class Stop:
    """One request to stop. Made once, everything ends in order; made again, what is still open is dropped."""

    def __init__(self) -> None:
        self.requested = asyncio.Event()
        self._servers: list[_Server] = []

    def request(self) -> None:
        """Asks everything to end."""
        for server in self._servers:
            server.force_exit = server.should_exit
            server.should_exit = True
        self.requested.set()

    def watch(self, server: _Server) -> None:
        """Makes the request reach this server, also one that was made already."""
        self._servers.append(server)
        server.should_exit = self.requested.is_set()


def run_until_stopped(main: Callable[[Stop], Coroutine[Any, Any, None]]) -> None:
    """Runs `main` in a new event loop, with Ctrl-C and SIGTERM turned into a request to stop."""

    async def with_signals() -> None:
        stop = Stop()
        with _Signals(stop, asyncio.get_running_loop()):
            await main(stop)

    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(with_signals())


class _Signals:
    """Hands SIGINT and SIGTERM to the event loop as requests to stop, and sees to it that they arrive."""

    def __init__(self, stop: Stop, loop: asyncio.AbstractEventLoop) -> None:
        self._stop = stop
        self._loop = loop
        self._before: dict[int, Any] = {}
        # Of the signals that came, how many the event loop has heard of.
        self._came = 0
        self._heard = 0

    def __enter__(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            self._before[number] = signal.signal(number, self._on_signal)

    def __exit__(self, *exc_info: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        """Runs on the main thread between two instructions of whatever is running there."""
        if self._heard < self._came:
            # The last signal still waits for the loop: who holds the loop is interrupted where it is.
            self._heard = self._came
            raise KeyboardInterrupt
        self._came += 1
        self._loop.call_soon_threadsafe(self._hear)
        patience = threading.Timer(LOOP_HELD_S_MAX, self._insist, [self._came, number])
        patience.daemon = True
        patience.start()

    def _hear(self) -> None:
        self._heard = self._came
        self._stop.request()

    def _insist(self, nth: int, number: int) -> None:
        if self._heard >= nth:
            return
        if sys.platform == "win32":
            interrupt_main(number)
        else:
            # As a signal it also ends a call into the system, such as a sleep.
            signal.pthread_kill(threading.main_thread().ident or 0, number)


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
            "another port (--port on the command line)."
        ) from error
    return bound


def origin_of(bound: socket.socket) -> str:
    """The address as people type it: `http://host:port`."""
    host, port = bound.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _config(app: ASGIApplication, grace_s: float, sockets: Any) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=HttpProtocol,
        ws=sockets,
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


def _print_ready(origin: str) -> None:
    print(f"Parabola is ready on {origin}", flush=True)
