"""`parabola serve`: the production server."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Annotated

import typer

from parabola.backend.backend import Backend
from parabola.backend.project import Project, find_project
from parabola.cli.console import out
from parabola.cli.log_output import log_as_json
from parabola.cli.options import DEFAULT_HOST, DEFAULT_PORT, DataOption, DirectoryArgument, HostOption, PortOption
from parabola.cli.serving import Stop, address_of, listen, run_until_stopped, serve_backend

# How long running requests may take to end after SIGTERM, in seconds.
GRACE_S = 5.0


def serve(
    directory: DirectoryArgument = None,
    host: HostOption = DEFAULT_HOST,
    port: PortOption = DEFAULT_PORT,
    data: DataOption = None,
    redact: Annotated[
        bool, typer.Option("--redact/--no-redact", help="Hide error texts and log lines from clients.")
    ] = True,
) -> None:
    """Serve a project in production: no reload, errors hidden from clients, logs as lines of JSON.

    A ConvexError reaches its client with its data all the same. The log has every error whole, under the request id
    that the client was given.

    [bold]Examples[/]

      parabola serve
      parabola serve --host 0.0.0.0 --data /var/lib/parabola
      parabola serve --no-redact
    """
    project = find_project(directory)
    bound = listen(host, port)
    log_as_json()
    run_until_stopped(lambda stop: _serve(project, data or project.data, bound, redact, stop))


async def _serve(project: Project, data: Path, bound: socket.socket, redact: bool, stop: Stop) -> None:
    address = address_of(bound)
    backend = Backend(project.functions, data_dir=data, redact=redact)
    try:
        await backend.start()
        await serve_backend(
            backend,
            bound,
            stop=stop,
            grace_s=GRACE_S,
            ready=lambda: out.print(f"Parabola is ready on {address}", markup=False),
        )
    finally:
        await backend.stop()
