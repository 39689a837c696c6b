"""The game as the original played it: the client is believed."""

from __future__ import annotations

import pytest
from apps.kaizen.tests.heroes import new_game

from parabola.testing import TestBackend


@pytest.fixture
def game() -> TestBackend:
    """Kaizen's functions over an empty database, in parity mode."""
    return new_game(KAIZEN_MODE="parity")
