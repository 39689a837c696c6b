"""`parabola identity`: accounts, keys and the identity server by itself."""

from __future__ import annotations

import typer

from parabola.cli.identity_keys import rotate
from parabola.cli.identity_serve import serve
from parabola.cli.identity_users import create, delete, list_users, seed

identity = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="rich",
    help="Accounts, keys and the identity server that works without Clerk.\n\n"
    "`parabola dev --identity` runs it beside your functions. These commands work on its data, also while it runs.",
)
_users = typer.Typer(no_args_is_help=True, rich_markup_mode="rich", help="List, make and delete accounts.")
_users.command(name="list")(list_users)
_users.command()(create)
_users.command()(delete)
_users.command()(seed)
_keys = typer.Typer(no_args_is_help=True, rich_markup_mode="rich", help="The keys that sign tokens.")
_keys.command()(rotate)
identity.command()(serve)
identity.add_typer(_users, name="users")
identity.add_typer(_keys, name="keys")
