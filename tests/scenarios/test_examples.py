"""The programs in `examples/`, run as they stand against `parabola dev examples/chat`."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from convex.http_client import ConvexHttpClient

from tests.scenarios.js_client import JsDriver, node
from tests.scenarios.programs import CLIENTS
from tests.scenarios.server_process import ROOT, ServerProcess, free_port

EXAMPLES = ROOT / "examples"


@pytest.fixture(scope="module")
def chat(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    process = ServerProcess(EXAMPLES / "chat", tmp_path_factory.mktemp("data"))
    try:
        yield process.start()
    finally:
        process.close()


@pytest.fixture
def run_example(tmp_path: Path, chat: ServerProcess, room: str) -> Callable[[str], str]:
    """Runs one example with the server's address and a channel, and returns what it printed."""

    def run(name: str) -> str:
        # A copy beside the pinned clients, so that nothing is installed into the checkout.
        copy = tmp_path / Path(name).name
        shutil.copy(EXAMPLES / name, copy)
        if copy.suffix == ".mjs":
            (tmp_path / "node_modules").symlink_to(CLIENTS / "node_modules")
        command = [sys.executable if copy.suffix == ".py" else node(), str(copy), chat.url, room]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


@pytest.mark.parametrize("name", ["javascript/live.mjs", "python/live.py"])
def test_the_live_example_shows_the_update_and_the_refusal(run_example: Callable[[str], str], name: str) -> None:
    printed = run_example(name)
    assert printed.index("hello from the writer") > printed.index("the reader sees")
    assert "the writer wrote" in printed
    assert "SPAM" in printed


@pytest.mark.parametrize("name", ["javascript/http.mjs", "python/over_http.py"])
def test_the_http_example_prints_what_it_wrote(run_example: Callable[[str], str], name: str) -> None:
    assert "script: hello over HTTP" in run_example(name)


@pytest.mark.parametrize("name", ["javascript/live.mjs", "python/live.py"])
def test_the_live_example_is_about_thirty_lines(name: str) -> None:
    assert len((EXAMPLES / name).read_text().splitlines()) <= 30


@pytest.fixture
def mounted(tmp_path: Path) -> Iterator[str]:
    """The FastAPI example under uvicorn; the address of the mounted backend."""
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "mounted:app", "--port", str(port), "--log-level", "warning"]
    environment = {**os.environ, "CHAT_DATA": str(tmp_path / "data")}
    process = subprocess.Popen(command, cwd=EXAMPLES / "python", env=environment)
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                httpx.get(f"http://127.0.0.1:{port}/health", trust_env=False).raise_for_status()
                break
            except httpx.HTTPError:
                assert time.monotonic() < deadline, "the FastAPI example did not start"
                assert process.poll() is None, "the FastAPI example ended"
                time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(60)


def test_clients_reach_a_backend_that_is_mounted_in_fastapi(mounted: str, js: JsDriver) -> None:
    url = f"{mounted}/live"
    # The Python client for the WebSocket leaves out the path of an address, so it cannot reach what is below one.
    javascript, python = js.connect(url), ConvexHttpClient(url)
    bodies = javascript.subscribe("messages:list", {"channel": "general"})
    assert bodies.next() == []
    httpx.post(f"{mounted}/announce", params={"body": "from a route"}, trust_env=False).raise_for_status()
    assert [message["body"] for message in bodies.next()] == ["from a route"]
    python.mutation("messages:send", {"channel": "general", "author": "py", "body": "from Python"})
    assert [message["body"] for message in bodies.next()] == ["from a route", "from Python"]
    assert len(js.connect_http(url).query("messages:list", {"channel": "general"})) == 2
