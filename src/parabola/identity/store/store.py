"""The identity server's own store: an SQLite file, or memory.

Theory of operation. One thread owns the one connection, and everything that reads or writes runs there as a function
of a `Work`, inside one transaction. So a flow ("is this address free, then make user, address and session") needs no
thought about interleaving within this process; the unique indexes decide between processes, since the command line may
open the same file while a server runs. Slow things (password hashing, e-mail) happen before or after, never inside.

A `ClerkFailure` that `keeps_changes` commits before it is raised again: a wrong code is a refusal and a fact.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib.resources import files
from pathlib import Path
from typing import Final, TypeVar

from parabola.identity.failures import ClerkFailure, IdentityRefused
from parabola.identity.store.work import Work

FILE_NAME: Final = "identity.sqlite3"
SCHEMA_VERSION: Final = 1
BUSY_MS: Final = 5000

T = TypeVar("T")


class Store:
    """Opens `folder`/identity.sqlite3, made where it is missing and readable by its owner only; None is memory."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="parabola-identity")
        self._connection: sqlite3.Connection | None = None

    async def open(self) -> None:
        """Raises `IdentityRefused` if the file belongs to a newer version."""
        await self._in_thread(self._open)

    async def transact(self, step: Callable[[Work], T]) -> T:
        """Runs `step` in one transaction and returns what it returns; if it raises, nothing was written."""
        return await self._in_thread(lambda: self._transact(step))

    async def close(self) -> None:
        await self._in_thread(self._close)
        self._thread.shutdown(wait=True)

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def _open(self) -> None:
        if self._folder is None:
            connection = sqlite3.connect(":memory:", isolation_level=None)
        else:
            connection = sqlite3.connect(_private_file(self._folder), isolation_level=None)
            connection.execute("PRAGMA journal_mode = WAL")
            # What was answered must survive a power cut: a user who signed up exists.
            connection.execute("PRAGMA synchronous = FULL")
        connection.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
        connection.execute("PRAGMA foreign_keys = ON")
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version > SCHEMA_VERSION:
            connection.close()
            raise IdentityRefused(
                f"The identity store in {self._folder} was written by a newer version of Parabola (format {version}, "
                f"this one knows {SCHEMA_VERSION}). Upgrade, or choose another data folder."
            )
        schema = files("parabola.identity.store").joinpath("schema.sql").read_text()
        connection.executescript(f"BEGIN IMMEDIATE;\n{schema}\nPRAGMA user_version = {SCHEMA_VERSION};\nCOMMIT;")
        self._connection = connection

    def _transact(self, step: Callable[[Work], T]) -> T:
        connection = self._connection
        if connection is None:
            raise RuntimeError("The identity store is not open. Start the identity server first.")
        connection.execute("BEGIN IMMEDIATE")
        try:
            result = step(Work(connection))
        except ClerkFailure as failure:
            connection.execute("COMMIT" if failure.keeps_changes else "ROLLBACK")
            raise
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")
        return result

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _private_file(folder: Path) -> Path:
    """The store's file, made before SQLite does so that nobody else can read it: it holds the signing keys."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / FILE_NAME
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    os.chmod(path, 0o600)
    return path
