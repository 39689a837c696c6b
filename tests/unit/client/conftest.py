"""A server for the tests of clients with real sockets."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.unit.client.small_server import SmallServer


@pytest.fixture
def server() -> Iterator[SmallServer]:
    with SmallServer() as running:
        yield running
