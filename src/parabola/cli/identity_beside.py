"""An identity server that runs beside a backend: in its process, on its origin, for its functions.

It starts before the functions load, because their `auth_config.py` asks for the issuer, and ends after them. The
backend gets the issuer's keys from it directly, without a request to itself.
"""

from __future__ import annotations

import os
import socket
from pathlib import Path
from types import TracebackType
from typing import Self

from parabola.auth import Fetch, HttpFetcher
from parabola.backend.project import Project
from parabola.cli.console import err, notice, out
from parabola.cli.identity_settings import SECRET_KEY_VARIABLE, identity_settings
from parabola.cli.issuer import ISSUER_VARIABLE, settle_issuer
from parabola.identity.http.app import PREFIX
from parabola.identity.server import IdentityServer
from parabola.identity.settings import IdentitySettings
from parabola.server.serve import ASGIApplication, origin_of


class LocalIdentity:
    """Runs while it is entered as a context. `fetch` and `in_front` are for `Backend` and for `serve_started`."""

    def __init__(self, settings: IdentitySettings) -> None:
        self._server = IdentityServer(settings)
        self._outside = HttpFetcher()
        self.fetch: Fetch = self._server.fetch(self._outside)

    async def __aenter__(self) -> Self:
        await self._server.start()
        try:
            issuer = settle_issuer(os.environ, self._server.issuer)
        except BaseException:
            await self._server.stop()
            raise
        announce(self._server)
        if issuer != self._server.issuer:
            err.print(
                f"{ISSUER_VARIABLE} is {issuer}: functions will not accept the tokens of the identity server here. "
                "Unset it to use them.",
                style="yellow",
                markup=False,
            )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._server.stop()

    def in_front(self, app: ASGIApplication) -> ASGIApplication:
        """The identity server's own paths, and `app` for all others."""
        return self._server.beside(app)


def local_identity(project: Project, bound: socket.socket, host: str, data: Path, *, production: bool) -> LocalIdentity:
    """The identity server for a project that is served on `bound`. Raises `IdentityRefused`."""
    return LocalIdentity(
        identity_settings(
            project.root, origin=reachable_origin(bound), bind_host=host, data_dir=data, production=production
        )
    )


def reachable_origin(bound: socket.socket) -> str:
    """Where a browser of this machine finds what listens on `bound`: "all addresses" is not one."""
    return origin_of(bound).replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//[::1]:")


def announce(server: IdentityServer) -> None:
    """Prints what has to be pasted where."""
    address = f"{server.issuer}{PREFIX}"
    out.print(f"Identity server: {address}", markup=False)
    out.print(f"Publishable key: {server.publishable_key}", markup=False)
    show_new_secret_key(server)
    key = server.publishable_key
    notice(f'In your page, with the package @clerk/clerk-js: new Clerk("{key}", {{ proxyUrl: "{address}" }})')
    notice(
        f'Or with script tags: <script src="…/clerk.browser.js" data-clerk-publishable-key="{key}" '
        f'data-clerk-proxy-url="{address}"></script>'
    )
    notice(
        "Or with the key alone, new Clerk(key): put "
        f'<script src="{address}/dev-redirect.js"></script> before your scripts'
    )
    if server.settings.is_development:
        notice(f"E-mails that it would send are at {address}/inbox")


def show_new_secret_key(server: IdentityServer, *, aside: bool = False) -> None:
    """Prints the secret key if it was made just now: later only its hash is known. `aside` for commands whose standard
    output is a result.
    """
    if server.new_secret_key is not None:
        text = f"Secret key ({SECRET_KEY_VARIABLE}, shown only now): {server.new_secret_key}"
        (err if aside else out).print(text, markup=False)
