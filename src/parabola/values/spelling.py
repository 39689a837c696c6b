"""What somebody meant who asked for a name that is not there: `withIndex` for `with_index`, `colect` for `collect`."""

from __future__ import annotations

import difflib
import re
from typing import Final

_HUMP: Final = re.compile(r"(?<=[a-z0-9])[A-Z]")


def no_such_member(what: str, name: str, owner: type) -> str:
    """The sentence for a `name` that `what`, an instance of `owner`, does not have; with the nearest that it has."""
    known = [member for member in dir(owner) if not member.startswith("_")]
    snake_case = _HUMP.sub(lambda hump: "_" + hump.group().lower(), name)
    near = [snake_case] if snake_case in known else difflib.get_close_matches(snake_case, known, n=1)
    if f"{snake_case}_" in known:
        # `and`, `or` and `not` are words of the language, so their methods end in an underscore.
        near = [f"{snake_case}_"]
    return f"{what} has no {name!r}." + (f" Did you mean {near[0]}?" if near else "")
