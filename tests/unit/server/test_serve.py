"""The process that serves: when it is ready, how it ends, and what it says when it cannot begin."""

from __future__ import annotations

import asyncio
import gc
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from parabola.backend import Backend
from parabola.server.serve import GRACE_S, AddressInUse, Stop, listen, origin_of, serve_until_stopped
from tests.scenarios.server_process import cpu_s, wait_for_end

SCRIPT = """
import sys
from parabola.backend import Backend
from parabola.server.serve import serve
serve(Backend(sys.argv[1], storage="memory"), port=0)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "backend"
    made.mkdir()
    (made / "m.py").write_text("from parabola import query\n\n@query\nasync def one(ctx):\n    return 1\n")
    return made


@pytest.fixture
def untuned() -> Iterator[None]:
    """Gives the test process its own settings back."""
    interval, thresholds = sys.getswitchinterval(), gc.get_threshold()
    yield
    sys.setswitchinterval(interval)
    gc.set_threshold(*thresholds)
    gc.unfreeze()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_says_when_functions_can_be_called_and_ends_soon_after_a_signal(
    folder: Path, number: signal.Signals
) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(folder)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("Parabola is ready on http://127.0.0.1:")
        origin = line.split()[-1]
        with httpx.Client(base_url=origin, trust_env=False) as kept_open:
            answer = kept_open.post("/api/query", json={"path": "m:one", "args": {}})
            assert answer.json()["value"] == 1
            before = cpu_s(process.pid)
            process.send_signal(number)
            wait_for_end(process.pid)
            # It ends within two seconds: what it does takes this much, and what it waits for is bounded by the other.
            took_cpu_s = cpu_s(process.pid) - before
            assert took_cpu_s < 0.6
            assert took_cpu_s + GRACE_S < 2
            _, errors = process.communicate()
        assert process.returncode == 0
        assert errors == ""
    finally:
        process.kill()
        process.communicate()


def test_a_port_in_use_is_explained() -> None:
    with listen("127.0.0.1", 0) as first:
        first.listen()
        port = first.getsockname()[1]
        with pytest.raises(AddressInUse, match=f"Port {port} of 127.0.0.1 cannot be used: .* choose another port"):
            listen("127.0.0.1", port)
    with pytest.raises(AddressInUse, match="is not an address of this machine"):
        listen("no.such.host.invalid", 0)


@pytest.mark.usefixtures("untuned")
async def test_it_can_be_stopped_from_inside_the_loop(folder: Path) -> None:
    backend = Backend(folder, storage="memory")
    bound, stop, ready = listen("127.0.0.1", 0), Stop(), asyncio.Event()
    origin = origin_of(bound)
    serving = asyncio.create_task(serve_until_stopped(backend, bound, on_ready=lambda _: ready.set(), stop=stop))
    await ready.wait()
    async with httpx.AsyncClient(base_url=origin, trust_env=False) as client:
        assert (await client.get("/version")).status_code == 200
    stop.request()
    await serving
    assert not backend.is_running
