"""The game as `./kaizen` starts it: backend, accounts and pages in one process, on one address."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.browser.identity_process import IdentityProcess
from tests.scenarios.server_process import PATIENCE_S, ROOT

APPS = ROOT / "apps"
PASSWORD = "correct horse battery staple"


class KaizenProcess(IdentityProcess):
    """`python -m kaizen` over a data folder."""

    def __init__(
        self, data: Path, *options: str, port: int | None = None, environment: Mapping[str, str] | None = None
    ) -> None:
        path = os.pathsep.join(filter(None, [str(APPS), os.environ.get("PYTHONPATH")]))
        super().__init__(APPS / "kaizen", data, environment={"PYTHONPATH": path, **(environment or {})})
        if port is not None:
            # Another start of the same game: accounts belong to its address.
            self.port, self.url = port, f"http://127.0.0.1:{port}"
        self._command = [sys.executable, "-m", "kaizen", "--no-open", "--port", str(self.port), "--data", str(data)]
        self._command += options

    def start(self, timeout: float = PATIENCE_S) -> KaizenProcess:
        """Starts the game and returns when it says where it is."""
        seen = self.log_lines()
        self.begin()
        self.wait_for_log(rf"Kaizen is ready: {self.url}\n", after_line=seen, timeout=timeout)
        return self
