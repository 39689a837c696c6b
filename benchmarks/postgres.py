"""A PostgreSQL cluster in a temporary folder, with the settings it comes with: fsync on, synchronous commit."""

from __future__ import annotations

import getpass
import os
import shutil
import subprocess
import tempfile
from pathlib import Path


class PostgresMissing(Exception):
    """No PostgreSQL server is installed on this machine."""


def find_binaries() -> Path:
    """The folder with `initdb` and `postgres`."""
    on_path = shutil.which("initdb")
    if on_path:
        return Path(on_path).parent
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if not versions:
        raise PostgresMissing("No PostgreSQL server was found. On Debian: apt-get install postgresql")
    return versions[-1].parent


class Postgres:
    """A context manager; `dsn` connects to it over a Unix socket."""

    def __init__(self) -> None:
        self._binaries = find_binaries()
        self._folder = Path(tempfile.mkdtemp(prefix="parabola-benchmark-"))
        # PostgreSQL refuses to run as root, so it runs as whoever Debian made for it.
        self._as_other_user: list[str] = []
        user = getpass.getuser()
        if os.geteuid() == 0:
            user = "postgres"
            shutil.chown(self._folder, user)
            self._as_other_user = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups"]
        self.dsn = f"postgresql://{user}@/postgres?host={self._folder}"
        self._process: subprocess.Popen[bytes] | None = None

    def _run(self, program: str, *arguments: str) -> None:
        command = [*self._as_other_user, str(self._binaries / program), *arguments]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=self._folder)

    def __enter__(self) -> Postgres:
        data = str(self._folder / "data")
        self._run("initdb", "--pgdata", data, "--auth=trust", "--encoding=UTF8", "--no-instructions")
        options = f"-c listen_addresses='' -c unix_socket_directories={self._folder} -c max_connections=40"
        self._run("pg_ctl", "start", "--wait", "--silent", "-D", data, "-l", str(self._folder / "log"), "-o", options)
        return self

    @property
    def pid(self) -> int:
        """The postmaster, whose children do the work."""
        return int((self._folder / "data" / "postmaster.pid").read_text().splitlines()[0])

    def __exit__(self, *_: object) -> None:
        self._run("pg_ctl", "stop", "--wait", "--silent", "-D", str(self._folder / "data"), "-m", "immediate")
        shutil.rmtree(self._folder, ignore_errors=True)
