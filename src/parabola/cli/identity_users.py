"""`parabola identity users`: accounts, made and listed without a browser, also beside a running server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from parabola.cli.console import notice, out, success
from parabola.cli.failure import CommandFailed
from parabola.cli.identity_store import with_identity
from parabola.cli.options import DataOption
from parabola.cli.rendering import print_documents, to_json
from parabola.identity.failures import ClerkFailure
from parabola.identity.flows.users import NewUser, UserFilter, Users

PAGE: Final = 500
_SEED_FIELDS: Final = {
    "email", "password", "first_name", "last_name", "username", "external_id", "public_metadata", "private_metadata",
    "unsafe_metadata", "skip_password_checks",
}  # fmt: skip
_TAKEN: Final = "form_identifier_exists"

PasswordOption = Annotated[
    str | None,
    typer.Option("--password", help="Their password. \\[default: asks for it]", show_default=False, metavar="TEXT"),
]


def list_users(
    query: Annotated[
        str | None, typer.Option("--query", help="Only users whose name, address or id has this.", show_default=False)
    ] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", help="How many at most.", min=1)] = 100,
    as_json: Annotated[bool, typer.Option("--json", help="Everything about each, as JSON.")] = False,
    data: DataOption = None,
) -> None:
    """List users, newest first.

    [bold]Examples[/]

      parabola identity users list
      parabola identity users list --query example.com --json
    """

    async def run(users: Users) -> tuple[list[dict[str, Any]], int]:
        wanted = UserFilter(query=query)
        found: list[dict[str, Any]] = []
        while len(found) < limit:
            page = await users.list(wanted, limit=min(PAGE, limit - len(found)), offset=len(found))
            found += page
            if not page:
                break
        return found, await users.count(wanted)

    found, count = with_identity(data, lambda server: run(server.users))
    if as_json:
        out.print(to_json(found), markup=False)
        return
    if not found:
        notice("There are no users." if query is None else f"No user matches {query!r}.")
        return
    print_documents(out, [{"id": user["id"], "e-mail": _address(user), "name": _name(user)} for user in found])
    if count > len(found):
        notice(f"… and {count - len(found)} more; raise --limit to see them.")


def create(
    email: Annotated[str, typer.Argument(metavar="EMAIL", help="Their e-mail address.", show_default=False)],
    password: PasswordOption = None,
    first_name: Annotated[str | None, typer.Option("--first-name", show_default=False)] = None,
    last_name: Annotated[str | None, typer.Option("--last-name", show_default=False)] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Everything about the user, as JSON.")] = False,
    data: DataOption = None,
) -> None:
    """Make a user, whose address counts as verified. Prints the new id.

    [bold]Examples[/]

      parabola identity users create ada@example.com
      parabola identity users create ada@example.com --password 'a long one' --first-name Ada
    """
    if password is None:
        password = str(typer.prompt("Password", hide_input=True, confirmation_prompt=True))
    new = NewUser([email], password=password, first_name=first_name, last_name=last_name)
    user = with_identity(data, lambda server: server.users.create(new))
    out.print(to_json(user) if as_json else user["id"], markup=False)


def delete(
    who: Annotated[str, typer.Argument(metavar="USER", help="Their id or e-mail address.", show_default=False)],
    data: DataOption = None,
) -> None:
    """Delete a user with all their sessions. Documents of your own tables stay.

    [bold]Examples[/]

      parabola identity users delete ada@example.com
    """

    async def run(users: Users) -> dict[str, Any]:
        wanted = UserFilter(addresses=[who]) if "@" in who else UserFilter(ids=[who])
        found = await users.list(wanted, limit=1)
        if not found:
            raise CommandFailed(f"There is no user {who!r}.\n`parabola identity users list` shows who there is.")
        return await users.delete(found[0]["id"])

    gone = with_identity(data, lambda server: run(server.users))
    success(f"Deleted {gone['id']}")


def seed(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A JSON list of users.", show_default=False)],
    data: DataOption = None,
) -> None:
    """Make the users of a file; those whose address exists already are left as they are.

    The file is a JSON list: {"email": …, "password": …}, and where wanted first_name, last_name, username,
    external_id, public_metadata, private_metadata, unsafe_metadata, skip_password_checks.

    [bold]Examples[/]

      parabola identity users seed users.json
    """
    wanted = _read_seed(file)

    async def run(users: Users) -> tuple[int, int]:
        made = known = 0
        for position, new in enumerate(wanted):
            try:
                await users.create(new)
                made += 1
            except ClerkFailure as failure:
                if failure.code != _TAKEN:
                    raise CommandFailed(
                        f"User {position + 1} of {file} ({new.email_addresses[0]}) cannot be made: "
                        f"{failure.long_message}\n"
                        f"{made} were made before it; run this again when the file is corrected."
                    ) from failure
                known += 1
        return made, known

    made, known = with_identity(data, lambda server: run(server.users))
    success(f"Made {made} of {len(wanted)} users; {known} existed already")


def _read_seed(file: Path) -> list[NewUser]:
    try:
        entries = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CommandFailed(f"{file} cannot be read as JSON: {error}\nIt must be a list of users.") from error
    if not isinstance(entries, list):
        raise CommandFailed(f'{file} must be a JSON list: [{{"email": "ada@example.com", "password": "…"}}].')
    return [_new_user(entry, position, file) for position, entry in enumerate(entries, 1)]


def _new_user(entry: Any, position: int, file: Path) -> NewUser:
    if not isinstance(entry, dict) or not isinstance(entry.get("email"), str):
        raise CommandFailed(f'User {position} of {file} needs an "email": {{"email": "a@b.example", "password": "…"}}.')
    unknown = sorted(entry.keys() - _SEED_FIELDS)
    if unknown:
        raise CommandFailed(
            f"User {position} of {file} has {unknown[0]!r}.\nKnown are {', '.join(sorted(_SEED_FIELDS))}."
        )
    fields = dict(entry)
    return NewUser([fields.pop("email")], **fields)


def _address(user: dict[str, Any]) -> str:
    primary = user["primary_email_address_id"]
    return next((str(email["email_address"]) for email in user["email_addresses"] if email["id"] == primary), "")


def _name(user: dict[str, Any]) -> str:
    return " ".join(part for part in (user["first_name"], user["last_name"]) if part)
