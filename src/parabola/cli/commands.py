"""The commands of `parabola`, and how one of them is run.

Every slip in the usage is answered in three lines (usage, where to find help, what was wrong) with exit code 2;
every failure with its reason and what to do, with exit code 1; Ctrl-C ends quietly with 130.
"""

from __future__ import annotations

import inspect
import os
import sys
from collections.abc import Iterable, Sequence
from importlib import import_module
from importlib.metadata import version
from typing import Annotated, Final

import typer

from parabola.cli.console import out
from parabola.cli.ending import exit_code_of
from parabola.cli.starting import importing

# The module of each command, in which a function, or a group of commands, has its name. Only the module of the command
# that was asked for is imported: `parabola run` need not wait for the whole server to load.
COMMANDS: Final = {
    "init": "parabola.cli.init",
    "dev": "parabola.cli.dev",
    "serve": "parabola.cli.serve",
    "run": "parabola.cli.run",
    "data": "parabola.cli.data",
    "admin-key": "parabola.cli.admin_key",
    "identity": "parabola.cli.identity",
}
_COMPLETION_VARIABLE: Final = "_PARABOLA_COMPLETE"


def build_app(names: Iterable[str]) -> typer.Typer:
    """The command line with these commands."""
    app = typer.Typer(
        name="parabola",
        no_args_is_help=True,
        rich_markup_mode="rich",
        add_completion=True,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["--help", "-h"]},
    )
    app.callback()(_root)
    for name in names:
        command = getattr(import_module(COMMANDS[name]), name.replace("-", "_"))
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=name)
        else:
            app.command(name=name, help=_flowing(command.__doc__ or ""))(command)
    return app


def _flowing(text: str) -> str:
    """A docstring whose paragraphs fill the terminal's width: typer would keep the source's line breaks in them.

    Lines that are indented, which are the examples, stay as they are.
    """
    paragraphs = inspect.cleandoc(text).split("\n\n")
    return "\n\n".join(each if each.startswith(" ") else " ".join(each.split("\n")) for each in paragraphs)


def _print_version(wanted: bool) -> None:
    if wanted:
        out.print(f"parabola {version('parabola')}", markup=False)
        raise typer.Exit


def _root(
    show_version: Annotated[
        bool, typer.Option("--version", help="Print the version and leave.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """A real-time backend for Python: live queries, serializable mutations, every Convex client.

    [bold]Start here[/]

      parabola init my-app     a new project
      parabola dev             serve it, and reload what you save
      parabola run FN [JSON]   call a function
    """


def run_command(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and returns the exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    asked = next((argument for argument in given if not argument.startswith("-")), None)
    alone = asked in COMMANDS and _COMPLETION_VARIABLE not in os.environ

    def run() -> object:
        with importing():
            app = build_app([asked] if alone and asked is not None else COMMANDS)
        return typer.main.get_command(app).main(args=given, prog_name="parabola", standalone_mode=False)

    return exit_code_of(run)
