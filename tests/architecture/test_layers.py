"""The import contract of pyproject.toml holds: imports point one way, pure packages do no I/O."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# What must be importable without the engine and the server coming along, and what must not come.
LIGHT = {
    "parabola": (
        "parabola.functions",
        "parabola.database",
        "parabola.backend",
        "parabola.server",
        "starlette",
        "asyncio",
    ),
    "parabola.client": (
        "parabola.functions",
        "parabola.database",
        "parabola.backend",
        "parabola.server",
        "parabola.live",
        "parabola.storage",
        "parabola.auth",
        "starlette",
        "uvicorn",
        "sqlite3",
    ),
}


def test_imports_point_one_way() -> None:
    program = (
        "from importlinter.cli import lint_imports; raise SystemExit(lint_imports(config_filename='pyproject.toml'))"
    )
    result = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("module", [name for name in LIGHT if (ROOT / "src" / name.replace(".", "/")).is_dir()])
def test_a_light_module_brings_no_server_along(module: str) -> None:
    program = f"import sys, {module}; print('\\n'.join(sys.modules))"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = set(result.stdout.split())
    assert [name for name in LIGHT[module] if name in loaded] == []
