"""`parabola init`: a new project that runs."""

from __future__ import annotations

import re
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Annotated

import typer

from parabola.cli.console import err, success
from parabola.cli.failure import CommandFailed

_SUFFIX = ".template"


def init(
    directory: Annotated[
        Path, typer.Argument(metavar="DIR", help="Where to put it; made if missing.", show_default="here")
    ] = Path(),
) -> None:
    """Make a new project that runs: a small chat, with a test.

    Nothing that exists is overwritten.

    [bold]Examples[/]

      parabola init            in this directory
      parabola init my-chat    in a new one
    """
    files = project_files(directory.resolve().name)
    existing = [name for name in files if (directory / name).exists()]
    if existing:
        raise CommandFailed(
            f"{directory.resolve()} already has {', '.join(existing)}; nothing was changed.\n"
            "Name another directory, or move those files away first."
        )
    for name, text in files.items():
        target = directory / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    success(f"A new project is in {directory.resolve()}")
    err.print("\nNext:", markup=False)
    if directory.resolve() != Path.cwd():
        err.print(f"  cd {directory}", markup=False)
    err.print("  parabola dev", markup=False)


def project_files(directory_name: str) -> dict[str, str]:
    """The template's files by their relative path, with the project's name filled in."""
    name = re.sub(r"[^a-z0-9]+", "-", directory_name.lower()).strip("-") or "my-app"
    root = resources.files("parabola.cli") / "template"
    return {path: text.replace("$name", name) for path, text in sorted(_read(root, ""))}


def _read(folder: Traversable, prefix: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for entry in folder.iterdir():
        if entry.is_dir():
            found += _read(entry, f"{prefix}{entry.name}/")
        elif entry.name.endswith(_SUFFIX):
            name = entry.name.removesuffix(_SUFFIX)
            # A file that starts with a dot would be left out by tools that copy the package's data.
            found.append((prefix + (".gitignore" if name == "gitignore" else name), entry.read_text(encoding="utf-8")))
    return found
