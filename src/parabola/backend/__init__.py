"""Where the parts are joined: a `Backend` can be started, called, deployed to and served."""

from parabola.backend.backend import Backend
from parabola.backend.config import BackendConfig

__all__ = ["Backend", "BackendConfig"]
