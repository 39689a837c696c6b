"""How places in user code are named in messages: `backend/messages.py`, from the functions folder on. Nothing of the
machine shows.
"""

from __future__ import annotations

import inspect
import os
from typing import Any


def shown_file(file: str, folder: str) -> str:
    """`file` as its user knows it: from the directory around the functions folder on, or its name where it lies
    elsewhere. `folder` is empty for functions that were not loaded from one.
    """
    root = os.path.dirname(os.path.abspath(folder)) if folder else ""
    if root and file.startswith(root.rstrip(os.sep) + os.sep):
        return os.path.relpath(file, root).replace(os.sep, "/")
    return os.path.basename(file)


def module_file(module: str, folder: str) -> str:
    """`backend/crons.py`, for a module at the root of the functions folder."""
    return f"{os.path.basename(folder)}/{module}.py" if folder else f"{module}.py"


def place_of(function: Any, folder: str) -> str | None:
    """`backend/messages.py:3`: where a function was written; None where nobody can tell."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    return None if code is None else f"{shown_file(code.co_filename, folder)}:{code.co_firstlineno}"
