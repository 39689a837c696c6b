"""What a function prints and logs, as the log lines of its run (semantics 3.8, wire 1.6).

`print` is replaced by `captured_print`, and records of `logging` are seen by a record factory. Both look at
`current_log`: inside a run they add a line to it, outside of one they do what they always did. A line looks as a
JavaScript inspector would show it, `[LOG] 'hello' { a: 1 }`, because every client parses that shape.
"""

from __future__ import annotations

import builtins
import logging
import re
import sys
import traceback
from contextvars import ContextVar
from typing import Any, Final, Literal

from parabola.functions.places import without_loaded_names
from parabola.limits import DEFAULT_LIMITS, Limits
from parabola.values.model import UNDEFINED, Int64

Level = Literal["DEBUG", "INFO", "LOG", "WARN", "ERROR"]

DEPTH_MAX: Final = 4
TRUNCATED: Final = " (truncated due to length)"
_IDENTIFIER: Final = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]*")


class LogLines:
    """The lines of one run, bounded in number and in length. Closed when the run has ended."""

    __slots__ = ("_bytes_max", "_lines_max", "_overflowed", "closed", "lines")

    def __init__(self, limits: Limits = DEFAULT_LIMITS) -> None:
        self.lines: list[str] = []
        self.closed = False
        self._lines_max = limits.log_lines_max
        self._bytes_max = limits.log_line_bytes_max
        self._overflowed = False

    def add(self, level: Level, *parts: Any) -> None:
        """Adds one line made of `parts`."""
        if self.closed or self._overflowed:
            return
        if len(self.lines) >= self._lines_max:
            self._overflowed = True
            text = f"Log overflow (maximum {self._lines_max}). Remaining log lines omitted."
            self.lines.append(f"[ERROR] {inspect_value(text)}")
            return
        self.lines.append(_shortened(f"[{level}] " + " ".join(inspect_value(part) for part in parts), self._bytes_max))


_print: Final = builtins.print

current_log: Final[ContextVar[LogLines | None]] = ContextVar("parabola_current_log", default=None)
"""Where `print` and `logging` go; None outside of a run."""


def captured_print(
    *parts: Any, sep: str | None = None, end: str | None = None, file: Any = None, flush: bool = False
) -> None:
    """`print`: a log line inside a run, the real one outside or with a `file` of its own."""
    log = current_log.get()
    if log is None or log.closed or (file is not None and file is not sys.stdout and file is not sys.stderr):
        _print(*parts, sep=sep, end=end, file=file, flush=flush)
        return
    log.add("ERROR" if file is not None and file is sys.stderr else "LOG", *parts)


def install_log_capture() -> None:
    """Makes what is printed and logged inside a run log lines of it. Does nothing the second time."""
    builtins.print = captured_print
    factory = logging.getLogRecordFactory()
    if not isinstance(factory, _CapturingFactory):
        logging.setLogRecordFactory(_CapturingFactory(factory))


class _CapturingFactory:
    """A record factory and not a handler: a handler on the root logger would disable `logging.basicConfig` for the
    application.
    """

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def __call__(self, *args: Any, **kwargs: Any) -> logging.LogRecord:
        record: logging.LogRecord = self._inner(*args, **kwargs)
        log = current_log.get()
        if log is not None and not log.closed:
            text = record.getMessage()
            if record.exc_info and record.exc_info[0] is not None:
                text += "\n" + "".join(traceback.format_exception_only(record.exc_info[0], record.exc_info[1])).rstrip()
            log.add(_level_of(record.levelno), text)
        return record


def _level_of(number: int) -> Level:
    if number >= logging.ERROR:
        return "ERROR"
    if number >= logging.WARNING:
        return "WARN"
    return "INFO" if number >= logging.INFO else "DEBUG"


def _shortened(line: str, bytes_max: int) -> str:
    if line.isascii() and len(line) <= bytes_max:
        return line
    # Half a surrogate pair can be in a str, but not in a message.
    encoded = line.encode("utf-8", errors="replace")
    if len(encoded) <= bytes_max:
        return encoded.decode()
    return encoded[: bytes_max - len(TRUNCATED)].decode("utf-8", errors="ignore") + TRUNCATED


def inspect_value(value: Any, depth: int = 0) -> str:
    """`value` as a JavaScript inspector shows it; what JavaScript does not have is shown by `repr`."""
    if value is None:
        return "null"
    if value is UNDEFINED:
        return "undefined"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, Int64):
        return f"{int(value)}n"
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, (list, tuple)):
        if depth >= DEPTH_MAX:
            return "[Array]"
        return f"[ {', '.join(inspect_value(item, depth + 1) for item in value)} ]" if value else "[]"
    if isinstance(value, dict):
        if depth >= DEPTH_MAX:
            return "[Object]"
        fields = ", ".join(f"{_field_name(name)}: {inspect_value(item, depth + 1)}" for name, item in value.items())
        return f"{{ {fields} }}" if value else "{}"
    try:
        return without_loaded_names(repr(value))
    except Exception as error:  # a repr of the user's that fails must not fail the line
        return f"<{type(value).__name__}, whose repr raised {type(error).__name__}>"


def _number(value: float) -> str:
    if value != value:
        return "NaN"
    if value in (float("inf"), float("-inf")):
        return "Infinity" if value > 0 else "-Infinity"
    if value == 0:
        return "-0" if str(value)[0] == "-" else "0"
    return str(int(value)) if value.is_integer() and abs(value) < 1e21 else repr(value)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t")
    for quote in ("'", '"', "`"):
        if quote not in text:
            return f"{quote}{escaped}{quote}"
    return "'" + escaped.replace("'", "\\'") + "'"


def _field_name(name: Any) -> str:
    if not isinstance(name, str):
        return inspect_value(name)
    return name if _IDENTIFIER.fullmatch(name) else _quoted(name)
