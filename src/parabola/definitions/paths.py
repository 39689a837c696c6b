"""The names of functions, in every spelling that clients send, and their one canonical form.

A function is `folder/module:function`. Clients may add `.js` to the module (the Python client does, after a reconnect),
leave `:default` out, and write each part in camelCase where the Python file says snake_case. `canonical_path` undoes
the first two; `wire_name` maps both spellings onto one key, under which `functions.registry` looks functions up.
Field names and arguments are data and are never touched here.

Source: wire 4.1, semantics 3.2 and 22.3 item 38.
"""

from __future__ import annotations

import re
from functools import lru_cache

from parabola.errors import BadRequest

PATH_LENGTH_MAX = 1024
PART_LENGTH_MAX = 64
DEFAULT_FUNCTION = "default"
WRITTEN = " Write it as 'folder/module:function'."

# Paths come from outside: no text may make these take longer than its length.
_PART = re.compile(r"[_.]*[A-Za-z0-9][A-Za-z0-9_.]*")
_FUNCTION = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SNAKE_STEP = re.compile(r"(?<=[A-Za-z0-9])_+([A-Za-z0-9])")


class InvalidFunctionPath(BadRequest):
    """A text that cannot be the name of any function."""

    default_code = "BadFunctionPath"


@lru_cache(maxsize=4096)
def canonical_path(text: str) -> str:
    """`text` as `folder/module:function`: no extension, the function always named.

    Spelling (snake_case or camelCase) is kept: which one exists is the registry's knowledge. Raises
    `InvalidFunctionPath` when no function could have this name.
    """
    if len(text) > PATH_LENGTH_MAX:
        raise InvalidFunctionPath(
            f"{text[:40]!r}… is not a function path: it has {len(text)} characters, and at most {PATH_LENGTH_MAX} are "
            "possible. Write it as 'folder/module:function'."
        )
    module, separator, function = text.rpartition(":")
    if not separator:
        module, function = text, DEFAULT_FUNCTION
    file = module[module.rfind("/") + 1 :]
    if "." in file:
        stem, _, extension = file.rpartition(".")
        if extension != "js":
            raise InvalidFunctionPath(
                f"{text!r} is not a function path: {file!r} cannot be the name of a module, whose extension is left "
                f"out or 'js'.{colon_advice(text) or WRITTEN}"
            )
        if "." not in stem:
            # Else what is left would seem to have another extension, and not be read again as the same path.
            module = module[:-3]
    if len(function) > PART_LENGTH_MAX or not _FUNCTION.fullmatch(function):
        raise InvalidFunctionPath(
            f"{text!r} is not a function path: {function!r} cannot be the name of a function. "
            "Write it as 'folder/module:function'."
        )
    for part in module.split("/"):
        if len(part) > PART_LENGTH_MAX or not _PART.fullmatch(part) or part.startswith(".") or part.endswith("."):
            raise InvalidFunctionPath(
                f"{text!r} is not a function path: {part!r} cannot be the name of a module. "
                "Write it as 'folder/module:function'."
            )
    return f"{module}:{function}"


def colon_advice(text: str) -> str:
    """What to add where `text` names no function and was written with dots, as in code: a sentence after a space."""
    parts = text.removeprefix("api.").removeprefix("internal.").removesuffix(".js").split(".")
    if ":" in text or len(parts) < 2 or not all(part.isidentifier() for part in "/".join(parts).split("/")):
        return ""
    return f" Names have a colon before the function: write '{'/'.join(parts[:-1])}:{parts[-1]}'."


def split_path(path: str) -> tuple[str, str]:
    """A canonical path as (module, function)."""
    module, _, function = path.rpartition(":")
    return module, function


def display_path(path: str) -> str:
    """A canonical path as people read it: without `:default`."""
    module, function = split_path(path)
    return module if function == DEFAULT_FUNCTION else path


def camel_case(part: str) -> str:
    """One part of a path in its wire spelling: `get_gold_upgrades` gives `getGoldUpgrades`; leading `_` stay."""
    return _SNAKE_STEP.sub(lambda step: step.group(1).upper(), part)


def wire_name(path: str) -> str:
    """The canonical path with each part in camelCase: equal for all spellings of one function."""
    module, function = split_path(path)
    return "/".join(camel_case(part) for part in module.split("/")) + ":" + camel_case(function)
