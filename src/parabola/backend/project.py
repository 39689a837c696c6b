"""Where a project keeps its functions and its data.

A project is a directory with a functions folder in it: the one that `[tool.parabola] functions = "…"` in its
`pyproject.toml` names, else `backend/`. The data lie in `.parabola/` beside that folder, unless told otherwise.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

from parabola.backend.config import default_data_dir
from parabola.errors import LoadError

FUNCTIONS_FOLDER = "backend"
_SETTINGS: Final = frozenset({"functions", "identity"})


@dataclass(frozen=True, slots=True)
class Project:
    """A functions folder and the place of its data. `root` is the directory that messages show paths relative to."""

    root: Path
    functions: Path

    @property
    def data(self) -> Path:
        """The default data directory: `.parabola/` beside the functions folder."""
        return default_data_dir(self.functions)


def find_project(directory: Path | None = None) -> Project:
    """Finds the project at `directory`; without one, at the working directory or the nearest parent that has one.

    `directory` may be the project or its functions folder. Raises LoadError with the places looked at when there
    is no functions folder.
    """
    start = (directory if directory is not None else Path.cwd()).resolve()
    if not start.is_dir():
        raise LoadError(f'There is no directory "{start}". Name one that holds a {FUNCTIONS_FOLDER}/ folder.')
    candidates = [start] if directory is not None else [start, *start.parents]
    for candidate in candidates:
        found = _project_at(candidate)
        if found is not None:
            return found
    if directory is not None and any(start.glob("*.py")):
        return Project(root=start.parent, functions=start)
    raise LoadError(
        f"No functions folder was found at {start}. Expected {FUNCTIONS_FOLDER}/ there, or a pyproject.toml with "
        f'[tool.parabola] functions = "…".\n'
        f"{_slip(start)}Run `parabola init` to make a new project, or name its directory."
    )


def _slip(start: Path) -> str:
    """What at `start` may have been meant for the functions folder, or an empty text."""
    if (start / FUNCTIONS_FOLDER).exists():
        return f"{FUNCTIONS_FOLDER} is there, but is no folder. "
    folders = sorted(entry.name for entry in start.iterdir() if entry.is_dir() and any(entry.glob("*.py")))
    close = get_close_matches(FUNCTIONS_FOLDER, folders, n=1)
    if not close:
        return ""
    return f'If "{close[0]}" is meant, rename it, or set functions = "{close[0]}". '


def _project_at(root: Path) -> Project | None:
    configured = _configured_folder(root)
    if configured is not None:
        functions = (root / configured).resolve()
        if not functions.is_dir():
            raise LoadError(
                f'{root / "pyproject.toml"} names the functions folder "{configured}", which does not exist. '
                f"Create it, or correct [tool.parabola] functions."
            )
        return Project(root=root, functions=functions)
    if (root / "schema.py").is_file():
        return Project(root=root.parent, functions=root)
    functions = root / FUNCTIONS_FOLDER
    if functions.is_dir():
        return Project(root=root, functions=functions)
    return None


def _configured_folder(root: Path) -> str | None:
    pyproject = root / "pyproject.toml"
    if not pyproject.is_file():
        return None
    try:
        settings = tomllib.loads(pyproject.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise LoadError(f"{pyproject} cannot be read: {error}. Correct it, or name the functions folder.") from error
    folder = _own_table(settings, pyproject).get("functions")
    if folder is None:
        return None
    if not isinstance(folder, str) or not folder.strip():
        raise LoadError(
            f"{pyproject} sets [tool.parabola] functions to {folder!r}, which must be the name of a folder. "
            f'Write functions = "{FUNCTIONS_FOLDER}".'
        )
    return folder


def _own_table(settings: dict[str, Any], pyproject: Path) -> dict[str, Any]:
    table: Any = settings
    for name in ("tool", "parabola"):
        table = table.get(name, {})
        if not isinstance(table, dict):
            raise LoadError(
                f"{pyproject} sets {name} to {table!r}, where a table was expected. "
                f'Write [tool.parabola], and functions = "{FUNCTIONS_FOLDER}" in a line below it.'
            )
    unknown = sorted(table.keys() - _SETTINGS)
    close = {name: get_close_matches(name, _SETTINGS, n=1) for name in unknown}
    for name, meant in close.items():
        if meant:
            raise LoadError(
                f"{pyproject} sets {name} in [tool.parabola], which is no setting. Did you mean {meant[0]}?"
            )
    return dict(table)
