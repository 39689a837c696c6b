"""Values on the terminal: JSON that can be piped on, and tables for people."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.table import Table
from rich.text import Text

CELL_WIDTH_MAX = 60
"""Above it a value wants lines of its own, however wide the terminal is."""

VALUE_LENGTH_MAX = 1000
"""What a terminal is shown of a value, in characters: a page of them says no more than this."""

VALUE_WIDTH_MIN = 20
"""On a narrower terminal the lines run over."""

GAP = 2
"""Between the columns of a table."""

# Control characters as they are written in Python: what clients stored must not drive the terminal of whoever looks at
# it, and a line break would tear its row apart.
_VISIBLE: Final = {code: repr(chr(code))[1:-1] for code in (*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029)}


def plain_numbers(value: Any) -> Any:
    """The same JSON with whole floats as integers: the wire writes every number as `1.0`, people write `1`."""
    if isinstance(value, float) and value.is_integer() and abs(value) <= 2**53:
        return int(value)
    if isinstance(value, list):
        return [plain_numbers(item) for item in value]
    if isinstance(value, dict):
        return {name: plain_numbers(item) for name, item in value.items()}
    return value


def to_json(value: Any, *, indent: int | None = 2) -> str:
    """JSON text of a value as it came over the wire."""
    return json.dumps(value, indent=indent, ensure_ascii=False)


def print_documents(console: Console, documents: list[dict[str, Any]], *, times: Collection[str] = ()) -> None:
    """Prints the documents as a table if all of them fit into its lines, else each as a block of `field: value`.

    System fields come first, the others in the order of first appearance. On a terminal values are wrapped, and very
    long ones cut, which is said; a pipe gets them whole, each in its line. In a block the fields `times`, which must be
    milliseconds since 1970, are shown as a date too.
    """
    width = console.width if console.is_terminal else None
    names = _names(documents)
    rows = [[_text(document[name]) if name in document else "" for name in names] for document in documents]
    widths = [max(map(cell_len, column)) for column in zip(names, *rows, strict=True)]
    fits = max(widths, default=0) <= CELL_WIDTH_MAX
    if fits and (width is None or sum(widths) + GAP * (len(widths) - 1) <= width):
        console.print(_table(names, rows, widths))
        return
    for number, document in enumerate(documents):
        if number:
            console.print()
        _print_block(console, document, [name for name in names if name in document], times, width)


def name_table(header: str, names: Iterable[str]) -> Table:
    """One column of names."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column(header)
    for name in names:
        table.add_row(Text(name))
    return table


def _names(documents: list[dict[str, Any]]) -> list[str]:
    seen = dict.fromkeys(name for document in documents for name in document)
    system = [name for name in ("_id", "_creationTime") if name in seen]
    return system + [name for name in seen if name not in system]


def _text(value: Any) -> str:
    text = value if isinstance(value, str) else to_json(value, indent=None)
    return text.translate(_VISIBLE)


def _table(names: list[str], rows: list[list[str]], widths: list[int]) -> Text:
    lines = [
        (" " * GAP).join(set_cell_size(cell, width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in (names, *rows)
    ]
    return Text("\n").join([Text(lines[0], style="bold"), *map(Text, lines[1:])])


def _print_block(
    console: Console, document: Mapping[str, Any], names: list[str], times: Collection[str], width: int | None
) -> None:
    indent = max(map(cell_len, names)) + len(": ")
    for name in names:
        text = _text(document[name])
        if width is not None and len(text) > VALUE_LENGTH_MAX:
            text = f"{text[:VALUE_LENGTH_MAX]}… ({len(text)} characters; --json has them all)"
        date = _date(document[name]) if name in times else None
        value = Text(text if date is None else f"{text} ({date})")
        lines = [value] if width is None else value.wrap(console, max(width - indent, VALUE_WIDTH_MIN))
        for number, line in enumerate(lines):
            head = set_cell_size("" if number else f"{name}:", indent)
            line.rstrip()
            console.print(Text.assemble((head, "bold"), line))


def _date(value: Any) -> str | None:
    """Milliseconds since 1970 as a date with what whole ones there are; None for what is no such time."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        moment = datetime.fromtimestamp(value // 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return f"{moment:%Y-%m-%d %H:%M:%S}.{int(value % 1000):03} UTC"
