"""Which admin key a command uses: the option's, the environment's, or the one in the data folder here."""

from __future__ import annotations

import os
from pathlib import Path

from parabola.auth.admin import read_admin_key
from parabola.backend.config import ADMIN_KEY_FILE
from parabola.backend.project import find_project
from parabola.cli.failure import CommandFailed
from parabola.cli.options import ADMIN_KEY_VARIABLE
from parabola.errors import LoadError


def data_directory_for(option: Path | None) -> Path:
    """The data folder that `--data` names, or that of the project here."""
    return option if option is not None else find_project().data


def admin_key_for(option: str | None, data: Path | None) -> str:
    """The admin key to call with. Raises CommandFailed, with every way to give one, when there is none."""
    given = option or os.environ.get(ADMIN_KEY_VARIABLE)
    if given:
        return given
    try:
        path = data_directory_for(data) / ADMIN_KEY_FILE
    except LoadError as error:
        raise _no_key("there is no project here") from error
    try:
        return read_admin_key(path)
    except FileNotFoundError as error:
        raise _no_key(f"there is none at {path}") from error
    except OSError as error:
        raise _no_key(f"{path} cannot be read ({error.strerror})") from error


def _no_key(where: str) -> CommandFailed:
    return CommandFailed(
        f"No admin key was given, and {where}.\n"
        f"Run this in the project of a server that was started here, name its data folder with --data, or pass the key "
        f"with --admin-key or {ADMIN_KEY_VARIABLE}."
    )
