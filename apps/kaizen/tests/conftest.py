"""The game's functions in process: in memory, without a network, with a clock that stands still."""

from __future__ import annotations

import pytest
from apps.kaizen.tests.heroes import ISSUER, new_game

from parabola.testing import TestBackend


@pytest.fixture(autouse=True)
def _issuer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLERK_JWT_ISSUER_DOMAIN", ISSUER)
    monkeypatch.delenv("KAIZEN_MODE", raising=False)


@pytest.fixture
def game() -> TestBackend:
    """Kaizen's functions over an empty database, in strict mode."""
    return new_game()
