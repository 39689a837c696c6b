"""What the server's log shows, to people and to programs."""

from __future__ import annotations

import asyncio
import io
import json
import logging
from collections.abc import Iterator

import pytest
from rich.console import Console

from parabola.cli.log_output import JsonFormatter, log_to_console
from parabola.functions.logs import LogLines, current_log


@pytest.fixture
def printed(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """The log as a developer sees it; the root logger is put back afterwards."""
    # A server with uvicorn's own log, in an earlier test of this process, would keep its records from the root.
    monkeypatch.setattr(logging.getLogger("uvicorn"), "propagate", True)
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    output = io.StringIO()
    log_to_console(Console(file=output, width=40, soft_wrap=True))
    yield output
    root.handlers[:] = handlers
    root.setLevel(level)


def test_messages_are_printed_as_they_are(printed: io.StringIO) -> None:
    text = "query m:f failed: [bold] and more than forty characters\n    at f"
    logging.getLogger("parabola.functions").error("%s", text)
    assert printed.getvalue() == f"{text}\n"


def test_others_are_heard_from_warnings_on(printed: io.StringIO) -> None:
    for name in ("parabola.sync", "somebody"):
        logging.getLogger(name).info("info of %s", name)
        logging.getLogger(name).warning("warning of %s", name)
    assert printed.getvalue().splitlines() == [
        "info of parabola.sync",
        "warning of parabola.sync",
        "warning of somebody",
    ]


def test_what_a_function_logs_is_left_to_its_run(printed: io.StringIO) -> None:
    token = current_log.set(LogLines())
    try:
        logging.getLogger("somebody").error("inside")
    finally:
        current_log.reset(token)
    assert printed.getvalue() == ""


def test_a_request_that_was_cut_off_at_the_end_is_no_traceback(printed: io.StringIO) -> None:
    log = logging.getLogger("uvicorn.error")
    for error in (asyncio.CancelledError("graceful shutdown exceeded"), ValueError("a fault")):
        log.error("Exception in ASGI application", exc_info=error)
    assert "CancelledError" not in printed.getvalue()
    assert printed.getvalue().count("Exception in ASGI application") == 1


def test_json_has_the_extra_fields_and_the_traceback() -> None:
    try:
        raise ValueError("boom")
    except ValueError as error:
        info = (type(error), error, error.__traceback__)
    record = logging.getLogger("parabola.functions").makeRecord(
        "parabola.functions", logging.ERROR, "file.py", 1, "failed: %s", ("why",), info, extra={"request_id": "abc"}
    )
    entry = json.loads(JsonFormatter().format(record))
    assert entry["time"].endswith("+00:00")
    assert {name: entry[name] for name in ("level", "logger", "message", "request_id")} == {
        "level": "error",
        "logger": "parabola.functions",
        "message": "failed: why",
        "request_id": "abc",
    }
    assert "ValueError: boom" in entry["traceback"]
