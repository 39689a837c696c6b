"""Where a project keeps its functions and its data.

A project is a directory with a functions folder in it: the one that `[tool.parabola] functions = "…"` in its
`pyproject.toml` names, else `backend/`. The data lie in `.parabola/` beside that folder, unless told otherwise.

To load a functions folder is to run every file in it. So one that nobody named must show that it is one: no other
folder is taken for it because it holds Python files.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

from parabola.backend.config import default_data_dir
from parabola.errors import LoadError
from parabola.functions.modules import module_files

FUNCTIONS_FOLDER = "backend"
_SETTINGS: Final = frozenset({"functions", "identity"})
# What stands at the top of a program or a repository, and not among functions.
_TOPS: Final = ("pyproject.toml", "setup.py", "setup.cfg", ".git")
# A folder of functions may have tests in it; one that has nothing else to show that it is one may not.
_TOPS_AND_TESTS: Final = (*_TOPS, "tests")


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

    `directory` may be the project or its functions folder. Raises LoadError with what was expected when there is no
    functions folder.
    """
    start = (directory if directory is not None else Path.cwd()).resolve()
    if not start.is_dir():
        raise LoadError(f'There is no directory "{start}". Name one that holds a {FUNCTIONS_FOLDER}/ folder.')
    candidates = [start] if directory is not None else [start, *start.parents]
    for candidate in candidates:
        found = _project_at(candidate)
        if found is not None:
            return found
    refused = ""
    if directory is not None and any(start.glob("*.py")):
        tops = [name for name in _TOPS_AND_TESTS if (start / name).exists()]
        if not tops:
            return Project(root=start.parent, functions=start)
        refused = f"Its own Python files are not taken for functions, since it holds {' and '.join(tops)}. "
    raise LoadError(
        f"No functions folder was found at {start}. Expected {FUNCTIONS_FOLDER}/ there, or a pyproject.toml with "
        f'[tool.parabola] functions = "…".\n'
        f"{refused}{_slip(start)}Run `parabola init` to make a new project, or name its directory."
    )


def find_project_around(file: Path, within: Iterable[Path] = ()) -> Project:
    """Finds the project that `file` lies in, which nobody named: the nearest with a `[tool.parabola]` in its
    `pyproject.toml`, or with a `backend/` whose modules mention Parabola.

    It is not looked for above the repository of `file` and the folders `within`. Raises LoadError with the places
    looked at when there is none.
    """
    file = file.resolve()
    bounds = [*(folder.resolve() for folder in within), *_repository(file)]
    places = [folder for folder in file.parents if any(folder.is_relative_to(bound) for bound in bounds)]
    places = places or [file.parent]
    for place in places:
        if _own_settings(place) is not None:
            return find_project(place)
        functions = place / FUNCTIONS_FOLDER
        if _mentions_parabola(functions):
            return Project(root=place, functions=functions)
    looked = "\n".join(f"  {place}" for place in places)
    raise LoadError(
        f"{file} lies in no Parabola project. Expected a folder with {FUNCTIONS_FOLDER}/ in it, where a module imports "
        f'parabola, or a pyproject.toml with [tool.parabola] functions = "…". Looked in:\n{looked}\n'
        "Make one of these. A test of another folder may name its functions itself: override the fixture `backend`, or "
        'write TestBackend("backend/").'
    )


def _repository(file: Path) -> list[Path]:
    return [folder for folder in file.parents if (folder / ".git").exists()][:1]


def _mentions_parabola(folder: Path) -> bool:
    """Whether a module of `folder` mentions Parabola, as one does that declares functions."""
    return folder.is_dir() and any(b"parabola" in (folder / file).read_bytes() for file in module_files(folder))


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
    if (root / "schema.py").is_file() and not any((root / name).exists() for name in _TOPS):
        return Project(root=root.parent, functions=root)
    functions = root / FUNCTIONS_FOLDER
    if functions.is_dir():
        return Project(root=root, functions=functions)
    return None


def _configured_folder(root: Path) -> str | None:
    settings = _own_settings(root)
    folder = None if settings is None else settings.get("functions")
    if folder is None:
        return None
    if not isinstance(folder, str) or not folder.strip():
        raise LoadError(
            f"{root / 'pyproject.toml'} sets [tool.parabola] functions to {folder!r}, which must be the name of a "
            f'folder. Write functions = "{FUNCTIONS_FOLDER}".'
        )
    return folder


def _own_settings(root: Path) -> dict[str, Any] | None:
    """What `[tool.parabola]` holds in the `pyproject.toml` of `root`; None if there is no such table."""
    pyproject = root / "pyproject.toml"
    if not pyproject.is_file():
        return None
    try:
        settings = tomllib.loads(pyproject.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise LoadError(f"{pyproject} cannot be read: {error}. Correct it, or name the functions folder.") from error
    own = _own_table(settings, pyproject)
    return own if "parabola" in settings.get("tool", {}) else None


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
