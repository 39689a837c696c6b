"""The identity server's data in a project's folder, opened for one command."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from parabola.cli.access import data_directory_for
from parabola.cli.failure import CommandFailed
from parabola.cli.identity_beside import show_new_secret_key
from parabola.identity.failures import ClerkFailure
from parabola.identity.server import IdentityServer
from parabola.identity.settings import IdentitySettings

T = TypeVar("T")


def with_identity(data: Path | None, work: Callable[[IdentityServer], Awaitable[T]]) -> T:
    """Runs `work` on the accounts that `--data` names, or those of the project here. Raises CommandFailed with the
    reason of a refusal.
    """
    settings = IdentitySettings(data_dir=data_directory_for(data))

    async def run() -> T:
        server = IdentityServer(settings)
        await server.start()
        try:
            show_new_secret_key(server, aside=True)
            return await work(server)
        except ClerkFailure as failure:
            raise CommandFailed(failure.long_message) from failure
        finally:
            await server.stop()

    return asyncio.run(run())
