"""`parabola run`: calls a function of a running server."""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import Annotated, Any, Final

import typer

from parabola.cli.access import admin_key_for
from parabola.cli.console import err, fail, out
from parabola.cli.failure import EXIT_FAILURE, CommandFailed
from parabola.cli.follow import follow_query
from parabola.cli.json_argument import json_object
from parabola.cli.options import AdminKeyOption, DataOption, UrlOption, server_url
from parabola.cli.remote import FunctionFailed, RemoteBackend
from parabola.cli.rendering import to_json
from parabola.definitions.paths import InvalidFunctionPath, canonical_path, wire_name

SYSTEM_PREFIX: Final = "_system/"
FUNCTIONS: Final = f"{SYSTEM_PREFIX}cli/functions:default"
FUNCTIONS_SHOWN_MAX: Final = 20
NOT_FOUND: Final = "Could not find"
UNKNOWN_FUNCTION_HINT: Final = " Did you forget to run `npx convex dev`?"
HIDDEN_ADVICE: Final = (
    "The server hides the rest from its clients: look for the request id in its log, or start it with --no-redact."
)
# All that is left of an error text that is hidden (wire 4.2).
_HIDDEN: Final = re.compile(r"\[Request ID: [^\]]*\] Server Error")


def run(
    function: Annotated[str, typer.Argument(metavar="FN", help="The function, as module:name.", show_default=False)],
    arguments: Annotated[str, typer.Argument(metavar="JSON", help="Its arguments, a JSON object.")] = "{}",
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Follow a query: print each new result.")] = False,
    identity: Annotated[
        str | None,
        typer.Option(
            "--identity",
            help="Act as this user: subject and issuer, or tokenIdentifier, and more.",
            metavar="JSON",
            show_default=False,
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One line of JSON for each result.")] = False,
    url: UrlOption = None,
    admin_key: AdminKeyOption = None,
    data: DataOption = None,
) -> None:
    """Call a query, mutation or action; internal ones too.

    The result goes to standard output as JSON; log lines and errors go to standard error.

    [bold]Examples[/]

      parabola run messages:list
      parabola run messages:send '{"author": "Ada", "body": "hello"}'
      parabola run messages:list --watch
      parabola run users:store --identity '{"subject": "u1", "issuer": "https://i"}'
    """
    args = json_object(arguments, "The arguments")
    user = _identity(identity)
    address = server_url(url)
    key = admin_key_for(admin_key, data)
    with RemoteBackend(address, key, identity=user) as server:
        if watch:
            _follow(server, key, function, args, user, as_json)
            return
        try:
            answer = server.call(function, args)
        except FunctionFailed as failure:
            _print_logs(failure.log_lines)
            fail(_explained(str(failure), server, function))
            if failure.data is not None:
                err.print(f"Data: {to_json(failure.data, indent=None)}", markup=False)
            raise typer.Exit(EXIT_FAILURE) from failure
    _print_logs(answer.log_lines)
    _print_value(answer.value, as_json)


def _explained(text: str, server: RemoteBackend, function: str) -> str:
    """What went wrong. For a function that is not there with those that are, instead of a hint at another tool, also
    where the server hides such texts: whoever has its admin key may know.
    """
    text = text.partition(UNKNOWN_FUNCTION_HINT)[0].strip()
    is_hidden = _HIDDEN.fullmatch(text) is not None
    if not is_hidden and NOT_FOUND not in text:
        return text
    try:
        known = sorted(entry["name"] for entry in server.call(FUNCTIONS, {}).value)
    except CommandFailed:
        return text  # another server than ours
    if function.startswith(SYSTEM_PREFIX) or _key(function) in map(_key, known):
        return f"{text}\n{HIDDEN_ADVICE}" if is_hidden else text
    if is_hidden:
        text = f"{text}\n{NOT_FOUND} function for '{function}'."
    if not known:
        return f"{text}\nThe server has no functions: save one in its functions folder."
    close = get_close_matches(function, known, n=3)
    if close:
        return f"{text}\nDid you mean {' or '.join(close)}?"
    shown = ", ".join(known[:FUNCTIONS_SHOWN_MAX])
    more = f", and {len(known) - FUNCTIONS_SHOWN_MAX} more" if len(known) > FUNCTIONS_SHOWN_MAX else ""
    return f"{text}\nThe functions are: {shown}{more}."


def _key(function: str) -> str:
    """What all spellings of a function's name have in common."""
    try:
        return wire_name(canonical_path(function))
    except InvalidFunctionPath:
        return function


def _follow(
    server: RemoteBackend, key: str, function: str, args: dict[str, Any], user: dict[str, Any] | None, as_json: bool
) -> None:
    for update in follow_query(server.url, key, function, args, identity=user):
        _print_logs(update.log_lines)
        if update.error is None:
            _print_value(update.value, as_json)
        else:
            fail(_explained(update.error, server, function))
            if update.error_data is not None:
                err.print(f"Data: {to_json(update.error_data, indent=None)}", markup=False)


def _identity(text: str | None) -> dict[str, Any] | None:
    if text is None:
        return None
    identity = json_object(text, "--identity")
    if "tokenIdentifier" not in identity and not {"subject", "issuer"} <= identity.keys():
        raise typer.BadParameter(
            'The user of --identity needs "subject" and "issuer", or "tokenIdentifier": '
            """'{"subject": "u1", "issuer": "https://issuer"}'."""
        )
    return identity


def _print_logs(lines: list[str] | tuple[str, ...]) -> None:
    for line in lines:
        err.print(line, style="dim", markup=False)


def _print_value(value: Any, as_json: bool) -> None:
    out.print(to_json(value, indent=None if as_json else 2), markup=False)
    # A pipe would otherwise hold lines back until its buffer is full.
    out.file.flush()
