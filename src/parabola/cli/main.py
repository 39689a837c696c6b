"""The command line: `parabola`, and `python -m parabola`."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from parabola.cli.starting import start


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and returns the exit code."""
    return start("parabola.cli.commands", "run_command", arguments)


if __name__ == "__main__":
    sys.exit(main())
