"""How every command ends: its exit code, and what is printed when it fails."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any

import typer

from parabola.cli.console import fail
from parabola.cli.failure import EXIT_FAILURE, CommandFailed
from parabola.cli.starting import EXIT_INTERRUPTED
from parabola.errors import ParabolaError


def exit_code_of(command: Callable[[], Any]) -> int:
    """Runs a command of typer's (in its non-standalone mode) and returns the exit code.

    A failure is printed as its reason and what to do; a fault of our own is raised.
    """
    try:
        result = command()
    except (CommandFailed, ParabolaError) as failure:
        fail(str(failure))
        return EXIT_FAILURE
    except (KeyboardInterrupt, typer.Abort):
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        return _quiet_broken_pipe()
    except OSError as error:
        if error.filename is None:
            raise
        fail(f"{error.filename} cannot be used: {error.strerror}.\nName another path, or look at what is there.")
        return EXIT_FAILURE
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
