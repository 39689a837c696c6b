"""What the command line prints and where: results on standard output, everything about them on standard error."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape

# Results, which may be piped on: plain and unwrapped when the output is not a terminal.
out = Console(highlight=False, soft_wrap=True)
# Progress, notices and errors.
err = Console(stderr=True, highlight=False, soft_wrap=True)


def fail(message: str) -> None:
    """Prints an error: its first line marked, the rest (what to do) as it is."""
    first, _, rest = message.strip().partition("\n")
    err.print(f"[bold red]Error:[/] {escape(first)}")
    if rest:
        err.print(rest, markup=False)


def notice(message: str) -> None:
    """Prints a quiet line about what is going on."""
    err.print(message, style="dim", markup=False)


def success(message: str) -> None:
    """Prints that something worked."""
    err.print(f"[green]✔[/] {escape(message)}")


def print_ready(origin: str) -> None:
    """Prints the line that scripts wait for: functions can be called at `origin`."""
    out.print(f"Parabola is ready on {origin}", markup=False)
