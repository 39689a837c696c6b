"""Values on the terminal: JSON that can be piped on, and tables for people."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

from rich.table import Table
from rich.text import Text

CELL_WIDTH_MAX = 60

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


def document_table(documents: list[dict[str, Any]]) -> Table:
    """The documents as a table: a column a field, in the order of first appearance, system fields first."""
    columns = _columns(documents)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in columns:
        table.add_column(Text(name), no_wrap=name == "_id", overflow="fold")
    for document in documents:
        table.add_row(*(Text(_cell(document, name)) for name in columns))
    return table


def name_table(header: str, names: Iterable[str]) -> Table:
    """One column of names."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column(header)
    for name in names:
        table.add_row(Text(name))
    return table


def _columns(documents: list[dict[str, Any]]) -> list[str]:
    seen = dict.fromkeys(name for document in documents for name in document)
    system = [name for name in ("_id", "_creationTime") if name in seen]
    return system + [name for name in seen if name not in system]


def _cell(document: Mapping[str, Any], name: str) -> str:
    if name not in document:
        return ""
    value = document[name]
    text = value if isinstance(value, str) else to_json(value, indent=None)
    text = text.translate(_VISIBLE)
    return text if len(text) <= CELL_WIDTH_MAX else text[: CELL_WIDTH_MAX - 1] + "…"
