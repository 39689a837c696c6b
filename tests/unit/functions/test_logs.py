"""Log lines (semantics 3.8, wire 1.6)."""

from __future__ import annotations

import logging
import sys
from typing import Any

import pytest

from parabola import Int64, query
from parabola.functions.logs import LogLines, inspect_value
from parabola.limits import Limits
from tests.unit.functions.harness import Engine


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("hello", "'hello'"),
        ("it's", '"it\'s"'),
        ("a\nb", "'a\\nb'"),
        (1, "1"),
        (1.0, "1"),
        (1.5, "1.5"),
        (-0.0, "-0"),
        (float("nan"), "NaN"),
        (float("-inf"), "-Infinity"),
        (Int64(3), "3n"),
        (True, "true"),
        (None, "null"),
        ({"a": 1}, "{ a: 1 }"),
        ({"a b": [1, "x"], "c": {}}, "{ 'a b': [ 1, 'x' ], c: {} }"),
        ([], "[]"),
        ([[[[[1]]]]], "[ [ [ [ [Array] ] ] ] ]"),
        (b"x", "b'x'"),
    ],
)
def test_values_are_shown_as_a_javascript_inspector_would(value: Any, shown: str) -> None:
    assert inspect_value(value) == shown


def lines_of(handler: Any, **limits: int) -> list[str]:
    return Engine({"q:it": query(handler)}, limits=Limits(**limits)).query("q:it").log_lines


def test_print_and_logging_inside_a_function_are_its_log_lines(caplog: pytest.LogCaptureFixture) -> None:
    async def it(ctx: Any):
        print("hello", {"a": 1})
        print("bad", file=sys.stderr)
        logging.getLogger("x").error("went %s", "wrong")
        caplog.set_level(logging.DEBUG)
        logging.getLogger("x").debug("detail")
        logging.getLogger("x").info("note")

    assert lines_of(it) == [
        "[LOG] 'hello' { a: 1 }",
        "[ERROR] 'bad'",
        "[ERROR] 'went wrong'",
        "[DEBUG] 'detail'",
        "[INFO] 'note'",
    ]


def test_print_outside_of_a_function_prints(capsys: pytest.CaptureFixture[str]) -> None:
    Engine({})
    print("outside", 1, sep="-")
    assert capsys.readouterr().out == "outside-1\n"


def test_lines_of_a_failed_function_are_kept() -> None:
    async def it(ctx: Any):
        print("before")
        raise ValueError

    assert lines_of(it) == ["[LOG] 'before'"]


def test_a_run_keeps_so_many_lines_and_says_that_there_were_more() -> None:
    async def it(ctx: Any):
        for n in range(300):
            print(n)

    lines = lines_of(it)
    assert len(lines) == 257
    assert lines[255:] == ["[LOG] 255", "[ERROR] 'Log overflow (maximum 256). Remaining log lines omitted.'"]


def test_a_long_line_is_cut_and_says_so() -> None:
    log = LogLines(Limits(log_line_bytes_max=60))
    log.add("LOG", "é" * 100)
    assert log.lines[0].endswith(" (truncated due to length)")
    assert len(log.lines[0].encode()) <= 60


def test_a_line_can_always_be_encoded() -> None:
    log = LogLines()
    log.add("LOG", "half \ud800 of a pair")
    assert log.lines[0].encode() == b"[LOG] 'half ? of a pair'"


def test_a_repr_that_fails_does_not_fail_the_line() -> None:
    class Strange:
        def __repr__(self) -> str:
            raise ValueError

    assert inspect_value([Strange()]) == "[ <Strange, whose repr raised ValueError> ]"
