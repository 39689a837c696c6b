"""Values on the terminal."""

from __future__ import annotations

import math

from rich.console import Console
from rich.text import Text

from parabola.cli.rendering import VALUE_LENGTH_MAX, plain_numbers, print_documents, to_json


def test_whole_floats_are_printed_as_integers_at_any_depth() -> None:
    assert to_json(plain_numbers({"a": [1.0, 2.5, {"b": -0.0}], "c": 1e300}), indent=None) == (
        '{"a": [1, 2.5, {"b": 0}], "c": 1e+300}'
    )


def test_what_is_no_finite_float_stays_as_it_is() -> None:
    assert plain_numbers([True, None, "1.0", 3]) == [True, None, "1.0", 3]
    assert math.isinf(plain_numbers(math.inf))


def test_text_beyond_ascii_is_readable() -> None:
    assert to_json("Käse") == '"Käse"'


def printed(documents: list[dict[str, object]], *, width: int = 200, times: tuple[str, ...] = ()) -> list[str]:
    """The lines on a terminal of this width."""
    return lines_of(Console(width=width, force_terminal=True, no_color=True, soft_wrap=True), documents, times)


def piped(documents: list[dict[str, object]], *, times: tuple[str, ...] = ()) -> list[str]:
    """The lines in a pipe, or a file."""
    return lines_of(Console(width=80, force_terminal=False, soft_wrap=True), documents, times)


def lines_of(console: Console, documents: list[dict[str, object]], times: tuple[str, ...]) -> list[str]:
    with console.capture() as capture:
        print_documents(console, documents, times=times)
    return [line.rstrip() for line in Text.from_ansi(capture.get()).plain.splitlines()]


WIDE = {"_id": "a" * 32, "_creationTime": 1764565746123.4568, **{f"field{number}": 10_000 for number in range(8)}}


def test_documents_are_a_column_a_field_with_the_system_fields_first() -> None:
    lines = printed([{"body": "hi", "_creationTime": 1, "_id": "a"}, {"_id": "b", "_creationTime": 2, "n": [1]}])
    assert lines[0].split() == ["_id", "_creationTime", "body", "n"]
    assert lines[1].split() == ["a", "1", "hi"]
    assert lines[2].split() == ["b", "2", "[1]"]


def test_columns_stand_below_each_other_by_what_characters_are_wide() -> None:
    assert printed([{"a": "日本", "b": 1}, {"a": "x", "b": 2}]) == ["a     b", "日本  1", "x     2"]


def test_documents_that_are_too_wide_for_the_terminal_are_a_block_each() -> None:
    assert len(printed([WIDE])) == 2
    first, second = {**WIDE, "body": "one two three " * 10}, {"_id": "b"}
    lines = printed([first, second], width=60)
    assert lines[:2] == [f"_id:           {'a' * 32}", "_creationTime: 1764565746123.4568"]
    assert "field3:        10000" in lines
    body = lines.index("body:          one two three one two three one two three one")
    assert lines[body + 1] == "               two three one two three one two three one two"
    assert lines[-2:] == ["", "_id: b"]
    assert max(map(len, lines)) <= 60


def test_a_long_value_makes_blocks_and_is_shown_whole() -> None:
    [line] = printed([{"body": "[bold]" + "x" * 100}])
    assert line == "body: [bold]" + "x" * 100


def test_a_very_long_value_is_cut_on_a_terminal_and_that_is_said() -> None:
    text = "".join(line[6:] for line in printed([{"body": "x" * 5000}], width=70))
    assert text.startswith("x" * VALUE_LENGTH_MAX + "…")
    assert "(5000 characters;" in text


def test_a_pipe_gets_whole_values_each_in_its_line() -> None:
    assert piped([{"_id": "a", "body": "x y " * 1500}])[1] == "body: " + ("x y " * 1500).strip()
    assert len(piped([WIDE, WIDE])) == 3


def test_times_are_shown_as_dates_beside_what_they_are() -> None:
    document = {"_creationTime": 1764565746123.4568, "at": 1764565746123, "never": None, "far": 1e300, "name": "x" * 90}
    lines = printed([document], times=("_creationTime", "never", "far", "name"))
    assert lines[0] == "_creationTime: 1764565746123.4568 (2025-12-01 05:09:06.123 UTC)"
    assert lines[1] == "at:            1764565746123"
    assert lines[2:4] == ["never:         null", "far:           1e+300"]
    assert lines[4] == f"name:          {'x' * 90}"


def test_control_characters_in_documents_are_shown_and_do_not_reach_the_terminal() -> None:
    [_, line] = printed([{"body": "a\x1b[31mred\nnext\x9b\r\u2028"}])
    assert line == r"a\x1b[31mred\nnext\x9b\r\u2028"
    [block] = printed([{"body": "a\x1b[31mred\nnext\x9b\r\u2028" + "x" * 60}])
    assert block == r"body: a\x1b[31mred\nnext\x9b\r\u2028" + "x" * 60
