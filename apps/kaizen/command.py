"""The command `kaizen`: backend, accounts and pages in one process, on one address.

What goes where: `/api/…` and a few more paths to the backend, `/__clerk/…`, `/v1/…` and `/.well-known/…` to the
identity server, all else to the pages. The pages talk to the backend over its socket, as any other client would.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import sys
import webbrowser
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from kaizen.company import Company
from kaizen.operators_log import concerns_the_operator
from kaizen.web.app import Pages, WebSettings
from parabola.backend.backend import Backend
from parabola.backend.project import find_project
from parabola.cli.beside import Beside, identity_beside
from parabola.cli.console import fail, out, success
from parabola.cli.ending import exit_code_of
from parabola.cli.issuer import ISSUER_VARIABLE, OTHER_NAME
from parabola.cli.log_output import log_to_console
from parabola.cli.watching import changes, look
from parabola.errors import ParabolaError
from parabola.server.serve import (
    DEFAULT_HOST,
    DEFAULT_PORT,
    ASGIApplication,
    Stop,
    listen,
    run_until_stopped,
    serve_started,
)

HERE: Final = Path(__file__).resolve().parent
GRACE_S: Final = 0.3
MODE_VARIABLE: Final = "KAIZEN_MODE"
PUBLISHABLE_KEY_VARIABLE: Final = "CLERK_PUBLISHABLE_KEY"
BACKEND_PATHS: Final = ("/version", "/instance_version", "/instance_name", "/metrics", "/echo", "/http")

app = typer.Typer(
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["--help", "-h"]},
)


@app.command()
def kaizen(
    host: Annotated[str, typer.Option(help="The address to listen at.")] = DEFAULT_HOST,
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port; 0 takes any free one.")] = DEFAULT_PORT,
    data: Annotated[Path | None, typer.Option(help="Where the data lie.", show_default=".parabola/ here")] = None,
    mode: Annotated[
        str, typer.Option(envvar=MODE_VARIABLE, help="strict, or parity with the original game.")
    ] = "strict",
    demo: Annotated[bool, typer.Option("--demo", help="Two bots play along, so that something happens.")] = False,
    veteran: Annotated[
        bool, typer.Option("--veteran", help="Brings an account to sign in with, whose hero may start over at once.")
    ] = False,
    browse: Annotated[
        bool | None, typer.Option("--open/--no-open", help="Open the game in a browser.", show_default="on a desktop")
    ] = None,
) -> None:
    """Play Kaizen: starts the game with everything it needs, and says where it is.

    Accounts are kept here, by Parabola's identity server. To use Clerk instead, set CLERK_JWT_ISSUER_DOMAIN and
    CLERK_PUBLISHABLE_KEY.
    """
    if mode not in ("strict", "parity"):
        hint = f"--mode or {MODE_VARIABLE}"
        raise typer.BadParameter(f"{mode!r} is no mode. Choose strict or parity.", param_hint=hint)
    project = find_project(HERE)
    bound = listen(host, port)
    log_to_console()
    logging.getLogger("parabola.functions").addFilter(concerns_the_operator)
    folder = data or project.data
    issuer = os.environ.get(ISSUER_VARIABLE) or os.environ.get(OTHER_NAME)
    key = os.environ.get(PUBLISHABLE_KEY_VARIABLE)
    if issuer and not key:
        raise typer.BadParameter(
            f"{ISSUER_VARIABLE} is set, so players sign in with Clerk; set {PUBLISHABLE_KEY_VARIABLE} too, or unset it."
        )
    if issuer and (demo or veteran):
        raise typer.BadParameter(
            f"The accounts of --demo and --veteran are kept here; with Clerk there are none. Leave them out, or unset "
            f"{ISSUER_VARIABLE}."
        )
    identity = identity_beside(not issuer, project, bound, host, folder, production=False)
    opens = browse if browse is not None else sys.stdout.isatty() and _has_desktop()
    company = Company(folder, demo=demo, veteran=veteran)
    game = _Game(project.functions, folder, mode, identity, key if issuer else None, company, opens=opens)
    run_until_stopped(lambda stop: game.run(bound, stop))


class _Game:
    def __init__(
        self,
        functions: Path,
        data: Path,
        mode: str,
        identity: Beside,
        publishable_key: str | None,
        company: Company,
        *,
        opens: bool,
    ) -> None:
        self._functions = functions
        self._data = data
        self._mode = mode
        self._identity = identity
        self._publishable_key = publishable_key
        self._company = company
        self._opens = opens

    async def run(self, bound: socket.socket, stop: Stop) -> None:
        async with self._identity:
            environment = {**os.environ, MODE_VARIABLE: self._mode}
            backend = Backend(self._functions, data_dir=self._data, environment=environment, fetch=self._identity.fetch)
            seen = look(HERE)
            await backend.start()
            try:
                pages = Pages(WebSettings(_own_address(bound), self._data / "pages", self._publishable_key))
                async with pages.running(), _ending(self._reload(backend, seen, stop)):
                    await serve_started(
                        backend,
                        bound,
                        stop=stop,
                        grace_s=GRACE_S,
                        on_ready=lambda origin: self._ready(backend, _own_address(bound), stop),
                        in_front=lambda served: self._in_front(served, pages.app),
                    )
            finally:
                stop.request()
                await backend.stop()

    def _in_front(self, backend: ASGIApplication, pages: ASGIApplication) -> ASGIApplication:
        async def front(scope: Any, receive: Any, send: Any) -> None:
            path = scope.get("path", "")
            is_for_backend = path.startswith(("/api/", "/http/")) or path in BACKEND_PATHS
            await (backend if is_for_backend else pages)(scope, receive, send)

        return front if self._identity.in_front is None else self._identity.in_front(front)

    def _ready(self, backend: Backend, address: str, stop: Stop) -> None:
        out.print(f"Kaizen is ready: {address}", style="bold green", markup=False)
        self._company.join(backend, address, stop)
        if self._opens:
            webbrowser.open(address)

    async def _reload(self, backend: Backend, seen: Any, stop: Stop) -> None:
        """Functions and rules that are saved go live at once; pages need a new start."""
        async for names in changes(HERE, seen, stop.requested):
            if not any(name.startswith(("backend/", "rules/")) for name in names):
                continue
            try:
                await backend.deploy(self._functions)
            except Exception as error:
                fail(str(error) if isinstance(error, ParabolaError) else f"{type(error).__name__}: {error}")
            else:
                success(f"Reloaded: {', '.join(names)}")


@asynccontextmanager
async def _ending(work: Any) -> AsyncIterator[None]:
    task = asyncio.ensure_future(work)
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def _own_address(bound: socket.socket) -> str:
    """Where this process and browsers of this machine reach it."""
    host, port = bound.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _has_desktop() -> bool:
    return sys.platform in ("win32", "darwin") or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def main() -> int:
    """Runs the command and returns its exit code."""
    command = typer.main.get_command(app)
    return exit_code_of(lambda: command.main(prog_name="kaizen", standalone_mode=False))
