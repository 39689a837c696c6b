"""What counts as a change of the functions folder."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from parabola.cli.watching import changed_names, changes, look


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
    assert await asyncio.wait_for(anext(watch), 10) == ["early.py"]
    (tmp_path / "later.py").write_text("")
    assert await asyncio.wait_for(anext(watch), 10) == ["later.py"]
    stop.set()
    assert [names async for names in watch] == []
