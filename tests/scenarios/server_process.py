"""A Parabola server in a process of its own, as a user runs it, for stories that need real sockets and real crashes."""

from __future__ import annotations

import os
import random
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx

ROOT = Path(__file__).resolve().parents[2]
APP = Path(__file__).resolve().parent / "app"
# How long to wait for what should come soon: long enough for a machine that has other things to do.
PATIENCE_S = 60.0
READY = re.compile(r"Parabola is ready on (https?://\S+)")


# Ports that a server keeps over a restart. They lie below those that systems give to outgoing connections (Linux: from
# 32768 on), one of which would otherwise take the port while its server is away; each worker has a slice of its own.
PORTS = range(12_000, 32_000)
WORKERS_MAX = 16


def free_port() -> int:
    """A port of this machine that nobody listens on now, and that nobody is given by chance until it is used."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % WORKERS_MAX
    mine = PORTS[worker::WORKERS_MAX]
    for _ in range(1000):
        port = random.choice(mine)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError(f"No port of {PORTS} is free.")


def cpu_s(pid: int) -> float:
    """Seconds of CPU time that a process has taken so far, in all its threads; also of one that has just ended and
    was not waited for yet. Unlike the wall clock, it says the same on a machine that has other things to do.
    """
    after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(after_name[11]) + int(after_name[12])) / os.sysconf("SC_CLK_TCK")


def wait_for_end(pid: int, timeout: float = PATIENCE_S) -> None:
    """Waits until a child has ended, and leaves its exit code and `cpu_s` to be asked for."""
    deadline = time.monotonic() + timeout
    while os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        assert time.monotonic() < deadline, f"the process did not end within {timeout} s"
        time.sleep(0.005)


class ServerProcess:
    """`parabola dev` or `parabola serve` over a project folder and a data folder, which outlive each start.

    The port is chosen once, so that clients find the server again after `kill()` and `start()`.
    """

    def __init__(
        self,
        project: Path,
        data: Path,
        *,
        command: str = "dev",
        options: tuple[str, ...] = (),
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.project = project
        self.data = data
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._command = [sys.executable, "-m", "parabola", command, str(project)]
        self._command += ["--port", str(self.port), "--data", str(data), *options]
        self._environment = dict(environment or {})
        self._process: subprocess.Popen[str] | None = None
        self._lines: list[str] = []
        self._changed = threading.Condition()

    @property
    def log(self) -> str:
        """All that the server has printed, over all its starts."""
        with self._changed:
            return "".join(self._lines)

    @property
    def pid(self) -> int:
        assert self._process is not None, "start() the server first"
        return self._process.pid

    def start(self, timeout: float = PATIENCE_S) -> ServerProcess:
        """Starts the server and returns when it says that it is ready."""
        with self._changed:
            seen = len(self._lines)
        self.begin()
        self.wait_for_log(READY, after_line=seen, timeout=timeout)
        return self

    def begin(self) -> None:
        """Starts the server and waits for nothing."""
        assert self._process is None, "the server runs already"
        self._process = subprocess.Popen(
            self._command,
            cwd=ROOT,
            env={**os.environ, "PYTHONUNBUFFERED": "1", "NO_COLOR": "1", "COLUMNS": "200", **self._environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        threading.Thread(target=self._collect, args=(self._process,), daemon=True).start()

    def _collect(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            with self._changed:
                self._lines.append(line)
                self._changed.notify_all()
        process.stdout.close()
        with self._changed:
            self._changed.notify_all()

    def wait_for_log(
        self, pattern: str | re.Pattern[str], *, after_line: int = 0, timeout: float = PATIENCE_S
    ) -> re.Match[str]:
        """Returns the first match of `pattern` in what was printed from line number `after_line` on."""
        expression = re.compile(pattern)
        deadline = time.monotonic() + timeout
        with self._changed:
            while True:
                found = expression.search("".join(self._lines[after_line:]))
                if found is not None:
                    return found
                left = deadline - time.monotonic()
                ended = self._process is not None and self._process.poll() is not None
                if left <= 0 or ended:
                    why = "the server ended" if ended else f"{timeout} s passed"
                    raise AssertionError(
                        f"{why} before it printed {expression.pattern!r}; it printed:\n{''.join(self._lines)}"
                    )
                self._changed.wait(min(left, 0.2))

    def log_lines(self) -> int:
        """How many lines were printed so far: the `after_line` for what is printed from now on."""
        with self._changed:
            return len(self._lines)

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Meanwhile the server does nothing at all: what a client shows, it shows by itself."""
        os.kill(self.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.pid, signal.SIGCONT)

    def kill(self) -> None:
        """SIGKILL to the server and whatever it started: the crash that no handler sees."""
        self._end(signal.SIGKILL)

    def stop(self, timeout: float = PATIENCE_S) -> int:
        """Ctrl-C; returns the exit code. Fails if the server takes longer than `timeout` seconds."""
        return self._end(signal.SIGINT, timeout)

    def stop_counting_cpu(self) -> tuple[int, float]:
        """Ctrl-C; returns the exit code and how many seconds of CPU time the end took, in all threads."""
        assert self._process is not None, "start() the server first"
        before = cpu_s(self._process.pid)
        self._process.send_signal(signal.SIGINT)
        wait_for_end(self._process.pid)
        took = cpu_s(self._process.pid) - before
        return self.stop(), took

    @property
    def cpu_s(self) -> float:
        """How many seconds of CPU time the server has taken since its start."""
        return cpu_s(self.pid)

    def _end(self, number: signal.Signals, timeout: float = PATIENCE_S) -> int:
        assert self._process is not None, "start() the server first"
        process = self._process
        try:
            if number is signal.SIGKILL:
                os.killpg(process.pid, number)
            else:
                process.send_signal(number)
            return process.wait(timeout)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(timeout)
            raise AssertionError(
                f"The server did not end within {timeout} s of {number.name}; it printed:\n{self.log}"
            ) from None
        finally:
            self._process = None

    def restart(self) -> None:
        """`kill()`, then `start()` on the same data and port."""
        self.kill()
        self.start()

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def close(self) -> None:
        """Ends the server if it still runs. For fixtures."""
        if self._process is not None:
            self.kill()

    def parabola(self, *arguments: str) -> str:
        """Runs `parabola …` beside the server, on its data folder; returns what it printed."""
        command = [sys.executable, "-m", "parabola", *arguments, "--data", str(self.data)]
        done = subprocess.run(command, cwd=self.project, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def call(self, kind: str, path: str, args: object | None = None, **headers: str) -> dict[str, object]:
        """POSTs one call to the HTTP API (`kind` is query, mutation or action) and returns the decoded answer."""
        body = {"path": path, "args": args if args is not None else {}, "format": "json"}
        answer = httpx.post(f"{self.url}/api/{kind}", json=body, headers=headers, timeout=PATIENCE_S, trust_env=False)
        return dict(answer.json())
