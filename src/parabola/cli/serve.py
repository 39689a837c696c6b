"""`parabola serve`: the production server."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from parabola.backend.backend import Backend
from parabola.backend.project import find_project
from parabola.cli.beside import identity_beside
from parabola.cli.console import print_ready
from parabola.cli.log_output import log_as_json
from parabola.cli.options import (
    DEFAULT_HOST,
    DEFAULT_PORT,
    DataOption,
    DirectoryArgument,
    HostOption,
    IdentityOption,
    PortOption,
)
from parabola.server.serve import Stop, listen, run_until_stopped, serve_until_stopped

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
    identity: IdentityOption = False,
) -> None:
    """Serve a project in production: no reload, errors hidden from clients, logs as lines of JSON.

    A ConvexError reaches its client with its data all the same. The log has every error whole, under the request id
    that the client was given. --identity is for a small site that does without Clerk, and asks for https and the mode
    "self-hosted" in \\[tool.parabola.identity].

    [bold]Examples[/]

      parabola serve
      parabola serve --host 0.0.0.0 --data /var/lib/parabola
      parabola serve --no-redact
    """
    project = find_project(directory)
    bound = listen(host, port)
    log_as_json()
    folder = data or project.data
    beside = identity_beside(identity, project, bound, host, folder, production=True)

    async def run(stop: Stop) -> None:
        async with beside:
            backend = Backend(
                project.functions, data_dir=folder, redact=redact, environment=os.environ, fetch=beside.fetch
            )
            await serve_until_stopped(
                backend, bound, stop=stop, grace_s=GRACE_S, on_ready=print_ready, in_front=beside.in_front
            )

    run_until_stopped(run)
