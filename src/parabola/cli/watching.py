"""Noticing that a functions folder has changed, or what its functions import from beside it.

The watcher only wakes us; whether something changed is decided by comparing what the files look like. So a change
between loading and the first wake is not lost, a touched editor backup does not reload anything, and on file systems
that send no events the regular look still finds the change.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator
from pathlib import Path

from watchfiles import awatch

from parabola.functions.modules import names_beside

# After the first event of a save, how long to wait for its others, in ms.
STEP_MS = 20
GROUP_MS = 150
# How often to look without any event, in ms.
LOOK_MS = 1000

# How far the times of files may lag behind the clock, in ns: kernels stamp them once a tick.
STAMP_LAG_NS = 50_000_000


class Looks(dict[str, tuple[int, int]]):
    """What files looked like: by relative path, when each was written and its size. `at_ns` is when we looked."""

    def __init__(self) -> None:
        super().__init__()
        self.at_ns = time.time_ns()

    def note(self, path: str, folder: Path) -> None:
        """Looks at one file, which may be gone."""
        try:
            status = os.stat(path)
        except FileNotFoundError:
            return
        self[os.path.relpath(path, folder)] = (status.st_mtime_ns, status.st_size)

    def note_below(self, root: Path, folder: Path) -> None:
        """Looks at all Python files below `root`."""
        for directory, folders, files in os.walk(root):
            folders[:] = [name for name in folders if _is_watched(name)]
            for name in files:
                if name.endswith(".py") and _is_watched(name):
                    self.note(os.path.join(directory, name), folder)


def look(folder: Path) -> Looks:
    """The Python files below `folder`, and below what its loads have imported from beside it, by their paths relative
    to `folder` (`../rules/numbers.py`), each with what tells its versions apart.
    """
    found = Looks()
    found.note_below(folder, folder)
    for root in _roots_beside(folder):
        if root.is_dir():
            found.note_below(root, folder)
        else:
            found.note(str(root), folder)
    return found


def changed_names(before: Looks, after: Looks) -> list[str]:
    """The files that appeared, changed or went away."""
    return sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))


async def changes(folder: Path, seen: Looks, stop: asyncio.Event) -> AsyncIterator[list[str]]:
    """Yields the names of changed files, again and again, beginning with what differs from `seen`. Ends with `stop`.

    What a load imports from beside the folder for the first time is watched from then on.
    """
    while not stop.is_set():
        roots = _roots_beside(folder)
        _with_new_roots(seen, look(folder))
        async for _ in awatch(
            folder,
            *roots,
            step=STEP_MS,
            debounce=GROUP_MS,
            rust_timeout=LOOK_MS,
            yield_on_timeout=True,
            stop_event=stop,
        ):
            now = look(folder)
            names = changed_names(seen, now)
            if names:
                seen = now
                yield names
            if _roots_beside(folder) != roots:
                break


def _roots_beside(folder: Path) -> list[Path]:
    """The packages and modules beside `folder` that its loads have asked for, and that are there."""
    roots: list[Path] = []
    for name in sorted(names_beside(folder.resolve())):
        package, module = folder.parent / name, folder.parent / f"{name}.py"
        if package.is_dir() and not package.samefile(folder):
            roots.append(package)
        elif module.is_file():
            roots.append(module)
    return roots


def _with_new_roots(seen: Looks, now: Looks) -> None:
    """Adds to `seen` the files beside the folder that only a load since then has found, as they were when it read
    them. One that was written since then may not be what the load read: it is left to count as a change.
    """
    known = {_root_of(name) for name in seen}
    for name, looks in now.items():
        if name.startswith("..") and _root_of(name) not in known and looks[0] < seen.at_ns - STAMP_LAG_NS:
            seen[name] = looks


def _root_of(name: str) -> tuple[str, ...]:
    return Path(name).parts[:2] if name.startswith("..") else ()


def _is_watched(name: str) -> bool:
    return not name.startswith(".") and name not in ("__pycache__", "_generated")
