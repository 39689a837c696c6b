"""The code in the documentation runs, and does what the text around it says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from parabola.testing import TestBackend
from tests.docs.pages import DOCS, ROOT, code_blocks, write_files

HOW_TO = DOCS / "how-to"


def run_tests_in(folder: Path, expected: int) -> None:
    """Runs the tests that a page told its reader to write, as the reader would."""
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:xdist",
        "--rootdir",
        str(folder),
    ]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{expected} passed" in done.stdout


async def test_the_whole_application_of_the_readme_runs(tmp_path: Path) -> None:
    write_files(ROOT / "README.md", tmp_path)
    async with TestBackend(tmp_path / "backend") as t:
        message = {"channel": "general", "author": "Ann", "body": "hi"}
        await t.mutation("messages:send", message)
        assert [row["body"] for row in await t.query("messages:list", {"channel": "general"})] == ["hi"]
        with pytest.raises(Exception, match=r"length|character"):
            await t.mutation("messages:send", {**message, "body": ""})


def test_the_application_of_the_readme_is_about_twenty_lines() -> None:
    blocks = [block for block in code_blocks(ROOT / "README.md") if (block.file or "").startswith("backend/")]
    lines = [line for block in blocks for line in block.text.splitlines() if line.strip()]
    assert len(blocks) == 2
    assert len(lines) <= 22


def test_the_tutorial_leads_to_an_application_whose_tests_pass(tmp_path: Path) -> None:
    write_files(DOCS / "tutorial" / "first-app.md", tmp_path)
    run_tests_in(tmp_path, expected=2)


def test_the_tests_of_the_page_about_tests_pass(tmp_path: Path) -> None:
    write_files(ROOT / "README.md", tmp_path)
    write_files(HOW_TO / "test-your-functions.md", tmp_path)
    run_tests_in(tmp_path, expected=3)


def test_the_tests_of_the_page_about_scheduling_pass(tmp_path: Path) -> None:
    write_files(HOW_TO / "schedule.md", tmp_path)
    run_tests_in(tmp_path, expected=2)


async def test_the_functions_of_the_page_about_sign_in_know_their_caller(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLERK_JWT_ISSUER_DOMAIN", "https://issuer.example")
    write_files(HOW_TO / "authenticate.md", tmp_path)
    (tmp_path / "backend" / "schema.py").write_text(
        "from parabola import define_schema, define_table, v\n"
        "schema = define_schema(users=define_table(token=v.string(), name=v.string()).index('by_token', ['token']))\n"
    )
    async with TestBackend(tmp_path / "backend") as t:
        assert await t.query("profile:me") is None
        alice = t.with_identity(subject="alice", name="Alice")
        assert (await alice.query("profile:me"))["subject"] == "alice"
        for name in ("Alice", "Alicia"):
            await alice.mutation("profile:rename", {"name": name})
        rows = await t.run(lambda ctx: ctx.db.query("users").collect())
        assert [row["name"] for row in rows] == ["Alicia"]
        with pytest.raises(Exception, match="SIGNED_OUT"):
            await t.mutation("profile:rename", {"name": "nobody"})


async def test_the_code_of_the_page_about_pages_reads_every_entry_once(tmp_path: Path) -> None:
    write_files(HOW_TO / "paginate.md", tmp_path)
    (tmp_path / "backend" / "schema.py").write_text(
        "from parabola import define_schema, define_table, v\n"
        "schema = define_schema(entries=define_table(room=v.string(), n=v.number()).index('by_room', ['room']))\n"
    )
    (loop,) = [block for block in code_blocks(HOW_TO / "paginate.md") if "async def all_entries" in block.text]
    names: dict[str, Any] = {}
    exec(compile(loop.text, "paginate.md", "exec"), names)
    async with TestBackend(tmp_path / "backend") as t:

        async def fill(ctx: Any) -> None:
            for n in range(250):
                await ctx.db.insert("entries", {"room": "a", "n": n})

        await t.run(fill)
        entries = await names["all_entries"](t, "a")
    assert [entry["n"] for entry in entries] == list(reversed(range(250)))


async def test_the_application_of_the_page_about_fastapi_serves_both(tmp_path: Path) -> None:
    write_files(ROOT / "README.md", tmp_path)
    write_files(HOW_TO / "mount-in-fastapi.md", tmp_path)
    names: dict[str, Any] = {"__file__": str(tmp_path / "app.py"), "__name__": "app"}
    exec(compile((tmp_path / "app.py").read_text(), "app.py", "exec"), names)
    app = names["app"]
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            assert (await client.get("/health")).json() == {"ok": True}
            call = {"path": "messages:list", "args": {"channel": "general"}}
            assert (await client.post("/live/api/query", json=call)).json()["value"] == []


@pytest.mark.parametrize("page", ["functions", "validators"])
def test_the_code_of_the_reference_runs(page: str) -> None:
    blocks = [block for block in code_blocks(DOCS / "reference" / f"{page}.md") if block.language == "python"]
    assert blocks
    for block in blocks:
        exec(compile(block.text, f"{page}.md", "exec"), {"__name__": page})
