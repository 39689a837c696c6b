"""Every program in the pages about signals runs against a server over the pages' functions, and does what they say."""

from __future__ import annotations

import asyncio
import contextlib
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from nicegui.testing import user_simulation
from reaktiv import Signal

import parabola.ui
from parabola.ui import provide_auth, provide_parabola, until
from parabola.ui.scopes import find_scope
from tests.docs.pages import DOCS, code_blocks, write_files
from tests.scenarios.server_process import ServerProcess

HOW_TO = DOCS / "how-to"
ADDRESS = "http://127.0.0.1:3210"
PATIENCE_S = 60


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server over the functions of all these pages."""
    project = tmp_path_factory.mktemp("project")
    for page in ("signals.md", "paginate.md"):
        write_files(HOW_TO / page, project)
    schema = project / "backend" / "schema.py"
    schema.write_text(
        schema.read_text()
        .replace("schema = define_schema(", "schema = define_schema(\n    entries=ENTRIES,\n    ")
        .replace(
            "schema = ",
            'ENTRIES = define_table(room=v.string(), body=v.string()).index("by_room", ["room"])\n\nschema = ',
            1,
        )
    )
    (project / "backend" / "filling.py").write_text(
        "from parabola import MutationCtx, mutation\n\n"
        "@mutation\n"
        "async def fill(ctx: MutationCtx, room: str, count: int) -> None:\n"
        "    for number in range(count):\n"
        '        await ctx.db.insert("entries", {"room": room, "body": f"entry {number}"})\n'
    )
    process = ServerProcess(project, tmp_path_factory.mktemp("data"))
    try:
        yield process.start()
    finally:
        process.close()


def program(page: str, file: str, server: ServerProcess) -> tuple[dict[str, Any], str]:
    """Runs the program that a page shows under this name; its names, and what it printed."""
    (block,) = [block for block in code_blocks(HOW_TO / page) if block.file == file]
    return run(block.text.replace(ADDRESS, server.url), file)


def run(text: str, file: str) -> tuple[dict[str, Any], str]:
    names: dict[str, Any] = {"__name__": file}
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(text, file, "exec"), names)
    return names, printed.getvalue()


def piece(page: str, marker: str) -> dict[str, Any]:
    """Runs the one piece of code of a page that holds `marker`; its names."""
    (block,) = [block for block in code_blocks(HOW_TO / page) if block.language == "python" and marker in block.text]
    return run(block.text, page)[0]


def test_the_script_follows_a_query_and_its_arguments(server: ServerProcess) -> None:
    _, printed = program("signals.md", "script.py", server)
    lines = printed.splitlines()
    assert lines[0] == "home pending 0"
    assert "home success 1" in lines
    assert lines[-1] == "work success 0"


def test_the_smaller_pieces_do_what_is_said_of_them(server: ServerProcess) -> None:
    with provide_parabola(server.url):
        chosen: Signal[str | None] = Signal(None)
        query = piece("signals.md", "def details")["details"](chosen)
        assert query.is_skipped()
        chosen.set("nowhere")
        until(query.is_success).result(PATIENCE_S)
        names = Signal(("nowhere", "never"))
        lists = piece("signals.md", "def all_lists")["all_lists"](names)
        until(lambda: lists() == {"nowhere": [], "never": []}).result(PATIENCE_S)


def test_the_program_on_asyncio_sees_its_own_write(server: ServerProcess) -> None:
    names, _ = program("signals.md", "program.py", server)
    assert asyncio.run(names["main"]()) == ["Water the roses"]


def test_the_notebook_needs_no_with(server: ServerProcess) -> None:
    names, _ = program("signals.md", "notebook.py", server)
    assert names["app"].is_closed
    assert find_scope() is None


def test_an_optimistic_update_is_shown_and_taken_back(server: ServerProcess) -> None:
    _, printed = program("optimistic-updates.md", "optimistic.py", server)
    assert printed.splitlines()[-1].startswith("['Milk'] ")
    assert "Refused:" in printed


def test_the_list_is_loaded_page_by_page(server: ServerProcess) -> None:
    server.call("mutation", "filling:fill", {"room": "a", "count": 50})
    _, printed = program("live-pagination.md", "pages.py", server)
    assert int(printed) >= 50


async def test_the_list_in_a_page_grows_at_the_push_of_a_button(server: ServerProcess) -> None:
    await asyncio.to_thread(server.call, "mutation", "filling:fill", {"room": "a", "count": 50})
    async with user_simulation(lambda: None) as user:
        from_page, _ = program("live-pagination.md", "feed_page.py", server)
        pages = run("from nicegui import ui\nfrom parabola.ui.nicegui import use_parabola\n", "pages")[0]
        pages["use_parabola"](server.url)
        pages["ui"].page("/")(from_page["feed_page"])
        await user.open("/")
        await user.should_see("entry 49", retries=200)
        await user.should_not_see("entry 25")
        user.find("More").click()
        await user.should_see("entry 25", retries=200)


async def test_the_pages_send_strangers_to_the_login_page(
    server: ServerProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_files(HOW_TO / "guards.md", tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    async with user_simulation(lambda: None) as user:
        program("guards.md", "pages.py", server)
        await user.open("/")
        await user.should_see("Sign in", retries=200)
        response = await user.http_client.get("/account?tab=keys")
        assert response.headers["location"] == "/login?return_url=/account%3Ftab%3Dkeys"
        await user.open("/account")
        await user.should_see("Please sign in", retries=200)


async def test_a_guard_serves_any_framework(server: ServerProcess) -> None:
    session = run(next(b.text for b in code_blocks(HOW_TO / "guards.md") if b.file == "session.py"), "session.py")[0]
    gone: list[str] = []
    async with provide_parabola(server.url):
        provide_auth(session["Session"]())
        await piece("guards.md", "async def open_account")["open_account"](lambda: gone.append("shown"), gone.append)
    assert gone == ["/login?return_url=/account%3Ftab%3Dkeys"]


def test_the_table_of_names_holds_every_name_of_ours() -> None:
    text = (DOCS / "reference" / "convex-angular-names.md").read_text()
    functions = {
        name for name in parabola.ui.__all__ if name.startswith(("inject_", "provide_")) or name.endswith("_guard")
    }
    assert [name for name in sorted(functions | {"skip"}) if f"`{name}" not in text] == []
