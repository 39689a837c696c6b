"""Reading the documentation as data: pages, headings, tables, code blocks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class CodeBlock:
    """One fenced block: its language and its text."""

    language: str
    text: str

    @property
    def file(self) -> str | None:
        """The file that its first line names, as `# backend/schema.py`. `…, continued` adds to that file."""
        first = re.match(r"(?:#|//) (\S+\.\w+)(?:, continued)?\n", self.text)
        return None if first is None else first.group(1)


def code_blocks(page: Path) -> list[CodeBlock]:
    """All fenced blocks of a page, in order."""
    return [CodeBlock(*found) for found in _FENCE.findall(page.read_text())]


def section(page: Path, heading: str) -> str:
    """The text below a heading, up to the next one of its level or a higher one."""
    text = page.read_text()
    level = heading.split(" ", 1)[0]
    start = text.index(f"\n{heading}\n") + len(heading) + 2
    end = re.compile(rf"^#{{1,{len(level)}}} ", re.MULTILINE).search(text, start)
    return text[start : end.start() if end else len(text)]


def all_pages() -> Iterator[Path]:
    """Every page that a reader meets."""
    yield from sorted(ROOT.glob("*.md"))
    for folder in ("docs", "examples", "benchmarks", "changes", "apps"):
        yield from sorted(path for path in (ROOT / folder).rglob("*.md") if "node_modules" not in path.parts)


def write_files(page: Path, folder: Path) -> None:
    """Writes the Python files that a page's code blocks name into `folder`, as a reader who follows it would."""
    for block in code_blocks(page):
        if block.language == "python" and block.file is not None:
            target = folder / block.file
            target.parent.mkdir(parents=True, exist_ok=True)
            before = target.read_text() + "\n\n" if target.exists() else ""
            target.write_text(before + block.text)
