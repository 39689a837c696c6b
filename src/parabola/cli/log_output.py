"""What the server's log looks like: short lines for a developer, lines of JSON for a log collector."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any, Final

from rich.console import Console

from parabola.cli.console import err
from parabola.functions.logs import current_log

_OWN_ATTRIBUTES: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "color_message"}
_FORMATTER: Final = logging.Formatter()


def log_to_console(console: Console = err) -> None:
    """Parabola's own log and everybody's warnings, for people."""
    _install(ConsoleHandler(console))


def log_as_json() -> None:
    """Every record as one line of JSON on standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    _install(handler)


def _install(handler: logging.Handler) -> None:
    handler.addFilter(_concerns_the_server)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    # What a function logs must be made into a record to become a line of its run.
    root.setLevel(logging.INFO)


def _concerns_the_server(record: logging.LogRecord) -> bool:
    if current_log.get() is not None:
        # Logged inside a run: it is in the function log, with the run's other lines.
        return False
    if record.exc_info and isinstance(record.exc_info[1], asyncio.CancelledError):
        # A request that was cut off because the server ends; uvicorn says in a line of its own how many there were.
        return False
    return record.levelno >= (logging.INFO if record.name.startswith("parabola.") else logging.WARNING)


class ConsoleHandler(logging.Handler):
    """Prints messages as they are, the first line of a warning or an error in colour."""

    def __init__(self, console: Console) -> None:
        super().__init__()
        self._console = console

    def emit(self, record: logging.LogRecord) -> None:
        message = record.getMessage()
        if record.exc_info:
            message += "\n" + _FORMATTER.formatException(record.exc_info)
        first, _, rest = message.partition("\n")
        style = "red" if record.levelno >= logging.ERROR else "yellow" if record.levelno >= logging.WARNING else "dim"
        self._console.print(first, style=style, markup=False)
        if rest:
            self._console.print(rest, style="dim", markup=False)


class JsonFormatter(logging.Formatter):
    """A record as one JSON object: time, level, logger, message, what was passed as `extra`, and the traceback."""

    def format(self, record: logging.LogRecord) -> str:
        entry: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        entry |= {name: value for name, value in vars(record).items() if name not in _OWN_ATTRIBUTES}
        if record.exc_info:
            entry["traceback"] = self.formatException(record.exc_info)
        return json.dumps(entry, default=str, ensure_ascii=False)
