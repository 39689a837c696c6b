"""A backend with the identity server beside it, in a process of its own, as `parabola dev --identity` starts it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from tests.scenarios.server_process import ROOT, ServerProcess

KAIZEN = ROOT / "apps" / "kaizen" / "backend"
PROJECT = """\
[tool.parabola]
functions = "{functions}"

[tool.parabola.identity]
# All tests sign up from one address.
rate_limits = "relaxed"
{settings}
"""


class IdentityProcess(ServerProcess):
    """The server, and what it printed about itself."""

    @property
    def publishable_key(self) -> str:
        return self.wait_for_log(r"Publishable key: (pk_test_\S+)").group(1)

    @property
    def secret_key(self) -> str:
        return self.wait_for_log(r"Secret key \(.*\): (sk_test_\S+)").group(1)

    @property
    def issuer(self) -> str:
        return self.url

    def inbox(self) -> list[dict[str, Any]]:
        """The e-mails that would have been sent, newest first."""
        return list(httpx.get(f"{self.url}/__clerk/inbox", trust_env=False).json()["data"])

    def code_for(self, email: str) -> str:
        """The newest code that was sent to an address."""
        return next(str(message["code"]) for message in self.inbox() if message["address"] == email)


class IdentityAlone(IdentityProcess):
    """`parabola identity serve`: no functions beside it."""

    def __init__(self, folder: Path, *options: str) -> None:
        super().__init__(folder, folder / "data", options=options)
        position = self._command.index("dev")
        self._command[position : position + 2] = ["identity", "serve"]
        self.project = folder


@contextmanager
def start_identity(
    folder: Path, *, settings: str = "", functions: Path = KAIZEN, environment: Mapping[str, str] | None = None
) -> Iterator[IdentityProcess]:
    """`parabola dev --identity` over Kaizen's functions, with more lines of settings where a test needs them."""
    project = folder / "project"
    project.mkdir(parents=True, exist_ok=True)
    text = PROJECT.format(functions=functions.as_posix(), settings=settings)
    (project / "pyproject.toml").write_text(text, encoding="utf-8")
    process = IdentityProcess(project, folder / "data", options=("--identity",), environment=environment)
    try:
        yield process.start()
    finally:
        process.close()
