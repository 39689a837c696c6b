"""The two systems under test, each started as its users would start it in production."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
from abc import ABC, abstractmethod
from pathlib import Path

import httpx
import orjson

from benchmarks.postgres import Postgres

ROOT = Path(__file__).resolve().parent.parent
BALANCE = 1_000_000
SEED_BATCH = 5_000
READY_TIMEOUT_S = 60.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class System(ABC):
    """A server process with `accounts` accounts in it. A context manager."""

    name: str

    def __init__(self, accounts: int) -> None:
        self.accounts = accounts
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the process that writes to it

    @property
    def pids(self) -> list[int]:
        """The processes whose CPU time is the system's; children of these count too."""
        assert self._process is not None
        return [self._process.pid]

    def _start(self, command: list[str], environment: dict[str, str], probe: str) -> None:
        self._process = subprocess.Popen(
            command, cwd=ROOT, env={**os.environ, **environment}, stdout=self._log, stderr=subprocess.STDOUT
        )
        deadline = time.monotonic() + READY_TIMEOUT_S
        while True:
            try:
                httpx.get(f"http://127.0.0.1:{self.port}{probe}", trust_env=False).raise_for_status()
                return
            except httpx.HTTPError:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    self._log.seek(0)
                    raise RuntimeError(f"{self.name} did not start:\n{self._log.read().decode()}") from None
                time.sleep(0.05)

    @abstractmethod
    def __enter__(self) -> System: ...

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait(10)
        self._log.close()


class Parabola(System):
    """`parabola serve` on SQLite in a fresh data folder. `PARABOLA_BENCHMARK_WRAP` may name a command to wrap it in."""

    name = "parabola"

    def __enter__(self) -> Parabola:
        self._data = tempfile.TemporaryDirectory(prefix="parabola-benchmark-")
        wrap = os.environ.get("PARABOLA_BENCHMARK_WRAP", f"{sys.executable} -m").split()
        app = str(ROOT / "benchmarks" / "app")
        options = ["--port", str(self.port), "--data", self._data.name]
        self._start([*wrap, "parabola", "serve", app, *options], {}, "/version")
        with httpx.Client(base_url=f"http://127.0.0.1:{self.port}", trust_env=False, timeout=60) as client:
            for start in range(0, self.accounts, SEED_BATCH):
                count = min(SEED_BATCH, self.accounts - start)
                args = {"start": start, "count": count, "balance": BALANCE}
                answer = client.post("/api/mutation", content=orjson.dumps({"path": "accounts:seed", "args": args}))
                assert answer.json()["status"] == "success", answer.text
        return self

    def __exit__(self, *details: object) -> None:
        super().__exit__(*details)
        self._data.cleanup()


class FastApi(System):
    """The baseline under uvicorn with uvloop and httptools, on a PostgreSQL of its own."""

    name = "fastapi"

    def __enter__(self) -> FastApi:
        self._postgres = Postgres()
        self._postgres.__enter__()
        uvicorn = [sys.executable, "-m", "uvicorn", "benchmarks.baseline:app", "--port", str(self.port)]
        uvicorn += ["--loop", "uvloop", "--http", "httptools", "--ws", "websockets-sansio", "--no-access-log"]
        environment = {"BENCHMARK_DSN": self._postgres.dsn, "BENCHMARK_ACCOUNTS": str(self.accounts)}
        self._start(uvicorn, environment, "/accounts/0")
        return self

    @property
    def pids(self) -> list[int]:
        return [*super().pids, self._postgres.pid]

    def __exit__(self, *details: object) -> None:
        super().__exit__(*details)
        self._postgres.__exit__()


SYSTEMS: dict[str, type[System]] = {system.name: system for system in (Parabola, FastApi)}
