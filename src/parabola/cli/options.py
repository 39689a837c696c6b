"""Options that several commands share, and what they default to."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 3210
URL_VARIABLE = "PARABOLA_URL"
ADMIN_KEY_VARIABLE = "PARABOLA_ADMIN_KEY"

DirectoryArgument = Annotated[
    Path | None,
    typer.Argument(metavar="DIR", help="The project, or its functions folder. \\[default: here]", show_default=False),
]
HostOption = Annotated[str, typer.Option("--host", help="The address to listen on; 0.0.0.0 for all.")]
PortOption = Annotated[int, typer.Option("--port", help="The port to listen on.", min=0, max=65535)]
DataOption = Annotated[
    Path | None,
    typer.Option(
        "--data",
        help="Where the data lie. \\[default: .parabola/ beside the functions]",
        show_default=False,
        metavar="DIR",
    ),
]
IdentityOption = Annotated[
    bool, typer.Option("--identity", help="Run the identity server beside it: sign-in with clerk-js, without Clerk.")
]
UrlOption = Annotated[
    str | None,
    typer.Option(
        "--url",
        help=f"The server. \\[default: {URL_VARIABLE}, else http://{DEFAULT_HOST}:{DEFAULT_PORT}]",
        show_default=False,
    ),
]
AdminKeyOption = Annotated[
    str | None,
    typer.Option(
        "--admin-key",
        help=f"Its admin key. \\[default: {ADMIN_KEY_VARIABLE}, else the key in the data folder here]",
        show_default=False,
        metavar="KEY",
    ),
]


def server_url(option: str | None) -> str:
    """The server to talk to: the option, the environment, or the default address of `parabola dev`.

    Anything but an http address is a usage error.
    """
    url = option or os.environ.get(URL_VARIABLE) or f"http://{DEFAULT_HOST}:{DEFAULT_PORT}"
    if not url.startswith(("http://", "https://")):
        raise typer.BadParameter(f"The server's address must start with http:// or https://, unlike {url!r}.")
    try:
        parts = urlsplit(url)
        is_address = bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is none, or brackets that do not close
        is_address = False
    if not is_address:
        raise typer.BadParameter(
            f"{url!r} is not the address of a server. Write it like http://{DEFAULT_HOST}:{DEFAULT_PORT}."
        )
    return url
