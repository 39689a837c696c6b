"""Finds the titled statements of a file in `sql/`."""

from __future__ import annotations

import re
from pathlib import Path

_TITLE = re.compile(r"^-- (\w+) --$", re.MULTILINE)


def load_statements(dialect: str) -> dict[str, str]:
    """The statements of `sql/<dialect>.sql` by title, without comments and without the closing semicolon."""
    text = (Path(__file__).parent / "sql" / f"{dialect}.sql").read_text(encoding="utf-8")
    parts = _TITLE.split(text)
    statements: dict[str, str] = {}
    for title, body in zip(parts[1::2], parts[2::2], strict=True):
        assert title not in statements, f"{dialect}.sql has two statements titled {title}"
        lines = [line for line in body.splitlines() if not line.startswith("--")]
        statements[title] = "\n".join(lines).strip().removesuffix(";")
    return statements
