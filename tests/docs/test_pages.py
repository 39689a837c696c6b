"""Links lead somewhere, and no page names a place that only its author has."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, all_pages

PAGES = list(all_pages())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_inside_the_repository_leads_to_a_file(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text()):
        if not re.match(r"[a-z]+:", target):
            assert (page.parent / target).exists(), f"{page.name} links to {target}, which is not there"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_source_file_that_a_page_names_exists(page: Path) -> None:
    text = page.read_text()
    for name in re.findall(r"`(src/[\w/.]+|tests/[\w/.]+|benchmarks/[\w/.]+|scripts/[\w/.-]+)`", text):
        assert (ROOT / name).exists(), f"{page.name} names {name}, which is not there"


def test_the_files_of_the_two_flows_exist() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text()
    flows = text[text.index("## Following one mutation") : text.index("## Decisions")]
    package = ROOT / "src" / "parabola"
    for name in re.findall(r"`((?:\w+/)?\w+\.py)`", flows):
        found = (package / name).exists() if "/" in name else any(package.rglob(name))
        assert found, f"ARCHITECTURE.md names {name}, which is not there"


def test_lock_files_pin_every_dependency_by_hash_and_name_no_registry() -> None:
    for path in sorted((ROOT / "requirements").glob("*.txt")):
        text = path.read_text()
        pinned = re.findall(r"^([a-z0-9][\w.-]*)==", text, re.MULTILINE)
        blocks = re.split(r"^(?=[a-z0-9][\w.-]*==)", text, flags=re.MULTILINE)[1:]
        assert pinned
        assert all("--hash=sha256:" in block for block in blocks)
        assert "://" not in text
    lock = (ROOT / "tests" / "clients" / "package-lock.json").read_text()
    assert '"resolved"' not in lock


def test_the_lock_files_hold_what_pyproject_asks_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wanted = {
        "runtime": project["project"]["dependencies"],
        "dev": project["project"]["dependencies"] + project["dependency-groups"]["dev"],
        "bench": project["project"]["dependencies"] + project["dependency-groups"]["bench"],
    }
    for name, requirements in wanted.items():
        pinned = re.findall(r"^([a-z0-9][\w.-]*)==", (ROOT / "requirements" / f"{name}.txt").read_text(), re.MULTILINE)
        for requirement in requirements:
            project_name = re.match(r"[\w.-]+", requirement)
            assert project_name is not None
            assert project_name.group().lower() in pinned, (
                f"requirements/{name}.txt lacks {requirement}: run scripts/lock"
            )
