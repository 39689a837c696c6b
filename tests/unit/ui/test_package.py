"""The package `parabola.ui`: its names, and what comes along with it."""

from __future__ import annotations

import subprocess
import sys

import parabola.ui


def test_every_public_name_is_there() -> None:
    assert [name for name in parabola.ui.__all__ if not hasattr(parabola.ui, name)] == []
    assert list(parabola.ui.__all__) == sorted(parabola.ui.__all__)


def test_it_brings_neither_a_server_nor_nicegui_along() -> None:
    program = "import sys, parabola.ui; print('\\n'.join(sys.modules))"
    loaded = set(
        subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    )
    assert not loaded & {"nicegui", "starlette", "fastapi", "parabola.server", "parabola.backend", "parabola.database"}
