"""How places in user code are named in messages: `backend/messages.py`, from the functions folder on. Nothing of the
machine shows.
"""

from __future__ import annotations

import inspect
import os
import re
from typing import Any, Final

from parabola.functions.time_limit import LOADED_MODULE_PREFIX

_LOADED_NAME: Final = re.compile(rf"{LOADED_MODULE_PREFIX}\d+(_beside)?\.")


def shown_file(file: str, folder: str) -> str:
    """`file` as its user knows it: from the directory around the functions folder on, or its name where it lies
    elsewhere. `folder` is empty for functions that were not loaded from one.
    """
    root = os.path.dirname(os.path.abspath(folder)) if folder else ""
    if root and file.startswith(root.rstrip(os.sep) + os.sep):
        return os.path.relpath(file, root).replace(os.sep, "/")
    return os.path.basename(file)


def without_loaded_names(text: str) -> str:
    """`text` without the names that the loader gave the modules of the user: they are nobody's business."""
    return _LOADED_NAME.sub("", text) if LOADED_MODULE_PREFIX in text else text


def module_file(module: str, folder: str) -> str:
    """`backend/crons.py`, for a module at the root of the functions folder."""
    return f"{os.path.basename(folder)}/{module}.py" if folder else f"{module}.py"


def place_of(function: Any, folder: str) -> str | None:
    """`backend/messages.py:3`: where a function was written; None where nobody can tell."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    return None if code is None else f"{shown_file(code.co_filename, folder)}:{code.co_firstlineno}"
