"""Servers and clients for the stories of this folder."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.scenarios.js_client import JsDriver
from tests.scenarios.py_client import PyClient
from tests.scenarios.server_process import APP, ServerProcess


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A development server over `app/`, shared by the tests of one module: each uses a room of its own."""
    process = ServerProcess(APP, tmp_path_factory.mktemp("data"))
    try:
        yield process.start()
    finally:
        process.close()


@pytest.fixture
def start_server(tmp_path: Path) -> Iterator[Callable[..., ServerProcess]]:
    """Starts servers that one test has for itself: `start_server(command="serve")`."""
    started: list[ServerProcess] = []

    def start(project: Path = APP, **options: Any) -> ServerProcess:
        process = ServerProcess(project, tmp_path / f"data{len(started)}", **options)
        started.append(process)
        return process.start()

    try:
        yield start
    finally:
        for process in started:
            process.close()


@pytest.fixture(scope="module")
def shared_js() -> Iterator[JsDriver]:
    driver = JsDriver()
    try:
        yield driver
    finally:
        driver.close()


@pytest.fixture
def js() -> Iterator[JsDriver]:
    """A Node.js process with the official JavaScript clients."""
    driver = JsDriver()
    try:
        yield driver
    finally:
        driver.close()


@pytest.fixture
def connect_py() -> Iterator[Callable[[str], PyClient]]:
    """Connects official Python clients, each in a process of its own: `connect_py(server.url)`."""
    connected: list[PyClient] = []

    def connect(url: str) -> PyClient:
        connected.append(PyClient(url))
        return connected[-1]

    try:
        yield connect
    finally:
        for client in connected:
            client.close()


@pytest.fixture
def room() -> str:
    """A name that no other test uses: of a channel, a bank, a room."""
    return f"room-{uuid.uuid4().hex[:12]}"
