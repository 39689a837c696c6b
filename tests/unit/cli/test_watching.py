"""What counts as a change of the functions folder."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from parabola.cli.watching import changed_names, changes, look
from parabola.errors import LoadError
from parabola.functions.loader import load_folder


def test_python_files_count_and_nothing_else(tmp_path: Path) -> None:
    for name in ("messages.py", "lib/auth.py", "notes.txt", ".hidden.py", "__pycache__/x.py", "_generated/api.py"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("")
    assert sorted(look(tmp_path)) == ["lib/auth.py", "messages.py"]


def test_new_changed_and_removed_files_are_named(tmp_path: Path) -> None:
    for name in ("stays.py", "changes.py", "goes.py"):
        (tmp_path / name).write_text("1")
    before = look(tmp_path)
    (tmp_path / "changes.py").write_text("longer")
    (tmp_path / "goes.py").unlink()
    (tmp_path / "comes.py").write_text("")
    assert changed_names(before, look(tmp_path)) == ["changes.py", "comes.py", "goes.py"]


def test_a_rewrite_with_another_time_is_a_change(tmp_path: Path) -> None:
    path = tmp_path / "messages.py"
    path.write_text("1")
    before = look(tmp_path)
    os.utime(path, ns=(1, 1))
    assert changed_names(before, look(tmp_path)) == ["messages.py"]


async def test_a_change_made_before_the_watch_began_is_not_lost(tmp_path: Path) -> None:
    seen = look(tmp_path)
    (tmp_path / "early.py").write_text("")
    stop = asyncio.Event()
    watch = changes(tmp_path, seen, stop)
    assert await asyncio.wait_for(anext(watch), 60) == ["early.py"]
    (tmp_path / "later.py").write_text("")
    assert await asyncio.wait_for(anext(watch), 60) == ["later.py"]
    stop.set()
    assert [names async for names in watch] == []


def project(tmp_path: Path) -> Path:
    """A functions folder that imports a package beside it, among files that are none of its business."""
    for name in ("backend", "rules", "other"):
        (tmp_path / name).mkdir()
    (tmp_path / "backend" / "game.py").write_text("from ..rules.numbers import LIMIT\n")
    (tmp_path / "rules" / "numbers.py").write_text("LIMIT = 1\n")
    (tmp_path / "other" / "script.py").write_text("")
    os.utime(tmp_path / "rules" / "numbers.py", (1_700_000_000, 1_700_000_000))
    return tmp_path / "backend"


def test_what_the_functions_import_from_beside_them_counts_too(tmp_path: Path) -> None:
    folder = project(tmp_path)
    assert sorted(look(folder)) == ["game.py"]
    load_folder(folder)
    assert sorted(look(folder)) == ["../rules/numbers.py", "game.py"]


def test_what_kept_a_load_from_its_end_counts_too(tmp_path: Path) -> None:
    folder = project(tmp_path)
    (tmp_path / "rules" / "numbers.py").write_text("LIMIT = \n")
    (tmp_path / "backend" / "later.py").write_text("from ..missing import x\n")
    with pytest.raises(LoadError):
        load_folder(folder)
    assert sorted(look(folder)) == ["../rules/numbers.py", "game.py", "later.py"]
    (tmp_path / "rules" / "numbers.py").write_text("LIMIT = 1\n")
    before = look(folder)
    with pytest.raises(LoadError):
        load_folder(folder)
    (tmp_path / "missing.py").write_text("x = 1\n")
    assert changed_names(before, look(folder)) == ["../missing.py"]


async def test_a_file_beside_the_folder_is_watched_from_the_load_that_imported_it(tmp_path: Path) -> None:
    folder = project(tmp_path)
    game = folder / "game.py"
    game.write_text("")
    seen = look(folder)
    load_folder(folder)
    stop = asyncio.Event()
    watch = changes(folder, seen, stop)
    game.write_text("from ..rules.numbers import LIMIT\n")
    assert await asyncio.wait_for(anext(watch), 60) == ["game.py"]
    load_folder(folder)
    # The load has read what it found beside the folder: that alone is no change.
    (tmp_path / "other" / "script.py").write_text("changed")
    (tmp_path / "rules" / "numbers.py").write_text("LIMIT = 22\n")
    assert await asyncio.wait_for(anext(watch), 60) == ["../rules/numbers.py"]
    stop.set()
    assert [names async for names in watch] == []
