"""How a command says that it failed, apart from wrong usage."""

from __future__ import annotations

EXIT_FAILURE = 1
EXIT_USAGE = 2


class CommandFailed(Exception):
    """The command could not do what it was asked. The first line is the fact, the next ones what to do."""
