"""Values on the terminal."""

from __future__ import annotations

import math

from rich.console import Console

from parabola.cli.rendering import document_table, plain_numbers, to_json


def test_whole_floats_are_printed_as_integers_at_any_depth() -> None:
    assert to_json(plain_numbers({"a": [1.0, 2.5, {"b": -0.0}], "c": 1e300}), indent=None) == (
        '{"a": [1, 2.5, {"b": 0}], "c": 1e+300}'
    )


def test_what_is_no_finite_float_stays_as_it_is() -> None:
    assert plain_numbers([True, None, "1.0", 3]) == [True, None, "1.0", 3]
    assert math.isinf(plain_numbers(math.inf))


def test_text_beyond_ascii_is_readable() -> None:
    assert to_json("Käse") == '"Käse"'


def printed(documents: list[dict[str, object]]) -> list[str]:
    console = Console(width=200, record=True, no_color=True, file=None)
    with console.capture() as capture:
        console.print(document_table(documents))
    return [line.rstrip() for line in capture.get().splitlines()]


def test_documents_are_a_column_a_field_with_the_system_fields_first() -> None:
    lines = printed([{"body": "hi", "_creationTime": 1, "_id": "a"}, {"_id": "b", "_creationTime": 2, "n": [1]}])
    assert lines[0].split() == ["_id", "_creationTime", "body", "n"]
    assert lines[1].split() == ["a", "1", "hi"]
    assert lines[2].split() == ["b", "2", "[1]"]


def test_long_cells_are_cut_and_markup_is_text() -> None:
    [_, line] = printed([{"body": "[bold]" + "x" * 100}])
    assert line.startswith("[bold]xxx")
    assert line.endswith("…")
    assert len(line) == 60


def test_control_characters_in_documents_are_shown_and_do_not_reach_the_terminal() -> None:
    [_, line] = printed([{"body": "a\x1b[31mred\nnext\x9b\r\u2028"}])
    assert line == r"a\x1b[31mred\nnext\x9b\r\u2028"
