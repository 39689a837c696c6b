"""The command line: `parabola`, and `python -m parabola`.

Every slip in the usage is answered in three lines (usage, where to find help, what was wrong) with exit code 2;
every failure with its reason and what to do, with exit code 1; Ctrl-C ends quietly with 130.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib.metadata import version
from typing import Annotated, Any

import typer

from parabola.cli.admin_key import admin_key
from parabola.cli.console import fail, out
from parabola.cli.data import data
from parabola.cli.dev import dev
from parabola.cli.failure import EXIT_FAILURE, EXIT_INTERRUPTED, CommandFailed
from parabola.cli.init import init
from parabola.cli.run import run
from parabola.cli.serve import serve
from parabola.errors import ParabolaError

app = typer.Typer(
    name="parabola",
    no_args_is_help=True,
    rich_markup_mode="rich",
    add_completion=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["--help", "-h"]},
)
for _command in (init, dev, serve, run, data):
    app.command()(_command)
app.command(name="admin-key")(admin_key)


def _print_version(wanted: bool) -> None:
    if wanted:
        out.print(f"parabola {version('parabola')}", markup=False)
        raise typer.Exit


@app.callback()
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


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and returns the exit code."""
    try:
        result: Any = typer.main.get_command(app).main(
            args=None if arguments is None else list(arguments), prog_name="parabola", standalone_mode=False
        )
    except (CommandFailed, ParabolaError) as failure:
        fail(str(failure))
        return EXIT_FAILURE
    except (KeyboardInterrupt, typer.Abort):
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        return _quiet_broken_pipe()
    except Exception as error:
        return _show_usage_error(error)
    return result if isinstance(result, int) else 0


def _show_usage_error(error: Exception) -> int:
    """Prints a usage error in click's three lines. Typer's copy of click has no public name, so its shape decides."""
    show, exit_code = getattr(error, "show", None), getattr(error, "exit_code", None)
    if show is None or not isinstance(exit_code, int):
        raise error
    show()
    return exit_code


def _quiet_broken_pipe() -> int:
    """The reader of our output went away, as `head` does: nothing more can be printed, also not at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return EXIT_FAILURE


if __name__ == "__main__":
    sys.exit(main())
