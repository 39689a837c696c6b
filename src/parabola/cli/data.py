"""`parabola data`: looks into the tables of a running server."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated, Any

import typer

from parabola.cli.access import admin_key_for
from parabola.cli.console import notice, out
from parabola.cli.failure import CommandFailed
from parabola.cli.options import AdminKeyOption, DataOption, UrlOption, server_url
from parabola.cli.remote import RemoteBackend
from parabola.cli.rendering import name_table, print_documents, to_json

TABLES = "_system/cli/tables:default"
TABLE_DATA = "_system/cli/tableData:default"
PAGE_SIZE = 500
# The fields that are times for certain. What a user's other fields mean is theirs to say.
DOCUMENT_TIMES = ("_creationTime",)
SYSTEM_TIMES = (*DOCUMENT_TIMES, "scheduledTime", "completedTime", "nextTime")


class Order(StrEnum):
    """Which end of a table to begin at."""

    desc = "desc"
    asc = "asc"


class Format(StrEnum):
    """How documents are printed."""

    pretty = "pretty"
    jsonArray = "jsonArray"
    jsonLines = "jsonLines"


def data(
    table: Annotated[
        str | None, typer.Argument(metavar="TABLE", help="The table; left out, all are listed.", show_default=False)
    ] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", help="How many documents at most.", min=1)] = 100,
    order: Annotated[Order, typer.Option("--order", help="Newest first, or oldest first.")] = Order.desc,
    output: Annotated[Format, typer.Option("--format", help="For people, or JSON to pipe on.")] = Format.pretty,
    as_json: Annotated[bool, typer.Option("--json", help="The same as --format jsonArray.")] = False,
    url: UrlOption = None,
    admin_key: AdminKeyOption = None,
    data_directory: DataOption = None,
) -> None:
    """List the tables, or the documents of one.

    System tables are read like any other: _scheduled_functions, _cron_jobs, _storage.

    [bold]Examples[/]

      parabola data
      parabola data messages --limit 10 --order asc
      parabola data messages --format jsonLines > messages.jsonl
    """
    shape = Format.jsonArray if as_json else output
    with RemoteBackend(server_url(url), admin_key_for(admin_key, data_directory)) as server:
        names = [row["name"] for row in _pages(server, TABLES, {}, 10_000)]
        if table is None:
            _print_tables(names, shape)
            return
        if table not in names and not table.startswith("_"):
            known = f"The tables are: {', '.join(names)}." if names else "There are no tables yet."
            raise CommandFailed(f'There is no table "{table}".\n{known}')
        rows = _pages(server, TABLE_DATA, {"table": table, "order": order.value}, limit)
        documents = [next(rows, None) for _ in range(limit + 1)]
    times = SYSTEM_TIMES if table.startswith("_") else DOCUMENT_TIMES
    _print_documents([document for document in documents[:limit] if document is not None], shape, times)
    if documents[limit] is not None and shape is Format.pretty:
        notice(f"… and more; these are {limit}. Raise --limit to see them.")


def _pages(server: RemoteBackend, path: str, args: dict[str, Any], wanted: int) -> Iterator[dict[str, Any]]:
    """The rows of a paginated system query, fetched a page at a time as they are taken."""
    cursor: str | None = None
    while True:
        # One more than wanted tells whether there is more.
        options = {"cursor": cursor, "numItems": min(wanted + 1, PAGE_SIZE)}
        page = server.call(path, {**args, "paginationOpts": options}).value
        yield from page["page"]
        if page["isDone"]:
            return
        cursor = page["continueCursor"]


def _print_tables(names: list[str], shape: Format) -> None:
    if shape is Format.jsonArray:
        out.print(to_json(names), markup=False)
    elif shape is Format.jsonLines:
        for name in names:
            out.print(to_json(name), markup=False)
    elif names:
        out.print(name_table("table", names))
    else:
        notice("There are no tables yet.")


def _print_documents(documents: list[dict[str, Any]], shape: Format, times: tuple[str, ...]) -> None:
    if shape is Format.jsonArray:
        out.print(to_json(documents), markup=False)
    elif shape is Format.jsonLines:
        for document in documents:
            out.print(to_json(document, indent=None), markup=False)
    elif documents:
        print_documents(out, documents, times=times)
    else:
        notice("There are no documents in this table.")
