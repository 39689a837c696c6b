"""Deploying new code and schemas to a backend that serves (semantics 2.4)."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from parabola.backend import Backend
from parabola.errors import BadRequest, LoadError, SchemaError

OPEN = """
from parabola import mutation, query

@mutation
async def add(ctx, doc: dict):
    return await ctx.db.insert("notes", doc)

@query
async def count(ctx):
    return len(await ctx.db.query("notes").collect())

@query
async def version(ctx):
    return 1
"""
BY_TITLE = """
from parabola import query

@query
async def titled(ctx, title: str):
    found = ctx.db.query("notes").with_index("by_title", lambda q: q.eq("title", title))
    return [note["title"] for note in await found.collect()]
"""


def schema(fields: str, index: bool = False) -> str:
    indexed = '.index("by_title", ["title"])' if index else ""
    return f"""
from parabola import define_schema, define_table, v
schema = define_schema(notes=define_table({fields}){indexed})
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "backend"
    made.mkdir()
    (made / "notes.py").write_text(OPEN)
    return made


async def fill(backend: Backend, count: int) -> None:
    for number in range(count):
        await backend.mutation("notes:add", {"doc": {"title": f"t{number % 7}", "number": number}})


async def test_new_code_serves_after_a_deploy_and_old_results_are_forgotten(folder: Path) -> None:
    async with Backend(folder, storage="memory") as backend:
        assert await backend.query("notes:version") == 1
        (folder / "notes.py").write_text(OPEN.replace("return 1", "return 2"))
        assert await backend.query("notes:version") == 1
        await backend.deploy()
        assert await backend.query("notes:version") == 2


async def test_code_that_cannot_be_loaded_leaves_the_old_version_serving(folder: Path) -> None:
    async with Backend(folder, storage="memory") as backend:
        (folder / "notes.py").write_text("raise RuntimeError('no')\n")
        with pytest.raises(LoadError, match=r"notes\.py:1"):
            await backend.deploy()
        assert await backend.query("notes:version") == 1
        (folder / "notes.py").write_text(OPEN.replace("return 1", "return 3"))
        await backend.deploy()
        assert await backend.query("notes:version") == 3


@pytest.mark.parametrize("storage", ["memory", "sqlite"])
async def test_documents_that_do_not_fit_refuse_the_schema_with_the_specified_text(folder: Path, storage: Any) -> None:
    async with Backend(folder, storage=storage) as backend:
        await fill(backend, 3)
        bad = await backend.mutation("notes:add", {"doc": {"title": 5}})
        (folder / "schema.py").write_text(schema("title=v.string(), number=v.optional(v.number())"))
        (folder / "notes.py").write_text(OPEN.replace("return 1", "return 2"))
        with pytest.raises(SchemaError) as refused:
            await backend.deploy()
        assert refused.value.message.startswith(
            f'Document with ID "{bad}" in table "notes" does not match the schema: '
        )
        assert await backend.query("notes:version") == 1
        # And nothing is enforced that was not in force before.
        await backend.mutation("notes:add", {"doc": {"anything": "goes"}})
        assert await backend.query("notes:count") == 5


@pytest.mark.parametrize("storage", ["memory", "sqlite"])
async def test_a_schema_in_force_is_checked_on_writes_and_its_index_can_be_read(folder: Path, storage: Any) -> None:
    async with Backend(folder, storage=storage) as backend:
        await fill(backend, 500)
        (folder / "schema.py").write_text(schema("title=v.string(), number=v.number()", index=True))
        (folder / "search.py").write_text(BY_TITLE)
        await backend.deploy()
        assert len(await backend.query("search:titled", {"title": "t3"})) == len(range(3, 500, 7))
        with pytest.raises(Exception, match="does not match the schema"):
            await backend.mutation("notes:add", {"doc": {"title": 5}})


async def test_writes_go_on_during_a_deploy_and_are_in_the_new_index(folder: Path) -> None:
    async with Backend(folder, storage="memory") as backend:
        await fill(backend, 1500)
        (folder / "schema.py").write_text(schema("title=v.string(), number=v.number()", index=True))
        (folder / "search.py").write_text(BY_TITLE)
        deploying = asyncio.create_task(backend.deploy())
        written = 0
        while not deploying.done():
            await backend.mutation("notes:add", {"doc": {"title": "during", "number": 1}})
            written += 1
            await asyncio.sleep(0)
        await deploying
        assert written > 1
        assert len(await backend.query("search:titled", {"title": "during"})) == written


async def test_the_same_schema_again_costs_no_commit(folder: Path) -> None:
    (folder / "schema.py").write_text(schema("title=v.string(), number=v.number()", index=True))
    async with Backend(folder) as backend:
        await fill(backend, 3)
        before = backend.database.latest_ts
        await backend.deploy()
        assert backend.database.latest_ts == before
    async with Backend(folder) as backend:
        assert await backend.query("notes:count") == 3


async def test_removing_the_schema_stops_the_checking(folder: Path) -> None:
    (folder / "schema.py").write_text(schema("title=v.string()"))
    async with Backend(folder, storage="memory") as backend:
        with pytest.raises(Exception, match="does not match the schema"):
            await backend.mutation("notes:add", {"doc": {"title": 5}})
        (folder / "schema.py").unlink()
        await backend.deploy()
        await backend.mutation("notes:add", {"doc": {"title": 5}})


async def test_a_provider_that_cannot_be_refuses_the_deploy(folder: Path) -> None:
    async with Backend(folder, storage="memory") as backend:
        (folder / "auth_config.py").write_text(
            'from parabola import auth\nproviders = [auth.oidc(domain="ftp://x", application_id="a")]\n'
        )
        (folder / "notes.py").write_text(OPEN.replace("return 1", "return 2"))
        with pytest.raises(BadRequest, match=r"^backend/auth_config\.py: Invalid provider domain URL"):
            await backend.deploy()
        assert await backend.query("notes:version") == 1


async def test_a_cancelled_deploy_leaves_no_half_made_schema(folder: Path) -> None:
    async with Backend(folder, storage="memory") as backend:
        await fill(backend, 1500)
        (folder / "schema.py").write_text(schema("title=v.string(), number=v.number()", index=True))
        deploying = asyncio.create_task(backend.deploy())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        deploying.cancel()
        with pytest.raises(asyncio.CancelledError):
            await deploying
        assert backend.database.catalog.pending_schema is None
        await backend.mutation("notes:add", {"doc": {"title": 5}})


async def test_deploys_at_once_happen_one_after_another(folder: Path) -> None:
    async with Backend(folder, storage="memory") as backend:
        await fill(backend, 500)
        (folder / "schema.py").write_text(schema("title=v.string(), number=v.number()", index=True))
        (folder / "search.py").write_text(BY_TITLE)
        await asyncio.gather(backend.deploy(), backend.deploy(), backend.deploy())
        assert len(await backend.query("search:titled", {"title": "t3"})) == len(range(3, 500, 7))
