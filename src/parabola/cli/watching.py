"""Noticing that a functions folder has changed.

The watcher only wakes us; whether something changed is decided by comparing what the files look like. So a change
between loading and the first wake is not lost, a touched editor backup does not reload anything, and on file systems
that send no events the regular look still finds the change.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

from watchfiles import awatch

# After the first event of a save, how long to wait for its others, in ms.
STEP_MS = 20
GROUP_MS = 150
# How often to look without any event, in ms.
LOOK_MS = 1000

Looks = Mapping[str, tuple[int, int]]


def look(folder: Path) -> Looks:
    """The Python files below `folder` by relative path, each with what tells its versions apart."""
    found: dict[str, tuple[int, int]] = {}
    for directory, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if _is_watched(name)]
        for name in files:
            if not name.endswith(".py") or not _is_watched(name):
                continue
            path = os.path.join(directory, name)
            try:
                status = os.stat(path)
            except FileNotFoundError:
                continue
            found[os.path.relpath(path, folder)] = (status.st_mtime_ns, status.st_size)
    return found


def changed_names(before: Looks, after: Looks) -> list[str]:
    """The files that appeared, changed or went away."""
    return sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))


async def changes(folder: Path, seen: Looks, stop: asyncio.Event) -> AsyncIterator[list[str]]:
    """Yields the names of changed files, again and again, beginning with what differs from `seen`. Ends with `stop`."""
    if stop.is_set():
        return
    async for _ in awatch(
        folder, step=STEP_MS, debounce=GROUP_MS, rust_timeout=LOOK_MS, yield_on_timeout=True, stop_event=stop
    ):
        now = look(folder)
        names = changed_names(seen, now)
        if names:
            seen = now
            yield names


def _is_watched(name: str) -> bool:
    return not name.startswith(".") and name not in ("__pycache__", "_generated")
