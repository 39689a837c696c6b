"""`parabola identity keys`: new keys for old ones."""

from __future__ import annotations

from typing import Annotated

import typer

from parabola.cli.console import notice, out
from parabola.cli.identity_settings import SECRET_KEY_VARIABLE
from parabola.cli.identity_store import with_identity
from parabola.cli.options import DataOption


def rotate(
    secret: Annotated[
        bool, typer.Option("--secret", help="Make a new secret key instead, for the Backend API.")
    ] = False,
    data: DataOption = None,
) -> None:
    """Make a new key to sign tokens with, and print its id. A running server signs with it at once.

    The old key stays published until its last token has expired, so nobody is signed out.

    [bold]Examples[/]

      parabola identity keys rotate
      CLERK_SECRET_KEY=$(parabola identity keys rotate --secret)
    """
    if secret:
        out.print(with_identity(data, lambda server: server.replace_secret_key()), markup=False)
        notice(f"The old secret key no longer works. Give the new one to your programs as {SECRET_KEY_VARIABLE}.")
    else:
        out.print(with_identity(data, lambda server: server.rotate_keys()), markup=False)
