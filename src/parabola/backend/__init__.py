"""Where the parts are joined: a `Backend` can be started, called, deployed to and served.

`Backend` is loaded when it is first asked for: commands that only talk to a running server need the settings of this
package and none of its parts.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from parabola.backend.config import BackendConfig

if TYPE_CHECKING:
    from parabola.backend.backend import Backend

__all__ = ["Backend", "BackendConfig"]


def __getattr__(name: str) -> Any:
    if name != "Backend":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return import_module("parabola.backend.backend").Backend
