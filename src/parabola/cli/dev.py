"""`parabola dev`: serves a project and reloads what is saved."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from pathlib import Path

from parabola.backend.backend import Backend
from parabola.backend.project import Project, find_project
from parabola.cli.beside import Beside, identity_beside
from parabola.cli.console import err, fail, notice, print_ready, success
from parabola.cli.log_output import log_to_console
from parabola.cli.options import (
    DEFAULT_HOST,
    DEFAULT_PORT,
    DataOption,
    DirectoryArgument,
    HostOption,
    IdentityOption,
    PortOption,
)
from parabola.cli.watching import Looks, changes, look
from parabola.errors import DeveloperError, ParabolaError, PeerError
from parabola.server.serve import Stop, listen, run_until_stopped, serve_started

# How long open requests may take to end after Ctrl-C, in seconds: a developer waits for the prompt.
GRACE_S = 0.3


def dev(
    directory: DirectoryArgument = None,
    host: HostOption = DEFAULT_HOST,
    port: PortOption = DEFAULT_PORT,
    data: DataOption = None,
    identity: IdentityOption = False,
) -> None:
    """Serve a project and reload what you save.

    A saved file is live in under a second and subscriptions re-run. A broken one leaves the last good version serving
    and prints the error. Clients see error texts and log lines. With --identity users sign up and in on this machine,
    with clerk-js and the printed publishable key.

    [bold]Examples[/]

      parabola dev
      parabola dev my-chat --port 4000
      parabola dev --identity          with accounts
      parabola dev --host 0.0.0.0      for other devices in your network
    """
    project = find_project(directory)
    bound = listen(host, port)
    log_to_console()
    folder = data or project.data
    beside = identity_beside(identity, project, bound, host, folder, production=False)
    run_until_stopped(lambda stop: _Development(project, folder, beside, stop).run(bound))


class _Development:
    """One `parabola dev`: a backend, the server in front of it, and the watch over its folder."""

    def __init__(self, project: Project, data: Path, identity: Beside, stop: Stop) -> None:
        self._project = project
        self._data = data
        self._identity = identity
        self._stop = stop

    async def run(self, bound: socket.socket) -> None:
        async with self._identity:
            await self._run(bound)

    async def _run(self, bound: socket.socket) -> None:
        started = await self._start()
        if started is None:
            return
        backend, seen = started
        try:
            watching = asyncio.ensure_future(self._reload_changes(backend, seen))
            notice(f"Functions: {self._shown(self._project.functions)} · data: {self._shown(self._data)}")
            if not backend.has_functions:
                folder = self._shown(self._project.functions)
                err.print(f"{folder} declares no functions yet: save one, and it is live.", style="yellow")
            try:
                await serve_started(
                    backend,
                    bound,
                    stop=self._stop,
                    grace_s=GRACE_S,
                    on_ready=print_ready,
                    in_front=self._identity.in_front,
                )
            finally:
                self._stop.request()
                await watching
        finally:
            await backend.stop()

    async def _start(self) -> tuple[Backend, Looks] | None:
        """Starts the backend; while its folder cannot be loaded, waits for the next save and tries again."""
        while not self._stop.requested.is_set():
            seen = look(self._project.functions)
            backend = Backend(
                self._project.functions, data_dir=self._data, environment=os.environ, fetch=self._identity.fetch
            )
            try:
                await backend.start()
            except (DeveloperError, PeerError) as error:
                # Something in the folder is wrong. Anything else (data that cannot be opened) no save will mend.
                fail(self._relative(str(error)))
                notice("Waiting for a change …")
                async for _ in changes(self._project.functions, seen, self._stop.requested):
                    break
            else:
                return backend, seen
        return None

    async def _reload_changes(self, backend: Backend, seen: Looks) -> None:
        async for names in changes(self._project.functions, seen, self._stop.requested):
            began = time.perf_counter()
            try:
                await backend.deploy(self._project.functions)
            except Exception as error:
                text = str(error) if isinstance(error, ParabolaError) else f"{type(error).__name__}: {error}"
                fail(self._relative(text))
                err.print("The last good version keeps serving.", style="yellow")
            else:
                success(f"Reloaded in {round(1000 * (time.perf_counter() - began))} ms: {', '.join(names)}")

    def _shown(self, path: Path) -> str:
        resolved, root = path.resolve(), self._project.root
        return str(resolved.relative_to(root)) if resolved.is_relative_to(root) else str(path)

    def _relative(self, text: str) -> str:
        """An error text with this project's paths made short."""
        return text.replace(f"{self._project.root}/", "")
