"""What may run beside a backend: the identity server, or nothing.

The identity server is loaded only where it is wanted, so that a start without it waits for none of it.
"""

from __future__ import annotations

import os
import socket
from importlib import import_module
from pathlib import Path
from typing import Protocol, Self, cast

from parabola.auth import Fetch
from parabola.backend.project import Project
from parabola.cli.issuer import settle_issuer
from parabola.server.serve import InFront


class Beside(Protocol):
    """Runs while it is entered as a context. `fetch` is for `Backend`, `in_front` for `serve_started`."""

    @property
    def fetch(self) -> Fetch | None: ...

    @property
    def in_front(self) -> InFront | None: ...

    async def __aenter__(self) -> Self: ...

    async def __aexit__(self, *exc_info: object) -> None: ...


class NoIdentity:
    """Nothing beside the backend: only the issuer's two names are settled."""

    fetch: Fetch | None = None
    in_front: InFront | None = None

    async def __aenter__(self) -> Self:
        settle_issuer(os.environ)
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        return None


def identity_beside(
    wanted: bool, project: Project, bound: socket.socket, host: str, data: Path, *, production: bool
) -> Beside:
    """The identity server for a project that is served on `bound`, if it is wanted. Raises `IdentityRefused`."""
    if not wanted:
        return NoIdentity()
    module = import_module("parabola.cli.identity_beside")
    return cast("Beside", module.local_identity(project, bound, host, data, production=production))
