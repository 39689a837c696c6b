"""`parabola identity serve`: the identity server by itself."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Annotated

import typer

from parabola.backend.project import find_project
from parabola.cli.console import print_ready
from parabola.cli.failure import CommandFailed
from parabola.cli.identity_beside import announce, reachable_origin
from parabola.cli.identity_settings import identity_settings
from parabola.cli.log_output import log_to_console
from parabola.cli.options import DEFAULT_HOST, DataOption, DirectoryArgument, HostOption, PortOption
from parabola.errors import LoadError
from parabola.identity.server import IdentityServer
from parabola.identity.settings import IdentitySettings
from parabola.server.serve import Stop, listen, run_until_stopped, serve_app

DEFAULT_PORT = 3211
GRACE_S = 1.0


def serve(
    directory: DirectoryArgument = None,
    host: HostOption = DEFAULT_HOST,
    port: PortOption = DEFAULT_PORT,
    data: DataOption = None,
    public_url: Annotated[
        str | None,
        typer.Option(
            "--public-url", help="Where browsers reach it: the issuer. \\[default: its address]", show_default=False
        ),
    ] = None,
    certificate: Annotated[
        Path | None, typer.Option("--certificate", help="A certificate (PEM): serve https.", show_default=False)
    ] = None,
    private_key: Annotated[
        Path | None, typer.Option("--private-key", help="The certificate's key (PEM).", show_default=False)
    ] = None,
) -> None:
    """Run the identity server alone, for a backend elsewhere: clerk-js signs in here, Parabola accepts its tokens.

    Settings come from \\[tool.parabola.identity] in the pyproject.toml of the project. Set CLERK_JWT_ISSUER_DOMAIN
    to the printed address where the backend runs.

    [bold]Examples[/]

      parabola identity serve
      parabola identity serve --port 3443 --certificate cert.pem --private-key key.pem
    """
    if (certificate is None) != (private_key is None):
        raise CommandFailed("A certificate and its key belong together.\nGive both --certificate and --private-key.")
    root, folder = _place(directory, data)
    bound = listen(host, port)
    log_to_console()
    origin = reachable_origin(bound)
    if certificate is not None:
        origin = origin.replace("http://", "https://", 1)
    settings = identity_settings(root, origin=origin, bind_host=host, data_dir=folder, public_url=public_url)
    run_until_stopped(lambda stop: _run(settings, bound, stop, certificate, private_key))


async def _run(
    settings: IdentitySettings, bound: socket.socket, stop: Stop, certificate: Path | None, private_key: Path | None
) -> None:
    server = IdentityServer(settings)
    try:
        await server.start()
        announce(server)
        await serve_app(
            server.app,
            bound,
            stop=stop,
            grace_s=GRACE_S,
            on_ready=print_ready,
            certificate=certificate,
            private_key=private_key,
        )
    finally:
        bound.close()
        await server.stop()


def _place(directory: Path | None, data: Path | None) -> tuple[Path, Path]:
    """Where the settings are and where the accounts. Without a project, `--data` is enough."""
    try:
        project = find_project(directory)
    except LoadError:
        if data is None or directory is not None:
            raise
        return Path(os.getcwd()), data
    return project.root, data or project.data
