"""Starting, stopping and calling a backend from Python."""

from __future__ import annotations

import asyncio
import stat
from pathlib import Path

import pytest

from parabola.auth import AdminIdentity, Identity
from parabola.backend import Backend
from parabola.definitions.references import api
from parabola.errors import ConvexError, LoadError, StorageFailure

MODULE = """
from parabola import ConvexError, internal_query, mutation, query, action

@query
async def list(ctx):
    return [row["body"] for row in await ctx.db.query("messages").collect()]

@mutation
async def send(ctx, body: str):
    await ctx.db.insert("messages", {"body": body})

@action
async def relay(ctx, body: str):
    await ctx.run_mutation("messages:send", {"body": body})
    return await ctx.run_query("messages:secret", {})

@internal_query
async def secret(ctx):
    identity = await ctx.auth.get_user_identity()
    return None if identity is None else identity["subject"]

@query
async def refuse(ctx):
    raise ConvexError({"why": "because"})

@query
async def crash(ctx):
    return 1 / 0
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "project" / "backend"
    made.mkdir(parents=True)
    (made / "messages.py").write_text(MODULE)
    return made


async def test_functions_are_called_by_name_or_reference(folder: Path) -> None:
    async with Backend(folder, storage="memory") as backend:
        await backend.mutation("messages:send", {"body": "a"})
        await backend.mutation(api.messages.send, {"body": "b"})
        assert sorted(await backend.query(api.messages.list)) == ["a", "b"]


async def test_failures_are_raised_as_the_function_raised_them(folder: Path) -> None:
    async with Backend(folder, storage="memory") as backend:
        with pytest.raises(ConvexError) as refused:
            await backend.query("messages:refuse")
        assert refused.value.data == {"why": "because"}
        with pytest.raises(ZeroDivisionError):
            await backend.query("messages:crash")
        with pytest.raises(Exception, match="Could not find public function for 'messages:nope'"):
            await backend.query("messages:nope")
        with pytest.raises(Exception, match="ArgumentValidationError"):
            await backend.mutation("messages:send", {"body": 5})


async def test_internal_functions_are_for_the_admin_and_see_the_user_acted_as(folder: Path) -> None:
    async with Backend(folder, storage="memory") as backend:
        with pytest.raises(Exception, match="Could not find public function"):
            await backend.query("messages:secret")
        assert await backend.query("messages:secret", identity=AdminIdentity()) is None
        acting = AdminIdentity(Identity("i|ada", "i", "ada"))
        assert await backend.query("messages:secret", identity=acting) == "ada"
        attributes = {"issuer": "i", "subject": "bob"}
        assert await backend.action("messages:relay", {"body": "x"}, identity=attributes) == "bob"


async def test_what_a_caller_does_to_a_result_does_not_show_to_the_next(folder: Path) -> None:
    async with Backend(folder, storage="memory") as backend:
        await backend.mutation("messages:send", {"body": "a"})
        first = await backend.query("messages:list")
        first.append("mine")
        assert await backend.query("messages:list") == ["a"]


async def test_data_and_admin_key_survive_a_restart(folder: Path) -> None:
    async with Backend(folder) as backend:
        await backend.mutation("messages:send", {"body": "kept"})
        key = backend.admin_key
    data = folder.parent / ".parabola"
    assert stat.S_IMODE((data / "admin_key").stat().st_mode) == 0o600
    async with Backend(folder) as backend:
        assert await backend.query("messages:list") == ["kept"]
        assert backend.admin_key == key


async def test_starting_and_stopping_twice_is_harmless(folder: Path) -> None:
    backend = Backend(folder, storage="memory")
    await backend.stop()
    await asyncio.gather(backend.start(), backend.start())
    assert backend.is_running
    await backend.stop()
    await backend.stop()
    assert not backend.is_running


async def test_a_backend_can_be_started_again_after_it_was_stopped(folder: Path) -> None:
    backend = Backend(folder)
    async with backend:
        await backend.mutation("messages:send", {"body": "a"})
    async with backend:
        assert await backend.query("messages:list") == ["a"]


async def test_a_folder_that_cannot_be_loaded_leaves_nothing_open(folder: Path) -> None:
    (folder / "broken.py").write_text("def (")
    backend = Backend(folder)
    with pytest.raises(LoadError, match=r"broken\.py:1"):
        await backend.start()
    assert not backend.is_running
    (folder / "broken.py").unlink()
    async with backend:
        assert await backend.query("messages:list") == []


async def test_data_in_use_by_another_backend_are_refused(folder: Path) -> None:
    async with Backend(folder):
        with pytest.raises(StorageFailure):
            await Backend(folder).start()


async def test_a_mutation_whose_caller_gives_up_still_commits(folder: Path) -> None:
    async with Backend(folder) as backend:
        calling = asyncio.create_task(backend.mutation("messages:send", {"body": "a"}))
        await asyncio.sleep(0)
        calling.cancel()
        await asyncio.gather(calling, return_exceptions=True)
        await backend.mutation("messages:send", {"body": "b"})
        assert sorted(await backend.query("messages:list")) == ["a", "b"]


def test_use_from_another_event_loop_is_explained(folder: Path) -> None:
    backend = Backend(folder, storage="memory")
    asyncio.run(backend.start())
    with pytest.raises(RuntimeError, match="started in another event loop"):
        asyncio.run(backend.query("messages:list"))


@pytest.mark.parametrize(
    ("options", "text"),
    [({"storage": "paper"}, "Pass 'sqlite' or 'memory'"), ({"name": "No Good"}, "cannot be the name of a deployment")],
)
def test_settings_that_cannot_be_are_refused(folder: Path, options: dict[str, str], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        Backend(folder, **options)  # type: ignore[arg-type]


async def test_a_data_folder_that_cannot_be_made_is_said_in_one_sentence(folder: Path) -> None:
    (folder.parent / "file").write_text("in the way")
    for admin_key in (None, "name|key"):
        backend = Backend(folder, data_dir=folder.parent / "file" / "data", admin_key=admin_key)
        with pytest.raises(StorageFailure, match=r"^The data folder .*file.* cannot be used: Not a directory\."):
            await backend.start()


@pytest.mark.parametrize("content", [b"\xff\xfe", b"no key"])
async def test_a_file_that_holds_no_admin_key_is_said_in_one_sentence(folder: Path, content: bytes) -> None:
    data = folder.parent / "data"
    data.mkdir()
    (data / "admin_key").write_bytes(content)
    with pytest.raises(StorageFailure, match=r"does not hold a whole admin key.*make a new one with"):
        await Backend(folder, data_dir=data).start()
