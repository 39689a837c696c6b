"""`parabola admin-key`: shows or renews the key that opens everything."""

from __future__ import annotations

from typing import Annotated

import typer

from parabola.auth.admin import is_deployment_name, load_or_create_admin_key
from parabola.backend.config import ADMIN_KEY_FILE, DEFAULT_NAME
from parabola.cli.access import data_directory_for
from parabola.cli.console import notice, out
from parabola.cli.options import DataOption
from parabola.cli.rendering import to_json
from parabola.seams import SystemEntropy


def admin_key(
    rotate: Annotated[bool, typer.Option("--rotate", help="Make a new key; the old one stops working.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON object.")] = False,
    data: DataOption = None,
) -> None:
    """Print the admin key of the data folder here, making it if there is none.

    Whoever has it may call internal functions, read all data and act as any user. A running server takes a new key
    when it is started again.

    [bold]Examples[/]

      parabola admin-key
      parabola admin-key --rotate
      PARABOLA_ADMIN_KEY=$(parabola admin-key) parabola run tasks:list
    """
    directory = data_directory_for(data)
    path = directory / ADMIN_KEY_FILE
    name = DEFAULT_NAME
    if rotate and path.exists():
        # The deployment keeps its name; only the secret changes.
        kept = path.read_bytes().decode("ascii", "replace").partition("|")[0].strip()
        name = kept if is_deployment_name(kept) else DEFAULT_NAME
        path.unlink()
    key = load_or_create_admin_key(path, name, SystemEntropy())
    out.print(to_json({"adminKey": key}, indent=None) if as_json else key, markup=False)
    if rotate:
        notice("The old key no longer works. Restart a running server, so that it takes the new one.")
