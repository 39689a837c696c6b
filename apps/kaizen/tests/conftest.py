"""The game's functions in process: in memory, without a network, with a clock that stands still."""

from __future__ import annotations

from pathlib import Path

import pytest

from parabola.testing import TestBackend

ISSUER = "https://kaizen.example"


@pytest.fixture
def game(monkeypatch: pytest.MonkeyPatch) -> TestBackend:
    """Kaizen's functions over an empty database."""
    monkeypatch.setenv("CLERK_JWT_ISSUER_DOMAIN", ISSUER)
    return TestBackend(Path(__file__).parents[1] / "backend")
