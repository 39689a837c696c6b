"""The pytest plugin, in test runs of its own: as a user's project has it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from parabola.cli.init import init

COUNTER = """
from parabola import mutation

@mutation
async def count(ctx):
    row = await ctx.db.query("counts").first()
    if row is None:
        await ctx.db.insert("counts", {"n": 1})
        return 1
    await ctx.db.patch(row["_id"], {"n": row["n"] + 1})
    return row["n"] + 1
"""


def run_pytest(project: Path, *options: str) -> str:
    """The output of pytest over a project's directory, in a fresh process."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", *options],
        cwd=project,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.stdout + done.stderr


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_the_tests_of_a_new_project_pass(tmp_path: Path) -> None:
    init(tmp_path)
    assert "2 passed" in run_pytest(tmp_path)


def test_coroutine_tests_run_and_their_failures_are_failures(tmp_path: Path) -> None:
    write(
        tmp_path / "test_it.py",
        """
import asyncio, pytest

async def test_passes():
    await asyncio.sleep(0)

async def test_fails():
    assert 1 == 2

@pytest.mark.parametrize("n", [1, 2])
async def test_has_arguments(n, tmp_path):
    assert n and tmp_path

class TestGroup:
    async def test_method(self):
        assert self

def test_plain():
    pass
""",
    )
    output = run_pytest(tmp_path)
    assert "1 failed, 5 passed" in output
    assert "assert 1 == 2" in output


def test_asynchronous_fixtures_are_made_and_ended_in_the_loop_of_their_test(tmp_path: Path) -> None:
    write(tmp_path / "backend" / "m.py", COUNTER)
    write(
        tmp_path / "test_it.py",
        """
import asyncio, pytest

loops = []

@pytest.fixture
async def counted(backend):
    await backend.mutation("m:count")
    return backend

@pytest.fixture
async def watched(counted):
    loops.append(asyncio.get_running_loop())
    yield counted
    loops.append(asyncio.get_running_loop())
    loops.append(await counted.mutation("m:count"))

async def test_one(watched):
    loops.append(asyncio.get_running_loop())
    assert await watched.mutation("m:count") == 2

def test_the_fixture_has_ended_after_its_test():
    before, during, after, count = loops
    assert before is during is after
    assert before.is_closed()
    assert count == 3

class TestMethods:
    name = "class"

    @pytest.fixture
    async def own(self, backend):
        self.name = "instance"
        return await backend.mutation("m:count")

    async def test_method(self, own):
        assert (self.name, own) == ("instance", 1)

@pytest.fixture
async def broken():
    raise ValueError("no fixture today")
    yield

async def test_broken(broken):
    pass

@pytest.fixture
async def twice():
    yield 1
    yield 2

async def test_twice(twice):
    assert twice == 1
""",
    )
    output = run_pytest(tmp_path)
    assert "4 passed, 2 errors" in output
    assert "ValueError: no fixture today" in output
    assert "An asynchronous fixture yielded a second time" in output


def test_a_failing_function_is_shown_by_its_own_place_and_not_by_the_tool_s(tmp_path: Path) -> None:
    write(tmp_path / "backend" / "m.py", COUNTER + "\n\n@mutation\nasync def fail(ctx):\n    raise ValueError('no')\n")
    write(tmp_path / "test_it.py", "async def test_one(backend):\n    await backend.mutation('m:fail')\n")
    output = run_pytest(tmp_path, "--show-capture=no")
    at = COUNTER.count("\n") + 5
    assert "await backend.mutation('m:fail')" in output
    assert "Uncaught ValueError: no" in output
    assert f"at fail (backend/m.py:{at})" in output
    assert "testing/backend.py:" not in output


def test_a_test_that_is_marked_for_another_plugin_is_left_to_it(tmp_path: Path) -> None:
    write(
        tmp_path / "test_it.py",
        """
import pytest

@pytest.fixture
def anyio_backend():
    return "asyncio"

@pytest.mark.anyio
async def test_theirs(anyio_backend):
    import anyio
    assert anyio.get_current_task()
""",
    )
    assert "1 passed" in run_pytest(tmp_path)


def test_the_fixture_finds_the_folder_that_pyproject_names(tmp_path: Path) -> None:
    write(tmp_path / "pyproject.toml", '[tool.parabola]\nfunctions = "api"\n')
    write(tmp_path / "api" / "m.py", "from parabola import query\n@query\nasync def one(ctx):\n    return 1\n")
    write(
        tmp_path / "tests" / "test_it.py",
        "async def test_one(backend):\n    assert await backend.query('m:one') == 1\n",
    )
    assert "1 passed" in run_pytest(tmp_path)


def test_each_test_of_a_repository_gets_the_project_that_it_lies_in(tmp_path: Path) -> None:
    write(tmp_path / "pytest.ini", "[pytest]\naddopts = --import-mode=importlib\n")
    write(tmp_path / "deploy.py", "raise SystemExit('the whole repository was run')\n")
    for name in ("one", "two"):
        returns = f"from parabola import query\n@query\nasync def me(ctx):\n    return {name!r}\n"
        write(tmp_path / name / "backend" / "m.py", returns)
        asks = f"async def test_me(backend):\n    assert await backend.query('m:me') == {name!r}\n"
        write(tmp_path / name / "tests" / "test_it.py", asks)
    assert "2 passed" in run_pytest(tmp_path)
    assert "1 passed" in run_pytest(tmp_path / "two" / "tests", "test_it.py")


def test_a_test_outside_of_any_project_is_told_where_one_was_looked_for_and_nothing_is_run(tmp_path: Path) -> None:
    write(tmp_path / "deploy.py", "raise SystemExit('the whole repository was run')\n")
    write(tmp_path / "tests" / "test_it.py", "async def test_me(backend):\n    pass\n")
    output = run_pytest(tmp_path)
    assert "1 error" in output
    assert "test_it.py lies in no Parabola project" in output
    assert f"  {tmp_path / 'tests'}\n" in output
    assert "override the fixture `backend`" in output
    assert "the whole repository was run" not in output


def test_what_is_not_used_is_not_loaded(tmp_path: Path) -> None:
    write(
        tmp_path / "test_it.py",
        "import sys\ndef test_light():\n    assert 'parabola.database' not in sys.modules\n",
    )
    assert "1 passed" in run_pytest(tmp_path)
