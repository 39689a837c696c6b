"""The programs in `examples/`, run as they stand against `parabola dev examples/chat`."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.scenarios.js_client import node
from tests.scenarios.programs import CLIENTS
from tests.scenarios.server_process import ROOT, ServerProcess

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
